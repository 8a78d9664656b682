"""A certificate authority of the tests' own, a certificate for localhost that it signed, and a Postfix that has it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.transport import postfix
from tests.transport.postfix import Postfix


@dataclass(frozen=True)
class Certificates:
    """A server's certificate and key, and the authority that vouches for it."""

    authority: Path
    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made by openssl, for localhost and no other name."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.fail("openssl is not on this machine: run .ci/tools.")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], check=True, capture_output=True, cwd=folder)

    (folder / "names").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
        "-subj", "/CN=Test Authority", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    run("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
        "-extfile", "names", "-out", "certificate.pem")  # fmt: skip
    return Certificates(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")


@pytest.fixture
def a_postfix(_started_postfix: Postfix) -> Postfix:
    """A real one, with nothing in its maildir."""
    _started_postfix.forget()
    return _started_postfix


@pytest.fixture(scope="session")
def _started_postfix(certificates: Certificates) -> Iterator[Postfix]:
    if why := postfix.missing():
        pytest.fail(why)
    with postfix.running(certificates.certificate, certificates.key) as started:
        yield started
