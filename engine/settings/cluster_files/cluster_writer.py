"""A cluster file as text: what ``read_cluster_file`` reads back as the very same. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.errors import BadClusterFile
from engine.settings.cluster_files.cluster_file import ClusterFile
from engine.settings.cluster_files.toml_writer import toml_of

_HEAD = "# A cluster of Crossply: opened by the window, and read by crossplyctl --cluster. There are no secrets in it.\n\n"


def cluster_text(file: ClusterFile) -> str:
    """The file, with a line on top that says what it is. Raises ``BadClusterFile`` for what TOML cannot say."""
    document = msgspec.to_builtins(file)
    document["run"] = _said(document["run"] or {}) or None
    document["machine"] = [_said(machine) for machine in document["machine"]]
    for machine in document["machine"]:
        if not machine["coordinator"]:
            del machine["coordinator"]
    try:
        return _HEAD + toml_of(document)
    except ValueError as error:  # a path that is not UTF-8
        raise BadClusterFile(f"A cluster file cannot hold this: {error}.", advice="Rename the model file.") from None


def _said(table: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known, or empty: a person reads this file."""
    return {key: value for key, value in table.items() if value is not None and value != ()}
