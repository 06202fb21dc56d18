"""The administrator's policy: a TOML file of the system that locks settings for everybody on a machine.

It is only read. A file that cannot be understood is refused and nothing starts: a lock with a typing error in it must not
stand open. Rejected: the same file in the user's own folder (who can write it is not bound by it), an environment variable for
its place (the same), and an update channel among its keys: Crossply never looks for updates, so there is nothing to lock.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from engine.errors import BadInput
from engine.vocabulary.admin_policy import AdminPolicy

_LARGEST_BYTES = 1024 * 1024
_ADVICE = "Ask the administrator of this machine to mend it."


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Literal[1] = 1
    exposure: Literal["ask", "forbidden"] = "ask"
    reserve_fraction: Annotated[float, msgspec.Meta(ge=0.05, le=0.9)] | None = None
    allowed_hosts: tuple[str, ...] | None = None
    model_folders: tuple[str, ...] | None = None


def policy_path(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> Path:
    """Where this system keeps it; only an administrator can write there."""
    if platform == "win32":
        return Path(environment.get("ProgramData", "C:/ProgramData")) / "Crossply" / "policy.toml"
    if platform == "darwin":
        return Path("/Library/Application Support/Crossply/policy.toml")
    return Path("/etc/crossply/policy.toml")


def load_policy(path: Path) -> AdminPolicy:
    """What it says; nothing is locked where there is none. Raises ``BadInput``."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        return AdminPolicy()
    except OSError as error:
        raise BadInput(f"The policy file {path} cannot be read ({error.strerror}).", advice=_ADVICE) from None
    if len(content) > _LARGEST_BYTES:
        raise BadInput(f"The policy file {path} is larger than {_LARGEST_BYTES} bytes.", advice=_ADVICE)
    try:
        said = msgspec.convert(tomllib.loads(content.decode("utf-8")), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise BadInput(f"The policy file {path}: {error}.", advice=_ADVICE) from None
    return AdminPolicy(
        path=str(path),
        exposure_forbidden=said.exposure == "forbidden",
        reserve_fraction=said.reserve_fraction,
        allowed_hosts=_checked_hosts(path, said.allowed_hosts),
        model_folders=_checked_folders(path, said.model_folders),
    )


def _checked_hosts(path: Path, hosts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for host in hosts or ():
        if "/" not in host:
            continue
        try:
            ip_network(host, strict=False)
        except ValueError:
            raise BadInput(f"The policy file {path}: {host!r} in allowed_hosts is no network.", advice=_ADVICE) from None
    return hosts


def _checked_folders(path: Path, folders: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for folder in folders or ():
        if not Path(folder).is_absolute():
            raise BadInput(f"The policy file {path}: {folder!r} in model_folders is no absolute path.", advice=_ADVICE)
    return folders
