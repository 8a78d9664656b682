"""Hits on links of mail as they are seen in the field, made by hand, each with what it truly was.

Seconds count from when the relay took the message. Messages, clients and links are made up; the habits are those of
mail clients, gateways and people: a gateway opens all links of a message at once and calls itself a browser, an office
has one address for everybody, a mail is passed on, a button is pressed twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from outreach.tracking.robot import Signs

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
EDGE = CHROME + " Edg/140.0.0.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.4 Safari/605.1.15"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.4 Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)
SAMSUNG = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 "
    "Mobile Safari/537.36"
)
OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; Microsoft Outlook 16.0.5266; ms-office; "
    "MSOffice 16)"
)
OFFICE = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.12026; Pro)"
OLD_CHROME = (
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.88 Safari/537.36"
)


class Seen(NamedTuple):
    """One hit, and what it truly was."""

    #: What is going on: the name under which a misjudged hit is told.
    scene: str
    person: bool
    at: float
    reader: str
    client: str | None
    link: int
    signs: Signs


def person(scene: str, at: float, reader: str, link: int = 1, agent: str = CHROME, *, client: str | None = "") -> Seen:
    """A person's click, from an address of their own unless told."""
    return Seen(scene, True, at, reader, client if client != "" else f"at {reader}", link, Signs(agent=agent))


def machine(scene: str, at: float, reader: str, link: int = 1, client: str | None = "gate", **signs: object) -> Seen:
    """A machine's request."""
    return Seen(scene, False, at, reader, client, link, Signs(**{"agent": CHROME, **signs}))  # type: ignore[arg-type]


def people() -> Iterable[Seen]:
    """What people do."""
    agents = (CHROME, EDGE, FIREFOX, SAFARI, IPHONE, ANDROID, SAMSUNG, OUTLOOK, OFFICE)
    for n in range(45):
        yield person("a click", 20 + 977 * n, f"one{n}", agent=agents[n % len(agents)])
    for n in range(8):  # reads on: another link some seconds later, and another one
        for link, after in enumerate((0, 4.5, 11)):
            yield person("reads on", 300 + 500 * n + after, f"on{n}", link + 1, agents[n % 5])
    for n in range(6):
        for after in (0, 0.3, 0.9):
            yield person("presses twice and again", 700 + 400 * n + after, f"again{n}", agent=ANDROID)
    for n in range(3):  # two links in two seconds is as fast as a person is
        yield person("two at once, in tabs", 900 + 90 * n, f"tabs{n}", 1, FIREFOX)
        yield person("two at once, in tabs", 901.2 + 90 * n, f"tabs{n}", 2, FIREFOX)
    for n, client in enumerate(("at home", "the friend's", "the clinic's", "the sister's")):
        yield person("passed on", 3_600 * (1 + 5 * n), "shared", 1 + n % 2, agents[n], client=client)
    for n in range(30):  # an office of thirty behind one address, from nine o'clock on
        yield person(
            "an office behind one address", 5_000 + 7.3 * n, f"desk{n}", agent=(EDGE, OUTLOOK)[n % 2], client="nat"
        )
    for n in range(3):
        yield person("three colleagues in two seconds", 9_000 + 0.8 * n, f"row{n}", agent=EDGE, client="nat")
    for n in range(2):
        yield person("a browser that hides its name", 4_000 + 100 * n, f"shy{n}", agent="")
    yield person("has the mail open when it comes", 1.4, "quick", agent=IPHONE)
    yield person("a phone on the move, without an address", 2_000, "away", agent=IPHONE, client=None)


def machines() -> Iterable[Seen]:
    """What gateways, scanners, previews and robots do."""
    for n in range(12):  # all links of a message within a second, some 43 s after sending, as a browser
        for link in range(1, 6):
            yield machine(
                "a gateway opens all links", 30 + 13 * n + 0.15 * link, f"scan{n}", link, f"gate{n}", agent=EDGE
            )
    for n in range(10):  # one link of each message, from one address
        yield machine(
            "a gateway takes message after message", 60 + 0.4 * n, f"row of mails {n}", 1, "gate40", agent=OLD_CHROME
        )
    for n in range(4):  # from several addresses of a cloud
        for link in range(1, 5):
            yield machine("a gateway from many addresses", 500 + 40 * n + 0.3 * link, f"cloud{n}", link, f"cloud{link}")
    for n in range(6):
        yield machine("HEAD before anything", 41 + 3 * n, f"head{n}", head=True, client=f"head{n}")
        yield machine("prefetch", 1_000 + 31 * n, f"ahead{n}", prefetch=True, client=f"ahead{n}", agent=ANDROID)
    for n, agent in enumerate((
        "python-requests/2.32.3", "curl/8.5.0", "Barracuda Sentinel (EE)", "Go-http-client/2.0", "okhttp/4.12.0",
        "Googlebot/2.1 (+http://www.google.com/bot.html)", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Microsoft Office Existence Discovery", "facebookexternalhit/1.1", "WhatsApp/2.23.20.0",
        "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    )):  # fmt: skip
        yield machine("says what it is", 90 + 71 * n, f"bot{n}", client=f"bot{n}", agent=agent)
    for n in range(3):
        yield machine("no name at all", 47 + 60 * n, f"mute{n}", client=f"mute{n}", agent="")
    for n in range(4):
        yield machine("looks before the mail is shown", 0.2 + 0.4 * n, f"early{n}", client=f"early{n}", agent=CHROME)
    for n in range(2):  # a mail of two links only, opened by what looks like a browser
        for link in (1, 2):
            yield machine("two links are no burst", 200 + 90 * n + 0.2 * link, f"pair{n}", link, f"pair{n}", agent=EDGE)
    for link in range(1, 4):
        yield machine("takes its time", 600 + 5 * link, "patient", link, "patient", agent=OLD_CHROME)


CORPUS = tuple(sorted([*people(), *machines()], key=lambda seen: seen.at))
