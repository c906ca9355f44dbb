"""What preflight finds: checks in sections, and what nobody let it see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    """What became of a check."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was found, and what to do about it unless it passed."""

    name: str
    result: Result
    finding: str
    remedy: str = ""

    def named(self, name: str) -> "Check":
        """The same check under another name."""
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class Section:
    """Checks of one thing: the cluster, an operator, a policy."""

    title: str
    checks: Sequence[Check]


@dataclass(frozen=True, slots=True)
class Denied:
    """What we may not see, in the API server's words."""

    message: str


Object = dict[str, Any]
Found = Object | Denied | None
"""An object; None if it is not there."""
Listed = Sequence[Object] | Denied


def passed(name: str, finding: str) -> Check:
    """All is well."""
    return Check(name, Result.PASS, finding)


def warned(name: str, finding: str, remedy: str) -> Check:
    """It works, and somebody may be in for a surprise."""
    return Check(name, Result.WARN, finding, remedy)


def failed(name: str, finding: str, remedy: str) -> Check:
    """It does not work."""
    return Check(name, Result.FAIL, finding, remedy)


def skipped(name: str, finding: str, remedy: str) -> Check:
    """Nobody knows."""
    return Check(name, Result.SKIPPED, finding, remedy)


def unseen(name: str, denied: Denied, remedy: str) -> Check:
    """A check that needs what we may not see."""
    return skipped(name, f"You may not look: {denied.message.rstrip('.')}.", remedy)


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
