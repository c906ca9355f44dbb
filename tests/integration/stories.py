"""Tests that mostly wait run beside each other: begun with the first test, told at their turn.

    @story
    def test_a_long_one(stage: Stage) -> None: ...

A story says by the name of its parameter which setting it needs, has one of its own, and a thread
and a namespace. Those that take long should come first. What a setting has started ends with it.
"""

import inspect
import re
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import Api
from tests.integration.operator.harness import given_up

Story = Callable[[Any], None]
Setting = Callable[[ControlPlane, Api, str, Path], AbstractContextManager[Any]]
"""Builds what a story plays in: from the API server, a namespace and a folder of its own."""


class Stories:
    """The stories of a session, running."""

    def __init__(
        self,
        control_plane: ControlPlane,
        stories: Iterable[Story],
        setting: Setting,
        at_once: int,
        folder: Path,
    ) -> None:
        self._control_plane = control_plane
        self._setting = setting
        self._folder = folder
        self._threads = ThreadPoolExecutor(at_once)
        self._told: dict[Story, Future[None]] = {
            each: self._threads.submit(self._tell, each) for each in stories
        }

    def finish(self, told: Story) -> None:
        """Wait for its end; raises what it raised."""
        self._told[told].result()

    def close(self) -> None:
        """Begin none that has not begun, and end those that still run: the tests were cut short."""
        given_up.set()
        self._threads.shutdown(cancel_futures=True)

    def _tell(self, told: Story) -> None:
        name = re.sub(r"[^a-z0-9]+", "-", told.__name__)[:40].strip("-")
        namespace = f"{name}-{secrets.token_hex(4)}"
        api = Api(self._control_plane.kubeconfig)
        self._control_plane.client.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        folder = self._folder / namespace
        folder.mkdir()
        try:
            with self._setting(self._control_plane, api, namespace, folder) as setting:
                told(setting)
        except AssertionError as error:
            log = "".join(p.read_text()[-3000:] for p in sorted(folder.glob("*.log")))
            raise AssertionError(f"{error}\n{log}") from error
        finally:
            api.close()


def story(told: Story) -> Callable[[Stories], None]:
    """Make a test of a story: it waits for its end."""

    def waiting(stories: Stories) -> None:
        stories.finish(told)

    waiting.__name__ = told.__name__
    waiting.__doc__ = told.__doc__
    waiting.story = told  # type: ignore[attr-defined]
    return waiting


def is_story(item: pytest.Item) -> bool:
    """Whether a test waits for a story."""
    return hasattr(getattr(item, "function", None), "story")


def story_of(item: pytest.Item, parameter: str) -> Story | None:
    """The story behind a test, if its setting has that name."""
    told: Story | None = getattr(getattr(item, "function", None), "story", None)
    if told is None or list(inspect.signature(told).parameters) != [parameter]:
        return None
    return told


def selected(session: pytest.Session, parameter: str) -> list[Story]:
    """The stories with such a setting that were selected, in the order of the tests."""
    found = (story_of(item, parameter) for item in session.items)
    return [each for each in found if each is not None]
