"""The due-heap: one schedule for everything that is to happen later, whatever it is.

Ten thousand timers would each cost a heap entry in the event loop and a callback; this costs one
timer for the earliest. `fraction` gives each key its own fixed place in any interval, so that keys
neither bunch up nor move after a restart.
"""

import hashlib
import heapq
import math
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

# Entries that were replaced or cancelled stay in the heap until they surface or outnumber
# the live ones.
_SLACK = 64


class DueHeap(Generic[K]):
    """Keys with the time at which each is due, earliest first; each key once."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._live: dict[K, tuple[float, int]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._live)

    def due(self, key: K) -> float | None:
        """When that key is due, if it is scheduled."""
        entry = self._live.get(key)
        return None if entry is None else entry[0]

    def schedule(self, key: K, due: float) -> None:
        """Have that key due then, instead of whenever it was before."""
        self._serial += 1
        self._live[key] = (due, self._serial)
        heapq.heappush(self._heap, (due, self._serial, key))
        if len(self._heap) > 2 * len(self._live) + _SLACK:
            self._compact()

    def cancel(self, key: K) -> None:
        """Have that key due never."""
        self._live.pop(key, None)
        if len(self._heap) > 2 * len(self._live) + _SLACK:
            self._compact()

    def next_due(self) -> float | None:
        """When the first key is due."""
        self._drop_dead()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> tuple[K, float] | None:
        """Take out the first key that is due by now, with the time at which it was."""
        self._drop_dead()
        if not self._heap or self._heap[0][0] > now:
            return None
        due, _, key = heapq.heappop(self._heap)
        del self._live[key]
        return key, due

    def _drop_dead(self) -> None:
        heap, live = self._heap, self._live
        while heap:
            due, serial, key = heap[0]
            if live.get(key) == (due, serial):
                return
            heapq.heappop(heap)

    def _compact(self) -> None:
        self._heap = [(due, serial, key) for key, (due, serial) in self._live.items()]
        heapq.heapify(self._heap)


def fraction(key_text: str) -> float:
    """A number in [0, 1) that depends on the text alone: the same in every process."""
    digest = hashlib.blake2b(key_text.encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def grid_at_or_before(when: float, offset: float, interval: float) -> float:
    """The latest of the times offset, offset + interval, … that is not after `when`."""
    return math.floor((when - offset) / interval) * interval + offset
