"""A Postfix of the tests' own: as Debian ships it, on free ports of loopback, with its own configuration and queue.

Each service is an smtpd with some settings of its own. What is accepted is delivered by virtual(8) into one maildir for
each recipient, so that the bytes can be looked at; nothing ever leaves the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

#: The domain whose mail it takes; whose local part begins with "nobody" is not there.
DOMAIN = "example.org"

#: Whom the maildirs belong to: virtual(8) delivers to no system account.
OWNER = 65534

#: service -> what its smtpd is told beyond `_MAIN`.
SERVICES: dict[str, dict[str, str]] = {
    "usual": {},
    "plain": {"smtpd_discard_ehlo_keywords": "pipelining"},
    "strict": {
        "smtpd_helo_required": "yes",
        "smtpd_helo_restrictions": "reject_invalid_helo_hostname,reject_non_fqdn_helo_hostname",
        "strict_rfc821_envelopes": "yes",
        "smtpd_delay_reject": "no",
        "smtpd_data_restrictions": "reject_unauth_pipelining",
        "smtpd_end_of_data_restrictions": "reject_unauth_pipelining",
        "smtpd_forbid_bare_newline": "reject",
        "smtpd_forbid_bare_newline_exclusions": "",
        "smtpd_forbid_unauth_pipelining": "yes",
        "smtpd_reject_unlisted_sender": "yes",
    },
    "picky": {"smtpd_soft_error_limit": "3", "smtpd_hard_error_limit": "5", "smtpd_error_sleep_time": "0"},
    "sizeless": {"smtpd_discard_ehlo_keywords": "size", "message_size_limit": "20000"},
    "narrow": {"message_size_limit": "20000"},
    "rationed": {"smtpd_client_connection_count_limit": "2", "smtpd_client_event_limit_exceptions": ""},
    "slow": {"smtpd_end_of_data_restrictions": "sleep 1"},
    "slow_before": {"smtpd_data_restrictions": "sleep 1"},
    "secure": {"smtpd_tls_security_level": "encrypt"},
    "offering": {"smtpd_tls_security_level": "may"},
}

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = /tmp, /var, {folder}
myhostname = mx.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = discard:
relay_transport = discard:
smtputf8_enable = yes
local_header_rewrite_clients =
alias_maps =
notify_classes =
in_flow_delay = 0
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = regexp:{folder}/boxes
virtual_uid_maps = static:{owner}
virtual_gid_maps = static:{owner}
virtual_mailbox_limit = 0
transport_maps = texthash:{folder}/routes
recipient_delimiter = +
virtual_destination_concurrency_limit = 20
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/refusals, reject_unlisted_recipient
smtpd_sender_restrictions = check_sender_access regexp:{folder}/senders
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
"""

_MASTER = """
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
dead unix - n n - - pipe flags=q user=nobody argv=/bin/sh -c {exit 67}
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""

#: Who is there: every local part of the domain but "nobody...".
_BOXES = "!/^nobody/ all/\n"

#: What it says about some recipients and senders, whoever they are.
_REFUSALS = """
/^later/ 450 4.2.1 The mailbox is busy
/^toomany/ 452 4.5.3 Too many recipients
/^gone/ 550 5.1.1 No such mailbox
/^closing/ 421 4.3.2 Shutting down
"""
_SENDERS = """
/^refused/ 550 5.7.1 Not from here
/^closing/ 421 4.3.2 Shutting down
"""


#: Whose mail it takes, and finds later that nobody is there (EX_NOUSER): it writes to the return path then.
_ROUTES = f"dead@{DOMAIN} dead:\n"


@dataclass(frozen=True)
class Postfix:
    """A running instance."""

    folder: Path
    ports: Mapping[str, int]

    def forget(self) -> None:
        """Empty the maildir."""
        for file in (self.folder / "mail" / "all" / "new").glob("*"):
            file.unlink()

    def hand_back(self, address: str, port: int) -> None:
        """Pass mail to an address of ours (with anything behind a +) on by LMTP, as the README says how."""
        (self.folder / "routes").write_text(f"{_ROUTES}{address} lmtp:inet:127.0.0.1:{port}\n")
        _run(self.folder, "reload")

    def received(self, count: int) -> dict[str, bytes]:
        """Recipient -> the message as it was handed in; waits until there are that many, and forgets them."""
        box = self.folder / "mail" / "all" / "new"
        deadline = time.monotonic() + 30
        while len(files := list(box.glob("*"))) < count:
            assert time.monotonic() < deadline, f"{len(files)} of {count} arrived\n{self.log()}"
            time.sleep(0.02)
        found = [_as_handed_in(file.read_bytes()) for file in files]
        self.forget()
        assert len(dict(found)) == len(found) == count, "somebody has it twice"
        return dict(found)

    def connections(self, service: str) -> list[str]:
        """What it says at the end of each connection so far, such as ``ehlo=1 mail=2 rcpt=1/2 data=1 quit=1``."""
        file = self.folder / "log"
        text = file.read_text(errors="replace") if file.exists() else ""
        return re.findall(rf"postfix/{service}/smtpd\[\d+\]: disconnect from \S+ (.*?) commands=", text)

    def log(self) -> str:
        """The last lines of its log, for a test that fails."""
        file = self.folder / "log"
        return "\n".join(file.read_text(errors="replace").splitlines()[-30:]) if file.exists() else ""


def _as_handed_in(stored: bytes) -> tuple[str, bytes]:
    """Recipient and message without what the server put before it; in the maildir every line ends in LF."""
    above, _, rest = stored.partition(b"\nReceived: ")
    (recipient,) = re.findall(rb"^X-Original-To: (.*)$", above, re.MULTILINE)
    message = re.split(rb"\n(?![ \t])", rest, maxsplit=1)[1]
    return recipient.decode(), message.replace(b"\n", b"\r\n")


def missing() -> str | None:
    """Why no instance can be had here; None where it can."""
    if os.geteuid() != 0:
        return "A private Postfix can only be started by root: run the tests as root, as in a container."
    if not (shutil.which("postfix", path=_PATH) and Path("/usr/lib/postfix/sbin/virtual").exists()):
        return "Postfix is not on this machine: run .ci/tools."
    return None


@contextmanager
def running(certificate: Path, key: Path) -> Iterator[Postfix]:
    """An instance with every service of `SERVICES`."""
    folder = Path(tempfile.mkdtemp(prefix="outreach-postfix-", dir="/tmp"))
    folder.chmod(0o755)
    with ExitStack() as reserved:
        postfix = Postfix(folder, {service: reserved.enter_context(_reserved_port()) for service in SERVICES})
        _configure(postfix, certificate, key)
        _run(folder, "start")
    try:
        yield postfix
    finally:
        _run(folder, "abort")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A port that nobody else is given by chance until a server of ours has it (both say SO_REUSEADDR)."""
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0))
        yield place.getsockname()[1]


def _configure(postfix: Postfix, certificate: Path, key: Path) -> None:
    folder = postfix.folder
    for name, owner in (("conf", 0), ("queue", 0), ("data", _user("postfix")), ("mail", OWNER)):
        (folder / name).mkdir()
        os.chown(folder / name, owner, -1)
    for source, name in ((certificate, "certificate.pem"), (key, "key.pem")):
        shutil.copyfile(source, folder / name)
    for name, text in (("boxes", _BOXES), ("refusals", _REFUSALS), ("senders", _SENDERS), ("routes", _ROUTES)):
        (folder / name).write_text(text)
    facts = {"folder": folder, "domain": DOMAIN, "owner": OWNER}
    places = {"certificate": folder / "certificate.pem", "key": folder / "key.pem"}
    (folder / "conf" / "main.cf").write_text(_MAIN.format(**facts, **places).lstrip())
    (folder / "conf" / "master.cf").write_text(_MASTER.lstrip() + "".join(_services(postfix)))


def _services(postfix: Postfix) -> Iterator[str]:
    for service, settings in SERVICES.items():
        words = "".join(f" -o {{ {name} = {value} }}" for name, value in settings.items())
        yield f"127.0.0.1:{postfix.ports[service]} inet n - n - - smtpd -o syslog_name=postfix/{service}{words}\n"


def _run(folder: Path, action: str) -> None:
    told = subprocess.run(
        ["postfix", "-c", str(folder / "conf"), action],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": _PATH, "LANG": "C"},
    )
    log = folder / "log"
    assert told.returncode == 0, f"postfix {action}: {told.stderr}{log.read_text() if log.exists() else ''}"


def _user(name: str) -> int:
    return int(subprocess.run(["id", "-u", name], check=True, capture_output=True, text=True).stdout)


_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
