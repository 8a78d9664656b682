"""The shipped mail, signed and complete as it leaves, before judges that receivers and readers have."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from outreach import config, materials
from outreach.actions import compose
from outreach.actions.compose import Defaults
from outreach.engine.letters import Letters
from outreach.message import dkimkey
from outreach.message.dkim import Signer
from outreach.store.campaigns import Campaign
from outreach.store.claims import Claimed
from outreach.store.lists import MailingList
from tests import judges
from tests.engine.corpus import TOKENS
from tests.message import mail

URL = "https://news.example.org"
NOW = datetime.now(UTC).replace(microsecond=0)

#: Rules of SpamAssassin that the mail meets, and why they are not to be avoided. None gives it a point.
ALLOWED = {
    "HTML_MESSAGE": "it has an HTML part, which is what it is for",
    "NO_RECEIVED": "it comes from the disk and not from a server",
    "NO_RELAYS": "the same",
    # Where the Perl library for DKIM is installed, the signature is seen; without the DNS it cannot be verified.
    "DKIM_SIGNED": "it is signed",
    "T_DKIM_INVALID": "the DNS of the sample domain is not asked",
}


@cache
def signer() -> Signer:
    return Signer("example.org", (dkimkey.made("s1"), dkimkey.made("e1", ed25519=True)))


@cache
def shipped() -> bytes:
    """The CAR-T mail to one reader, with everything that a publisher can set."""
    settings = config.load()
    name, text = materials.article(settings, "car-t-cell-therapy")
    layout = materials.layout(settings, "default")
    campaign = Campaign(
        name="spring", list_id=1, article_name=name, article=text, layout_name=layout.name,
        layout=dict(layout.sources), created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    group = MailingList(name="readers", title="Readers", created_at=NOW)
    address = "Clinic News, 1 Harbour Street, 10115 Berlin, Germany"
    quote = "https://clinic.example.org/quote"
    defaults = Defaults("Clinic News <news@example.org>", "desk@example.org", address, quote, URL)
    compiled = compose.campaign(campaign, group, defaults, date=NOW, tracked=True)
    leave = "leave@example.org"
    letters = Letters(TOKENS, URL, return_path="bounces@example.org", leave_by_mail=leave, sign=signer().sign)
    letters.learn(1, compiled.to_bytes())
    return letters.write(Claimed(1, 1, 0, None, "ann@example.com", "Ann Archer", "en", "UTC", {}, "c")).message


def test_spamassassin_finds_nothing_that_could_be_avoided(tmp_path: Path) -> None:
    found = judges.spamassassin(tmp_path, shipped())
    assert "HTML_MESSAGE" in found  # it has looked
    assert set(found) <= set(ALLOWED)
    assert max(found.values()) <= 0.1


def test_opendkim_verifies_it(tmp_path: Path) -> None:
    assert judges.opendkim(tmp_path, signer(), [shipped()]) == [{"rsa-sha256": "pass", "ed25519-sha256": "pass"}]


def test_mime_tools_find_nothing_wrong() -> None:
    with judges.mime_tools() as read:
        told = read(shipped())
    assert told["wrong"] == []
    assert [part["type"] for part in told["root"]["parts"]] == ["text/plain", "text/html"]


def both() -> tuple[str, str]:
    return mail.parts(shipped()[shipped().index(b"From: ") :])


def test_the_text_part_says_what_another_browser_shows_of_the_html() -> None:
    text, html = both()
    # w3m hides neither the preheader nor the letter in the seal, which is no text to those who listen.
    seen, preheaders = re.subn(r'<div data-only="inbox".*?</div>', "", html, flags=re.DOTALL)
    seen, seals = re.subn(r'(aria-hidden="true"[^>]*>)[^<]*', r"\1", seen)
    assert (preheaders, seals > 0) == (1, True)
    assert words(judges.w3m(seen)) == words(text)


def words(text: str) -> list[str]:
    """The words alone: no URLs, no numbers of links or items, no rules, marks and underlines."""
    text = re.sub(r"https?://\S+|\[\d+\]", " ", text)
    text = re.sub(r"^\s*\d+\.\s", " ", text, flags=re.MULTILINE)
    return re.findall(r"\w+", text)


class Elements(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in tags]


def test_the_html_as_it_leaves_survives_what_mail_programs_do_to_it() -> None:
    text, html = both()
    found = Elements(re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))
    assert len(html.encode()) < 100_000
    assert len(shipped()) < 100_000
    assert [(one["lang"], one["dir"]) for one in found.of("html")] == [("en", "ltr")]
    assert any(one.get("lang") == "en" and one.get("dir") == "ltr" for one in found.of("div", "table", "td"))
    assert len(found.of("title")) == len(found.of("h1")) == 1
    assert found.of("h2")
    assert all(one.get("role") == "presentation" for one in found.of("table"))
    assert all("alt" in one for one in found.of("img"))
    assert {"color-scheme", "supported-color-schemes", "viewport"} <= {one.get("name") for one in found.of("meta")}
    for css in ("prefers-color-scheme", "data-ogsc", "data-ogsb"):
        assert css in html
    hosts = {re.match(r"https?://([^/]+)", one["href"] or "") for one in found.of("a")}
    assert {host[1] for host in hosts if host} == {"news.example.org"}  # neither the destination nor a third party
    assert not found.of("script", "form", "link", "iframe", "object")
    assert any(one.get("bgcolor") for one in found.of("td"))  # the button
    for part in (text, html):
        for wanted in ("1 Harbour Street", "Unsubscribe", "references", "Readers", "Clinic News"):
            assert wanted in part, wanted
    assert max(map(len, text.split("\n"))) <= 78 + len("https://news.example.org/l/") + 40
