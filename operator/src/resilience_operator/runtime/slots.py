"""How many probes may be out at once: in all, and at any one endpoint.

Without the second limit an endpoint that hangs would fill every slot with probes that wait for
it, and everything else would be probed late: exactly during an outage.
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Slots(Generic[T]):
    """Counts slots and queues those whose endpoint has none left, first come, first served."""

    def __init__(self, total: int, per_endpoint: int) -> None:
        self._total = total
        self._per_endpoint = per_endpoint
        self._taken: dict[str, int] = {}
        self._queues: dict[str, deque[T]] = {}
        self.in_use = 0

    @property
    def full(self) -> bool:
        """Whether no endpoint has a slot left."""
        return self.in_use >= self._total

    def take_or_queue(self, endpoint: str, item: T) -> bool:
        """Take a slot at the endpoint, or queue the item for one."""
        taken = self._taken.get(endpoint, 0)
        if taken >= self._per_endpoint:
            self._queues.setdefault(endpoint, deque()).append(item)
            return False
        self._taken[endpoint] = taken + 1
        self.in_use += 1
        return True

    def give_back(self, endpoint: str) -> None:
        """Free one slot at the endpoint."""
        self.in_use -= 1
        left = self._taken[endpoint] - 1
        if left:
            self._taken[endpoint] = left
        else:
            del self._taken[endpoint]

    def next_in_queue(self, endpoint: str) -> T | None:
        """Take out the one that has waited longest at the endpoint, if there is a slot for it."""
        queue = self._queues.get(endpoint)
        if queue is None or self._taken.get(endpoint, 0) >= self._per_endpoint:
            return None
        item = queue.popleft()
        if not queue:
            del self._queues[endpoint]
        return item
