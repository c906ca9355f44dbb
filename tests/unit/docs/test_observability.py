"""The page on observability has every purpose and every action, and lines as they are written."""

import json
from collections.abc import Iterator

from e2e.docs.pages import ROOT, read
from resilience_operator.core.human_actions import Action
from resilience_operator.purpose import Purpose
from resilience_operator.tracing import recorder

PAGE = read("docs/observability.md")
NEVER_WRITTEN = {Purpose.UNSAID, Purpose.RENEWAL}


def lines() -> Iterator[dict[str, object]]:
    for block in PAGE.of("json"):
        yield from map(json.loads, block.text.splitlines())


def test_purposes_and_actions_are_all_there() -> None:
    spans = set(PAGE.spans)
    assert {purpose.value for purpose in set(Purpose) - NEVER_WRITTEN} <= spans
    assert {action.value for action in Action} <= spans


def test_the_examples_are_log_lines() -> None:
    spans = set(PAGE.spans)
    found = list(lines())
    assert [each["logger"] for each in found] == [
        *["resilience_operator.controller.telling"] * 2,
        *["resilience_operator.audit"] * 2,
    ]
    for each in found:
        assert set(each) - {"audit"} <= spans, "a field of an example is explained"


def test_attributes_of_spans_are_those_that_are_set() -> None:
    code = "".join(
        (ROOT / "operator" / "src" / "resilience_operator" / name).read_text()
        for name in ("tracing/recorder.py", "metrics/reports.py")
    )
    (table,) = (part for part in PAGE.path.read_text().split("\n\n") if "| span |" in part)
    named = {
        word
        for row in table.splitlines()[2:]
        for word in row.split("|")[3].split("`")[1::2]
        if "/" not in word
    }
    assert len(named) > 15
    assert {word for word in named if f'"{word}"' not in code} == {"dependencies"}
    assert '"resilience.dependencies"' in code


def test_limits_are_those_of_the_code() -> None:
    text = " ".join(PAGE.path.read_text().split())
    assert f"up to {recorder.NOTABLE_PER_SECOND:g} a second" in text
    assert (recorder.MAX_DEPENDENCIES, recorder.MAX_WRITES) == (8, 100)
