"""A real Dovecot, for whoever fetches mail: with TLS that must be verified, a Maildir, and users of its own.

Started by root alone, as the Postfix of `tests/transport`; all of it stands in a folder that goes when it ends.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import free_port

#: Whose mail it is: any user but root.
OWNER = 65534
USER, PASSWORD = "reports", "s3cret word/with@signs"

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

_CONF = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain
mail_location = maildir:{folder}/mail/%u
mail_fsync = never
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={folder}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
protocol imap {{
  imap_capability = {capability}
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running instance."""

    folder: Path
    #: The port of STARTTLS, and the one of TLS from the first byte.
    plain: int
    tls: int

    def box(self, folder: str = "") -> Path:
        """The Maildir of a folder; "" is the inbox."""
        return self.folder / "mail" / USER / (f".{folder}" if folder else "")

    def put(self, *messages: bytes) -> None:
        """Deliver to the inbox."""
        for name in ("new", "cur", "tmp"):
            (self.box() / name).mkdir(parents=True, exist_ok=True)
        for index, message in enumerate(messages):
            (self.box() / "new" / f"{time.time_ns()}.{index}.test").write_bytes(message)
        for path in (self.folder / "mail" / USER, *(self.folder / "mail" / USER).rglob("*")):
            os.chown(path, OWNER, OWNER)

    def files(self, folder: str = "") -> list[Path]:
        """What lies in a folder."""
        box = self.box(folder)
        return sorted(path for name in ("new", "cur") for path in (box / name).glob("*")) if box.exists() else []

    def log(self) -> str:
        """Its log, for a test that fails."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""


def missing() -> str | None:
    """Why no instance can be had here; None where it can."""
    if os.geteuid() != 0:
        return "A private Dovecot can only be started by root: run the tests as root, as in a container."
    if not (shutil.which("dovecot", path=_PATH) and Path("/usr/lib/dovecot/imap").exists()):
        return "Dovecot's IMAP server is not on this machine: run .ci/tools."
    return None


@contextmanager
def running(certificate: Path, key: Path, *, capability: str = "") -> Iterator[Dovecot]:
    """An instance; `capability` is what it says that it can do, where that is to be less than it can."""
    folder = Path(tempfile.mkdtemp(prefix="outreach-dovecot-", dir="/tmp"))
    folder.chmod(0o755)
    for name in ("run", "mail", "home"):
        (folder / name).mkdir()
        os.chown(folder / name, OWNER if name != "run" else 0, -1)
    shutil.copyfile(certificate, folder / "certificate.pem")
    shutil.copyfile(key, folder / "key.pem")
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    server = Dovecot(folder, free_port(), free_port())
    facts = {"folder": folder, "owner": OWNER, "plain": server.plain, "tls": server.tls, "capability": capability}
    (folder / "dovecot.conf").write_text(_CONF.format(**facts))
    process = subprocess.Popen(
        ["dovecot", "-F", "-c", str(folder / "dovecot.conf")], env={"PATH": _PATH, "LANG": "C"}, stderr=subprocess.PIPE
    )
    try:
        _wait_for(process, server)
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(process: subprocess.Popen[bytes], server: Dovecot) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, f"{process.stderr and process.stderr.read()!r}\n{server.log()}"
        try:
            socket.create_connection(("127.0.0.1", server.tls), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.02)
        else:
            return
