from __future__ import annotations

import pytest

from engine.machines.file_trees import SentFiles
from engine.machines.system_id import read_system_id

ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/etc/machine-id": f"{ID}\n"}, ID),
        ({"/etc/machine-id": "uninitialized\n", "/var/lib/dbus/machine-id": f"{ID}\n"}, ID),
        ({"/etc/machine-id": ""}, None),
        ({"/etc/machine-id": ID.upper()}, None),
        ({}, None),
    ],
)
def test_the_id_of_the_installation(files: dict[str, str], expected: str | None) -> None:
    assert read_system_id(SentFiles(files)) == expected
