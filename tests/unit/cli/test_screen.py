"""Tables on terminals of any width: whatever does not fit is put elsewhere, never cut."""

import io

import pytest
from rich.console import Console

from resilience_operator.cli.screen import indented, plain, table

HEADERS = ("DEPENDENCY", "STATE", "HEALTH", "BREAKER", "SINCE", "WHY")
ROWS = (
    ("openai", "Down", 0, "Open", "2h56m", "RateLimited: 429: the budget is spent"),
    ("postgres-of-the-warehouse", "Healthy", 100, "Closed", "4d2h", ""),
)


def shown(width: int) -> str:
    paper = io.StringIO()
    Console(file=paper, width=width, color_system=None).print(indented(table(HEADERS, ROWS)))
    return paper.getvalue()


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 81, 100, 200])
def test_nothing_is_cut(width: int) -> None:
    text = shown(width)

    solid = "".join(text.split())
    words = [word for row in ROWS for value in row for word in str(value).split()]
    assert [word for word in words if word not in solid] == []
    assert all(len(line) <= width for line in text.splitlines())


def test_where_there_is_room_it_is_columns() -> None:
    assert shown(90).splitlines()[0].split() == list(HEADERS)
    assert plain(table(HEADERS, ROWS)).splitlines()[0].split() == list(HEADERS)


def test_where_there_is_none_each_value_has_its_name() -> None:
    assert "DEPENDENCY openai  STATE Down  HEALTH 0" in shown(60)
    assert "HEALTH 100" in " ".join(shown(60).split())
