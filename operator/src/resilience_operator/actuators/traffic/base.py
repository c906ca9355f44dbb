"""What every router offers: read, set and restore the weights of two Services."""

from typing import Protocol

from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight
from resilience_operator.core.rollout.model import TrafficView


class Router(Protocol):
    """One kind of traffic split of one rollout. Problems are in the view, not raised.

    TransientError is the caller's to retry.
    """

    async def read(self, wanted: int | None) -> TrafficView:
        """The weights now; `wanted` is what we last set, to notice that somebody changed it."""
        ...

    async def set_weight(self, weight: int, originals: tuple[OriginalWeight, ...]) -> TrafficView:
        """Have the canary get so many percent; the rest of what both had goes to stable."""
        ...

    async def restore(self, originals: tuple[OriginalWeight, ...]) -> TrafficView:
        """Put the weights back as they were before the rollout, where the object still exists."""
        ...
