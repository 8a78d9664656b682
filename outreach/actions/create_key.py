"""Make keys that mail is signed with: each in a file of its own in the data folder, which only its owner reads."""

from __future__ import annotations

import os
import string
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from outreach.errors import NameTaken, SettingsError
from outreach.message import dkimkey
from outreach.message.dkimkey import DkimKey, Record


@dataclass(frozen=True)
class Made:
    """A new key, and where it lies."""

    key: DkimKey
    file: Path
    record: Record


def for_signing(
    folder: Path, domain: str, selector: str | None, *, taken: Collection[str] = (), ed25519: bool, now: datetime
) -> list[Made]:
    """An RSA key, and with `ed25519` one of that kind beside it; nothing that is there is ever written over.

    Without a selector the keys are named by the month, with a letter more where that name is taken. Raises NameTaken
    where the given one is, and SettingsError where the folder cannot be written.
    """
    names = _names(selector, ed25519) if selector else _free(folder, domain, taken, ed25519, now)
    for name in names:
        if name in taken or file_of(folder, domain, name).exists():
            raise NameTaken(f"DKIM key of {domain}", name, hint="Give the new one another selector.")
    keys = [dkimkey.made(name, ed25519=number > 0) for number, name in enumerate(names)]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for key in keys:
            _write(file_of(folder, domain, key.selector), key.pem())
    except OSError as error:
        raise SettingsError(
            f"The folder {folder} cannot be written: {error.strerror}.",
            hint="Set OUTREACH_HOME to a folder that this user may write.",
        ) from error
    return [Made(key, file_of(folder, domain, key.selector), key.record(domain)) for key in keys]


def file_of(folder: Path, domain: str, selector: str) -> Path:
    """Where a key lies."""
    return folder / f"{selector}.{domain}.pem"


def _names(selector: str, ed25519: bool) -> list[str]:
    """The selector of the RSA key, and that of the Ed25519 key beside it: a record holds one key (RFC 8463, 4)."""
    return [selector, f"{selector}-ed25519"] if ed25519 else [selector]


def _free(folder: Path, domain: str, taken: Collection[str], ed25519: bool, now: datetime) -> list[str]:
    month = f"s{now:%Y%m}"
    for letter in ("", *string.ascii_lowercase[1:]):
        names = _names(month + letter, ed25519)
        if not any(name in taken or file_of(folder, domain, name).exists() for name in names):
            return names
    raise NameTaken(f"DKIM key of {domain}", month, hint="Give the new one a selector.")


def _write(file: Path, pem: bytes) -> None:
    """A file that only its owner reads, on the disk when this returns."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as opened:
        opened.write(pem)
        opened.flush()
        os.fsync(opened.fileno())
