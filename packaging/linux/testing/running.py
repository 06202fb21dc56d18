"""What every kind of package must do once it is installed, and what is left when it is gone."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from linux.testing.fresh_root import HOME, CommandFailed, FreshRoot
from linux.testing.shown_window import show
from parts.facts import Facts

OLD_VERSION = "0.0.1"
MODEL = f"{HOME}/model.gguf"
_DEMO_MODEL = ".local/share/crossply/models/gemma-3-270m-q4_k_m.gguf"


@dataclass
class Report:
    """What was measured."""

    facts: Facts
    folder: Path
    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, what: str, figure: str) -> None:
        """One line."""
        self.rows.append((what, figure))
        print(f"    {what}: {figure}", flush=True)

    def print_all(self) -> None:
        """All of them."""
        for what, figure in self.rows:
            print(f"{what:60}  {figure}")


def demo_model() -> Path:
    """The small model, as ``set_up.py`` fetched it. Raises ``CommandFailed``."""
    data = os.environ.get("CROSSPLY_DATA")
    model = Path(data) / "models" / Path(_DEMO_MODEL).name if data else Path.home() / _DEMO_MODEL
    if not model.is_file():
        raise CommandFailed(f"{model} is not there: make packages-test fetches it.")
    return model


def check_command_line(root: FreshRoot, program: str, version: str, name: str, report: Report) -> None:
    """``--version``, ``doctor``, ``node``, ``demo``: as a plain user, without a network."""
    root.bring(demo_model(), MODEL)
    said = root.as_user(program, "--version").strip()
    expect(said.endswith(version), f"{program} --version says {said!r}, not {version}")
    findings = json.loads(root.as_user(program, "doctor", "--json"))
    found = {finding["question"]: finding for finding in findings}
    in_use = found["llama.cpp in use"]
    expect(in_use["ok"] and "/runtimes/llama.cpp-" in in_use["answer"], f"doctor finds no llama.cpp of the package: {in_use}")
    node = json.loads(root.as_user(program, "node", "--json"))
    expect(bool(node["workers"]) and bool(node["commands"]), "node offers no worker")
    begun = time.monotonic()
    told = root.as_user(program, "demo", "--model", MODEL)
    expect("Everything is stopped" in told and "actual" in told, f"demo did not tell its story:\n{told}")
    report.add(f"{name}: crossplyctl demo, with measuring", f"{time.monotonic() - begun:.0f} s")
    expect(not processes(root, "rpc-server|llama-server"), "demo left processes behind")


ADMINISTRATORS_LINE = "reserve_fraction = 0.9"


def change_policy(root: FreshRoot) -> None:
    """As an administrator does."""
    path = root.path / "etc/crossply/policy.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}{ADMINISTRATORS_LINE}\n", encoding="utf-8")


def check_policy_works(root: FreshRoot) -> None:
    """What the administrator wrote was kept, and holds for a plain user."""
    path = root.path / "etc/crossply/policy.toml"
    written = path.read_text(encoding="utf-8")
    expect(written.endswith(f"{ADMINISTRATORS_LINE}\n"), f"the administrator's line was not kept: {written}")
    locked = json.loads(root.as_user("crossplyctl", "node", "--json"))["workers"][0]
    expect(locked["safe_bytes"] <= 0.11 * locked["total_bytes"], f"the policy's reserve does not hold: {locked}")


def check_service(root: FreshRoot, program: str) -> None:
    """``node --serve``: on the loopback, found by who logs in, ended with everything when it is told to."""
    script = (
        f"{program} node --serve >serve.log 2>&1 & pid=$!; "
        "for i in $(seq 150); do "
        "ls .local/share/crossply/kept/*.json >/dev/null 2>&1 && grep -q ' 0A ' /proc/net/tcp && break; sleep 0.2; done; "
        "cat .local/share/crossply/kept/*.json; echo; cat /proc/net/tcp; kill $pid; wait $pid; echo ended $?; "
        "ls .local/share/crossply/kept"
    )
    said = root.as_user("sh", "-c", f"cd {HOME}; {script}")
    record = json.loads(said.partition("\n")[0])
    expect(record["argv"][1:3] == ["-H", "127.0.0.1"], f"the service's worker is not on the loopback: {record}")
    listening = [line.split()[1] for line in said.splitlines() if re.match(r"\s+\d+: .* 0A ", line)]
    expect(listening != [] and all(address.startswith("0100007F:") for address in listening), f"it listens on {listening}")
    expect(said.rstrip().endswith("ended 0"), f"the service did not end well, or left records:\n{said[-500:]}")


def check_window(root: FreshRoot, program: str, name: str, report: Report) -> None:
    """It is shown, and is not blank."""
    picture = report.folder / f"{name.replace(' ', '-')}.png"
    seconds, colours = show(root, program, picture)
    report.add(f"{name}: window shown after", f"{seconds:.1f} s ({colours} colours, {picture.name})")


def check_nothing_left(root: FreshRoot, before: dict[str, tuple[int, int]], what: str) -> None:
    """All files are as they were."""
    after = root.files()
    left = sorted(set(after) - set(before))
    gone = sorted(set(before) - set(after))
    changed = sorted(path for path in set(after) & set(before) if after[path] != before[path])
    strange = (
        [f"left: {path}" for path in left] + [f"gone: {path}" for path in gone] + [f"changed: {path}" for path in changed]
    )
    expect(not strange, f"{what} is not as it was before: {', '.join(strange[:12])} ({len(strange)} in all)")


def processes(root: FreshRoot, pattern: str) -> list[str]:
    """Command lines of programs that run from the root."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                inside = (folder / "root").readlink() == root.path
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if inside and re.search(pattern, line):
                found.append(line)
    return found


def expect(good: bool, otherwise: str) -> None:
    """Raise ``CommandFailed``."""
    if not good:
        raise CommandFailed(otherwise)
