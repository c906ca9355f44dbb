"""Why the present task writes to the API server: said where it is decided, read where it is told.

Between the two lie an actuator, the client and its pace, none of which has any use for it; so it
goes along with the task, and with the tasks that this one starts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from resilience_operator.core.model import Key


class Purpose(StrEnum):
    """What a write is for."""

    UNSAID = "unsaid"
    FINALIZER = "finalizer"
    LEVEL = "level"
    LEVEL_STATUS = "level status"
    POLICY_STATUS = "policy status"
    FLAGS = "flags"
    PODS = "pods"
    EVENT = "event"
    VERB = "verb"
    ROLLOUT_STATUS = "rollout status"
    TRAFFIC = "traffic"
    PROMOTION = "promotion"
    UNDO = "undo"
    LEADERSHIP = "leadership"
    RENEWAL = "renewal"


@dataclass(frozen=True, slots=True)
class Errand:
    """A purpose, with the policy that it is about and the decision that it carries out."""

    purpose: Purpose = Purpose.UNSAID
    policy: Key | None = None
    decision_id: str = ""


_NONE = Errand()
_present: ContextVar[Errand] = ContextVar("errand", default=_NONE)


def present() -> Errand:
    """What the present task is about."""
    return _present.get()


@contextmanager
def errand(purpose: Purpose, policy: Key | None = None, decision_id: str = "") -> Iterator[None]:
    """In this block, writes are for that. What is not given stays as it is around the block."""
    around = _present.get()
    token = _present.set(
        Errand(purpose, policy or around.policy, decision_id or around.decision_id)
    )
    try:
        yield
    finally:
        _present.reset(token)
