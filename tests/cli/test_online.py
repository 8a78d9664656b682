"""`campaign check --online` and `doctor` ask the world: a DNS, a web server and our own web part, all on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import config, wiring
from outreach.cli import doctor
from outreach.cli.doctor import Finding, State
from outreach.house import prepare
from outreach.probes import links, spam
from outreach.web import server
from tests.actions.people import ARTICLE, listed
from tests.cli.line import Said, outreach
from tests.conftest import free_port
from tests.probes import nameserver, webserver
from tests.probes.nameserver import NameServer
from tests.probes.network import only_this_machine
from tests.probes.webserver import WebServer

GOOD = {
    "example.org TXT": ['"v=spf1 ip4:192.0.2.25 -all"'],
    "example.org MX": ["10 mx.example.org."],
    "mx.example.org A": ["192.0.2.25"],
    "_dmarc.example.org TXT": ['"v=DMARC1; p=none"'],
    "25.2.0.192.in-addr.arpa PTR": ["mx.example.org."],
}


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    only_this_machine(monkeypatch)


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A DNS in which all is well for example.org; the settings name it."""
    with nameserver.serving(GOOD) as running:
        monkeypatch.setenv("OUTREACH_RESOLVER", f"127.0.0.1:{running.port}")
        yield running


@pytest.fixture
def site() -> Iterator[WebServer]:
    """The server that the article's links lead to."""
    with webserver.serving() as running:
        running.says("/quote", 200)
        yield running


@pytest.fixture
def _settings(dns: NameServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTREACH_FROM", "News <news@example.org>")
    monkeypatch.setenv("OUTREACH_POSTAL_ADDRESS", "1 Road, Town")
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"folder:{tmp_path / 'mail'}")
    monkeypatch.setenv("OUTREACH_SENDING_ADDRESSES", "192.0.2.25")
    monkeypatch.setenv("OUTREACH_PUBLIC_URL", f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def public(_settings: None) -> Iterator[None]:
    """Our own web part, where the public URL leads."""
    house = prepare(config.load())[0]
    listed(house.store, datetime.now(UTC), people=1)
    port = int(house.settings.public_url.rpartition(":")[2])
    running = server.make(wiring.web(house), host="127.0.0.1", port=port)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.005)
    yield
    running.should_exit = True
    thread.join()
    house.close()


@pytest.fixture
def campaign(public: None, site: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A campaign whose links lead to the site; no spam filter is asked, which takes seconds."""
    monkeypatch.setattr(spam, "FILTERS", ())
    article = tmp_path / "spring.md"
    article.write_text(ARTICLE.replace("https://example.org/quote?a=1&b=2", f"{site.url}/quote"))
    assert outreach("campaign", "create", str(article), "--list", "sample").code == 0
    return "spring"


def check(name: str, *options: str) -> Said:
    return outreach("campaign", "check", name, "--online", *options)


def codes(said: Said) -> list[tuple[str, str]]:
    return [(fault["severity"], fault["code"]) for fault in said.document["faults"]]


def test_a_campaign_that_the_world_has_nothing_against(campaign: str, site: WebServer) -> None:
    said = check(campaign, "--json")
    # Unsigned mail whose return path counts is told; nothing else is wrong.
    assert codes(said) == [("warning", "dmarc-by-return-path-only")]
    assert site.methods("/quote") == ["HEAD"]
    assert "ok: The record of example.org is sound (0 of 10 lookups) and allows 192.0.2.25." in said.err
    assert "ok: One-click unsubscribe answers at http://127.0.0.1:" in said.err


def test_what_is_wrong_in_the_world_is_a_fault_with_its_remedy(campaign: str, site: WebServer, dns: NameServer) -> None:
    site.says("/quote", 404)
    dns.zone |= {"example.org TXT": ['"v=spf1 -all"']}
    dns.zone.pop("_dmarc.example.org TXT")
    said = check(campaign, "--json")
    assert said.code == 1
    assert codes(said) == [("error", "spf-refuses"), ("error", "dmarc-missing"), ("error", "link-dead")]
    assert "Add ip4:192.0.2.25 to it" in said.document["faults"][0]["message"]
    table = check(campaign)
    assert table.code == 1
    assert "spf-refuses" in table.out


def test_links_are_left_alone_where_that_is_asked_for(campaign: str, site: WebServer) -> None:
    assert check(campaign, "--no-links", "--json").document["faults"] != []
    assert site.asked == []


def test_where_our_own_pages_are_away_it_is_told_once(campaign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_PUBLIC_URL", f"http://127.0.0.1:{free_port()}")
    found = [code for _, code in codes(check(campaign, "--json"))]
    assert [code for code in found if code.startswith(("one-click", "link"))] == ["one-click-away"]


def test_our_own_pages_are_followed_too(campaign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[str] = []
    known = links.follow

    async def noted(asked: object, targets: list, **more: object) -> object:
        followed.extend(target.url for target in targets)
        return await known(asked, targets, **more)

    monkeypatch.setattr(links, "follow", noted)
    assert not [code for _, code in codes(check(campaign, "--json")) if code.startswith("link")]
    public = config.load().public_url
    assert sorted(url.removeprefix(public)[:3] for url in followed if url.startswith(public)) == ["/p/", "/v/"]


def test_without_online_nobody_is_asked(campaign: str, site: WebServer, dns: NameServer) -> None:
    assert outreach("campaign", "check", campaign).code == 0
    assert outreach("campaign", "check", campaign, "--no-links").code == 2
    assert (site.asked, dns.asked) == ([], [])


def test_the_sender_of_the_campaign_is_the_one_that_is_looked_at(campaign: str, dns: NameServer) -> None:
    assert outreach("campaign", "update", campaign, "--from", "Other <a@other.example>").code == 0
    found = codes(check(campaign, "--json"))
    assert ("error", "spf-missing") in found
    assert ("error", "mx-no-domain") in found


def test_a_mail_that_cannot_be_made_yet_is_told_and_not_asked_about(
    campaign: str, dns: NameServer, tmp_path: Path
) -> None:
    article = tmp_path / "broken.md"
    article.write_text(ARTICLE.replace("here is", "{{ nonsense. }}"))
    assert outreach("campaign", "update", campaign, "--article", str(article)).code == 1
    (tmp_path / "dead.md").write_text(ARTICLE.replace("https://example.org/quote?a=1&b=2", '""'))
    assert outreach("campaign", "create", str(tmp_path / "dead.md"), "--list", "sample").code == 0
    # A dead role hides nothing else, and its stand-in is not asked for.
    assert ("error", "dead-link-role") in codes(check("dead", "--json"))


def of(part: str) -> list[Finding]:
    """What the doctor finds of one part, the network included."""
    return [finding for finding in doctor.examine(online=True) if finding.part == part]


@pytest.mark.usefixtures("public")
def test_the_doctor_looks_at_the_dns_of_the_sender(dns: NameServer) -> None:
    assert [(one.state, one.code) for part in ("SPF", "MX", "names") for one in of(part)] == [(State.OK, "")] * 3
    dns.zone |= {"example.org TXT": ['"v=spf1 -all"', '"v=spf1 a -all"'], "25.2.0.192.in-addr.arpa PTR": ["x.test."]}
    assert [one.code for part in ("SPF", "names") for one in of(part)] == ["spf-several", "address-unconfirmed"]
    assert all(one.remedy for part in ("SPF", "names") for one in of(part))


@pytest.mark.usefixtures("public")
def test_the_doctor_asks_for_the_key_that_signs(
    dns: NameServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = tmp_path / "dkim.pem"
    form = serialization.PrivateFormat.PKCS8
    made = rsa.generate_private_key(65537, 2048)
    key.write_bytes(made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    key.chmod(0o600)
    for name, value in {"DOMAIN": "example.org", "SELECTOR": "s2026", "KEY": str(key)}.items():
        monkeypatch.setenv(f"OUTREACH_DKIM_{name}", value)
    (missing,) = of("DKIM")
    assert (missing.state, missing.code) == (State.FAULT, "dkim-missing")
    value = missing.remedy.partition("TXT ")[2].strip('"')
    dns.zone |= {"s2026._domainkey.example.org TXT": [f'"{value[:250]}" "{value[250:]}"']}
    (found,) = of("DKIM")
    assert (found.state, found.message) == (State.OK, "s2026._domainkey.example.org holds our key.")
    assert [one.state for one in of("DMARC")] == [State.OK, State.OK]


@pytest.mark.usefixtures("public")
def test_the_doctor_tries_one_click_where_readers_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.cli.asking.is_local", lambda host: False)  # 127.0.0.1 is where readers are, here
    assert [one.state for one in of("one-click")] == [State.OK]
    monkeypatch.setenv("OUTREACH_PUBLIC_URL", f"http://127.0.0.1:{free_port()}")
    assert [one.code for one in of("one-click")] == ["one-click-away"]


@pytest.mark.usefixtures("public")
def test_a_dead_dns_is_one_warning_and_the_doctor_is_still_quick(monkeypatch: pytest.MonkeyPatch) -> None:

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OUTREACH_RESOLVER", f"127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        found = of("DNS")
    assert [(one.state, one.code) for one in found] == [(State.WARNING, "dns-unanswered")]
    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("public")
def test_the_doctor_s_json_has_the_keys_that_it_always_had(dns: NameServer) -> None:
    said = outreach("doctor", "--json")
    assert {tuple(one) for one in said.document} == {("part", "state", "message", "remedy")}
    assert {"SPF", "DMARC", "MX"} <= {one["part"] for one in said.document}
    asked = len(dns.asked)
    said = outreach("doctor", "--offline", "--json")
    assert "SPF" not in {one["part"] for one in said.document}
    assert len(dns.asked) == asked


@pytest.mark.usefixtures("public")
def test_a_logo_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_BRAND_LOGO", "logo.svg")
    told = [one for one in of("settings") if "OUTREACH_BRAND_LOGO" in one.message]
    assert [one.state for one in told] == [State.WARNING]
    media = config.load().home / "media"
    media.mkdir()
    (media / "logo.svg").write_text("<svg/>")
    assert not [one for one in of("settings") if "OUTREACH_BRAND_LOGO" in one.message]


@pytest.mark.usefixtures("public")
def test_a_relay_that_says_nothing_is_a_fault_and_not_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("OUTREACH_SMTP_URL", f"smtp://127.0.0.1:{mute.getsockname()[1]}")
        (found,) = of("relay")
    assert (found.state, "did not answer within 0.2 s" in found.message) == (State.FAULT, True)
