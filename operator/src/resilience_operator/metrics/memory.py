"""How much memory this container may take."""

import math
from collections.abc import Sequence
from pathlib import Path

_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # cgroup v1
)
_ENDLESS = 1 << 60
"""Without a limit cgroup v1 says a number that no machine has."""


def limit_bytes(files: Sequence[Path] = _FILES) -> float:
    """The limit of the container's cgroup; infinite where there is none."""
    for file in files:
        try:
            limit = int(file.read_text(encoding="ascii"))
        except (OSError, ValueError):  # not there, or `max`
            continue
        return limit if limit < _ENDLESS else math.inf
    return math.inf
