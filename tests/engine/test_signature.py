"""What a sender writes carries a signature that another's verifier finds right, made after the last value is in."""

from __future__ import annotations

from datetime import UTC, datetime

import dkim as verifier

from outreach.address import parse_mailbox
from outreach.engine.letters import Letters
from outreach.message import article, compile, dkimkey
from outreach.message.dkim import Signer
from outreach.message.headers import Identity
from outreach.message.template import Layout
from outreach.store.claims import Claimed
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker

WHEN = datetime(2025, 3, 2, 9, 0, tzinfo=UTC)
LETTER = "---\ntitle: A letter\nsubject: For {{ name }}\n---\nHello {{ name }}.\n"
LAYOUT = '<html><body>{{ article.body }}<p><a href="{{ links.unsubscribe }}">Unsubscribe</a></p></body></html>'


def test_every_delivery_is_signed_with_its_own_values(keys: KeyRing) -> None:
    signer = Signer("example.org", (dkimkey.made("s2026"),))
    record = signer.records[0].value.encode()
    letters = Letters(TokenMaker(keys), "https://news.example.org", sign=signer.sign)
    identity = Identity(
        sender=parse_mailbox("News <news@example.org>"), reply_to=None, subject="For {{ name }}", postal_address="",
        list_name="readers", list_title="Readers", public_url="https://news.example.org",
    )  # fmt: skip
    letter = article.parse(LETTER, file="letter.md")
    compiled = compile.campaign(letter, Layout("plain", {"layout.html": LAYOUT}), identity, date=WHEN)
    letters.learn(1, compiled.to_bytes())
    for number, name in ((1, "Ann Archer"), (2, "Zoë Ångström")):
        claimed = Claimed(number, 1, 0, None, f"reader{number}@example.com", name, "en", "UTC", {}, "claim")
        message = letters.write(claimed).message
        assert message.startswith(b"DKIM-Signature:")
        assert verifier.verify(message, dnsfunc=lambda asked, timeout=5: record)
        assert not verifier.verify(message.replace(b"reader", b"heeder"), dnsfunc=lambda asked, timeout=5: record)
