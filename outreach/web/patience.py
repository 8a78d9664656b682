"""How long does an answer wait for something that may hang? So long, and no longer; the look itself goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Look(Generic[T]):
    """A look that blocks, taken by one thread at a time, however many ask; all of them get its answer.

    A thread that hangs does not keep the process from ending.
    """

    def __init__(
        self, look: Callable[[], T], *, name: str, keep: float = 0.0, good: Callable[[T], bool] = lambda _: True
    ) -> None:
        """An answer that is `good` holds for `keep` seconds: strangers who ask all the time cost nothing."""
        self._look = look
        self._name = name
        self._keep = keep
        self._good = good
        self._lock = threading.Lock()
        self._last: Future[T] | None = None
        self._until = 0.0

    def ask(self) -> Future[T]:
        """The answer that is there, that is on its way, or a new one."""
        with self._lock:
            if self._last is None or (self._last.done() and time.monotonic() >= self._until):
                self._last = Future()
                self._last.set_running_or_notify_cancel()  # who goes away without it does not take it from the others
                threading.Thread(target=self._take, args=(self._last,), name=self._name, daemon=True).start()
            return self._last

    def _take(self, future: Future[T]) -> None:
        try:
            answer = self._look()
        except Exception as error:
            future.set_exception(error)
            return
        if self._good(answer):
            self._until = time.monotonic() + self._keep
        future.set_result(answer)
