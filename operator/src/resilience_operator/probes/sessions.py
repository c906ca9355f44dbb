"""A session that is kept from one run of a probe to the next.

It is taken out for the time of a run, so runs that overlap never share one. Whatever goes wrong
on a kept session is confirmed on a new one in the same run: that an idle session was cut, or that
it still leads to a server that has been demoted, says nothing about the service.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from resilience_operator.probes.base import Unhealthy

Session = TypeVar("Session")


class KeptSession(Generic[Session]):
    """At most one idle session, and what it was opened with."""

    def __init__(self, close: Callable[[Session], None]) -> None:
        self._close = close
        self._idle: tuple[str, Session] | None = None
        self._closed = False

    async def run(
        self,
        credentials: str,
        dial: Callable[[], Awaitable[Session]],
        use: Callable[[Session], Awaitable[str]],
    ) -> str:
        """Use the kept session if it was opened with `credentials`, otherwise a new one."""
        kept = self._take(credentials)
        if kept is not None:
            try:
                return await self._use(credentials, kept, use)
            except Unhealthy:
                pass
        return await self._use(credentials, await dial(), use)

    def close(self) -> None:
        """Close it, and keep none from now on."""
        self._closed = True
        if self._idle is not None:
            self._close(self._idle[1])
            self._idle = None

    def _take(self, credentials: str) -> Session | None:
        if self._idle is None:
            return None
        opened_with, session = self._idle
        self._idle = None
        if opened_with == credentials:
            return session
        self._close(session)
        return None

    async def _use(
        self, credentials: str, session: Session, use: Callable[[Session], Awaitable[str]]
    ) -> str:
        kept = False
        try:
            message = await use(session)
            if self._idle is None and not self._closed:
                self._idle, kept = (credentials, session), True
            return message
        finally:
            if not kept:
                self._close(session)
