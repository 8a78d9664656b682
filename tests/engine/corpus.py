"""Mails as the world sends them: subjects in many scripts, all kinds of names and addresses, every option of a list.

Each is written by what a sender writes with, and comes with what a reader is to find in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from outreach import address
from outreach.engine.letters import Letters
from outreach.message import dkimkey
from outreach.message.dkim import Signer
from outreach.store.claims import Claimed
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Outgoing
from tests.message import mail

URL = "https://go.clinic.example"
TOKENS = TokenMaker(KeyRing(b"0123456789abcdef0123456789abcdef"))

SUBJECTS = (
    "News",
    'A subject with "marks", (brackets) <angles> and a back\\slash; it\'s all: plain?',
    "It grows " + "longer and longer " * 18 + "to its end",
    "Ärzte außerhalb der Städte: was für Sie zählt, und was Sie fragen können, bevor Sie sich entscheiden",
    "Η θεραπεία με κύτταρα CAR-T: τι μπορεί να κάνει και τι πρέπει να σκεφτείτε πριν αποφασίσετε",
    "Терапия CAR-T-клетками: что она может и что нужно взвесить, прежде чем вы примете решение",
    "العلاج بالخلايا التائية: ما يمكن أن يفعله وما يجب أن تزنه قبل أن تقرر",
    "טיפול בתאי CAR-T: מה הוא יכול לעשות, ומה כדאי לשקול",
    "सीएआर-टी कोशिका चिकित्सा: यह क्या कर सकती है, और निर्णय से पहले क्या सोचना चाहिए",
    "การรักษาด้วยเซลล์คาร์ที: ทำอะไรได้บ้าง และควรพิจารณาอะไรก่อนตัดสินใจ",
    "CAR-T細胞療法の台頭:できることと、決める前に考えるべきこと。" * 4,
    "嵌合抗原受體T細胞療法",
    "카티 세포 치료법: 무엇을 할 수 있으며 결정하기 전에 무엇을 고려해야 하는가",
    "👩🏽‍⚕️ 🏳️‍🌈 Hello 🎗️" * 6,
    "e\u0301tude compose\u0301e, Việt Nam: điều trị",
    "=?utf-8?q?not_a_word?= and other =?things?=",
    "W" * 300,
)

NAMES = (
    "",
    "Ann Archer",
    'Dr. "Bob" O\\Brien, Jr. (M.D.) <bob>',
    "Zoë Ångström-Łukasiewicz",
    "Александра Константиновна Воскресенская-Преображенская из Санкт-Петербурга",
    "محمد بن عبد الرحمن",
    "山田 太郎" * 20,
    "👩🏽‍⚕️ Nurse 🎗️",
    "Ann\r\nBcc: all@example.com\r\n\r\nHello",
    "=?utf-8?q?Ann?= Lee",
    "  two  blanks  ",
    "N" * 180,
    ".leading dot",
    "\u2028line\u0085ends\tand tabs",
)

ADDRESSES = (
    "ann@example.org",
    "ann.archer+letters_2026@news.example.org",
    "x@bücher.example",
    "用户@例子.example",
    "δοκιμή@example.org",
    f"{'l' * 64}@{'d' * 60}.{'e' * 60}.example",
    "o'hara!#$%&*/=?^`{|}~-@example.org",
)

TITLES = ("Cell news", "Новости о лечении клетками для пациентов и их близких, раз в месяц", 'Cells, "new" & old', "🎗️")
SENDERS = (
    "Clinic News <news@clinic.example>",
    "news@clinic.example",
    "Klinik für Hämatologie und Onkologie am Universitätsklinikum in der großen Stadt <post@klinik-süd.example>",
    '"Clinic, News (and more)" <news@mail.clinic.example>',
    "癌症中心通訊 <news@clinic.example>",
)


@dataclass(frozen=True)
class Case:
    """A mail, and what a reader is to find."""

    outgoing: Outgoing
    subject: str
    sender: address.Mailbox
    reply_to: address.Mailbox | None
    list_title: str
    list_name: str
    name: str
    recipient: str
    leaves_by_mail: bool
    has_picture: bool
    signed: bool

    @property
    def message(self) -> bytes:
        return self.outgoing.message


@cache
def signer() -> Signer:
    """RSA, and Ed25519 beside it."""
    return Signer("clinic.example", (dkimkey.made("s1"), dkimkey.made("e1", ed25519=True)))


@cache
def cases() -> tuple[Case, ...]:
    """All of them: each subject in a campaign of its own, and each name and address in several campaigns."""
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    number = 0
    for at, subject in enumerate(SUBJECTS):
        reply_to = (None, address.parse_mailbox("Fragen & Antworten <desk@antwort-büro.example>"))[at % 2]
        sender = address.parse_mailbox(SENDERS[at % len(SENDERS)])
        title, name = TITLES[at % len(TITLES)], ("cells", "a-list-with-a-long-name-2026")[at % 2]
        leave, signed, picture = at % 3 == 1, at % 4 != 3, at % 5 == 2
        images = {"images": {"ward.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3}} if picture else {}
        compiled = mail.compiled(
            subject=subject.replace("{", "("), tracked=at % 2 == 0, list_title=title, list_name=name,
            sender=sender, reply_to=reply_to, public_url=URL, **images,
        )  # fmt: skip
        letters = Letters(
            TOKENS, URL, return_path="bounces@clinic.example", leave_by_mail="leave@clinic.example" if leave else None,
            sign=signer().sign if signed else None,
        )  # fmt: skip
        letters.learn(at, compiled.to_bytes())
        for _ in range(6):
            number += 1
            who = NAMES[number % len(NAMES)]
            recipient = str(address.parse(ADDRESSES[number % len(ADDRESSES)]))
            attributes: dict[str, Any] = {"city": TITLES[number % len(TITLES)]}
            claimed = Claimed(number, at, 0, None, recipient, who, "en", "UTC", attributes, "c")
            yield Case(
                letters.write(claimed), subject, sender, reply_to, title, name, who, recipient, leave, picture, signed
            )
