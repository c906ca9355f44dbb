"""What a test makes of both arms of one metric, whichever kind of test it was."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers, each significant at the alpha asked for, and the figures as text.

    `few`: there is not enough to go on, and no answer counts.
    """

    stable: str
    canary: str
    evidence: str
    few: bool = False
    worse: bool = False  # the canary is above stable
    increased: bool = False  # … and by more than the spec allows
    better: bool = False  # the canary is below stable
    over: bool = False  # the canary is over the ceiling
    stable_over: bool = False  # stable is over the ceiling
    # The most that stable's figure may be from now on to count as normal.
    normal: float | None = None
