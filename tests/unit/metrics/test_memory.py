"""The limit that the kernel ends this process at."""

import math
from pathlib import Path

import pytest

from resilience_operator.metrics.memory import limit_bytes


@pytest.mark.parametrize(
    ("said", "limit"),
    [("536870912\n", 536870912), ("max\n", math.inf), ("9223372036854771712\n", math.inf)],
)
def test_what_the_cgroup_says(tmp_path: Path, said: str, limit: float) -> None:
    file = tmp_path / "memory.max"
    file.write_text(said)

    assert limit_bytes([tmp_path / "none", file]) == limit


def test_without_a_cgroup_there_is_no_limit(tmp_path: Path) -> None:
    assert limit_bytes([tmp_path / "none"]) == math.inf
