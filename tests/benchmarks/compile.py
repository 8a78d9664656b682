"""What does compiling the shipped mail cost once, splicing it per recipient, and how does a plain script compare?

The plain script does for each recipient what such scripts do: render the templates with Jinja, inline with premailer,
make the text part, build an EmailMessage. Rounds of both alternate, since a shared machine is not always equally fast.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from outgoing import plain_script

from outreach import config, materials
from outreach.address import parse_mailbox
from outreach.message import article as articles
from outreach.message import compile, splice
from outreach.message.article import Article
from outreach.message.compiled import Compiled
from outreach.message.headers import Identity
from outreach.message.recipient import Recipient, Stamp
from outreach.message.template import Layout
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import Purpose, TokenMaker

NAMES = (
    "Amara Okafor",
    "Søren Åkesson",
    "李小龍",
    "Maria-José dos Santos",
    "Ann Lee",
    "أمينة الراشد",
    "Jane O'Neil",
    "Bo",
)
START = "https://news.clinic.example"


def main() -> None:
    options = _options()
    settings = config.load(quote_url="https://clinic.example/quote")
    name, text = materials.article(settings, options.article)
    article = articles.parse(text, file=f"{name}.md").with_links({"quote": settings.quote_url})
    layout = materials.layout(settings, "default")
    compiled, compiling = _compile(article, layout, options.rounds)
    people = [Recipient(f"person{n}@example.org", NAMES[n % len(NAMES)]) for n in range(options.rows)]
    varying, _ = _compile(_asking(article), layout, 1)
    spliced, alone, varied, scripted = [], [], [], []
    for number in range(options.rounds):
        spliced.append(_splice(compiled, people, _stamps(options.rows)))
        alone.append(_splice(compiled, people, [_constant_stamp()] * options.rows))
        varied.append(_splice(varying, people[:1000], _stamps(1000)))
        scripted.append(_script(article, layout, people[: options.script_rows]))
        print(f"round {number + 1}: {spliced[-1]:.1f} us spliced, {scripted[-1]:.0f} us by script", file=sys.stderr)
    message = splice.message(compiled, people[0], _constant_stamp())
    document = {
        "compile_ms": _told([1000 * seconds for seconds in compiling]),
        "splice_us": _told(alone),
        "splice_with_tokens_us": _told(spliced),
        "splice_varying_us": _told(varied),
        "script_us": _told(scripted),
        "script_against_splice": round(statistics.median(a / b for a, b in zip(scripted, spliced, strict=True))),
        "message_bytes": len(message),
        "compiled_bytes": len(compiled.to_bytes()),
        "slots": sum(not isinstance(piece, bytes) for piece in compiled.pieces),
        "tracked_links": len(compiled.links),
        "rows": options.rows,
        "rounds": options.rounds,
    }
    print(json.dumps(document, indent=2))


def _told(figures: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(figures), 1), "best": round(min(figures), 1)}


def _compile(article: Article, layout: Layout, rounds: int) -> tuple[Compiled, list[float]]:
    took = []
    for _ in range(2 * rounds + 1):
        began = time.perf_counter()
        compiled = compile.campaign(article, layout, _identity(article), date=datetime(2026, 3, 2, tzinfo=UTC))
        took.append(time.perf_counter() - began)
    return compiled, took


def _asking(article: Article) -> Article:
    """The article with a question about the recipient in it, which makes two variants."""
    greeting = "{% if name < 'M' %}Hello{% else %}Good day{% endif %}, {{ name | upper }}!\n\n"
    return articles.parse(
        f"---\ntitle: x\nsubject: s\nlinks:\n  quote: {article.links['quote']}\n"
        f"  accreditation: {article.links['accreditation']}\n---\n\n{greeting}{article.body}",
        file="asking.md",
    )


def _splice(compiled: Compiled, people: list[Recipient], stamps: list[Stamp]) -> float:
    """Microseconds a message."""
    for recipient, stamp in zip(people[:100], stamps[:100], strict=True):
        splice.message(compiled, recipient, stamp)
    began = time.perf_counter()
    for recipient, stamp in zip(people, stamps, strict=True):
        splice.message(compiled, recipient, stamp)
    return 1e6 * (time.perf_counter() - began) / len(people)


def _script(article: Article, layout: Layout, people: list[Recipient]) -> float:
    """Microseconds a message of a script that does everything for each recipient."""
    began = time.perf_counter()
    for _ in plain_script.messages(article, layout, people, START, inliner=plain_script.by_the_manual):
        pass
    return 1e6 * (time.perf_counter() - began) / len(people)


def _identity(article: Article) -> Identity:
    return Identity(
        sender=parse_mailbox("Clinic News <news@clinic.example>"),
        reply_to=None,
        subject=article.subject,
        postal_address="1 Road, Town",
        list_name="cells",
        list_title="Cell news",
        public_url=START,
    )


def _constant_stamp() -> Stamp:
    """A stamp that costs nothing, to see what splicing alone costs."""
    urls = [f"{START}/l/{number:032}" for number in range(100)]
    return Stamp("0123456789@clinic.example", urls.__getitem__, *(f"{START}/{kind}/{0:032}" for kind in "upv"))


def _stamps(rows: int) -> list[Stamp]:
    """Stamps that make real tokens: those of links while splicing, the others before."""
    tokens = TokenMaker(KeyRing(b"0123456789abcdef0123456789abcdef"))
    return [
        Stamp(
            f"{tokens.make(Purpose.MESSAGE, number)}@clinic.example",
            lambda link, number=number: f"{START}/l/{tokens.make(Purpose.CLICK, number, link)}",
            f"{START}/u/{tokens.make(Purpose.UNSUBSCRIBE, number)}",
            f"{START}/p/{tokens.make(Purpose.PREFERENCES, number)}",
            f"{START}/v/{tokens.make(Purpose.VIEW, number)}",
        )
        for number in range(1, rows + 1)
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--article", default="car-t-cell-therapy")
    parser.add_argument("--rows", type=int, default=20_000, help="messages that are spliced in a round")
    parser.add_argument("--script-rows", type=int, default=20, help="messages that the plain script makes in a round")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
