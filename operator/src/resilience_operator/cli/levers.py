"""Sets and takes away what a person has decided about a level."""

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.cli.durations import spoken
from resilience_operator.cli.errors import CliError
from resilience_operator.cli.overview import LevelOverview, level_overview
from resilience_operator.cli.session import Object, Session
from resilience_operator.core.resources import LEVELS
from resilience_operator.core.times import to_rfc3339

_REASON_LENGTH = 256


async def override(
    session: Session, name: str, wanted: Level, seconds: float, reason: str, who: str
) -> str:
    """Force a level; returns what to tell the person."""
    before = await _read(session, name)
    ends = to_rfc3339(session.clock.now() + seconds)
    lever = {
        "level": wanted.value,
        "reason": _checked(reason),
        "requestedBy": who,
        "expiresAt": ends,
    }
    await _patch(session, name, {"override": lever})
    old = before.spec.override if before.spec and before.override_in_force else None
    instead = f" It replaces {old.level}, forced by {old.requested_by}." if old else ""
    computed = before.status.computed_level
    then = f" The probes say {computed}." if computed is not None else ""
    return f"{name} is forced to {wanted} for {spoken(seconds)}, until {ends}.{instead}{then}"


async def freeze(session: Session, name: str, seconds: float, reason: str) -> str:
    """Freeze a level; returns what to tell the person."""
    before = await _read(session, name)
    ends = to_rfc3339(session.clock.now() + seconds)
    await _patch(session, name, {"freeze": {"reason": _checked(reason), "expiresAt": ends}})
    level = before.status.level
    at = f" at {level}" if level is not None else ", as soon as it has a level"
    forced = (
        " Its override comes first for as long as it lasts." if before.override_in_force else ""
    )
    return f"{name} is frozen{at} for {spoken(seconds)}, until {ends}.{forced}"


async def release(session: Session, name: str) -> str:
    """Take both levers off; returns what to tell the person."""
    before = await _read(session, name)
    taken = [
        word
        for word, lever in (
            ("override", before.spec and before.spec.override),
            ("freeze", before.spec and before.spec.freeze),
        )
        if lever or before.spec is None
    ]
    if not taken:
        return f"{name} has neither override nor freeze: nothing to release."
    await _patch(session, name, {"override": None, "freeze": None})
    computed = before.status.computed_level
    then = f"; the probes say {computed}" if computed is not None else ""
    return f"{name} is released from its {' and '.join(taken)}{then}."


async def _read(session: Session, name: str) -> LevelOverview:
    return level_overview(await session.need(LEVELS, name), session.clock.now())


async def _patch(session: Session, name: str, spec: Object) -> None:
    await session.cluster.merge_patch(LEVELS, session.namespace, name, {"spec": spec})


def _checked(reason: str) -> str:
    text = reason.strip()
    if not text:
        raise CliError("The reason is empty: say why, for those who see it later.")
    if len(text) > _REASON_LENGTH:
        raise CliError(f"The reason is too long: say it in {_REASON_LENGTH} characters.")
    return text
