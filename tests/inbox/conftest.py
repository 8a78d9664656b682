"""A Dovecot with a certificate of the tests' own authority."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.inbox import dovecot
from tests.inbox.dovecot import Dovecot
from tests.transport.conftest import Certificates, certificates

__all__ = ["certificates"]  # a fixture that two rooms need


@pytest.fixture
def a_dovecot(_started_dovecot: Dovecot) -> Dovecot:
    """A real one, with nothing in its folders."""
    for folder in ("", "Outreach", "Done"):
        for file in _started_dovecot.files(folder):
            file.unlink()
    return _started_dovecot


@pytest.fixture(scope="session")
def _started_dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    yield from _started(certificates, "")


@pytest.fixture(scope="session")
def an_old_dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    """One that says that it can neither move nor delete a single message."""
    yield from _started(certificates, "IMAP4rev1 LITERAL+ AUTH=PLAIN")


def _started(certificates: Certificates, capability: str) -> Iterator[Dovecot]:
    if why := dovecot.missing():
        pytest.fail(why)
    with dovecot.running(certificates.certificate, certificates.key, capability=capability) as started:
        yield started
