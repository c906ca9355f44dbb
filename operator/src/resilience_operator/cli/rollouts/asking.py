"""Asks a verb of a rollout and waits for what comes of it.

The annotation is set only on the object that was looked at: whoever asks at the same time is seen,
not overwritten.
"""

from resilience_operator.api.v1alpha1.base import ROLLOUT_ANNOTATION
from resilience_operator.cli.errors import CliError
from resilience_operator.cli.outcome import Outcome
from resilience_operator.cli.rollouts.following import needed_view
from resilience_operator.cli.rollouts.refusals import Refusals
from resilience_operator.cli.rollouts.sense import has_begun, objection, result
from resilience_operator.cli.rollouts.view import RolloutView, pending_verb, rollout_status
from resilience_operator.cli.session import Object, Session
from resilience_operator.cli.waiting import Wait, left
from resilience_operator.core.errors import Conflict
from resilience_operator.core.resources import POLICIES
from resilience_operator.core.rollout.model import Verb

_ATTEMPTS = 5


async def ask(session: Session, name: str, verb: Verb, longest: float | None) -> Outcome:
    """Ask, and wait for at most `longest` seconds; None: leave the request and go."""
    async with Refusals.listen(session, name, verb) as refusals:
        view = await _annotate(session, name, verb)
        if longest is None:
            return left(verb, name)
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


class _Wait(Wait):
    """A verb on its way."""

    follow = "rollout status --watch"

    def __init__(
        self,
        session: Session,
        name: str,
        verb: Verb,
        view: RolloutView,
        refusals: Refusals,
        longest: float,
    ) -> None:
        super().__init__(session, POLICIES, name, verb, longest)
        self.withdrawal = f"kubectl annotate -n {session.namespace} rp/{name} {ROLLOUT_ANNOTATION}-"
        self._verb = verb
        self._before = view.status
        self._refusals = refusals

    def is_taken(self, body: Object) -> bool:
        """The operator takes the annotation off."""
        return pending_verb(body) != self._verb.value

    def has_begun(self, body: Object) -> bool:
        """By the phase."""
        return has_begun(self._verb, self._before, rollout_status(body))

    def result(self, body: Object) -> Outcome | None:
        """By the phase."""
        return result(self._verb, self._before, rollout_status(body))

    def refusal(self) -> str | None:
        """What the operator has said in an event."""
        return self._refusals.heard

    async def earlier_refusal(self) -> str | None:
        """An event that was there before."""
        return await self._refusals.earlier()

    def standing(self, body: Object) -> str:
        """The phase and the message."""
        status = rollout_status(body)
        return f"{status.phase}, {status.message or 'no message'}"

    def progress(self, body: Object) -> str:
        """The phase and the message, once there is news."""
        status = rollout_status(body)
        news = status.message and status.message != self._before.message
        return f"{status.phase}: {status.message}" if news else ""
