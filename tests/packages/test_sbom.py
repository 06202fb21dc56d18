"""The bill of materials names what is inside, llama.cpp too, and nothing of the machine it was made on."""

import json
import subprocess
import sys
from pathlib import Path

from engine.runtimes.building.build_from_source import COMMIT

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_of_the_environment_and_llama_cpp_are_named(tmp_path):
    file = tmp_path / "bill.json"
    made = [sys.executable, str(ROOT / "packaging/parts/made/made_sbom.py"), sys.executable, str(file)]
    done = subprocess.run(made, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    text = file.read_text(encoding="utf-8")
    versions = {component["name"].lower(): component["version"] for component in json.loads(text)["components"]}
    assert versions["llama.cpp"] == COMMIT
    assert {"paramiko", "msgspec", "numpy"} <= set(versions)
    assert "timestamp" not in text
    assert str(ROOT) not in text
