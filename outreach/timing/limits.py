"""What limits what leaves? Everything together, each relay, each provider or domain, and a new sender's warm-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from outreach.timing import providers
from outreach.timing.pace import Limit
from outreach.timing.warmup import WarmUp

#: The name in a table of limits that stands for every provider and domain that it does not name.
OTHERS = "*"


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of an installation but those of its relays."""

    #: For everything together.
    total: Limit | None = None
    #: By provider, by domain, and for the others (`*`), each of which then has that limit of its own.
    providers: Mapping[str, Limit] = field(default_factory=dict)
    warm_up: WarmUp | None = None
    #: Whose days a day's budget and the warm-up count.
    zone: tzinfo = UTC

    def __bool__(self) -> bool:
        return self.total is not None or bool(self.providers) or self.warm_up is not None

    def of_provider(self, provider: str) -> Limit | None:
        """The limit of a provider (or of a domain that is its own); None: there is none."""
        return self.providers.get(provider) or self.providers.get(OTHERS)


def parse_providers(text: str) -> dict[str, Limit]:
    """Limits by provider or domain: `google=20/s; microsoft=10/s,20000/d; example.org=5/s; *=2/s`.

    Raises ValueError saying what would be right.
    """
    found: dict[str, Limit] = {}
    for part in filter(None, (part.strip() for part in text.replace("\n", ";").split(";"))):
        name, equals, rates = (piece.strip() for piece in part.partition("="))
        if not equals or not name:
            raise ValueError(
                f"{part!r} is no limit; write such as google=20/s; microsoft=10/s,20000/d; example.org=5/s"
            )
        key = _known(name.lower())
        if key in found:
            raise ValueError(f"{name!r} stands there twice; write its rates together, such as {name}=10/s,20000/d")
        found[key] = Limit.parse(rates)
    return found


def _known(name: str) -> str:
    """The name if it can be a key; raises ValueError."""
    if name == OTHERS or name in providers.PROVIDERS:
        return name
    provider = providers.of_domain(name)
    if provider != name:
        raise ValueError(f"{name!r} is a domain of {provider}, which is limited as a whole; write {provider}=...")
    if "." not in name.strip(".") or any(letter.isspace() for letter in name):
        known = ", ".join(sorted(providers.PROVIDERS))
        raise ValueError(f"{name!r} is neither a domain nor a known provider ({known}), nor * for all others")
    return name
