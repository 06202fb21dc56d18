"""Before a launch: is the model's file still the one that was planned?

A plan is made from the header that was read when the file was chosen. A file that was replaced since (a download that was
repeated in another quantisation) could take more memory than is safe, and would be measured beside another one's prediction.
Told by the hash of the history (the first MiB and the sizes); only where that is another one is the header read again.
Rejected: reading the header before every launch (a vocabulary is 5 MB), and the time of the last change (a copy may keep it).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import BadModelFile
from engine.session import events
from engine.session.outside import Outside
from engine.session.state import ClusterState
from engine.vocabulary.plan import Plan


def check_same_model(outside: Outside, state: ClusterState, plan: Plan, post: Callable[[events.Event], None]) -> None:
    """Raises ``BadModelFile`` when the file is gone or cannot be used any more; when it is another model now, after that was
    posted (``ModelRead``), so that it is planned anew. What is not known to differ is let pass."""
    path = state.choices.model_path or plan.model.path
    if path is None or not state.model_hash or outside.models.hash_of(plan.model) == state.model_hash:
        return
    model = outside.models.read(path)
    if model == plan.model:
        return  # other weights of the same sizes: the plan holds
    post(events.ModelRead(path=path, model=model))
    raise BadModelFile(
        f"{path} is not the file that was planned: it was replaced since.",
        advice="The plan has been made anew. Look at it, and launch again.",
    )
