"""Waits until the operator has taken what a person asks for, and for what comes of it."""

from abc import ABC, abstractmethod

import click

from resilience_operator.cli.errors import printable
from resilience_operator.cli.outcome import Outcome
from resilience_operator.cli.session import Object, Session
from resilience_operator.core.errors import TransientError
from resilience_operator.core.resources import Resource

_POLL_SECONDS = 0.5
# The operator takes a request within a second; it has to be away for this to pass.
_TAKEN_SECONDS = 30.0
# The status follows right after; a slow API server gets a little longer.
_BEGUN_SECONDS = 8.0
_PATIENCE_SECONDS = 30.0


def left(what: str, name: str) -> Outcome:
    """A request that nobody waits for."""
    return Outcome(True, f"{what} is asked of {name}; the operator takes it from there.")


class Wait(ABC):
    """One request on its way: asked, taken, begun, done."""

    withdrawal = ""
    """The command that takes a request back."""
    follow: str
    """The command that shows how it goes on."""

    def __init__(
        self, session: Session, resource: Resource, name: str, what: str, longest: float
    ) -> None:
        self._session = session
        self._resource = resource
        self._name = name
        self._what = what
        self._longest = longest
        self._told = ""
        self._asked_at = session.clock.now()
        self._taken_at: float | None = None

    async def outcome(self) -> Outcome:
        """What comes of it."""
        while True:
            body = await self._read()
            now = self._session.clock.now()
            if self._taken_at is None and self.is_taken(body):
                self._taken_at = now
            found = await self._judge(body, now)
            if found is not None:
                return found
            if self._taken_at is not None:
                self._tell(self.progress(body))
            await self._session.clock.sleep(_POLL_SECONDS)

    # What kinds of requests differ in.

    @abstractmethod
    def is_taken(self, body: Object) -> bool:
        """Whether the operator has seen the request."""

    @abstractmethod
    def result(self, body: Object) -> Outcome | None:
        """What has come of a request that is taken; None while that is open."""

    @abstractmethod
    def standing(self, body: Object) -> str:
        """How it stands, as the status says it."""

    def has_begun(self, body: Object) -> bool:
        """Whether the operator acts on it, and is not done yet."""
        return False

    def refusal(self) -> str | None:
        """Why the operator does not do it, if it has said so."""
        return None

    async def earlier_refusal(self) -> str | None:
        """The same, if it was said before and is not repeated."""
        return None

    def progress(self, body: Object) -> str:
        """What to say of it meanwhile."""
        return ""

    # What they have in common.

    async def _judge(self, body: Object, now: float) -> Outcome | None:
        waited = now - self._asked_at
        refusal = self.refusal()
        if refusal is not None:
            return self._refused(refusal)
        if self._taken_at is None:
            return self._not_taken(waited) if waited >= min(self._longest, _TAKEN_SECONDS) else None
        done = self.result(body)
        if done is not None:
            return done
        if not self.has_begun(body) and now - self._taken_at >= _BEGUN_SECONDS:
            return await self._not_begun(body)
        return self._too_late(body) if waited >= self._longest else None

    def _tell(self, progress: str) -> None:
        """Progress goes to stderr: stdout has the outcome alone."""
        if progress not in ("", self._told):
            self._told = progress
            click.echo(printable(progress), err=True)

    def _refused(self, note: str) -> Outcome:
        return Outcome(False, f"The operator refused it for {self._name}: {note}")

    def _not_taken(self, waited: float) -> Outcome:
        withdraw = f"; withdraw it with {self.withdrawal}" if self.withdrawal else ""
        return Outcome(
            False,
            f"The operator has not taken {self._what} of {self._name} within {waited:.0f} s: see "
            f"whether it runs. The request stands{withdraw}.",
        )

    async def _not_begun(self, body: Object) -> Outcome:
        earlier = await self.earlier_refusal()
        if earlier is not None:
            return self._refused(earlier)
        return Outcome(
            False,
            f"The operator has taken {self._what} of {self._name}, and nothing has come of it: "
            f"{self.standing(body)}",
        )

    def _too_late(self, body: Object) -> Outcome:
        return Outcome(
            False,
            f"{self._what} of {self._name} is not done after {self._longest:.0f} s and goes on: "
            f"{self.standing(body)} Follow it with {self.follow}.",
        )

    async def _read(self) -> Object:
        began = self._session.clock.now()
        while True:
            try:
                return await self._session.need(self._resource, self._name)
            except TransientError:
                if self._session.clock.now() - began >= _PATIENCE_SECONDS:
                    raise
                await self._session.clock.sleep(_POLL_SECONDS)
