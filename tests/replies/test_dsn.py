"""Delivery status notifications: which of the things that one says counts."""

from __future__ import annotations

import pytest

from outreach.replies import dsn, mime
from outreach.replies.kind import Kind, Report


def _read(*blocks: str) -> Report | None:
    status = "\n\n".join(["Reporting-MTA: dns; relay.example.org", *blocks])
    message = (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: message/delivery-status\n\n{status}\n\n--b--\n"
    )
    return dsn.read(mime.opened(message.encode()))


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind", "counts"),
    [
        # the server's own code outranks the one that the relay made of it
        ("5.1.1", "smtp; 550 5.7.1 no", Kind.SOFT, "5.7.1"),
        ("5.7.1", "smtp; 550 5.1.1 no", Kind.HARD, "5.1.1"),
        ("5.0.0", "smtp; 550 5.1.1 no", Kind.HARD, "5.1.1"),
        ("5.0.0", "smtp; 550 4.2.2 full", Kind.SOFT, "5.0.0"),
        # unless it says nothing
        ("5.1.1", "smtp; 550 5.0.0 no", Kind.HARD, "5.1.1"),
        ("5.7.1", "smtp; 550 5.0.0 user unknown", Kind.SOFT, "5.7.1"),
        # who gave up after 4.x.x has not been told that nobody is there
        ("4.4.7", "smtp; 550 5.1.1 user unknown", Kind.SOFT, "4.4.7"),
        ("4.0.0", "smtp; 550 user unknown", Kind.SOFT, "4.0.0"),
        # words, where no code says anything
        ("5.0.0", "smtp; 550 user unknown", Kind.HARD, "5.0.0"),
        ("5.0.0", "smtp; 550 user unknown, blocked", Kind.SOFT, "5.0.0"),
        ("5.0.0", "smtp; 452 user unknown", Kind.SOFT, "5.0.0"),
        ("5.0.0", "x-unix; no such user", Kind.HARD, "5.0.0"),
        ("", "smtp; 550 no such user", Kind.HARD, None),
        ("5.2.2", "smtp; 550 no such user", Kind.SOFT, "5.2.2"),
        ("5.2.1", "", Kind.SOFT, "5.2.1"),
        ("nonsense", "", Kind.SOFT, None),
    ],
)
def test_a_failure_is_judged_by_the_code_that_says_most(
    status: str, diagnostic: str, kind: Kind, counts: str | None
) -> None:
    said = _read(
        f"Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}"
    )
    assert said is not None
    assert (said.kind, said.status) == (kind, counts)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("failed", Kind.HARD),
        ("FAILURE", Kind.HARD),
        ("error", Kind.HARD),
        ("delayed", Kind.DELAYED),
        ("delivered", Kind.DELIVERED),
        ("relayed", Kind.DELIVERED),
        ("expanded (list)", Kind.DELIVERED),
        ("", Kind.HARD),
    ],
)
def test_the_action_says_what_became_of_it(action: str, kind: Kind) -> None:
    said = _read(f"Final-Recipient: rfc822; a@example.com\nAction: {action}\nStatus: 5.1.1")
    assert said is not None
    assert said.kind is kind


def test_an_action_that_nobody_knows_says_nothing() -> None:
    assert _read("Final-Recipient: rfc822; a@example.com\nAction: pondered\nStatus: 5.1.1") is None


@pytest.mark.parametrize(("status", "kind"), [("2.0.0", Kind.DELIVERED), ("4.4.1", Kind.DELAYED), ("5.1.1", Kind.HARD)])
def test_without_an_action_the_class_of_the_code_says_it(status: str, kind: Kind) -> None:
    said = _read(f"Final-Recipient: rfc822; a@example.com\nStatus: {status}")
    assert said is not None
    assert said.kind is kind


@pytest.mark.parametrize(
    ("fates", "kind"),
    [
        (("failed 5.1.1", "failed 5.1.1"), Kind.HARD),
        (("failed 5.1.1", "failed 5.2.2"), Kind.SOFT),
        (("failed 5.1.1", "delayed 4.4.1"), Kind.DELAYED),
        (("failed 5.1.1", "delayed 4.4.1", "delivered 2.0.0"), Kind.DELIVERED),
    ],
)
def test_of_several_recipients_the_mildest_fate_counts(fates: tuple[str, ...], kind: Kind) -> None:
    pairs = [fate.split() for fate in fates]
    said = _read(
        *(f"Final-Recipient: rfc822; a{n}@example.com\nAction: {a}\nStatus: {s}" for n, (a, s) in enumerate(pairs))
    )
    assert said is not None
    assert said.kind is kind


def test_the_first_address_is_named_and_the_server_that_said_so() -> None:
    said = _read(
        "Original-Recipient: rfc822; <first@example.com>\nFinal-Recipient: rfc822; last@example.org\nAction: failed\n"
        "Status: 5.1.1\nRemote-MTA: dns; mx.example.org. (192.0.2.1)\nDiagnostic-Code: smtp; 550 5.1.1\n user\n unknown"
    )
    assert said is not None
    assert (said.recipient, said.reporter, said.words) == (
        "first@example.com",
        "mx.example.org",
        "550 5.1.1 user unknown",
    )
