"""What the parts report, as metrics and log lines: `Metrics` plus what is said in words.

A log line marks something that a person may want to know; what happens at every probe or request
is a number only.
"""

import logging

from resilience_operator.core.resources import Resource
from resilience_operator.metrics import Metrics
from resilience_operator.probes.prober import InternalProbeError

log = logging.getLogger(__name__)


class Reports(Metrics):
    """The observer of everything."""

    def internal_probe_error(self, error: InternalProbeError) -> None:
        """Our own code failed inside a probe; its result is Unknown."""
        log.error("A probe failed by a fault of our own: %s", error)

    def requested(self, verb: str, resource: Resource, code: int) -> None:
        """The API server answered with that code; 0: no answer."""
        self.api_requested(verb, resource.plural, str(code) if code else "none")

    def event_recorded(self, reason: str) -> None:
        """An event is in the cluster; the request was counted already."""

    def event_dropped(self, reason: str, error: Exception | None) -> None:
        """An event is not in the cluster; the log has it."""
        log.warning("Event %s not recorded: %s", reason, error or "too many at once")

    def watch_failed(self, resource: Resource, error: Exception) -> None:
        """A watch was interrupted and will be taken up again."""
        log.warning("Watch of %s interrupted: %s", resource.plural, error)
