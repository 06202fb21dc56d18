"""What a person keeps in files: cluster files, models, and what was used last. Each command is a job and returns at once.

The command line's session never calls ``start``: it looks for no models and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.errors import BadClusterFile, EngineError
from engine.session import events
from engine.session.administration.kept_to_policy import kept_to, overruled
from engine.session.choosing.cluster_document import choices_of_file, document_of, file_of_state, without_address
from engine.session.jobs import Jobs, Token
from engine.session.outside import Outside
from engine.session.state import Choices, ClusterState
from engine.session.working.machines.look import Post, problem_of
from engine.settings.cluster_files.cluster_file import read_cluster_file
from engine.settings.cluster_files.cluster_writer import cluster_text
from engine.vocabulary.model import FoundModel
from engine.vocabulary.running.problem import Problem, ProblemKind

DEMO_MODEL = "demo-model"
"""Id of the activity that fetches it, for ``cancel``."""
_SEARCH, _FILES = "find-models", "cluster-file"


class Documents:
    """Part of a session."""

    def __init__(
        self,
        outside: Outside,
        jobs: Jobs,
        post: Post,
        snapshot: Callable[[], ClusterState],
        choices: Callable[[], Choices],
        choose: Callable[[Choices], None],
    ) -> None:
        """``choices``: what was chosen last, which the state may not have heard of yet."""
        self._outside = outside
        self._jobs = jobs
        self._post = post
        self._snapshot = snapshot
        self._choices = choices
        self._choose = choose
        self._remembers = False

    def start(self, cluster_path: str | None = None) -> None:
        """Remember from now on, look for models, and go on with the cluster file that was open last."""
        self._remembers = True
        self._jobs.start("recent", lambda _token: self._begin(cluster_path))
        self.look_for_models()

    # -- models

    def look_for_models(self) -> None:
        """Search the usual places; they come into the state place by place. Does nothing before ``start``."""
        if self._remembers:
            self._jobs.cancel(_SEARCH)
            self._jobs.start(_SEARCH, self._search)

    def model_chosen(self, path: str) -> None:
        """It is the one that was used last now."""
        if self._remembers:
            self._jobs.start("recent", lambda _token: self._note_model(path))

    def fetch_demo_model(self) -> None:
        """Fetch the small model and choose it; progress is an activity that can be cancelled."""
        self._jobs.start(DEMO_MODEL, self._fetch_demo_model)

    def _search(self, token: Token) -> None:
        found: tuple[FoundModel, ...] = ()
        for models in self._outside.models.search(token):
            found += models
            self._post(events.ModelsListed(models=found, finished=False))
        self._post(events.ModelsListed(models=found, finished=True))
        if len(found) == 1 and not found[0].n_missing_parts:
            self._choose_only(found[0].path)

    def _choose_only(self, path: str) -> None:
        """The only model there is needs no choosing; and that nobody chose it makes no change of an open file."""
        if self._choices().model_path is not None:
            return
        self._choose(replace(self._choices(), model_path=path))
        document = self._snapshot().document
        if document.saved is not None and document.saved.model_path is None:
            saved = replace(document.saved, model_path=path)
            self._post(events.DocumentChanged(document=replace(document, saved=saved)))

    def _fetch_demo_model(self, token: Token) -> None:
        title = "Getting the small demo model"

        def progress(fraction: float, detail: str) -> None:
            self._post(events.ActivityProgressed(id=DEMO_MODEL, title=title, fraction=fraction, detail=detail))

        progress(0.0, "starting")
        try:
            path = self._outside.demo_model(progress, token)
        except EngineError as error:
            self._post(events.ProblemHappened(problem=problem_of(error, ProblemKind.MODEL, "the demo model")))
            return
        finally:
            self._post(events.ActivityEnded(id=DEMO_MODEL))
        if self._choices().model_path is None:
            self._choose(replace(self._choices(), model_path=path))
        self.look_for_models()

    def _begin(self, cluster_path: str | None) -> None:
        if cluster_path is not None:
            self._go_on_with(cluster_path)
        self._list_recent()

    def _note_model(self, path: str) -> None:
        self._outside.recent.note_model(path)
        self._list_recent()

    def _list_recent(self) -> None:
        recent = self._outside.recent
        self._post(events.RecentFilesListed(models=recent.models(), clusters=recent.clusters()))

    # -- cluster files

    def open_cluster(self, path: str) -> None:
        """Choose what the file says. Its workers are reached through tunnels until somebody agrees to what it opens."""
        self._jobs.start(_FILES, lambda _token: self._open(path))

    def save_cluster(self, path: str | None = None) -> None:
        """Write what is chosen into the open file, or under another name, which is then the open one."""
        self._jobs.start(_FILES, lambda _token: self._save(path))

    def _open(self, path: str) -> None:
        try:
            text = self._outside.clusters.read(path)
            file = read_cluster_file(text, path)
            asked = choices_of_file(file, path, self._choices())
        except BadClusterFile as error:
            self._post(events.ProblemHappened(problem=problem_of(error, ProblemKind.CLUSTER_FILE, path)))
            return
        choices = self._allowed(asked)
        for sentence in overruled(self._outside.policy, asked):
            problem = Problem(kind=ProblemKind.CLUSTER_FILE, where=path, happened=sentence, advice="The rest of it is used.")
            self._post(events.ProblemHappened(problem=problem))
        self._choose(replace(choices, lan_addresses=()))
        self._post(events.DocumentChanged(document=document_of(path, text, file, choices, exposure_answered=False)))
        if unreached := without_address(file):
            self._post(events.ProblemHappened(problem=_no_address(unreached, path)))
        self._note_cluster(path)

    def _go_on_with(self, path: str) -> None:
        """What the settings remember of the last session holds, it may be newer than the file; the rest is the file's. A file
        that has gone or was damaged is no file any more; what was remembered is still chosen."""
        try:
            text = self._outside.clusters.read(path)
            file = read_cluster_file(text, path)
            saved = self._allowed(choices_of_file(file, path, self._choices()))
        except BadClusterFile:
            return
        self._choose(_gone_on(self._choices(), saved))
        self._post(events.DocumentChanged(document=document_of(path, text, file, saved, exposure_answered=False)))

    def _allowed(self, asked: Choices) -> Choices:
        """What the administrator locked is so; what the file would open stays in the file, and nobody is asked."""
        return replace(kept_to(self._outside.policy, asked), lan_addresses=asked.lan_addresses)

    def _save(self, path: str | None) -> None:
        state, choices = self._snapshot(), self._choices()
        where = path or state.document.path
        if where is None:
            return
        try:
            file = file_of_state(state, choices)
            text = cluster_text(file)
            self._outside.clusters.write(
                where, text, state.document.text if where == state.document.path and path is None else None
            )
        except BadClusterFile as error:
            self._post(events.ProblemHappened(problem=problem_of(error, ProblemKind.CLUSTER_FILE, where)))
            self._post(events.SaveFailed())
            return
        saved = choices_of_file(file, where, choices)
        answered = state.document.exposure_answered or state.document.saved is None
        self._post(events.DocumentChanged(document=document_of(where, text, file, saved, exposure_answered=answered)))
        self._note_cluster(where)

    def _note_cluster(self, path: str) -> None:
        if self._remembers:
            self._outside.recent.note_cluster(path)
            self._list_recent()


def _gone_on(remembered: Choices, saved: Choices) -> Choices:
    shape = replace(saved.shape, context_tokens=remembered.shape.context_tokens, slots=remembered.shape.slots)
    return replace(
        saved,
        model_path=remembered.model_path or saved.model_path,
        policy=remembered.policy,
        layout=remembered.layout,
        prompt_share=remembered.prompt_share,
        reserve_fraction=remembered.reserve_fraction,
        targets=remembered.targets,
        shape=shape,
        lan_addresses=(),
    )


def _no_address(names: tuple[str, ...], path: str) -> Problem:
    who = names[0] if len(names) == 1 else f"{len(names)} machines"
    return Problem(
        kind=ProblemKind.CLUSTER_FILE,
        where=path,
        happened=f"{who} in {path} cannot be reached: the file gives no address.",
        advice="Add address to the file, or plan with it from the command line: crossplyctl plan --cluster.",
    )
