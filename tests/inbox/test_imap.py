"""Mail on a server: fetched from a real Dovecot, put away only when it was handled, and never without TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime
from threading import Thread
from urllib.parse import quote

import pytest

from outreach.actions.collect import Collected
from outreach.engine.postbox import Addresses, Postbox
from outreach.engine.rounds import Rounds
from outreach.errors import InboxError
from outreach.inbox import imap
from outreach.inbox.imap import Imap
from outreach.inbox.place import parse
from outreach.store.database import Store
from tests.actions.returned import TERMS, dsn, path, riddle
from tests.conftest import free_port
from tests.inbox.dovecot import PASSWORD, USER, Dovecot
from tests.store import crowd
from tests.transport.conftest import Certificates

MAIL = b"From: a@example.org\nSubject: %d\n\nGood day.\n"


def box(
    server: Dovecot,
    certificates: Certificates,
    *,
    options: str = "",
    scheme: str = "imaps",
    folder: str = "INBOX",
    password: str = PASSWORD,
    context: ssl.SSLContext | None = None,
) -> Imap:
    """A mailbox on the server, over verified TLS."""
    port = server.tls if scheme == "imaps" else server.plain
    url = f"{scheme}://{USER}:{quote(password, safe='')}@localhost:{port}/{folder}{options}"
    return Imap(parse(url), context=context or certificates.client())


def going() -> bool:
    return True


def emptied(mailbox: Imap, take: Callable[[bytes], bool] | None = None) -> list[bytes]:
    """What is handed over, in this order."""
    found: list[bytes] = []

    def keep(data: bytes) -> bool:
        found.append(data)
        return True if take is None else take(data)

    mailbox.empty(keep, going)
    return found


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_what_waits_is_handed_over_as_it_came_and_moved(
    a_dovecot: Dovecot, certificates: Certificates, scheme: str
) -> None:
    a_dovecot.put(MAIL % 1, MAIL % 2)
    found = emptied(box(a_dovecot, certificates, scheme=scheme))
    assert [data.replace(b"\r\n", b"\n") for data in found] == [MAIL % 1, MAIL % 2]
    assert a_dovecot.files() == []
    assert [path.name.rpartition(",")[2] for path in a_dovecot.files("Outreach")] == ["S", "S"]
    assert emptied(box(a_dovecot, certificates)) == []


def test_what_is_handled_may_be_deleted_or_go_elsewhere(a_dovecot: Dovecot, certificates: Certificates) -> None:
    a_dovecot.put(MAIL % 1)
    assert len(emptied(box(a_dovecot, certificates, options="?handled=delete"))) == 1
    a_dovecot.put(MAIL % 2)
    assert len(emptied(box(a_dovecot, certificates, options="?handled=Done"))) == 1
    assert (a_dovecot.files(), a_dovecot.files("Outreach"), len(a_dovecot.files("Done"))) == ([], [], 1)


@pytest.mark.parametrize("options", ["?handled=delete", "?handled=Done"])
def test_a_server_that_can_do_little_does_it_the_old_way(
    an_old_dovecot: Dovecot, certificates: Certificates, options: str
) -> None:
    an_old_dovecot.put(MAIL % 1, MAIL % 2)
    before = len(an_old_dovecot.files("Done"))
    assert len(emptied(box(an_old_dovecot, certificates, options=options))) == 2
    assert an_old_dovecot.files() == []
    assert len(an_old_dovecot.files("Done")) - before == (2 if "Done" in options else 0)


def test_what_could_not_be_handled_stays_unseen_and_comes_again(a_dovecot: Dovecot, certificates: Certificates) -> None:
    a_dovecot.put(MAIL % 1, MAIL % 2, MAIL % 3)
    assert len(emptied(box(a_dovecot, certificates), lambda data: b"Subject: 2" not in data)) == 3
    (left,) = a_dovecot.files()
    assert "S" not in left.name.rpartition(",")[2]
    assert len(emptied(box(a_dovecot, certificates))) == 1
    assert a_dovecot.files() == []


def test_nothing_is_put_away_when_its_handling_is_cut_off(a_dovecot: Dovecot, certificates: Certificates) -> None:
    def killed(_: bytes) -> bool:
        raise SystemExit(9)

    a_dovecot.put(MAIL % 1, MAIL % 2)
    with pytest.raises(SystemExit):
        emptied(box(a_dovecot, certificates), killed)
    assert len(a_dovecot.files()) == 2


def test_reports_on_a_server_are_stored_and_moved_and_handled_once_whatever_happens(
    a_dovecot: Dovecot, certificates: Certificates, store: Store, now: datetime
) -> None:
    """Killed between the commit and the move; then two who look at once."""
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 2))
    crowd.delivered(store, campaign, now)
    a_dovecot.put(dsn(path(1)), dsn(path(2), "5.2.2"), *(riddle(path(2), f"{n}") for n in range(6)))
    told: list[Collected] = []
    mail = Postbox(store, TERMS, Addresses(), now=lambda: now, told=told.append)

    def killed(data: bytes, source: str) -> None:
        mail.read(data, source)
        raise SystemExit(9)

    with pytest.raises(SystemExit):
        Rounds(box(a_dovecot, certificates), killed, every=1).once()
    assert (len(a_dovecot.files()), len(told)) == (8, 1)
    both = [Thread(target=Rounds(box(a_dovecot, certificates), mail.read, every=1).once) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert Rounds(box(a_dovecot, certificates), mail.read, every=1).once() in range(9)
    assert (a_dovecot.files(), sum(each.fresh for each in told)) == ([], 8)
    assert crowd.told(store, campaign) == {"bounced": 1, "sent": 1}


def test_it_stops_between_two_messages(a_dovecot: Dovecot, certificates: Certificates) -> None:
    answers = iter([True, False])
    a_dovecot.put(MAIL % 1, MAIL % 2)
    assert box(a_dovecot, certificates).empty(lambda _: True, lambda: next(answers)) == 1
    assert len(a_dovecot.files()) == 1


def test_looking_touches_nothing(a_dovecot: Dovecot, certificates: Certificates) -> None:
    a_dovecot.put(MAIL % 1)
    assert box(a_dovecot, certificates).waiting() == 1
    assert len(a_dovecot.files()) == 1


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    a_dovecot: Dovecot, certificates: Certificates, scheme: str
) -> None:
    before = a_dovecot.log().count("Login:")
    with pytest.raises(InboxError, match="certificate verify failed"):
        emptied(box(a_dovecot, certificates, scheme=scheme, context=ssl.create_default_context()))
    assert a_dovecot.log().count("Login:") == before


def test_a_wrong_password_is_one_sentence_without_it(a_dovecot: Dovecot, certificates: Certificates) -> None:
    with pytest.raises(InboxError) as refused:
        emptied(box(a_dovecot, certificates, password="a-wrong-password"))
    assert "a-wrong-password" not in refused.value.message
    assert "AUTHENTICATIONFAILED" in refused.value.message
    assert "OUTREACH_IMAP_URL" in (refused.value.hint or "")


def test_a_folder_that_is_not_there_and_a_server_that_is_away_are_told(
    a_dovecot: Dovecot, certificates: Certificates
) -> None:
    with pytest.raises(InboxError, match="the folder cannot be opened"):
        emptied(box(a_dovecot, certificates, folder="Nowhere"))
    away = Imap(parse(f"imaps://u:p@localhost:{free_port()}/INBOX"), context=certificates.client())
    with pytest.raises(InboxError, match="refused"):
        emptied(away)


def test_of_a_huge_message_the_beginning_is_read(
    a_dovecot: Dovecot, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "LARGEST", 1000)
    a_dovecot.put(MAIL % 1 + b"x" * 5000)
    (found,) = emptied(box(a_dovecot, certificates))
    assert len(found) == 1000
