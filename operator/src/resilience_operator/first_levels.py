"""The levels that are there when a replica begins to lead, handed over before any policy is seen.

A policy goes on where its levels say it was; one that came before them would begin anew.
"""

import logging
from collections.abc import Sequence

from resilience_operator.core.errors import Forbidden, TransientError
from resilience_operator.core.resources import LEVELS, POLICIES
from resilience_operator.handlers import Sink, dispatch_level
from resilience_operator.kube.client import KubeClient
from resilience_operator.runtime.clock import Clock

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 2.0

ROLE_SECONDS = 20.0
"""By then an API server that has just started knows what we may. What it still forbids in a single
namespace, whose Role may be gone with it, must not keep all the others waiting."""


async def hand_over_levels(
    client: KubeClient, clock: Clock, namespaces: Sequence[str | None], sink: Sink
) -> None:
    """Hand over all levels, as soon as the API server has both kinds and can show them.

    kopf looks once for what it is to watch, and for ever misses what comes later: behind a
    server that lists both kinds there may be others that are a moment behind.
    """
    waited, role_known_by = False, clock.now() + ROLE_SECONDS
    while True:
        try:
            missing = [k.plural for k in (POLICIES, LEVELS) if not await client.serves(k)]
            if not missing and not waited:
                for namespace in namespaces:
                    await _levels_of(client, clock, namespace, sink, role_known_by)
                return
            waited = bool(missing)
            if missing:
                log.warning("waiting for the definitions of %s", " and ".join(missing))
        except TransientError as error:
            log.warning("waiting for the API server to show what there is: %s", error)
        await clock.sleep(LOOK_AGAIN_SECONDS)


async def _levels_of(
    client: KubeClient, clock: Clock, namespace: str | None, sink: Sink, role_known_by: float
) -> None:
    while True:
        try:
            async for page in client.pages(LEVELS, namespace):
                for body in page["items"]:
                    dispatch_level(sink, "ADDED", body)
            return
        except Forbidden as error:
            if namespace is None:
                raise
            if clock.now() >= role_known_by:
                log.error("namespace %s is not looked after: %s", namespace, error)
                return
        await clock.sleep(LOOK_AGAIN_SECONDS)
