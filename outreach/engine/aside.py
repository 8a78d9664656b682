"""How does the event loop speak to the store, which blocks? In one thread beside it, one thing after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Aside:
    """The thread in which the store lives."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outreach-store")

    async def __call__(self, act: Callable[..., T], *facts: Any, **more: Any) -> T:
        """What the act returns, or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(act, *facts, **more))

    def close(self) -> None:
        """Take nothing more; what has begun ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
