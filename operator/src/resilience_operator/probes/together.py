"""Work that takes a while, done once for all who want its result at the same time."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Together(Generic[K, T]):
    """The work under way, by what it is for. Keeps no results."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[T]] = {}
        self._begun: dict[K, float] = {}

    async def do(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result or the exception of the work under way for `key`, begun if there is none.

        Whoever is cancelled leaves the work to the others, and to those who are still to come.
        """
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(work())
            self._begun[key] = time.monotonic()
            task.add_done_callback(partial(self._ended, key))
        return await asyncio.shield(task)

    def age(self, key: K) -> float:
        """Seconds for which the work for `key` has been under way; 0 when there is none."""
        begun = self._begun.get(key)
        return 0.0 if begun is None else time.monotonic() - begun

    def _ended(self, key: K, task: asyncio.Task[T]) -> None:
        del self._tasks[key], self._begun[key]
        if not task.cancelled():
            task.exception()  # looked at, as everybody may have left
