"""What the tests on a real cluster share: the demo, deployed once, on a cluster of their own."""

import os
import signal
from collections.abc import Iterator

import pytest

from e2e.demo.deploy import apply_policy, deploy, remove
from e2e.demo.kubectl import Kubectl

CLUSTER = os.environ.get("RESILIENCE_E2E_CLUSTER", "e2e")
PROVIDER = os.environ.get("RESILIENCE_E2E_PROVIDER", "auto")


@pytest.fixture(scope="session", autouse=True)
def orderly_end() -> Iterator[None]:
    """Tests that are ended by SIGTERM end as by Ctrl-C, and take their cluster along."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def demo() -> Iterator[Kubectl]:
    """The demo with its policy applied; its cluster goes at the end of the tests.

    RESILIENCE_E2E_KEEP=1 leaves it running, to look at.
    """
    try:
        kubectl = deploy(CLUSTER, PROVIDER, print)
        apply_policy(kubectl)
        yield kubectl
    finally:
        if not os.environ.get("RESILIENCE_E2E_KEEP"):
            remove(CLUSTER)
