"""A real DNS server is asked: records of every kind, absence, failure and silence are told apart, in bounded time."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from outreach.diagnosis.finding import Finding, State
from outreach.diagnosis.question import Answer, Kind, Question, Unanswered
from outreach.diagnosis.sender import Sender, inquiries
from outreach.probes import dns
from outreach.probes.dns import Resolver
from tests.probes import nameserver
from tests.probes.nameserver import REFUSED, SERVFAIL, SILENT, NameServer

GOOD = {
    "example.org TXT": ['"google-site-verification=x"', '"v=spf1 ip4:192.0.2.25 " "-all"'],
    "example.org MX": ["10 mx.example.org."],
    "mx.example.org A": ["192.0.2.25"],
    "mx.example.org AAAA": ["2001:db8::25"],
    "_dmarc.example.org TXT": ['"v=DMARC1; p=reject"'],
    "25.2.0.192.in-addr.arpa PTR": ["mx.example.org."],
}


@pytest.fixture
def server() -> Iterator[NameServer]:
    with nameserver.serving(GOOD) as running:
        yield running


@pytest.fixture
def nobody() -> Iterator[tuple[str, int]]:
    """The place of a DNS server that hears everything and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield silent.getsockname()


def answer(server: NameServer, name: str, kind: Kind, **options: float) -> Answer:
    async def asked() -> Answer:
        return await Resolver(server.place, **options).answer(Question(name, kind))

    return asyncio.run(asked())


def findings(place: tuple[str, int], sender: Sender, **options: float) -> list[Finding]:
    async def asked() -> list[Finding]:
        return await dns.findings(Resolver(place, **options), inquiries(sender))

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("example.org", Kind.TXT, Answer(("google-site-verification=x", "v=spf1 ip4:192.0.2.25 -all"))),
        ("example.org", Kind.MX, Answer(("10 mx.example.org",))),
        ("mx.example.org", Kind.A, Answer(("192.0.2.25",))),
        ("mx.example.org", Kind.AAAA, Answer(("2001:db8::25",))),
        ("25.2.0.192.in-addr.arpa", Kind.PTR, Answer(("mx.example.org",))),
        ("example.org", Kind.A, Answer()),
        ("nowhere.example.org", Kind.A, Answer(exists=False)),
        ("a" * 64 + ".example.org", Kind.A, Answer(exists=False)),
        ("a..example.org", Kind.A, Answer(exists=False)),
    ],
)
def test_records_and_their_absence(server: NameServer, name: str, kind: Kind, expected: Answer) -> None:
    assert answer(server, name, kind) == expected


def test_an_alias_is_followed(server: NameServer) -> None:
    server.zone |= {"www.example.org CNAME": ["mx.example.org."]}
    assert answer(server, "www.example.org", Kind.A) == Answer(("192.0.2.25",))


def test_a_null_mx_names_no_host(server: NameServer) -> None:
    server.zone |= {"quiet.example MX": ["0 ."]}
    assert answer(server, "quiet.example", Kind.MX) == Answer(("0 ",))


def test_an_answer_that_fits_no_datagram_is_fetched_by_tcp(server: NameServer) -> None:
    server.zone |= {"long.example TXT": [f'"{n}{"x" * 200}"' for n in range(9)]}
    assert len(answer(server, "long.example", Kind.TXT).records) == 9
    assert server.asked == ["udp long.example TXT", "tcp long.example TXT"]


@pytest.mark.parametrize(("mood", "why"), [(SERVFAIL, "SERVFAIL"), (REFUSED, "REFUSED"), (SILENT, "no answer within")])
def test_failure_and_silence_are_not_absence(server: NameServer, mood: str, why: str) -> None:
    server.zone |= {"example.net TXT": [mood]}
    with pytest.raises(Unanswered, match=why):
        answer(server, "example.net", Kind.TXT, patience=0.2)


def test_a_question_is_asked_once(server: NameServer) -> None:
    async def asked() -> None:
        resolver = Resolver(server.place)
        await asyncio.gather(*[resolver.answer(Question("example.org", Kind.TXT)) for _ in range(5)])

    asyncio.run(asked())
    assert server.asked == ["udp example.org TXT"]


def test_a_sender_with_everything_in_its_place_has_no_fault(server: NameServer) -> None:
    found = findings(server.place, Sender("example.org", "example.org"))
    assert {each.part: each.state for each in found} == {"SPF": State.OK, "DMARC": State.WARNING, "MX": State.OK}
    assert [each.code for each in found if each.code] == ["dmarc-by-return-path-only"]


def test_a_sender_without_anything_has_all_faults(server: NameServer) -> None:
    codes = [each.code for each in findings(server.place, Sender("nowhere.example", "nowhere.example"))]
    assert codes == ["spf-missing", "dmarc-missing", "mx-no-domain"]


def test_what_could_not_be_looked_at_is_one_warning_beside_what_could(server: NameServer) -> None:
    server.zone |= {"_dmarc.example.org TXT": [SERVFAIL]}
    *others, last = findings(server.place, Sender("example.org", "example.org"))
    assert [each.part for each in others] == ["SPF", "MX"]
    assert (last.state, last.code) == (State.WARNING, "dns-unanswered")
    assert "nothing can be said of DMARC (the server failed (SERVFAIL): _dmarc.example.org TXT)" in last.message


def test_a_dns_that_is_dead_is_one_warning_in_bounded_time(nobody: tuple[str, int]) -> None:
    began = time.monotonic()
    (one,) = findings(nobody, Sender("example.org", "bounces.example.org"), patience=0.2, altogether=0.5)
    assert (one.state, one.code) == (State.WARNING, "dns-unanswered")
    assert "SPF, DMARC, MX" in one.message
    assert time.monotonic() - began < 2


def test_after_its_time_nothing_more_is_asked(nobody: tuple[str, int]) -> None:
    async def asked() -> None:
        resolver = Resolver(nobody, patience=0.1, altogether=0.1)
        for name in ("a.example", "b.example"):
            with pytest.raises(Unanswered) as raised:
                await resolver.answer(Question(name, Kind.A))
        assert "no time was left" in str(raised.value)

    asyncio.run(asked())
