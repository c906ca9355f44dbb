"""How the garbage collector is set, and that what exists is out of its way."""

import gc
from collections.abc import Iterator

import pytest

from resilience_operator.runtime import collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_exists_is_never_looked_at_again() -> None:
    held = [[] for _ in range(1000)]
    collector.calm_down()
    assert gc.get_freeze_count() > len(held)
    assert gc.get_threshold() == collector.THRESHOLDS
    assert gc.isenabled()
