"""May this address send for that domain? What a receiver makes of SPF records (RFC 7208, 4 and 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from outreach.diagnosis import spfrecord
from outreach.diagnosis.question import Inquiry, Kind, addresses, ask
from outreach.diagnosis.spfrecord import MACRO, Mechanism, Spf

#: Terms that ask the DNS, in all records together; and how many of them may find nothing (4.6.4).
MOST_LOOKUPS, MOST_VOIDS = 10, 2
#: Hosts that one `mx` or `ptr` may name (4.6.4).
MOST_HOSTS = 10

#: Macros that say something of the address, which is not always known.
_OF_THE_ADDRESS = frozenset("ipv")

Address = IPv4Address | IPv6Address


class Result(StrEnum):
    """What a receiver concludes (2.6); a failure to look is `Unanswered` instead of temperror."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    PERMERROR = "permerror"


_MEANING = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


@dataclass(frozen=True)
class Verdict:
    """The conclusion, and what it rests on."""

    result: Result
    #: The term that decided, or what is wrong with which record.
    why: str = ""
    #: For `permerror` and `none`: the short name of what is wrong.
    code: str = ""
    #: How many of the terms asked the DNS, all records together.
    lookups: int = 0
    #: The record of the domain itself.
    record: Spf | None = None


class _Permanent(Exception):
    """The records are wrong: whoever evaluates them stops."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def check(domain: str, ip: Address | None, *, sender: str = "", hello: str = "") -> Inquiry[Verdict]:
    """Evaluate a domain's record as a receiver does for mail that comes from an address.

    Without an address nothing matches but `all`, so every term is looked at: the most lookups that there can be.
    `sender` is the return path, `hello` the name in EHLO, for macros.
    """
    evaluation = _Evaluation(ip, sender or f"postmaster@{domain}", hello or domain)
    try:
        record = yield from evaluation.record(domain)
        if record is None:
            return Verdict(Result.NONE, f"there is no SPF record at {domain}", "spf-missing")
        result, why = yield from evaluation.of(domain, record)
    except _Permanent as error:
        return Verdict(Result.PERMERROR, str(error), error.code, evaluation.lookups)
    return Verdict(result, why, lookups=evaluation.lookups, record=record)


@dataclass
class _Evaluation:
    """One run of check_host() with its limits."""

    ip: Address | None
    sender: str
    hello: str
    lookups: int = 0
    voids: int = 0
    #: The domains whose records are being evaluated: one that includes itself would never end.
    within: list[str] = field(default_factory=list)

    def record(self, domain: str) -> Inquiry[Spf | None]:
        """The one record of a domain; None where there is none."""
        answer = yield from ask(domain, Kind.TXT)
        found = [text for text in answer.records if spfrecord.is_one(text)]
        if len(found) > 1:
            raise _Permanent(
                "spf-several", f"there are {len(found)} SPF records at {domain}, and receivers then take none"
            )
        try:
            return spfrecord.parse(found[0]) if found else None
        except ValueError as error:
            raise _Permanent("spf-syntax", f"the SPF record of {domain} cannot be read: {error}") from None

    def of(self, domain: str, record: Spf) -> Inquiry[tuple[Result, str]]:
        """What the record of a domain says, and by which term."""
        if domain in self.within:
            raise _Permanent("spf-loop", f"the SPF record of {domain} leads back to itself")
        self.within.append(domain)
        for mechanism in record.mechanisms:
            if (yield from self._matches(mechanism, domain)):
                self.within.pop()
                return _MEANING[mechanism.qualifier], f"{str(mechanism)!r} of {domain}"
        decided = Result.NEUTRAL, f"nothing in the record of {domain} matches"
        if record.redirect and record.end is None:  # beside an `all` it means nothing (6.1)
            self._count()
            target = yield from self._expanded(record.redirect, domain)
            if not target:
                return decided
            other = yield from self._other(target, f"redirect={record.redirect}")
            decided = yield from self.of(target, other)
        self.within.pop()
        return decided

    def _matches(self, mechanism: Mechanism, domain: str) -> Inquiry[bool]:
        if mechanism.name == "all":
            return True
        network = mechanism.network
        if network is not None:
            return self.ip is not None and self.ip.version == network.version and self.ip in network
        self._count()
        target = (yield from self._expanded(mechanism.spec, domain)) if mechanism.spec else domain
        if not target:
            return False
        match mechanism.name:
            case "include":
                found = yield from self._includes(target, mechanism)
            case "a":
                found = yield from self._is_host(target, mechanism, void=True)
            case "mx":
                found = yield from self._is_exchange(target, mechanism)
            case "ptr":
                found = yield from self._is_named(target)
            case _:
                found = yield from self._exists(target)
        return found

    def _includes(self, target: str, mechanism: Mechanism) -> Inquiry[bool]:
        other = yield from self._other(target, str(mechanism))
        result, _ = yield from self.of(target, other)
        return result is Result.PASS

    def _exists(self, target: str) -> Inquiry[bool]:
        answer = yield from ask(target, Kind.A)
        self._void(not answer.records)
        return bool(answer.records)

    def _other(self, target: str, term: str) -> Inquiry[Spf]:
        record = yield from self.record(target)
        if record is None:
            raise _Permanent("spf-include", f"{term!r} names {target}, which has no SPF record")
        return record

    def _is_host(self, name: str, mechanism: Mechanism, *, void: bool = False) -> Inquiry[bool]:
        if self.ip is None:
            found = yield from addresses(name)
        else:
            answer = yield from ask(name, Kind.A if self.ip.version == 4 else Kind.AAAA)
            found = answer.records
        if void:
            self._void(not found)
        return any(self._is_near(each, mechanism) for each in found)

    def _is_near(self, found: str, mechanism: Mechanism) -> bool:
        if self.ip is None:
            return False
        bits = mechanism.four if self.ip.version == 4 else mechanism.six
        return self.ip in ip_network(f"{found}/{bits}", strict=False)

    def _is_exchange(self, name: str, mechanism: Mechanism) -> Inquiry[bool]:
        answer = yield from ask(name, Kind.MX)
        self._void(not answer.records)
        hosts = [host for host in (record.partition(" ")[2] for record in answer.records) if host]
        if len(hosts) > MOST_HOSTS:
            raise _Permanent("spf-lookups", f"{str(mechanism)!r} finds more than {MOST_HOSTS} hosts")
        for host in hosts if self.ip is not None else ():
            if (yield from self._is_host(host, mechanism)):
                return True
        return False

    def _is_named(self, target: str) -> Inquiry[bool]:
        names = yield from self._names(count=True)
        return any(name == target or name.endswith(f".{target}") for name in names)

    def _names(self, *, count: bool = False) -> Inquiry[list[str]]:
        """The names of the address that lead back to it (5.5)."""
        if self.ip is None:
            return []
        answer = yield from ask(self.ip.reverse_pointer, Kind.PTR)
        if count:
            self._void(not answer.records)
        names = []
        for name in answer.records[:MOST_HOSTS]:
            found = yield from addresses(name)
            if self.ip in map(ip_address, found):
                names.append(name)
        return names

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise _Permanent("spf-lookups", f"it takes more than {MOST_LOOKUPS} DNS lookups, where receivers stop")

    def _void(self, is_void: bool) -> None:
        self.voids += is_void
        if self.voids > MOST_VOIDS:
            raise _Permanent("spf-void-lookups", f"more than {MOST_VOIDS} of its lookups find nothing")

    def _expanded(self, spec: str, domain: str) -> Inquiry[str]:
        """A domain-spec with its macros filled (7.3), at most 253 characters; "" where it wants an unknown address."""
        letters = {(found["letter"] or "").lower() for found in MACRO.finditer(spec)}
        if self.ip is None and letters & _OF_THE_ADDRESS:
            return ""
        values = self._values(domain)
        if "p" in letters:
            names = yield from self._names()
            near = [name for name in names if name == domain] + [name for name in names if name.endswith(f".{domain}")]
            values["p"] = next(iter(near + names), "unknown")
        name = MACRO.sub(lambda found: _filled(found, values), spec).rstrip(".").lower()
        while len(name) > 253 and "." in name:
            name = name.partition(".")[2]
        return name

    def _values(self, domain: str) -> dict[str, str]:
        local, _, of = self.sender.rpartition("@")
        dotted, family = str(self.ip or ""), "in-addr"
        if self.ip is not None and self.ip.version == 6:
            dotted, family = ".".join(self.ip.exploded.replace(":", "")), "ip6"
        return {
            "s": self.sender, "l": local or "postmaster", "o": of, "d": domain, "i": dotted,
            "v": family, "h": self.hello,
        }  # fmt: skip


def _filled(found: re.Match[str], values: dict[str, str]) -> str:
    """One macro: its value, split, turned round, cut to its last parts, and put together with dots."""
    if found["letter"] is None:
        return {"%": "%", "_": " ", "-": "%20"}[found["sign"]]
    parts = re.split(f"[{re.escape(found['by'] or '.')}]", values.get(found["letter"].lower(), "unknown"))
    if found["reverse"]:
        parts.reverse()
    return ".".join(parts[-int(found["digits"]) :] if found["digits"] else parts)
