"""Was it a person or a machine that asked for a link?"""

from __future__ import annotations

from enum import StrEnum


class Judgement(StrEnum):
    """What a hit is taken for."""

    HUMAN = "human"
    SUSPECT = "suspect"
    MACHINE = "machine"
