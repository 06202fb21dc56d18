"""What is inside a package, for machines: a CycloneDX bill of materials.

The Python packages by ``cyclonedx-py`` (the format's own tool) from the environment that was frozen; beside them llama.cpp
and what ``not_from_pip`` found, since no Python tool knows of those. Without times and serial numbers, so that two builds of
one tree say the same.

    python packaging/parts/made/made_sbom.py PYTHON_OF_THE_ENVIRONMENT FILE [PACKAGE...] [--also COMPONENTS.json]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def make_sbom(python: Path, file: Path, inside: tuple[str, ...] = (), also: list[dict[str, Any]] | None = None) -> Path:
    """Write the bill of the environment of ``python``, or of the packages ``inside`` alone, and ``also`` these.

    Raises ``CalledProcessError`` when the tool fails.
    """
    argv = [sys.executable, "-m", "cyclonedx_py", "environment", str(python)]
    argv += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--of", "JSON"]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    file.parent.mkdir(parents=True, exist_ok=True)
    bill = with_llama_cpp(only(json.loads(said), inside))
    bill["components"] = sorted([*bill["components"], *(also or [])], key=lambda part: part["bom-ref"])
    file.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return file


def only(bill: dict[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
    """The same bill without what is in the environment only to pack; all of it where nothing is named."""
    if not inside:
        return bill
    named = {_plain(name) for name in inside}
    components = [part for part in bill.get("components", []) if _plain(part["name"]) in named]
    known = {part["bom-ref"] for part in components} | {"root-component"}
    edges = [edge for edge in bill.get("dependencies", []) if edge["ref"] in known]
    kept = [edge | {"dependsOn": [ref for ref in edge.get("dependsOn", []) if ref in known]} for edge in edges]
    return bill | {"components": components, "dependencies": kept}


def _plain(name: str) -> str:
    """Names of Python packages that mean the same."""
    return re.sub(r"[-_.]+", "-", name).lower()


def with_llama_cpp(bill: dict[str, Any]) -> dict[str, Any]:
    """The same bill and llama.cpp, at the commit that we build."""
    sys.path.insert(0, str(ROOT))
    from engine.runtimes.building.build_from_source import COMMIT

    llama_cpp = {
        "type": "application",
        "bom-ref": f"llama.cpp@{COMMIT}",
        "name": "llama.cpp",
        "version": COMMIT,
        "purl": f"pkg:github/ggml-org/llama.cpp@{COMMIT}",
        "licenses": [{"license": {"id": "MIT"}}],
    }
    return bill | {"components": [*bill.get("components", []), llama_cpp]}


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("python", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--also", type=Path)
    parser.add_argument("inside", nargs="*")
    asked = parser.parse_args()
    also = json.loads(asked.also.read_text(encoding="utf-8")) if asked.also else None
    print(make_sbom(asked.python, asked.file, tuple(asked.inside), also))


if __name__ == "__main__":
    main()
