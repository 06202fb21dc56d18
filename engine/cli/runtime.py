"""``crossplyctl runtime list|build|use|install``: the llama.cpp programs on this machine."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.progress import BarColumn, Progress, TimeElapsedColumn

from engine.cli.terminal import exit_codes
from engine.cli.terminal.options import add_json
from engine.cli.terminal.output import PlainColumn, print_json, print_table, say, stderr_console
from engine.errors import BadInput
from engine.open_session import real_outside
from engine.runtimes.building.build_from_source import BuildOptions, Wanted, build_runtime
from engine.runtimes.building.install_release import install_release, make_release
from engine.runtimes.demo_model import fetch_demo_model
from engine.session.jobs import Token
from engine.settings.folders import find_folders
from engine.settings.settings_file import load_settings, update_settings

OnProgress = Callable[[float | None, str], None]


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its four verbs."""
    parser = subparsers.add_parser("runtime", help="the llama.cpp programs on this machine")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    list_ = verbs.add_parser("list", help="every runtime that is found, the one in use first")
    add_json(list_)
    list_.set_defaults(run=run_list)
    build = verbs.add_parser("build", help="build llama.cpp from source into your data folder")
    build.add_argument("--cuda", action="store_true", help="with CUDA even when no NVIDIA GPU is here")
    build.add_argument("--with-model", action="store_true", help="fetch the small demo model too")
    build.set_defaults(run=run_build)
    use = verbs.add_parser("use", help="always use the programs in this folder")
    use.add_argument("folder", metavar="FOLDER", help="a folder with rpc-server and llama-server, or 'best'")
    use.set_defaults(run=run_use)
    install = verbs.add_parser("install", help="install an official release archive, checked against its SHA-256")
    install.add_argument("url", metavar="URL")
    install.add_argument("sha256", metavar="SHA256")
    install.set_defaults(run=run_install)


def run_list(arguments: argparse.Namespace) -> int:
    """Print them."""
    chosen = load_settings(find_folders().state).runtime_folder
    runtimes = real_outside().finder.find(chosen)
    if arguments.json:
        print_json([msgspec.to_builtins(runtime) for runtime in runtimes])
        return exit_codes.OK
    if not runtimes:
        say("No llama.cpp programs were found. crossplyctl runtime build makes them.")
        return exit_codes.FAILED
    print_table(
        ("build", "RPC", "backends", "source", "folder"),
        [
            (r.label, str(r.protocol or "?"), ", ".join(r.backends), r.why_unusable or r.source.value, r.folder)
            for r in runtimes
        ],
    )
    return exit_codes.OK


def run_build(arguments: argparse.Namespace) -> int:
    """Build, with a bar."""
    folders = find_folders()
    options = BuildOptions(cuda=Wanted.YES) if arguments.cuda else BuildOptions()
    _with_bar("Building llama.cpp", lambda progress, token: say(str(build_runtime(folders, options, progress, token))))
    if arguments.with_model:
        _with_bar("Fetching the demo model", lambda progress, token: say(str(fetch_demo_model(folders, progress, token))))
    return exit_codes.OK


def run_use(arguments: argparse.Namespace) -> int:
    """Remember the folder, after looking whether it will do."""
    folder = find_folders().state
    if arguments.folder == "best":
        _remember(folder, None)
        say("The best runtime that is found will be used.")
        return exit_codes.OK
    path = str(Path(arguments.folder).expanduser().absolute())
    runtime = real_outside().finder.find(path)[0]
    if runtime.why_unusable is not None:
        raise BadInput(f"{path} will not do: {runtime.why_unusable}", advice="Choose another folder.")
    _remember(folder, path)
    say(f"{runtime.label} in {path} will be used.")
    return exit_codes.OK


def _remember(folder: Path, runtime: str | None) -> None:
    try:
        update_settings(folder, lambda before: msgspec.structs.replace(before, runtime_folder=runtime))
    except OSError as error:
        raise BadInput(f"The settings cannot be written: {error.strerror}.", advice=f"See {folder} and the disk.") from None


def run_install(arguments: argparse.Namespace) -> int:
    """Download, verify, unpack."""
    folders = find_folders()
    release = make_release(name=None, url=arguments.url, sha256=arguments.sha256)
    _with_bar(
        "Installing llama.cpp",
        lambda progress, token: say(str(install_release(folders, release, progress, token))),
    )
    return exit_codes.OK


def _with_bar(title: str, work: Callable[[OnProgress, Token], None]) -> None:
    """Run in the main thread with a bar; Ctrl-C cancels and leaves nothing half-done."""
    console, token, said = stderr_console(), Token(), threading.local()
    columns = (PlainColumn(), BarColumn(bar_width=30), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)

        def on_progress(fraction: float | None, detail: str) -> None:
            if fraction is not None:
                progress.update(task, total=1.0, completed=fraction)
            progress.update(task, description=f"{title}: {detail}"[:70])
            tenth = None if fraction is None else int(fraction * 10)
            if not console.is_terminal and tenth != getattr(said, "tenth", -1):
                said.tenth = tenth
                say(f"{title}: {detail}" if fraction is None else f"{title}: {fraction:.0%} {detail}")

        work(on_progress, token)
