"""Asks a verb of a rollout and waits for what comes of it.

The annotation is set only on the object that was looked at: whoever asks at the same time is seen,
not overwritten.
"""

import click

from resilience_operator.api.v1alpha1.base import ROLLOUT_ANNOTATION
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.cli.errors import CliError
from resilience_operator.cli.rollouts.following import needed_view
from resilience_operator.cli.rollouts.refusals import Refusals
from resilience_operator.cli.rollouts.sense import Outcome, has_begun, objection, result
from resilience_operator.cli.rollouts.view import RolloutView, pending_verb, rollout_status
from resilience_operator.cli.session import Object, Session
from resilience_operator.core.errors import Conflict, TransientError
from resilience_operator.core.resources import POLICIES
from resilience_operator.core.rollout.model import Verb

_POLL_SECONDS = 0.5
# The operator takes a verb within a second; it has to be away for this to pass.
_TAKEN_SECONDS = 30.0
# The status follows right after; a slow API server gets a little longer.
_BEGUN_SECONDS = 8.0
_PATIENCE_SECONDS = 30.0
_ATTEMPTS = 5


async def ask(session: Session, name: str, verb: Verb, longest: float | None) -> Outcome:
    """Ask, and wait for at most `longest` seconds; None: leave the request and go."""
    async with Refusals.listen(session, name, verb) as refusals:
        view = await _annotate(session, name, verb)
        if longest is None:
            return Outcome(True, f"{verb} is asked of {name}; the operator takes it from there.")
        return await _Wait(session, name, verb, view, refusals, longest).outcome()


async def _annotate(session: Session, name: str, verb: Verb) -> RolloutView:
    """Set the annotation if it makes sense; what the rollout was like before."""
    for _ in range(_ATTEMPTS):
        body = await session.need(POLICIES, name)
        view = needed_view(body, session.clock.now())
        if "deletionTimestamp" in body["metadata"]:
            raise CliError(f"Policy {name} is being deleted: its rollout ends with it.")
        refusal = objection(verb, view)
        if refusal is not None:
            raise CliError(refusal)
        metadata = {
            "resourceVersion": body["metadata"]["resourceVersion"],
            "annotations": {ROLLOUT_ANNOTATION: verb.value},
        }
        try:
            await session.cluster.merge_patch(
                POLICIES, session.namespace, name, {"metadata": metadata}
            )
        except Conflict:
            continue
        return view
    raise CliError(f"Policy {name} keeps changing: nothing was asked of it. Try again.")


class _Wait:
    """One request on its way: asked, taken, begun, done."""

    def __init__(
        self,
        session: Session,
        name: str,
        verb: Verb,
        view: RolloutView,
        refusals: Refusals,
        longest: float,
    ) -> None:
        self._session = session
        self._name = name
        self._verb = verb
        self._before = view.status
        self._refusals = refusals
        self._asked_at = session.clock.now()
        self._longest = longest
        self._taken_at: float | None = None
        self._told = view.status.message

    async def outcome(self) -> Outcome:
        """What comes of it."""
        while True:
            body = await self._read()
            now, status = self._session.clock.now(), rollout_status(body)
            if self._taken_at is None and pending_verb(body) != self._verb.value:
                self._taken_at = now
            found = await self._judge(status, now)
            if found is not None:
                return found
            self._tell(status)
            await self._session.clock.sleep(_POLL_SECONDS)

    async def _judge(self, status: RolloutStatus, now: float) -> Outcome | None:
        waited = now - self._asked_at
        if self._refusals.heard is not None:
            return _refused(self._name, self._refusals.heard)
        if self._taken_at is None:
            return self._not_taken(waited) if waited >= min(self._longest, _TAKEN_SECONDS) else None
        done = result(self._verb, self._before, status)
        if done is not None:
            return done
        begun = has_begun(self._verb, self._before, status)
        if not begun and now - self._taken_at >= _BEGUN_SECONDS:
            return await self._not_begun(status)
        return self._too_late(status) if waited >= self._longest else None

    def _not_taken(self, waited: float) -> Outcome:
        return Outcome(
            False,
            f"The operator has not taken {self._verb} of {self._name} within {waited:.0f} s: see "
            "whether it runs. The request stands; withdraw it with kubectl annotate -n "
            f"{self._session.namespace} rp/{self._name} {ROLLOUT_ANNOTATION}-.",
        )

    async def _not_begun(self, status: RolloutStatus) -> Outcome:
        earlier = await self._refusals.earlier()
        if earlier is not None:
            return _refused(self._name, earlier)
        return Outcome(
            False,
            f"The operator has taken {self._verb} of {self._name}, and nothing has come of it: "
            f"{status.phase}, {status.message or 'no message'}",
        )

    def _too_late(self, status: RolloutStatus) -> Outcome:
        return Outcome(
            False,
            f"{self._verb} of {self._name} is not done after {self._longest:.0f} s and goes on: "
            f"{status.phase}, {status.message} Follow it with rollout status --watch.",
        )

    def _tell(self, status: RolloutStatus) -> None:
        """Progress goes to stderr: stdout has the outcome alone."""
        if self._taken_at is not None and status.message and status.message != self._told:
            self._told = status.message
            click.echo(f"{status.phase}: {status.message}", err=True)

    async def _read(self) -> Object:
        began = self._session.clock.now()
        while True:
            try:
                return await self._session.need(POLICIES, self._name)
            except TransientError:
                if self._session.clock.now() - began >= _PATIENCE_SECONDS:
                    raise
                await self._session.clock.sleep(_POLL_SECONDS)


def _refused(name: str, note: str) -> Outcome:
    return Outcome(False, f"The operator refused it for {name}: {note}")
