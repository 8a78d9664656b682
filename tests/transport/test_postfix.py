"""Against a real Postfix, as strict as it can be set: what it receives, and what becomes of what it refuses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from outreach.errors import TransportError
from outreach.replies.verdict import Decision, judge
from outreach.transport.base import Outgoing
from outreach.transport.handshake import Timeouts
from outreach.transport.relay import Tls
from outreach.transport.smtp import SmtpTransport
from tests.engine import corpus
from tests.transport.conftest import Certificates
from tests.transport.postfix import Postfix
from tests.transport.relays import BODY, Stock, at, letter, letters

#: By name of the service: with PIPELINING, and without.
BOTH = pytest.mark.parametrize("service", ["usual", "plain"])


def sent(postfix: Postfix, service: str, messages: Iterable[Outgoing], *, connections: int = 1, **more: Any) -> Stock:
    """What became of the messages, after one run."""
    stock = Stock(messages)
    transport = SmtpTransport(at(postfix.ports[service]), hello="sender.example.com", connections=connections, **more)

    async def run() -> None:
        async with asyncio.timeout(40):
            await transport.run(stock, stock.begin, stock.outcomes.append)

    asyncio.run(run())
    assert not stock.left
    return stock


def decisions(stock: Stock) -> dict[int, Decision]:
    """delivery -> what is decided about it."""
    stock.answers()
    return {outcome.delivery_id: judge(outcome.reply, outcome.stage).decision for outcome in stock.outcomes}


MESSAGES = [
    BODY,
    b"Subject: quoted-printable\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=C3=BC=C3=9Fe =\r\n=2Ea soft break, =3D and =20\r\n",
    b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.a\r\nb.\r\n",
    b"Subject: a dot at the end\r\n\r\n.\r\n",
    b"Subject: nothing in it\r\n\r\n\r\n\r\n",
    b"Subject: commands\r\n\r\nQUIT\r\nRSET\r\nMAIL FROM:<a@example.com>\r\n",
    b"Subject: long lines\r\n\r\n" + b"x" * 998 + b"\r\n" + b"0123456789abcdef" * 300 + b"\r\n.\r\n",
    b"Subject: eight bits\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\n" + "Grüße, 你好\r\n".encode(),
    b"Subject: large\r\n\r\n" + b"information, not advice =\r\n.\r\n" * 3000,
]


@BOTH
def test_the_bytes_received_are_the_bytes_given(a_postfix: Postfix, service: str) -> None:
    given = {f"p{number}@example.org": message for number, message in enumerate(MESSAGES)}
    stock = sent(
        a_postfix,
        service,
        (letter(n, message=message, recipient=who) for n, (who, message) in enumerate(given.items())),
        connections=2,
    )
    assert set(stock.answers().values()) == {"body 250"}
    assert a_postfix.received(len(given)) == given


@BOTH
def test_an_address_beyond_ascii_is_reached(a_postfix: Postfix, service: str) -> None:
    message = b"Subject: hello\r\nTo: " + "jürgen@example.org".encode() + b"\r\n\r\nGood day.\r\n"
    stock = sent(a_postfix, service, [letter(1, recipient="jürgen@example.org", message=message, needs_smtputf8=True)])
    assert stock.answers() == {1: "body 250"}
    assert a_postfix.received(1) == {"jürgen@example.org": message}


@BOTH
def test_refused_people_in_the_middle_stop_nobody(a_postfix: Postfix, service: str) -> None:
    """After each refusal comes RSET: else the server would answer the next MAIL with 503."""
    refused = {"nobody": "rcpt 550", "gone": "rcpt 550", "later": "rcpt 450", "toomany": "rcpt 452"}
    kinds = ["p", "nobody", "p", "p", "later", "later", "p", "gone", "p", "toomany"]
    names = [f"{kinds[number % len(kinds)]}{number}" for number in range(40)]
    before = len(a_postfix.connections(service))
    stock = sent(
        a_postfix,
        service,
        (letter(number, recipient=f"{name}@example.org") for number, name in enumerate(names)),
        connections=3,
    )
    expected = {number: refused.get(name.rstrip("0123456789"), "body 250") for number, name in enumerate(names)}
    assert stock.answers() == expected
    good = [f"{name}@example.org" for number, name in enumerate(names) if expected[number] == "body 250"]
    assert sorted(a_postfix.received(len(good))) == sorted(good)
    # 452 4.5.3 says that it has counted enough of us: only there a new connection is made.
    assert len(a_postfix.connections(service)) - before <= 3 + 4


@BOTH
def test_a_refused_sender_stops_nobody(a_postfix: Postfix, service: str) -> None:
    messages = letters(6)
    messages[2] = messages[2]._replace(return_path="refused@clinic.example")
    stock = sent(a_postfix, service, messages)
    # Postfix answers MAIL with yes, and tells at RCPT what it has against the sender (smtpd_delay_reject).
    assert stock.answers() == {**dict.fromkeys(range(1, 7), "body 250"), 3: "rcpt 550"}
    assert judge(stock.outcomes[2].reply, stock.outcomes[2].stage).decision is Decision.FAILED
    assert len(a_postfix.received(5)) == 5


def test_who_counts_errors_and_hangs_up_loses_nobody(a_postfix: Postfix) -> None:
    """After a few refusals it says 421 and closes, whatever was asked; another connection goes on."""
    before = len(a_postfix.connections("picky"))
    names = [f"{'p' if n % 6 > 3 else 'nobody'}{n}" for n in range(12)]
    stock = sent(a_postfix, "picky", (letter(n, recipient=f"{name}@example.org") for n, name in enumerate(names)))
    cut_off = [told for told in a_postfix.connections("picky")[before:] if "quit" not in told]
    assert cut_off
    sent_to = {n: name for n, name in enumerate(names) if name.startswith("p")}
    assert decisions(stock) == {n: Decision.SENT if n in sent_to else Decision.BOUNCED for n in range(12)}
    assert sorted(a_postfix.received(len(sent_to))) == sorted(f"{name}@example.org" for name in sent_to.values())


@BOTH
@pytest.mark.parametrize("at_sender", [True, False], ids=["mail", "rcpt"])
def test_421_ends_the_connection_and_another_goes_on(a_postfix: Postfix, service: str, at_sender: bool) -> None:
    messages = letters(5)
    change = {"return_path": "closing@clinic.example"} if at_sender else {"recipient": "closing@example.org"}
    messages[1] = messages[1]._replace(**change)
    stock = sent(a_postfix, service, messages)
    found = decisions(stock)
    assert found.pop(2) is Decision.DEFERRED
    assert set(found.values()) == {Decision.SENT}
    assert len(a_postfix.received(4)) == 4


def test_what_is_too_large_is_refused_before_and_after_it_leaves(a_postfix: Postfix) -> None:
    large = BODY + b"information, not advice\r\n" * 1000
    for service, answer in (("narrow", "local 552"), ("sizeless", "body 552")):
        messages = [letter(1), letter(2, message=large), letter(3)]
        stock = sent(a_postfix, service, messages)
        assert stock.answers() == {1: "body 250", 2: answer, 3: "body 250"}
        assert decisions(stock)[2] is Decision.FAILED
        assert len(a_postfix.received(2)) == 2


def test_the_strictest_server_finds_nothing_to_complain_of(a_postfix: Postfix) -> None:
    """A full name in EHLO, nothing ahead of its time (RFC 2920), no bare line feed, no odd envelope."""
    messages = [letter(number, message=message) for number, message in enumerate(MESSAGES * 3)]
    stock = sent(a_postfix, "strict", messages, connections=4)
    assert Counter(stock.answers().values()) == {"body 250": len(messages)}
    assert len(a_postfix.received(len(messages))) == len(messages)


def test_the_strictest_server_takes_every_mail_that_we_write(a_postfix: Postfix) -> None:
    """Subjects in many scripts, long names, international addresses, pictures, signed and not: as they are read."""
    here = [case for case in corpus.cases() if case.recipient.endswith("@example.org")]
    messages = [
        case.outgoing._replace(delivery_id=number, recipient=case.recipient.replace("@", f"{number}@"))
        for number, case in enumerate(here)
    ]
    for service, beyond_ascii in (("strictest", False), ("strictest_utf8", True)):
        some = [outgoing for outgoing in messages if outgoing.needs_smtputf8 is beyond_ascii]
        assert len(some) > 10
        stock = sent(a_postfix, service, some, connections=4)
        assert {str(outcome.reply)[:3] for outcome in stock.outcomes} == {"250"}
        assert a_postfix.received(len(some)) == {outgoing.recipient: outgoing.message for outgoing in some}


def test_a_bare_line_feed_is_refused_and_smuggles_nothing(a_postfix: Postfix) -> None:
    message = b"Subject: two in one\r\n\r\nfirst\n.\nMAIL FROM:<a@example.com>\r\n"
    stock = sent(a_postfix, "strict", [letter(1), letter(2, message=message), letter(3)])
    assert decisions(stock)[2] is Decision.FAILED
    assert stock.answers() == {1: "body 250", 2: "body 550", 3: "body 250"}
    assert sorted(a_postfix.received(2)) == ["p1@example.org", "p3@example.org"]


def test_a_server_with_room_for_two_connections_gets_everything_by_two(a_postfix: Postfix) -> None:
    stock = sent(a_postfix, "rationed", letters(40), connections=4)
    assert set(decisions(stock).values()) == {Decision.SENT}
    assert len(a_postfix.received(40)) == 40


def test_a_body_without_an_answer_is_in_doubt_and_rightly_so(a_postfix: Postfix) -> None:
    """We wait for the answer no longer than we are told; the server takes the message all the same."""
    stock = sent(a_postfix, "slow", [letter(1)], timeouts=Timeouts(body=0.2))
    assert stock.answers() == {1: "body -"}
    assert decisions(stock) == {1: Decision.UNKNOWN}
    assert a_postfix.received(1) == {"p1@example.org": BODY}


def test_an_envelope_without_an_answer_costs_nothing(a_postfix: Postfix) -> None:
    stock = sent(a_postfix, "slow_before", [letter(1)], timeouts=Timeouts(mail=0.2, rcpt=0.2, data=0.2))
    assert decisions(stock) == {1: Decision.REQUEUE}
    assert stock.begun == []


def test_a_connection_is_given_up_after_its_share(a_postfix: Postfix) -> None:
    before = len(a_postfix.connections("usual"))
    stock = sent(a_postfix, "usual", letters(40), messages_per_connection=10)
    assert set(stock.answers().values()) == {"body 250"}
    a_postfix.received(40)
    assert a_postfix.connections("usual")[before:] == ["ehlo=1 mail=10 rcpt=10 data=10 quit=1"] * 4


async def one(postfix: Postfix, service: str, tls: Tls, certificates: Certificates | None = None) -> str:
    """How a single message fared, and how the connection was secured."""
    context = certificates.client() if certificates else None
    transport = SmtpTransport(at(postfix.ports[service], tls), hello="sender.example.com", context=context)
    found = await transport.probe()
    outcome = await transport.send_one(letter(1))
    assert outcome.reply is not None
    return f"{outcome.stage} {outcome.reply.code} {'TLS' if 'TLSv1.' in found else 'plain'}"


@pytest.mark.parametrize(
    ("service", "tls", "expected"),
    [
        ("offering", Tls.REQUIRED, "body 250 TLS"),
        ("offering", Tls.OPPORTUNISTIC, "body 250 TLS"),
        ("offering", Tls.OFF, "body 250 plain"),
        ("secure", Tls.REQUIRED, "body 250 TLS"),
        ("secure", Tls.OPPORTUNISTIC, "body 250 TLS"),
        ("usual", Tls.OPPORTUNISTIC, "body 250 plain"),
    ],
)
def test_tls_is_spoken_as_the_url_says(
    a_postfix: Postfix, certificates: Certificates, service: str, tls: Tls, expected: str
) -> None:
    assert asyncio.run(one(a_postfix, service, tls, certificates)) == expected
    a_postfix.received(1)


def test_nothing_leaves_without_the_tls_that_is_required(a_postfix: Postfix, certificates: Certificates) -> None:
    with pytest.raises(TransportError, match="offers no TLS"):
        asyncio.run(one(a_postfix, "usual", Tls.REQUIRED, certificates))
    with pytest.raises(TransportError, match="certificate is not trusted"):
        asyncio.run(one(a_postfix, "offering", Tls.REQUIRED))


def test_who_wants_tls_and_gets_none_uses_up_nobody(a_postfix: Postfix) -> None:
    stock = Stock(letters(3))
    transport = SmtpTransport(at(a_postfix.ports["secure"]), hello="sender.example.com", connections=1)
    with pytest.raises(TransportError, match="STARTTLS"):
        asyncio.run(transport.run(stock, stock.begin, stock.outcomes.append, patience=1))
    assert set(decisions(stock).values()) == {Decision.REQUEUE}
