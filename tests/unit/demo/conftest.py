"""A volume that changes the way the kubelet changes it, and waiting with a deadline."""

import asyncio
import json
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from e2e.demo.app.features import FEATURES

Client = TestClient[Request, Application]

DEADLINE_SECONDS = 1.0
POLL_SECONDS = 0.005


class KubeletVolume:
    """A ConfigMap volume: files are links into ..data, itself a link that is swapped at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "flagd.json"
        self._versions = count()

    def write(self, content: str | None) -> None:
        """Publish new content; None removes the file, as when its key leaves the ConfigMap."""
        version = self.folder / f"..version-{next(self._versions)}"
        version.mkdir()
        if content is not None:
            (version / self.file.name).write_text(content)
        link = self.folder / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self.folder / "..data")
        if not self.file.is_symlink():
            self.file.symlink_to(f"..data/{self.file.name}")


@pytest.fixture
def volume(tmp_path: Path) -> KubeletVolume:
    """An empty volume."""
    return KubeletVolume(tmp_path)


def flagd(level: str, health: int, generation: int, **states: str) -> str:
    """A flags file as the operator writes it; features that are not named are on."""
    flags = {
        name: {
            "state": "ENABLED",
            "variants": {value: value for value in sorted({"on", "off", states.get(name, "on")})},
            "defaultVariant": states.get(name, "on"),
        }
        for name in FEATURES
    }
    metadata = {"level": level, "health": health, "generation": generation}
    schema = "https://flagd.dev/schema/v0/flags.json"
    return json.dumps({"$schema": schema, "flags": flags, "metadata": metadata})


async def holds(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether the condition comes to hold before the deadline; returns as soon as it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
