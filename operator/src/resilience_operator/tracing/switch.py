"""Switches tracing on, where a collector is given; else nothing of OpenTelemetry is even loaded."""

import logging
from importlib.metadata import version

from resilience_operator.kube.pacing import Clock
from resilience_operator.logging import place_of
from resilience_operator.settings import Settings
from resilience_operator.tracing.base import Tracing

log = logging.getLogger(__name__)


def build_tracing(settings: Settings, clock: Clock) -> Tracing:
    """What the settings ask for; never raises, for nobody should go without probes for traces."""
    if not settings.otlp_endpoint:
        return Tracing()
    resource = {
        "service.name": "resilience-operator",
        "service.version": version("resilience-operator"),
        "service.instance.id": settings.identity,
        "k8s.namespace.name": settings.namespace,
    }
    try:
        from resilience_operator.tracing import otlp

        recorder = otlp.start(settings.otlp_endpoint, settings.trace_ratio, resource, clock)
    except Exception as error:  # noqa: BLE001 - the library's own variables may have any value
        log.error("nothing is traced: %s", place_of(error))
        return Tracing()
    log.info("traces go to %s", settings.otlp_endpoint)
    return recorder
