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
from resilience_operator.settings import Settings

log = logging.getLogger(__name__)

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


async def api_server_addresses(client: KubeClient, url: str) -> Sequence[str]:
    """Every address of the API server that we know of."""
    host = urlsplit(url).hostname or ""
    loop = asyncio.get_running_loop()
    try:
        resolved = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        resolved = []
    found = {str(info[4][0]) for info in resolved}
    try:
        own = await client.get(ENDPOINT_SLICES, "default", "kubernetes") or {}
    except ApiError as error:
        log.warning("the API server's endpoints are not known to the guard: %s", error)
        own = {}
    for endpoint in own.get("endpoints") or ():
        found.update(endpoint.get("addresses") or ())
    return sorted(found)
