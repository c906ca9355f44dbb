"""Waiting for a condition, with a limit and an error that names what was awaited."""

import time
from collections.abc import Callable

from e2e.cluster.errors import ClusterError


def until(what: str, condition: Callable[[], bool], seconds: float, pause: float = 0.05) -> None:
    """Poll until the condition holds; raise when the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(f"waited {seconds:.0f} s for {what}, in vain")
        time.sleep(pause)
