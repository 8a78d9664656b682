"""What does an SPF record say? Its text becomes checked terms (RFC 7208, 4.6 and 12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

VERSION = "v=spf1"

#: Mechanisms and what they take: "domain" a domain, "maybe" one or none, "network" an address, "" nothing.
_TAKES = {
    "all": "",
    "include": "domain",
    "a": "maybe",
    "mx": "maybe",
    "ptr": "maybe",
    "ip4": "network",
    "ip6": "network",
    "exists": "domain",
}
_TERM = re.compile(r"(?P<qualifier>[+\-~?]?)(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?P<rest>.*)", re.DOTALL)
_LENGTHS = re.compile(r"(?P<spec>.*?)(?:/(?P<four>0|[1-9][0-9]?))?(?://(?P<six>0|[1-9][0-9]{0,2}))?", re.DOTALL)
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
#: A macro (7.1): a letter, how many parts, reversed or not, what separates them; or %%, %_, %-.
MACRO = re.compile(
    r"%(?:\{(?P<letter>[slodiphcrtv])(?P<digits>[0-9]*)(?P<reverse>r?)(?P<by>[.\-+,/_=]*)\}|(?P<sign>[%_-]))", re.I
)
_END = re.compile(r"\.(?:(?!-)[A-Za-z0-9-]*[A-Za-z-][A-Za-z0-9-]*(?<!-))\.?\Z")


@dataclass(frozen=True)
class Mechanism:
    """One term that an address may match."""

    #: What a match means: + pass, - fail, ~ softfail, ? neutral.
    qualifier: str
    name: str
    #: A domain, with macros; "" is the domain whose record it is.
    spec: str = ""
    network: IPv4Network | IPv6Network | None = None
    #: How many bits of an address count, for `a` and `mx`.
    four: int = 32
    six: int = 128

    def __str__(self) -> str:
        sign = self.qualifier.replace("+", "")
        return f"{sign}{self.name}{':' if self.spec or self.network else ''}{self.spec or self.network or ''}"


@dataclass(frozen=True)
class Spf:
    """A record."""

    mechanisms: tuple[Mechanism, ...]
    #: Whose record decides where no mechanism matches; "" for nobody's.
    redirect: str = ""

    @property
    def end(self) -> Mechanism | None:
        """The `all` that ends it; None where there is none."""
        return next((each for each in self.mechanisms if each.name == "all"), None)


def is_one(text: str) -> bool:
    """Whether a TXT record is one of SPF (4.5)."""
    lowered = text.lower()
    return lowered == VERSION or lowered.startswith(VERSION + " ")


def parse(text: str) -> Spf:
    """The terms of a record that `is_one`; raises ValueError naming the term that is wrong, and why.

    One wrong term makes receivers distrust the whole record (4.6), so one is enough to know.
    """
    if not text.isascii():
        raise ValueError("it holds letters beyond ASCII")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text[len(VERSION) :].split(" "):
        found = _TERM.fullmatch(term) if term else None
        if term and found is None:
            raise ValueError(f"{term!r} is no term")
        if found is None:
            continue
        if found["rest"].startswith("=") and not found["qualifier"]:
            _modify(modifiers, found["name"].lower(), found["rest"][1:])
        else:
            mechanisms.append(_mechanism(term, found))
    return Spf(tuple(mechanisms), modifiers.get("redirect", ""))


def _modify(modifiers: dict[str, str], name: str, value: str) -> None:
    """`redirect` and `exp` stand once at most; any other is passed over, if its macros are well written (6)."""
    if name in {"redirect", "exp"}:
        if name in modifiers:
            raise ValueError(f"{name}= stands twice")
        _require_domain(f"{name}={value}", value)
    elif "%" in MACRO.sub("", value):
        raise ValueError(f"'{name}={value}' holds a % that begins no macro")
    modifiers[name] = value


def _mechanism(term: str, found: re.Match[str]) -> Mechanism:
    name, rest, qualifier = found["name"].lower(), found["rest"], found["qualifier"] or "+"
    takes = _TAKES.get(name)
    if takes is None:
        raise ValueError(f"{term!r} is no mechanism that SPF knows")
    if not takes:
        if rest:
            raise ValueError(f"{term!r}: nothing can stand behind {name}")
        return Mechanism(qualifier, name)
    if takes == "network":
        return Mechanism(qualifier, name, network=_network(term, name, rest))
    lengths = name in {"a", "mx"}
    parts = _LENGTHS.fullmatch(rest) if lengths else None
    spec = parts["spec"] if parts else rest
    four, six = (int(parts["four"] or 32), int(parts["six"] or 128)) if parts else (32, 128)
    if four > 32 or six > 128:
        raise ValueError(f"{term!r}: no address has so many bits")
    if spec or takes == "domain":
        if not spec.startswith(":"):
            raise ValueError(f"{term!r}: {name} wants a colon and a domain")
        _require_domain(term, spec[1:])
    return Mechanism(qualifier, name, spec[1:], four=four, six=six)


def _network(term: str, name: str, rest: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(rest.removeprefix(":"), strict=False) if rest.startswith(":") else None
    except ValueError:
        network = None
    if network is None or f"ip{network.version}" != name or not _PREFIX.fullmatch(rest.partition("/")[2] or "0"):
        raise ValueError(f"{term!r} is no address or network of IPv{name[-1]}")
    return network


def _require_domain(term: str, spec: str) -> None:
    """A domain-spec (7.1): visible characters and macros, ending in a name or in a macro."""
    plain = MACRO.sub("", spec)
    last = [*MACRO.finditer(spec)][-1:]
    ends_in_macro = bool(last) and last[0].end() == len(spec) and last[0]["letter"] is not None
    if any((found["letter"] or "").lower() in {"c", "r", "t"} for found in MACRO.finditer(spec)):
        raise ValueError(f"{term!r} holds a macro that is for explanations alone")
    if "%" in plain or any(not "!" <= character <= "~" for character in plain):
        raise ValueError(f"{term!r} holds a % that begins no macro, or a character that no domain has")
    if not spec or not (ends_in_macro or _END.search(spec)):
        raise ValueError(f"{term!r} names no whole domain")
