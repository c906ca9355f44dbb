"""What preflight found: for people as tables, for programs as data."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from resilience_operator.cli.colours import coloured
from resilience_operator.cli.preflight.model import Result, Section
from resilience_operator.cli.screen import indented, said, table

_HEADERS = ("RESULT", "CHECK", "FINDING", "REMEDY")
_COUNTED = {
    Result.FAIL: "failed",
    Result.WARN: "with a warning",
    Result.SKIPPED: "skipped",
    Result.PASS: "passed",
}


def text_of(sections: Sequence[Section]) -> RenderableType:
    """A table for each section, and how many checks became what."""
    parts: list[RenderableType] = []
    for section in sections:
        parts += [said(section.title, "bold"), indented(table(_HEADERS, _rows(section))), Text("")]
    return Group(*parts, said(summary(sections)))


def summary(sections: Sequence[Section]) -> str:
    """`2 failed, 1 with a warning, 30 passed.`"""
    counts = _counts(sections)
    told = [f"{counts[result]} {word}" for result, word in _COUNTED.items() if counts[result]]
    return f"{', '.join(told)}."


def data_of(sections: Sequence[Section]) -> dict[str, Any]:
    """The same for programs."""
    counts = _counts(sections)
    return {
        "checks": [
            {
                "section": section.title,
                "check": check.name,
                "result": check.result.value,
                "finding": check.finding,
                "remedy": check.remedy,
            }
            for section in sections
            for check in section.checks
        ],
        "summary": {result.value: counts[result] for result in Result},
    }


def good(sections: Sequence[Section], strict: bool) -> bool:
    """Whether nothing failed; with `strict`, whether everything passed."""
    counts = _counts(sections)
    bad = counts[Result.FAIL]
    return not (bad + counts[Result.WARN] + counts[Result.SKIPPED] if strict else bad)


def _rows(section: Section) -> Iterator[tuple[Any, ...]]:
    for check in section.checks:
        yield coloured(check.result.value), check.name, check.finding, check.remedy


def _counts(sections: Sequence[Section]) -> Counter[Result]:
    return Counter(check.result for section in sections for check in section.checks)
