"""Whether this process can do its work: what /healthz and /readyz are answered from.

A blocked event loop answers neither, which tells as much. What the loop cannot feel by itself is
looked at here: the watch, which runs on a loop of its own, and a schedule that nobody works off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

WATCH_PATIENCE_SECONDS = 60.0
"""The loop of the watch shows a sign of life every few seconds."""

SCHEDULE_PATIENCE_SECONDS = 300.0
"""A probe may wait for a slot; so long only when nothing starts any more."""


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    silence: Callable[[], float]
    patience: float


class Vitals:
    """The parts of a leading replica; a standby has none, and is healthy while it answers."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}
        self._unready: dict[str, Callable[[], bool]] = {}

    def watch(self, name: str, silence: Callable[[], float], patience: float) -> None:
        """Count that part as dead once it has been silent, in seconds, for longer than this."""
        self._parts[name] = _Part(name, silence, patience)

    def require(self, sentence: str, holds: Callable[[], bool]) -> None:
        """Be ready only while this holds; the sentence says what is missing."""
        self._unready[sentence] = holds

    def problems(self) -> Sequence[str]:
        """What is dead."""
        silences = [(part, part.silence()) for part in self._parts.values()]
        return [
            f"{part.name} has shown no sign of life for {silence:.0f} s."
            for part, silence in silences
            if silence > part.patience
        ]

    def missing(self) -> Sequence[str]:
        """What is not there yet."""
        return [sentence for sentence, holds in self._unready.items() if not holds()]
