"""HTTP checks of a gate: a URL of the policy's own namespace that must answer 200.

The host must be a Service of that namespace, by its short name or in full. The operator's own name
server would look a short name up in the operator's namespace, so it is asked for in full.
"""

import asyncio

from yarl import URL

from resilience_operator.api.v1alpha1.rollout import HttpCheck
from resilience_operator.core.rollout.model import CheckView
from resilience_operator.probes.base import ProbeFailure, Unhealthy
from resilience_operator.probes.http_client import Request, parse_url
from resilience_operator.probes.toolkit import Toolkit

_CLUSTER_DOMAIN = "svc.cluster.local"


class HttpChecks:
    """Asks through the one guarded HTTP client; follows no redirects."""

    def __init__(self, kit: Toolkit) -> None:
        self._kit = kit

    async def check(self, namespace: str, spec: HttpCheck, timeout_seconds: float) -> CheckView:
        """Ask once. Passed is None when it was us who could not ask."""
        try:
            url = parse_url(spec.url)
            service = service_of(url, namespace)
            if service is None:
                return CheckView(spec.name, False, _abroad(namespace))
            full = url.with_host(f"{service}.{namespace}.svc")
            # A certificate is for the name that the policy has.
            request = Request("GET", full, server_name=url.host)
            async with asyncio.timeout(timeout_seconds):
                answer = await self._kit.http.fetch(request)
        except TimeoutError:
            return CheckView(spec.name, False, f"No answer within {timeout_seconds:g} s.")
        except ProbeFailure as failure:
            passed = False if isinstance(failure, Unhealthy) else None
            return CheckView(spec.name, passed, failure.message)
        return CheckView(spec.name, answer.status == 200, f"HTTP {answer.status}.")


def in_namespace(url: str, namespace: str) -> bool:
    """Whether the URL's host is a Service of the namespace."""
    try:
        return service_of(parse_url(url), namespace) is not None
    except ProbeFailure:
        return False


def service_of(url: URL, namespace: str) -> str | None:
    """The Service that the host names, if it is one of the namespace."""
    name, _, rest = (url.host or "").lower().rstrip(".").partition(".")
    near = ("", namespace, f"{namespace}.svc", f"{namespace}.{_CLUSTER_DOMAIN}")
    is_name = name.replace("-", "").isalnum() and not name[0].isdigit()
    return name if is_name and rest in near else None


def _abroad(namespace: str) -> str:
    return (
        f"The URL's host is no Service of the namespace {namespace}: write <service> or "
        f"<service>.{namespace}.svc."
    )
