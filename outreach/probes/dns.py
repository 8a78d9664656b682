"""What does the DNS answer? Each question is asked once, in bounded time; silence is told from absence."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from outreach.diagnosis import finding
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.question import Answer, Inquiry, Kind, Question, Unanswered

#: Seconds for one server, for one question, and for all of them together.
TRY, PATIENCE, ALTOGETHER = 1.5, 3.0, 8.0

PART = "DNS"


class Resolver:
    """Asks a DNS server; for one event loop and one round of questions."""

    def __init__(
        self, server: tuple[str, int] | None = None, *, patience: float = PATIENCE, altogether: float = ALTOGETHER
    ) -> None:
        """`server` is the address and port of the server to ask; None asks those that the system names.

        After `altogether` seconds nothing more is asked, so a DNS that is dead costs no more than that.
        """
        self._server = server
        self._patience = patience
        self._altogether = altogether
        self._asked: dict[Question, asyncio.Task[Answer]] = {}
        self._made: dns.asyncresolver.Resolver | None = None
        self._end = 0.0

    async def answer(self, question: Question) -> Answer:
        """The answer to a question, asked once however often it is put; raises Unanswered."""
        if question not in self._asked:
            self._asked[question] = asyncio.create_task(self._fetched(question))
        return await self._asked[question]

    async def _fetched(self, question: Question) -> Answer:
        clock = asyncio.get_running_loop().time
        self._end = self._end or clock() + self._altogether
        left = min(self._patience, self._end - clock())
        if left <= 0:
            raise Unanswered(question, "no time was left to ask")
        try:
            found = await self._resolver(question).resolve(
                dns.name.from_text(question.name), question.kind.value, lifetime=left, search=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer(exists=False)
        except dns.resolver.NoAnswer:
            return Answer()
        except dns.resolver.NoNameservers as error:
            raise Unanswered(question, _failure(error)) from error
        except dns.exception.Timeout as error:
            raise Unanswered(question, f"no answer within {left:.3g} s") from error
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape):
            return Answer(exists=False)  # no name of the DNS, so nothing has it
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered(question, str(error) or type(error).__name__) from error
        # Servers give their records in any order, and mix it on purpose; what we say of them is always the same.
        return Answer(tuple(sorted((_text(record, question.kind) for record in found), key=_rank)))

    def _resolver(self, question: Question) -> dns.asyncresolver.Resolver:
        if self._made is None:
            try:
                self._made = dns.asyncresolver.Resolver(configure=self._server is None)
            except dns.resolver.NoResolverConfiguration as error:
                raise Unanswered(question, "the system names no DNS server") from error
            self._made.timeout = TRY
            if self._server is not None:
                self._made.nameservers, self._made.port = [self._server[0]], self._server[1]
        return self._made


async def findings(resolver: Resolver, inquiries: Sequence[tuple[str, Inquiry[list[Finding]]]]) -> list[Finding]:
    """What inquiries find, all of them side by side; what nobody could tell is one finding at the end."""
    told = await asyncio.gather(*[_found(resolver, inquiry) for _, inquiry in inquiries])
    found = [each for several in told if not isinstance(several, Unanswered) for each in several]
    silent = [(part, error) for (part, _), error in zip(inquiries, told, strict=True) if isinstance(error, Unanswered)]
    return list(dict.fromkeys(found)) + ([_unanswered(silent)] if silent else [])


async def _found(resolver: Resolver, inquiry: Inquiry[list[Finding]]) -> list[Finding] | Unanswered:
    try:
        question = next(inquiry)
        while True:
            try:
                answer = await resolver.answer(question)
            except Unanswered as error:
                question = inquiry.throw(error)
            else:
                question = inquiry.send(answer)
    except StopIteration as end:
        return list(end.value)
    except Unanswered as error:
        return error


def _unanswered(silent: Sequence[tuple[str, Unanswered]]) -> Finding:
    parts = ", ".join(dict.fromkeys(part for part, _ in silent))
    reasons = dict.fromkeys(error.why for _, error in silent)
    why = "; ".join(
        f"{reason}: {', '.join(dict.fromkeys(str(error.question) for _, error in silent if error.why == reason))}"
        for reason in reasons
    )
    words = f"The DNS gave no answer, so nothing can be said of {parts} ({why})."
    return finding.warning(
        PART, "dns-unanswered", words, "Look at this host's DNS (or set OUTREACH_RESOLVER), and again."
    )


def _text(record: Any, kind: Kind) -> str:
    if kind is Kind.TXT:
        return b"".join(record.strings).decode("latin-1")
    if kind is Kind.MX:
        return f"{record.preference} {record.exchange.to_text().rstrip('.').lower()}"
    return str(record).rstrip(".").lower()


def _rank(text: str) -> tuple[int, str]:
    """MX records by their preference, others by what they say."""
    number = text.partition(" ")[0]
    return (int(number) if number.isdigit() else 0), text


def _failure(error: dns.resolver.NoNameservers) -> str:
    """Why no server gave an answer: SERVFAIL, REFUSED, or nobody there."""
    said = [str(one[3]) for one in error.kwargs.get("errors", ())]
    return f"the server failed ({', '.join(dict.fromkeys(said))})" if said else "no server answered"
