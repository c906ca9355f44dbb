"""The weights as they were before a rollout: kept in the status, and in an annotation on the route.

The status has a path and a weight of each, enough to restore; the annotation names the Services and
the rule as well, and is there even when the policy's status is lost. It may hold the records of
several policies, whose Services share the route. Both arms of a rule follow one another, stable
first. A rule is found again by its fingerprint, or else by its position.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from resilience_operator.actuators.base import Object
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.actuators.traffic.split import Split
from resilience_operator.api.v1alpha1.base import GROUP
from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight

ANNOTATION = f"{GROUP}/original-weights"
# What the status holds.
_LIMIT = 64
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Original:
    """The weights of one rule before the rollout."""

    rule: str  # fingerprint
    stable_path: str  # without the leading /spec/, as in rules/0/backendRefs/1
    canary_path: str
    stable: int
    canary: int

    @property
    def position(self) -> str:
        """The rule's place when it was recorded, as in rules/0."""
        return position_of(self.stable_path)


def of_split(split: Split) -> Original:
    """Record a rule as it is now."""
    return Original(
        rule=split.fingerprint,
        stable_path=split.stable.pointer.removeprefix("/spec/"),
        canary_path=split.canary.pointer.removeprefix("/spec/"),
        stable=split.stable.weight,
        canary=split.canary.weight,
    )


def to_status(originals: Iterable[Original]) -> tuple[OriginalWeight, ...]:
    """The form that the policy's status keeps."""
    found: list[OriginalWeight] = []
    for original in originals:
        suffix = f"?rule={original.rule}&arm="
        for path, weight in (
            (f"{original.stable_path}{suffix}stable", original.stable),
            (f"{original.canary_path}{suffix}canary", original.canary),
        ):
            found.append(OriginalWeight(path=path, weight=min(weight, _LARGEST)))
    return tuple(found[:_LIMIT])


def from_status(weights: Sequence[OriginalWeight]) -> tuple[Original, ...]:
    """Read them back; what is not ours to read is left out."""
    found: list[Original] = []
    for stable, canary in zip(weights[::2], weights[1::2], strict=False):
        stable_path, _, marks = stable.path.partition("?")
        rule = marks.removeprefix("rule=").partition("&")[0]
        found.append(
            Original(rule, stable_path, canary.path.partition("?")[0], stable.weight, canary.weight)
        )
    return tuple(found)


def to_annotation(live: Object, originals: Iterable[Original], arms: Arms) -> str | None:
    """The annotation's value with this record of both arms; None when no record is left."""
    services = [arms.stable, arms.canary]
    ours = [{**asdict(original), "services": services} for original in originals]
    theirs = [entry for entry in _entries(live) or () if not _is_of(entry, arms)]
    if not ours and not theirs:
        return None
    entries = sorted([*theirs, *ours], key=lambda entry: json.dumps(entry["services"]))
    return json.dumps(entries, separators=(",", ":"))


def from_annotation(live: Object, arms: Arms) -> tuple[Original, ...] | None:
    """The record of both arms; None when there is none, or one that nobody can read."""
    entries = _entries(live)
    try:
        found = tuple(_read(entry) for entry in entries or () if _is_of(entry, arms))
    except (ValueError, TypeError, KeyError):
        return None
    return found or None


def _entries(live: Object) -> list[dict[str, Any]] | None:
    text = (live["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _is_of(entry: object, arms: Arms) -> bool:
    """Whether it is the record of these arms, or names none, as those of version 0.1.0.

    What is no record at all is nobody's, and goes when the annotation is written.
    """
    services = entry.get("services") if isinstance(entry, dict) else None
    return services in (None, [arms.stable, arms.canary])


def match(originals: Sequence[Original], splits: Sequence[Split]) -> tuple[Original | None, ...]:
    """What is recorded of each rule, in the order of `splits`.

    Equal rules are told apart by their position, and a rule whose matches were edited is known by
    its position too, unless what is recorded there belongs to a rule that has moved.
    """
    found: dict[int, Original] = {}
    free = list(originals)
    for by in (_same_rule_in_place, _same_rule, _same_place):
        for index, split in enumerate(splits):
            if index not in found and (known := next((o for o in free if by(o, split)), None)):
                found[index] = known
                free.remove(known)
    return tuple(found.get(index) for index in range(len(splits)))


def completed(originals: Sequence[Original], splits: Sequence[Split]) -> tuple[Original, ...]:
    """`originals`, and the present weights of rules of which nothing is recorded."""
    known = match(originals, splits)
    new = (of_split(s) for s, original in zip(splits, known, strict=True) if original is None)
    return (*originals, *new)


def as_now(originals: Sequence[Original], splits: Sequence[Split]) -> tuple[Original, ...]:
    """The present weights under the recorded paths, so that the two can be compared.

    A rule that is gone is left out; one that nothing is recorded of stands under its own path.
    """
    known = match(originals, splits)
    return tuple(
        of_split(split)
        if original is None
        else replace(original, stable=split.stable.weight, canary=split.canary.weight)
        for split, original in zip(splits, known, strict=True)
    )


def position_of(path: str) -> str:
    """The rule's part of a backend's path: rules/0 of rules/0/backendRefs/1."""
    return path.rsplit("/", 2)[0]


def _read(entry: dict[str, object]) -> Original:
    stable, canary = entry["stable"], entry["canary"]
    if not (isinstance(stable, int) and isinstance(canary, int) and min(stable, canary) >= 0):
        raise ValueError("weights are whole numbers")
    return Original(
        str(entry["rule"]), str(entry["stable_path"]), str(entry["canary_path"]), stable, canary
    )


def _same_rule(original: Original, split: Split) -> bool:
    return original.rule == split.fingerprint


def _same_place(original: Original, split: Split) -> bool:
    return original.position == position_of(split.stable.pointer.removeprefix("/spec/"))


def _same_rule_in_place(original: Original, split: Split) -> bool:
    return _same_rule(original, split) and _same_place(original, split)
