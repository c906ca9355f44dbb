"""Tests that mostly wait run beside the others: begun with the first test, told at their turn.

    @in_background
    def test_a_long_story(stage: Stage) -> None: ...

Each has a stage and a thread of its own. The operators that it starts end with the thread.
"""

import re
import secrets
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import Api
from tests.integration.operator.stage import Stage

Story = Callable[[Stage], None]
AT_ONCE = 4


class Stories:
    """The stories of a session, running."""

    def __init__(self, control_plane: ControlPlane, stories: Iterable[Story]) -> None:
        self._control_plane = control_plane
        self._threads = ThreadPoolExecutor(AT_ONCE)
        self._told: dict[Story, Future[None]] = {
            story: self._threads.submit(self._tell, story) for story in stories
        }

    def finish(self, story: Story) -> None:
        """Wait for its end; raises what it raised."""
        self._told[story].result()

    def close(self) -> None:
        """Begin none that has not begun, and wait for those that have."""
        self._threads.shutdown(cancel_futures=True)

    def _tell(self, story: Story) -> None:
        name = re.sub(r"[^a-z0-9]+", "-", story.__name__)[:40].strip("-")
        namespace = f"{name}-{secrets.token_hex(4)}"
        api = Api(self._control_plane.kubeconfig)
        self._control_plane.client.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        with tempfile.TemporaryDirectory() as folder:
            stage = Stage(self._control_plane, api, namespace, Path(folder))
            try:
                story(stage)
            finally:
                stage.close()
                api.close()


def in_background(story: Story) -> Callable[[Stories], None]:
    """Make a test of a story: it waits for its end."""

    def waiting(stories: Stories) -> None:
        stories.finish(story)

    waiting.__name__ = story.__name__
    waiting.__doc__ = story.__doc__
    waiting.story = story  # type: ignore[attr-defined]
    return waiting
