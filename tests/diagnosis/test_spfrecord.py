"""SPF records are read as RFC 7208 writes them; one wrong term is refused with its reason."""

from __future__ import annotations

import pytest

from outreach.diagnosis import spfrecord


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("v=spf1", True),
        ("v=spf1 -all", True),
        ("V=SPF1 -all", True),
        ("v=spf10 -all", False),  # 4.5
        ("v=spf2.0/pra -all", False),
        (" v=spf1 -all", False),
        ("google-site-verification=x", False),
    ],
)
def test_which_txt_records_are_of_spf(text: str, is_one: bool) -> None:
    assert spfrecord.is_one(text) is is_one


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("v=spf1 +mx a:colo.example.com/28 -all", ["mx", "a:colo.example.com", "-all"]),
        ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all", ["ip4:192.0.2.0/24", "ip6:2001:db8::/32", "~all"]),
        ("v=spf1 ip4:192.0.2.25 ?all", ["ip4:192.0.2.25/32", "?all"]),
        ("v=spf1  A  MX/24//64  -ALL", ["a", "mx", "-all"]),  # names in any case, several spaces
        ("v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all", ["exists:%{ir}.%{l1r+-}._spf.%{d}", "-all"]),
        ("v=spf1 include:_spf.example.com. -all", ["include:_spf.example.com.", "-all"]),
        ("v=spf1 moo=x%%y exp=explain._spf.%{d} -all", ["-all"]),  # unknown modifiers are passed over
        ("v=spf1 ptr:other.example -all", ["ptr:other.example", "-all"]),
        ("v=spf1", []),
    ],
)
def test_terms_are_read(text: str, terms: list[str]) -> None:
    assert [str(term) for term in spfrecord.parse(text).mechanisms] == terms


def test_prefix_lengths_of_both_families_are_read() -> None:
    (first, second, third) = spfrecord.parse("v=spf1 a/24 mx:x.example//64 a/8//32").mechanisms
    assert [(each.four, each.six) for each in (first, second, third)] == [(24, 128), (32, 64), (8, 32)]


def test_redirect_is_read() -> None:
    assert spfrecord.parse("v=spf1 redirect=_spf.example.com").redirect == "_spf.example.com"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v=spf1 ipv4:192.0.2.1 -all", "no mechanism that SPF knows"),
        ("v=spf1 ip4:192.0.2.256 -all", "no address or network of IPv4"),
        ("v=spf1 ip4:2001:db8::1 -all", "no address or network of IPv4"),
        ("v=spf1 ip4:192.0.2.1/032 -all", "no address or network of IPv4"),
        ("v=spf1 exp=%{r}.example.com -all", "for explanations alone"),
        ("v=spf1 ip4 -all", "no address or network of IPv4"),
        ("v=spf1 ip4:192.0.2.0/255.255.255.0 -all", "no address or network of IPv4"),
        ("v=spf1 ip6:192.0.2.1 -all", "no address or network of IPv6"),
        ("v=spf1 include -all", "wants a colon and a domain"),
        ("v=spf1 include: -all", "names no whole domain"),
        ("v=spf1 include:localhost -all", "names no whole domain"),
        ("v=spf1 a:foo.example/33 -all", "no address has so many bits"),
        ("v=spf1 all:x -all", "nothing can stand behind all"),
        ("v=spf1 exists:%{x}.example -all", "begins no macro"),
        ("v=spf1 exists:%i.example -all", "begins no macro"),
        ("v=spf1 redirect=a.example redirect=b.example", "stands twice"),
        ("v=spf1 mx -all,", "nothing can stand behind all"),
        ("v=spf1 -all; a", "nothing can stand behind all"),
        ("v=spf1 ä -all", "beyond ASCII"),
        ("v=spf1 =x -all", "is no term"),
    ],
)
def test_a_wrong_term_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        spfrecord.parse(text)
