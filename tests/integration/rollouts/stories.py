"""Each test is a story with a shop of its own; they run side by side, since they mostly wait.

    @story
    def test_a_good_version(shop: Shop) -> None: ...

All begin with the first test, some at once, and each test waits for the end of its own.
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
from tests.integration.rollouts.shop import Shop

Story = Callable[[Shop], None]
AT_ONCE = 6


class Stories:
    """The stories of a session, running. Those that take long should come first."""

    def __init__(self, control_plane: ControlPlane, stories: Iterable[Story]) -> None:
        self._control_plane = control_plane
        self._threads = ThreadPoolExecutor(AT_ONCE)
        self._told: dict[Story, Future[None]] = {
            each: self._threads.submit(self._tell, each) for each in stories
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
            shop = Shop(stage)
            try:
                story(shop)
            except AssertionError as error:
                log = "".join(p.read_text()[-3000:] for p in sorted(Path(folder).glob("*.log")))
                raise AssertionError(f"{error}\n{log}") from error
            finally:
                stage.close()
                shop.close()
                api.close()


def story(told: Story) -> Callable[[Stories], None]:
    """Make a test of a story: it waits for its end."""

    def waiting(stories: Stories) -> None:
        stories.finish(told)

    waiting.__name__ = told.__name__
    waiting.__doc__ = told.__doc__
    waiting.rollout_story = told  # type: ignore[attr-defined]
    return waiting
