"""What can be recorded of the operator's work, and the one that records nothing of it."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping

from resilience_operator.core.model import Key, ProbeKey, ProbeResult
from resilience_operator.kube.calls import Call
from resilience_operator.purpose import Errand

Handler = Callable[[Key], Awaitable[None]]
"""A pass over one policy."""

Facts = Mapping[str, str | int | float | None]
"""Attributes of a span, without the `resilience.` before their names; those of nothing are none."""


class Tracing:
    """Records nothing: what the operator has unless traces are switched on."""

    def traced(self, name: str, handler: Handler) -> Handler:
        """The same handler, with a span of that name for each pass."""
        return handler

    def note(self, key: Key, facts: Facts) -> None:
        """Note facts of the pass over that policy that the present task is in, if it is in one."""

    def wrote(self, call: Call, errand: Errand) -> None:
        """A write of the present task to the API server is over."""

    def probed(
        self, key: ProbeKey, result: ProbeResult, served: Collection[Hashable]
    ) -> str | None:
        """A probe came back, for those subscriptions; the id of its trace, if it has one."""
        return None

    def last(self) -> str | None:
        """The id of the trace of the pass that the present task has just ended, if it has one."""
        return None

    async def aclose(self) -> None:
        """Send what is left, in limited time."""
