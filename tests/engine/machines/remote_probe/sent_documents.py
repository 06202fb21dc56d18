"""Documents as a remote machine sends them: recorded here, made from documentation, or made worse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.vocabulary.remote import SshTarget

TESTS = Path(__file__).parents[3]
RECORDED = TESTS / "recorded" / "remote-probe"
DOCUMENTED = TESTS / "documented"
TARGET = SshTarget(host="10.0.0.7", user="ada")


def recorded(program: str = "python") -> dict[str, Any]:
    """What this program sent."""
    return json.loads((RECORDED / f"{program}.json").read_text(encoding="utf-8"))


def recorded_h100(program: str = "python") -> dict[str, Any]:
    """A machine with one H100 and 16 cores."""
    return json.loads((TESTS / f"recorded/nvidia-h100/look_{program}.json").read_text(encoding="utf-8"))


def arm_board() -> dict[str, Any]:
    """A Raspberry Pi 5."""
    return json.loads((DOCUMENTED / "remote-machines/arm-board.json").read_text(encoding="utf-8"))


def nvidia(name: str) -> str:
    """What nvidia-smi prints."""
    return (DOCUMENTED / "nvidia-smi" / name).read_text(encoding="utf-8")


def macos_said(graphics: str = "system_profiler.json") -> dict[str, str]:
    """What a Mac's programs say."""
    folder = DOCUMENTED / "macos"
    said = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
    return {**said, "system_profiler": (folder / graphics).read_text(encoding="utf-8")}


def mac(graphics: str = "system_profiler.json") -> dict[str, Any]:
    """A Mac without Python."""
    said = {
        **macos_said(graphics),
        "system": "Darwin",
        "hostname": "studio.local",
        "release": "24.1.0",
        "architecture": "arm64",
        "user": "ada",
        "home": "/Users/ada",
        "data_folder": "/Users/ada/Library/Application Support/crossply",
        "disk_free_bytes": "412316860416",
        "who": "ada              console      Nov  3 09:00 \n",
        "end": "",
    }
    return {"format": 1, "program": "sh", "files": {}, "said": said}


def cards(name: str) -> dict[str, str]:
    """Files of /sys/class/drm."""
    lines = (DOCUMENTED / "sysfs-gpus" / name).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(": ") for line in lines)
    return {f"/sys/class/drm/{path}": value.replace("\\n", "\n") + "\n" for path, _, value in pairs}


def packed(document: object) -> bytes:
    """As it is sent."""
    return json.dumps(document).encode()
