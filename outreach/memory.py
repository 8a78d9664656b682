"""How does a process that works for long keep the collector of cycles out of its way?"""

from __future__ import annotations

import gc

_settled = False


def settle() -> None:
    """Let the collector leave alone what stays for ever; the first call counts.

    Going through all of it again and again made every hundredth reader wait for 0.1 s and took a quarter of the web
    part's time, and a tenth of a sender's.
    """
    global _settled  # noqa: PLW0603 - there is one collector in a process, too
    if not _settled:
        _settled = True
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
