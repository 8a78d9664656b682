"""How do several connections work side by side? As tasks that end together: the first that fails ends all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def side_by_side(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them until all have ended; what one of them raises is raised plainly, once the others were cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
