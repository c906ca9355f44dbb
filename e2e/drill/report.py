"""How a drill went, for people and as data."""

from collections.abc import Iterator, Mapping
from typing import Any

from e2e.drill.restoring import Restored
from e2e.drill.standing import DIFFERS, LOST, SAME

RTO_SECONDS, RPO_SECONDS = 600, 900
"""The targets: back within ten minutes, with nothing older than a quarter of an hour."""


def text_of(done: Restored, before: Mapping[str, float], age_seconds: float) -> str:
    """Everything; `before` are parts that come before the restoration, a new cluster say."""
    return "\n".join(_lines(done, before, age_seconds))


def data_of(done: Restored, before: Mapping[str, float], age_seconds: float) -> dict[str, Any]:
    """The same for programs."""
    parts = {**before, **done.seconds}
    return {
        "rtoSeconds": round(sum(parts.values()), 1),
        "rpoSeconds": round(age_seconds, 1),
        "parts": {name: round(seconds, 1) for name, seconds in parts.items()},
        "notRight": done.not_right,
        "flips": done.flips,
        "warnings": done.warnings,
        "comparisons": [
            {
                "subject": each.subject,
                "what": each.what,
                "before": each.before,
                "after": each.after,
                "outcome": each.outcome,
            }
            for each in done.comparisons
        ],
    }


def _lines(done: Restored, before: Mapping[str, float], age_seconds: float) -> Iterator[str]:
    parts = {**before, **done.seconds}
    width = max(len(name) for name in parts)
    for name, seconds in parts.items():
        yield f"  {name:{width}}  {seconds:6.1f} s"
    total = sum(parts.values())
    yield f"RTO {total:.0f} s (target {RTO_SECONDS} s), to every level as it was."
    yield f"RPO {age_seconds:.0f} s (target {RPO_SECONDS} s), the age of the export at the loss."
    outcomes = [each.outcome for each in done.comparisons]
    yield (
        f"Compared {len(outcomes)}: {outcomes.count(SAME)} the same, {outcomes.count(LOST)} of the "
        f"past and lost, {outcomes.count(DIFFERS)} different."
    )
    for each in done.comparisons:
        if each.outcome != SAME:
            yield f"  {each.outcome:7}  {each.subject}  {each.what}: {each.before} -> {each.after}"
    for title, lines in (
        ("Not right", done.not_right),
        ("Wrong on the way", done.flips),
        ("To know", done.warnings),
    ):
        for line in lines:
            yield f"{title}: {line}"
