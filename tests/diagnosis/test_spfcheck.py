"""check_host() of RFC 7208: the examples of its appendix A, its limits, its macros, and what it must not do."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from outreach.diagnosis import spfcheck
from outreach.diagnosis.question import Unanswered
from outreach.diagnosis.spfcheck import Result
from tests.diagnosis.answers import SILENT, asks, told

#: Appendix A.
ZONE = {
    "example.com MX": ["10 mail-a.example.com", "20 mail-b.example.com"],
    "example.com A": ["192.0.2.10", "192.0.2.11"],
    "amy.example.com A": ["192.0.2.65"],
    "bob.example.com A": ["192.0.2.66"],
    "mail-a.example.com A": ["192.0.2.129"],
    "mail-b.example.com A": ["192.0.2.130"],
    "example.org MX": ["10 mail-c.example.org"],
    "mail-c.example.org A": ["192.0.2.140"],
    "10.2.0.192.in-addr.arpa PTR": ["example.com"],
    "65.2.0.192.in-addr.arpa PTR": ["amy.example.com"],
    "140.2.0.192.in-addr.arpa PTR": ["mail-c.example.org"],
    "4.0.0.10.in-addr.arpa PTR": ["bob.example.com"],
    "13.2.0.192._spf.example.com A": ["127.0.0.2"],
    "_open.example TXT": ["v=spf1 +all"],
    "_closed.example TXT": ["v=spf1 -all"],
    "_mx.example.org TXT": ["v=spf1 mx:example.org ?all"],
    "six.example.com AAAA": ["2001:db8::25"],
}


def result(record: str, ip: str | None, zone: dict[str, list[str]] | None = None) -> Result:
    """What a receiver concludes for example.com with that record."""
    whole = {**ZONE, "example.com TXT": [record], **(zone or {})}
    return told(spfcheck.check("example.com", ip_address(ip) if ip else None), whole).result


@pytest.mark.parametrize(
    ("record", "ip", "expected"),
    [
        ("v=spf1 +all", "203.0.113.9", Result.PASS),
        ("v=spf1 a -all", "192.0.2.10", Result.PASS),
        ("v=spf1 a -all", "192.0.2.12", Result.FAIL),
        ("v=spf1 a:example.org -all", "192.0.2.10", Result.FAIL),
        ("v=spf1 mx -all", "192.0.2.129", Result.PASS),
        ("v=spf1 mx -all", "192.0.2.140", Result.FAIL),
        ("v=spf1 mx:example.org -all", "192.0.2.140", Result.PASS),
        ("v=spf1 mx mx:example.org -all", "192.0.2.140", Result.PASS),
        ("v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", Result.PASS),
        ("v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", Result.PASS),
        ("v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.144", Result.FAIL),
        ("v=spf1 ptr -all", "192.0.2.10", Result.PASS),
        ("v=spf1 ptr -all", "192.0.2.65", Result.PASS),
        ("v=spf1 ptr -all", "192.0.2.140", Result.FAIL),
        ("v=spf1 ptr -all", "10.0.0.4", Result.FAIL),  # its name does not lead back
        ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", Result.PASS),
        ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", Result.FAIL),
        ("v=spf1 ip6:2001:db8::/32 ~all", "2001:db8::1", Result.PASS),
        ("v=spf1 ip6:2001:db8::/32 ~all", "192.0.2.1", Result.SOFTFAIL),
        ("v=spf1 a:six.example.com -all", "2001:db8::25", Result.PASS),
        ("v=spf1 a:six.example.com//64 -all", "2001:db8::99", Result.PASS),
        ("v=spf1 -ip4:192.0.2.10 +all", "192.0.2.10", Result.FAIL),
        ("v=spf1 ?ip4:192.0.2.10 -all", "192.0.2.10", Result.NEUTRAL),
        ("v=spf1 ip4:192.0.2.10", "192.0.2.11", Result.NEUTRAL),  # 4.7
        ("v=spf1 include:_mx.example.org -all", "192.0.2.140", Result.PASS),
        ("v=spf1 include:_mx.example.org -all", "192.0.2.10", Result.FAIL),  # a neutral include does not match
        ("v=spf1 ~include:_closed.example ~all", "192.0.2.10", Result.SOFTFAIL),
        ("v=spf1 redirect=_mx.example.org", "192.0.2.140", Result.PASS),
        ("v=spf1 redirect=_mx.example.org", "192.0.2.10", Result.NEUTRAL),
        ("v=spf1 -all redirect=_open.example", "192.0.2.10", Result.FAIL),  # beside all it means nothing (6.1)
        ("v=spf1 exists:%{ir}.%{v}._spf.example.com -all", "192.0.2.10", Result.FAIL),
        ("v=spf1 exists:13.2.0.192._spf.%{d} -all", "192.0.2.10", Result.PASS),
        ("v=spf1 exists:%{ir}._spf.%{d} -all", "192.0.2.13", Result.PASS),
    ],
)
def test_what_a_receiver_concludes(record: str, ip: str, expected: Result) -> None:
    assert result(record, ip) is expected


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ("v=spf1 include:nowhere.example -all", "spf-include"),
        ("v=spf1 redirect=nowhere.example", "spf-include"),
        ("v=spf1 mx a:x.example.com -all extra", "spf-syntax"),
        ("v=spf1 include:example.com -all", "spf-loop"),
        ("v=spf1 a:n1.example a:n2.example a:n3.example -all", "spf-void-lookups"),
        ("v=spf1 " + " ".join(f"a:h{n}.example.com" for n in range(11)) + " -all", "spf-lookups"),
    ],
)
def test_a_record_that_is_wrong_is_wrong_for_good(record: str, code: str) -> None:
    zone = {**ZONE, "example.com TXT": [record], **{f"h{n}.example.com A": ["192.0.2.200"] for n in range(11)}}
    verdict = told(spfcheck.check("example.com", ip_address("203.0.113.9")), zone)
    assert (verdict.result, verdict.code) == (Result.PERMERROR, code)


def test_lookups_of_included_records_count_together() -> None:
    zone = {
        "example.com TXT": ["v=spf1 include:one.example include:two.example -all"],
        "one.example TXT": ["v=spf1 " + " ".join(f"a:h{n}.one.example" for n in range(4)) + " -all"],
        "two.example TXT": ["v=spf1 " + " ".join(f"a:h{n}.two.example" for n in range(4)) + " -all"],
        **{f"h{n}.{of}.example A": ["192.0.2.200"] for n in range(5) for of in ("one", "two")},
    }
    verdict = told(spfcheck.check("example.com", None), zone)
    assert (verdict.result, verdict.lookups) == (Result.FAIL, 10)
    zone["two.example TXT"] = ["v=spf1 " + " ".join(f"a:h{n}.two.example" for n in range(5)) + " -all"]
    assert told(spfcheck.check("example.com", None), zone).code == "spf-lookups"


def test_two_lookups_may_find_nothing() -> None:
    assert result("v=spf1 a:n1.example a:n2.example ip4:192.0.2.1 -all", "192.0.2.1") is Result.PASS


def test_two_records_are_none() -> None:
    zone = {"example.com TXT": ["v=spf1 -all", "other", "v=spf1 a -all"]}
    assert told(spfcheck.check("example.com", None), zone).code == "spf-several"


def test_a_domain_without_a_record_is_told_from_one_that_nobody_could_ask() -> None:
    assert told(spfcheck.check("example.com", None), {}).result is Result.NONE
    with pytest.raises(Unanswered):
        told(spfcheck.check("example.com", None), {"example.com TXT": [SILENT]})


def test_without_an_address_every_term_is_looked_at_and_what_names_the_address_is_not_asked() -> None:
    asked: list = []
    zone = {"example.com TXT": ["v=spf1 a mx exists:%{i}.example include:_mx.example.org -all"]}
    verdict = told(spfcheck.check("example.com", None), {**ZONE, **zone}, asked)
    assert (verdict.result, verdict.lookups) == (Result.FAIL, 5)
    assert asks(asked) == ["example.com", "_mx.example.org"]
    assert not any("exists" in question.name or question.name.endswith(".example") for question in asked)


@pytest.mark.parametrize(
    ("macro", "expanded"),
    [  # 7.4
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ],
)
def test_macros_are_filled_as_the_examples_of_the_rfc(macro: str, expanded: str) -> None:
    asked: list = []
    sender, zone = "strong-bad@email.example.com", {"email.example.com TXT": [f"v=spf1 exists:x.{macro} -all"]}
    told(spfcheck.check("email.example.com", ip_address("192.0.2.3"), sender=sender), zone, asked)
    assert asked[1].name == f"x.{expanded}"


def test_an_address_of_six_is_written_in_nibbles() -> None:
    asked: list = []
    zone = {"example.com TXT": ["v=spf1 exists:%{ir}.%{v}._spf.example.com -all"]}
    told(spfcheck.check("example.com", ip_address("2001:db8::cb01")), zone, asked)
    reverse = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert asked[1].name == f"{reverse}.ip6._spf.example.com"


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("192.0.2.65", "amy.example.com"),  # below the domain
        ("192.0.2.140", "mail-c.example.org"),  # any that leads back
        ("10.0.0.4", "unknown"),  # none does
    ],
)
def test_the_name_of_an_address_is_one_that_leads_back(ip: str, name: str) -> None:
    zone = {
        **ZONE,
        "example.com TXT": ["v=spf1 exists:%{p}.names.example -all"],
        f"{name}.names.example A": ["127.0.0.2"],
    }
    assert told(spfcheck.check("example.com", ip_address(ip)), zone).result is Result.PASS


def test_a_name_that_grows_too_long_loses_its_left_labels() -> None:
    asked: list = []
    zone = {"example.com TXT": ["v=spf1 exists:%{l}.%{l}.%{l}.%{l}.example.com -all"]}
    told(spfcheck.check("example.com", ip_address("192.0.2.3"), sender=f"{'a' * 63}@example.com"), zone, asked)
    assert len(asked[1].name) <= 253
    assert asked[1].name.endswith(f"{'a' * 63}.example.com")
