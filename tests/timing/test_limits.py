"""Limits by provider and domain, as people write them."""

from __future__ import annotations

import re

import pytest

from outreach.timing import providers
from outreach.timing.limits import Limits, parse_providers
from outreach.timing.pace import Limit


def test_providers_domains_and_the_others_have_limits_of_their_own() -> None:
    limits = Limits(providers=parse_providers("google=20/s; Microsoft = 10/s,20000/d ;\nexample.org=5/s; *=2/s"))
    assert limits.of_provider("google") == Limit.parse("20/s")
    assert limits.of_provider("microsoft") == Limit.parse("10/s,20000/d")
    assert limits.of_provider("example.org") == Limit.parse("5/s")
    assert limits.of_provider("clinic.example") == Limit.parse("2/s")


def test_what_is_not_named_has_no_limit() -> None:
    assert not Limits()
    assert Limits(providers=parse_providers("google=20/s")).of_provider("example.org") is None


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("google", "google=20/s"),
        ("=5/s", "google=20/s"),
        ("google=fast", "50/s"),
        ("google=5/s; google=6/d", "write its rates together, such as google=10/s,20000/d"),
        ("gmail.com=5/s", "a domain of google, which is limited as a whole; write google=..."),
        ("gogle=5/s", "neither a domain nor a known provider"),
    ],
)
def test_what_is_no_limit_of_a_provider_is_refused_with_what_would_be_right(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=re.escape(advice)):
        parse_providers(text)


@pytest.mark.parametrize(
    ("email", "provider"),
    [
        ("a@gmail.com", "google"),
        ("a@GoogleMail.com", "google"),
        ("a@hotmail.co.uk", "microsoft"),
        ("a@aol.com", "yahoo"),
        ("a@me.com", "apple"),
        ("a@web.de", "gmx"),
        ("a@Clinic.Example", "clinic.example"),
    ],
)
def test_an_address_belongs_to_who_runs_its_mailbox(email: str, provider: str) -> None:
    assert providers.of_address(email) == provider


def test_no_domain_belongs_to_two_providers_and_all_are_written_small() -> None:
    domains = [domain for of_one in providers.PROVIDERS.values() for domain in of_one]
    assert len(domains) == len(set(domains))
    assert [domain for domain in domains if domain != domain.lower() or "." not in domain] == []
