"""llama.cpp's programs as a part of the packages: the build that Crossply makes itself, stripped, with its manifest made anew.

That build runs anywhere: one CPU library per instruction set, chosen when it is loaded; Vulkan as a library that stays idle
where there is no Vulkan loader; libraries found through ``$ORIGIN``. It needs glibc, libstdc++, libgcc, libgomp. Run by path
with the Python of ``.venv`` (it uses the engine): ``portable_runtime.py BUILT OUT``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from engine.runtimes.manifest import list_files, read_manifest, write_manifest

_PATHS_OF_THE_BUILDER = ("-DVulkan_INCLUDE_DIR=", "-DVulkan_LIBRARY=", "-DVulkan_GLSLC_EXECUTABLE=", "-DSPIRV-Headers_DIR=")


def main() -> int:
    """See the module's docstring."""
    built, out = Path(sys.argv[1]), Path(sys.argv[2])
    manifest = read_manifest(built)
    if manifest is None:
        print(f"{built} is no finished build of llama.cpp.", file=sys.stderr)
        return 1
    target = out / built.name
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(built, target, symlinks=True)
    (target / "manifest.json").unlink()
    for path in sorted((target / manifest.programs).iterdir()):
        if path.is_file() and not path.is_symlink():
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)
            path.chmod(0o644 if ".so" in path.name else 0o755)
    options = tuple(word for word in manifest.options if not word.startswith(_PATHS_OF_THE_BUILDER))
    made_at = os.environ.get("CROSSPLY_MADE_AT", manifest.made_at)
    write_manifest(target, msgspec.structs.replace(manifest, options=options, made_at=made_at, files=list_files(target)))
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
