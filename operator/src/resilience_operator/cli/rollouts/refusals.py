"""The operator's answers, which it gives as events: why it did not do what it was asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resilience_operator.cli.session import Object, Session
from resilience_operator.core.errors import ApiError
from resilience_operator.core.resources import EVENTS, POLICIES
from resilience_operator.core.rollout.model import Verb
from resilience_operator.core.times import from_rfc3339

_REFUSED = "RolloutRequestRefused"
_WATCH_SECONDS = 3_600
# The operator does not record the same event twice within this time.
_SAID_ONCE_SECONDS = 600.0


class Refusals:
    """What is heard. Who may not read events hears nothing, and goes by the status alone."""

    def __init__(self, session: Session, name: str, verb: Verb) -> None:
        self._session = session
        self._name = name
        self._verb = verb
        self.heard: str | None = None

    @classmethod
    @asynccontextmanager
    async def listen(cls, session: Session, name: str, verb: Verb) -> "AsyncIterator[Refusals]":
        """Hears what is said from now on."""
        refusals = cls(session, name, verb)
        version = await refusals._present()
        ears = None if version is None else asyncio.create_task(refusals._hear(version))
        try:
            yield refusals
        finally:
            if ears is not None:
                ears.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ears

    async def earlier(self) -> str | None:
        """The newest refusal so recent that the operator would not repeat it."""
        try:
            events = await self._session.cluster.list(EVENTS, self._session.namespace)
        except ApiError:
            return None
        since = self._session.clock.now() - _SAID_ONCE_SECONDS
        said = [
            (at, note)
            for event in events
            if (note := self._note(event)) is not None
            and (at := from_rfc3339(event.get("eventTime")) or 0.0) >= since
        ]
        return max(said)[1] if said else None

    async def _present(self) -> str | None:
        """The version from which on events are news."""
        try:
            async for page in self._session.cluster.pages(EVENTS, self._session.namespace, limit=1):
                return str(page["metadata"]["resourceVersion"])
        except ApiError:
            return None
        return None

    async def _hear(self, version: str) -> None:
        stream = self._session.cluster.watch_from(
            EVENTS, self._session.namespace, None, version, _WATCH_SECONDS
        )
        with contextlib.suppress(ApiError):
            async for kind, event in stream:
                note = self._note(event) if kind == "ADDED" else None
                self.heard = self.heard or note

    def _note(self, event: Object) -> str | None:
        regarding = event.get("regarding") or {}
        note = str(event.get("note") or "")
        ours = (
            event.get("reason") == _REFUSED
            and regarding.get("kind") == POLICIES.kind
            and regarding.get("name") == self._name
            and note.startswith(f"{self._verb}:")
        )
        return note if ours else None
