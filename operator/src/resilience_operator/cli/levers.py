"""Sets and takes away what a person has decided about a level, and waits for it to count."""

from collections.abc import Callable
from dataclasses import dataclass

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.cli.durations import spoken
from resilience_operator.cli.errors import CliError
from resilience_operator.cli.outcome import Outcome
from resilience_operator.cli.overview import LevelOverview, level_overview
from resilience_operator.cli.session import Object, Session
from resilience_operator.cli.waiting import Wait, left
from resilience_operator.core.level_state import FROZEN, OVERRIDDEN
from resilience_operator.core.resources import LEVELS
from resilience_operator.core.times import to_rfc3339

_REASON_LENGTH = 256


@dataclass(frozen=True, slots=True)
class _Pull:
    """What is asked of a level: `spec` is written, `counts` says whether the operator goes by it,
    and `told` what a person is told then.
    """

    what: str
    spec: Object
    counts: Callable[[LevelOverview], bool]
    told: Callable[[LevelOverview], str]


async def override(
    session: Session,
    name: str,
    wanted: Level,
    seconds: float,
    reason: str,
    who: str,
    longest: float | None,
) -> Outcome:
    """Force a level, and wait for at most `longest` seconds; None: leave the request and go."""
    before = await _read(session, name)
    ends = to_rfc3339(session.clock.now() + seconds)
    lever = {
        "level": wanted.value,
        "reason": _checked(reason),
        "requestedBy": who,
        "expiresAt": ends,
    }
    old = before.spec.override if before.spec and before.override_in_force else None
    instead = f" It replaces {old.level}, forced by {old.requested_by}." if old else ""

    def told(level: LevelOverview) -> str:
        computed = level.status.computed_level
        then = f" The probes say {computed}." if computed is not None else ""
        return f"{name} is forced to {wanted} for {spoken(seconds)}, until {ends}.{instead}{then}"

    pull = _Pull("override", {"override": lever}, lambda level: level.holds(OVERRIDDEN), told)
    return await _carry_out(session, name, pull, longest)


async def freeze(
    session: Session, name: str, seconds: float, reason: str, longest: float | None
) -> Outcome:
    """Freeze a level, and wait as for an override."""
    await _read(session, name)
    ends = to_rfc3339(session.clock.now() + seconds)
    lever = {"reason": _checked(reason), "expiresAt": ends}

    def counts(level: LevelOverview) -> bool:
        # It waits for the end of an override, and for the first level.
        return level.holds(FROZEN) or level.holds(OVERRIDDEN) or level.status.level is None

    def told(level: LevelOverview) -> str:
        present = level.status.level
        at = f" at {present}" if present is not None else ", as soon as it has a level"
        forced = (
            " Its override comes first for as long as it lasts." if level.override_in_force else ""
        )
        return f"{name} is frozen{at} for {spoken(seconds)}, until {ends}.{forced}"

    return await _carry_out(
        session, name, _Pull("freeze", {"freeze": lever}, counts, told), longest
    )


async def release(session: Session, name: str, longest: float | None) -> Outcome:
    """Take both levers off, and wait as for an override."""
    before = await _read(session, name)
    taken = [
        word
        for word, lever, condition in (
            ("override", before.spec and before.spec.override, OVERRIDDEN),
            ("freeze", before.spec and before.spec.freeze, FROZEN),
        )
        # The operator may have yet to see that one was taken off before.
        if lever or before.holds(condition) or before.spec is None
    ]
    if not taken:
        return Outcome(True, f"{name} has neither override nor freeze: nothing to release.")

    def counts(level: LevelOverview) -> bool:
        return not level.holds(OVERRIDDEN) and not level.holds(FROZEN)

    def told(level: LevelOverview) -> str:
        computed = level.status.computed_level
        then = f"; the probes say {computed}" if computed is not None else ""
        return f"{name} is released from its {' and '.join(taken)}{then}."

    pull = _Pull("release", {"override": None, "freeze": None}, counts, told)
    return await _carry_out(session, name, pull, longest)


async def _carry_out(session: Session, name: str, pull: _Pull, longest: float | None) -> Outcome:
    stored = await session.cluster.merge_patch(LEVELS, session.namespace, name, {"spec": pull.spec})
    if longest is None:
        return left(pull.what, name)
    return await _Wait(session, name, pull, stored, longest).outcome()


class _Wait(Wait):
    """A lever on its way: the operator has seen it when its status is of that generation."""

    follow = "kubectl resilience status"

    def __init__(
        self, session: Session, name: str, pull: _Pull, stored: Object, longest: float
    ) -> None:
        super().__init__(session, LEVELS, name, pull.what, longest)
        self._pull = pull
        self._stored = stored
        if any(pull.spec.values()):
            self.withdrawal = f"kubectl resilience level release {name} -n {session.namespace}"

    def is_taken(self, body: Object) -> bool:
        """By the generation that the status speaks of."""
        generation: int = self._stored["metadata"]["generation"]
        return self._seen(body).status.observed_generation >= generation

    def result(self, body: Object) -> Outcome | None:
        """By the conditions; nothing comes of what somebody else has changed since."""
        if any(body["spec"].get(key) != self._stored["spec"].get(key) for key in self._pull.spec):
            message = f"{self._what} of {self._name} has given way to what somebody has set since."
            return Outcome(False, f"{message} See {self.follow}.")
        level = self._seen(body)
        return Outcome(True, self._pull.told(level)) if self._pull.counts(level) else None

    def standing(self, body: Object) -> str:
        """The level and the message."""
        status = self._seen(body).status
        return f"{status.level or 'no level'}, {status.message or 'no message'}"

    def _seen(self, body: Object) -> LevelOverview:
        return level_overview(body, self._session.clock.now())


async def _read(session: Session, name: str) -> LevelOverview:
    return level_overview(await session.need(LEVELS, name), session.clock.now())


def _checked(reason: str) -> str:
    text = reason.strip()
    if not text:
        raise CliError("The reason is empty: say why, for those who see it later.")
    if len(text) > _REASON_LENGTH:
        raise CliError(f"The reason is too long: say it in {_REASON_LENGTH} characters.")
    return text
