"""How does a process that makes hundreds of objects for each message keep the collector from looking at them all?

Reference counts free nearly everything at once; what is left for the cycle collector is little. Its usual thresholds
were made for programs that allocate less: it would take a twentieth of a sender's time.
"""

from __future__ import annotations

import gc

#: Objects made and not freed before the youngest are looked through; how many such looks before the older are.
YOUNG, MIDDLE, OLD = 20_000, 20, 50


def spare() -> None:
    """Let the collector look rarely, and never at what was there before the work began; safe to repeat.

    For the whole process.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG, MIDDLE, OLD)
