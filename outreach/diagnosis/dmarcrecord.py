"""What does a DMARC record say, and which one holds for a domain? Tags and the tree walk (RFC 9989, 4.7 and 4.10).

The organisation that a name belongs to is found by walking up the DNS, as RFC 9989 has it: no list of public suffixes
is needed, which would be old from its first day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from outreach.diagnosis import tags
from outreach.diagnosis.question import Inquiry, Kind, ask

#: Names that a walk asks at most (4.10).
MOST_STEPS = 8

_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")


class Policy(StrEnum):
    """What a receiver is asked to do with mail that fails."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True)
class Dmarc:
    """A record."""

    policy: Policy
    #: For names below; None is the same as `policy`.
    below: Policy | None = None
    #: Whether alignment is strict: the same name, not only the same organisation.
    strict_dkim: bool = False
    strict_spf: bool = False
    #: psd=: True says that this name is a public suffix, False that it is an organisation's; None says nothing.
    suffix: bool | None = None
    #: Where reports go, as written.
    reports: str = ""
    #: t=y: the owner tests, receivers act one step milder.
    testing: bool = False


@dataclass(frozen=True)
class Step:
    """One name of a walk that has a record."""

    #: Without ``_dmarc.``.
    name: str
    #: The record; None where what stands there cannot be read, and is passed over.
    record: Dmarc | None
    #: Why it cannot be read.
    fault: str = ""
    #: How many records stand there; more than one are passed over.
    count: int = 1


def parse(text: str) -> Dmarc:
    """A record that begins with ``v=DMARC1``; raises ValueError saying what is wrong.

    Receivers take a record whose p= is missing or wrong for p=none as long as it says where reports go (4.7).
    """
    found = tags.parse(text)
    policy = _policy(found, "p")
    if policy is None and not found.get("rua"):
        raise ValueError("it has no p= that is none, quarantine or reject")
    suffix = found.get("psd", "u").lower()
    return Dmarc(
        policy or Policy.NONE,
        _policy(found, "sp"),
        _strict(found, "adkim"),
        _strict(found, "aspf"),
        {"y": True, "n": False}.get(suffix),
        found.get("rua", ""),
        found.get("t", "n").lower() == "y",
    )


def walk(domain: str) -> Inquiry[list[Step]]:
    """Every record from a name upwards, the nearest first; it ends at one that says psd= (4.10)."""
    steps: list[Step] = []
    for name in _upwards(domain):
        answer = yield from ask(f"_dmarc.{name}", Kind.TXT)
        found = [text for text in answer.records if _VERSION.match(text)]
        if not found:
            continue
        step = _step(name, found)
        steps.append(step)
        if step.record is not None and step.record.suffix is not None:
            break
    return steps


def organisation(domain: str, steps: list[Step]) -> str:
    """The organisational domain of a name, from its walk (4.10.2); the name itself where no record says otherwise."""
    held = [step for step in steps if step.count == 1]  # one that cannot be read still marks its name
    for step in held:
        suffix = step.record.suffix if step.record else None
        if suffix is False:
            return step.name
        if suffix and step.name != domain:
            below = domain.removesuffix(f".{step.name}").rpartition(".")[2]
            return f"{below}.{step.name}"
    return held[-1].name if held else domain


def holding(domain: str, steps: list[Step]) -> Step | None:
    """The step whose record holds for a name: its own, else its organisation's, else its public suffix' (4.10.1)."""
    held = [step for step in steps if step.record is not None]
    own = [step for step in held if step.name == domain]
    top = organisation(domain, steps)
    return next(iter(own + [step for step in held if step.name == top] + held[-1:]), None)


def _upwards(domain: str) -> list[str]:
    """The name, and those above it: of a long one, only those of at most seven labels."""
    labels = domain.split(".")
    names = [".".join(labels[at:]) for at in range(len(labels))]
    return [names[0], *[name for name in names[1:] if name.count(".") < MOST_STEPS - 1]][:MOST_STEPS]


def _step(name: str, found: list[str]) -> Step:
    if len(found) > 1:
        return Step(name, None, f"there are {len(found)} of them", len(found))
    try:
        return Step(name, parse(found[0]))
    except ValueError as error:
        return Step(name, None, str(error))


def _policy(found: dict[str, str], tag: str) -> Policy | None:
    try:
        return Policy(found[tag].lower())
    except (KeyError, ValueError):
        return None


def _strict(found: dict[str, str], tag: str) -> bool:
    return found.get(tag, "r").lower() == "s"
