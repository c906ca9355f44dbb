"""Tests that look back at all the others: they come last, and mean something only after all.

In a run of a part they are skipped and say what was missing. WHOLE_SUITE in the environment, as
the Makefile sets it, makes a failure of that: no run that should have been complete passes without.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_DESELECTED = pytest.StashKey[int]()


def note_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember that tests were deselected."""
    stash = items[0].config.stash
    stash[_DESELECTED] = stash.get(_DESELECTED, 0) + len(items)


def require(session: pytest.Session, folders: Sequence[str]) -> None:
    """Skip the test unless every test of these folders was run; a run that has failed is over."""
    if session.testsfailed:
        pytest.skip("others have failed")
    missing = _missing(session, folders)
    if not missing:
        return
    if os.environ.get("WHOLE_SUITE"):
        pytest.fail(missing, pytrace=False)
    pytest.skip(f"needs all of {', '.join(folders)}: {missing}")


def _missing(session: pytest.Session, folders: Sequence[str]) -> str:
    there = {path for folder in folders for path in (HERE / folder).glob("test_*.py")}
    absent = sorted(path.name for path in there - {item.path for item in session.items})
    if absent:
        return f"{', '.join(absent)} not among the tests"
    if any("::" in argument for argument in session.config.args):
        return "single tests were asked for"
    return "tests were deselected" if session.config.stash.get(_DESELECTED, 0) else ""
