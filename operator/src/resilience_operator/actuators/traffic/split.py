"""How a rule's weights are read and set: the share of stable and canary in what both have together.

Pure. Weights of other backends are never touched, so what stable and canary have together must
stay the same beside them, and the wanted share is met by rounding within that sum. A rule without
other backends has no such tie: where its sum does not divide, 100 becomes the sum. A rule that
gives both of them nothing carries none of their traffic and is left as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resilience_operator.core.model import Problem

# How far the real share may be from the wanted one, in percentage points, before it is refused.
_TOLERANCE = 1.0


@dataclass(frozen=True, slots=True)
class Slot:
    """One backend of a rule: where its weight is in the object, and how it is recognized there."""

    pointer: str  # JSON pointer of the backend, as in /spec/rules/0/backendRefs/1
    identity: tuple[str, str]  # JSON pointer of the backend's name, and that name
    weight: int


@dataclass(frozen=True, slots=True)
class Split:
    """One rule with both Services."""

    place: str  # for people, as in "rule 0 (checkout)"
    fingerprint: str  # of the rule's name or else its matches: survives a reorder of the rules
    stable: Slot
    canary: Slot
    others: int = 0  # weight of all other backends together

    @property
    def total(self) -> int:
        """What both Services have together."""
        return self.stable.weight + self.canary.weight

    @property
    def share(self) -> int:
        """The canary's share in percent, rounded."""
        return round(100 * self.canary.weight / self.total) if self.total else 0


Weights = tuple[int, int]
"""Weights of stable and canary."""


def weights_for(split: Split, percent: int) -> Weights:
    """The weights that give the canary `percent` of what both have together."""
    total = split.total
    if total == 0:
        return (0, 0)
    if total * percent % 100 and not split.others:
        total = 100
    canary = (total * percent + 50) // 100
    return (total - canary, canary)


def agrees(split: Split, percent: int) -> bool:
    """Whether the rule's weights are already what they should be for `percent`."""
    return weights_for(split, percent) == (split.stable.weight, split.canary.weight)


def share_of(splits: Sequence[Split], wanted: int | None) -> int:
    """The canary's share over all rules: `wanted` where every rule agrees, else the largest."""
    if wanted is not None and splits and all(agrees(split, wanted) for split in splits):
        return wanted
    return max((split.share for split in splits), default=0)


def too_coarse(kind: str, name: str, splits: Sequence[Split], percent: int) -> Problem | None:
    """Why the share cannot be met in a rule whose sum is tied by other backends, if it cannot."""
    for split in splits:
        stable, canary = weights_for(split, percent)
        total = stable + canary
        if total and abs(100 * canary / total - percent) > _TOLERANCE:
            return Problem(
                "WeightsTooCoarse",
                f"In {split.place} of {kind} {name} the two Services have a weight of {total} "
                f"together beside other backends, which cannot be split {100 - percent} to "
                f"{percent}: multiply all weights of that rule by 100.",
            )
    return None


def nothing_to_share(kind: str, name: str, splits: Sequence[Split]) -> Problem | None:
    """The problem of an object in which neither Service has any weight."""
    if any(split.total for split in splits):
        return None
    return Problem(
        "NoTrafficToShare",
        f"Every rule of {kind} {name} with both Services gives them a weight of 0: "
        "give the stable Service a weight of 100.",
    )
