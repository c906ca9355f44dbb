"""What the probes of one operator share: the dialler, the HTTP client and the TLS contexts.

The HTTP client is made when the first probe that needs it is: its library is not small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from resilience_operator.probes.dial import Dialler, Resolver
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.tls import TlsContexts

if TYPE_CHECKING:
    from resilience_operator.probes.http_client import HttpClient


class Toolkit:
    """Shared tools; owned and closed by the `Prober`."""

    def __init__(self, dialler: Dialler, tls: TlsContexts, now: Callable[[], float]) -> None:
        self.dialler = dialler
        self.tls = tls
        self.now = now
        self._http: HttpClient | None = None

    @classmethod
    def of(cls, guard: AddressGuard, now: Callable[[], float], control_name: str | None) -> Toolkit:
        """Make the tools; nothing is opened yet."""
        return cls(Dialler(guard, Resolver(control_name)), TlsContexts(), now)

    @property
    def http(self) -> HttpClient:
        """The one HTTP client; needs a running event loop at its first use."""
        if self._http is None:
            from resilience_operator.probes.http_client import HttpClient

            self._http = HttpClient(self.dialler)
        return self._http

    async def aclose(self) -> None:
        """Close the connections and the threads."""
        if self._http is not None:
            await self._http.aclose()
        self.dialler.close()
