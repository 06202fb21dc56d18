"""What is inside a package, for machines: a CycloneDX bill of materials.

The Python packages by ``cyclonedx-py`` (the format's own tool) from the environment that was frozen; llama.cpp beside
them, since no Python tool knows of it. Without times and serial numbers, so that two builds of one tree say the same.

    python packaging/parts/made_sbom.py PYTHON_OF_THE_ENVIRONMENT FILE
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def make_sbom(python: Path, file: Path) -> Path:
    """Write the bill of the environment of ``python``. Raises ``CalledProcessError`` when the tool fails."""
    argv = [sys.executable, "-m", "cyclonedx_py", "environment", str(python)]
    argv += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--of", "JSON"]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(with_llama_cpp(json.loads(said)), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return file


def with_llama_cpp(bill: dict[str, object]) -> dict[str, object]:
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
    components = bill.get("components", [])
    return bill | {"components": [*(components if isinstance(components, list) else []), llama_cpp]}


if __name__ == "__main__":
    print(make_sbom(Path(sys.argv[1]), Path(sys.argv[2])))
