"""How do counts become rates?"""

from __future__ import annotations


def rate(part: int, whole: int) -> float:
    """The share of a part in a whole, rounded to 4 places; 0 where there is no whole."""
    return round(part / whole, 4) if whole else 0.0
