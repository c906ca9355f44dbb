"""What probes may reach, by this replica's settings, and how our own outage is told from theirs."""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from resilience_operator.core.errors import ApiError
from resilience_operator.core.resources import ENDPOINT_SLICES
from resilience_operator.kube.client import KubeClient
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.runtime.clock import Clock
from resilience_operator.settings import Settings

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 60.0

OWN_NAME = "kubernetes.default.svc"
"""A name that every cluster resolves: when even this fails, it is our resolver and not theirs."""


def control_name() -> str | None:
    """That name, where we are a pod."""
    return OWN_NAME if os.environ.get("KUBERNETES_SERVICE_HOST") else None


def build_guard(settings: Settings, api_server: Sequence[str]) -> AddressGuard:
    """The guard of every dial; `api_server` are the addresses that probes must not reach as us."""
    return AddressGuard(
        allow=map(str, settings.guard_allow),
        deny=map(str, settings.guard_deny),
        api_server=api_server,
    )


async def api_server_addresses(
    client: KubeClient, url: str, known: Sequence[str] = ()
) -> Sequence[str]:
    """Every address of the API server that we know of.

    Those that were `known` before are among them only where not all could be asked for.
    """
    host = urlsplit(url).hostname or ""
    loop = asyncio.get_running_loop()
    found: set[str] = set()
    try:
        resolved = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        found.update(str(info[4][0]) for info in resolved)
    except OSError:
        found.update(known)
    try:
        own = await client.get(ENDPOINT_SLICES, "default", "kubernetes") or {}
        for endpoint in own.get("endpoints") or ():
            found.update(endpoint.get("addresses") or ())
    except ApiError as error:
        log.warning("the API server's endpoints are not known to the guard: %s", error)
        found.update(known)
    return sorted(found)


async def follow_api_server(
    client: KubeClient, url: str, guard: AddressGuard, clock: Clock, known: Sequence[str]
) -> None:
    """Keep the guard up to date, for ever: where the API server is changes with its machines."""
    while True:
        await clock.sleep(LOOK_AGAIN_SECONDS)
        known = await api_server_addresses(client, url, known)
        guard.api_server_at(known)
