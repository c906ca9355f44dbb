"""Figures from several rounds, and the machine that they are from."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, with the least and the greatest."""

    middle: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Of at least one value."""
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        """For people: `median (min to max)`."""
        low, high = f"{self.least:,.{digits}f}", f"{self.greatest:,.{digits}f}"
        return f"{self.middle:,.{digits}f} ({low} to {high})"


def machine() -> str:
    """One line on what this was measured on, how busy it was included."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    total = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} x {model}, {total:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.1f} before"
    )


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown, aligned for a terminal."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([line(head), rule, *map(line, rows)])
