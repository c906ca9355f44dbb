"""Where builds keep what they make: a folder outside the checkout, used by one build at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.images.process import progress

KEPT_ARCHIVES = 2


def folder() -> Path:
    """The folder of archives, wheels, the base image and the private engine."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(cache) / "resilience-operator" / "images"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def exclusive(state: Path) -> Iterator[None]:
    """Hold the folder for this build; wait for another build to end first."""
    with (state / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another build is running: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch(state: Path) -> Iterator[Path]:
    """An empty folder for this build alone; also takes away what a build that was cut off left."""
    path = state / "scratch"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def forget_old(directory: Path, name: str) -> None:
    """Delete all but the newest archives of an image."""
    archives = sorted(directory.glob(f"{name}-{'[0-9a-f]' * 16}.tar"), key=_modified, reverse=True)
    for archive in archives[KEPT_ARCHIVES:]:
        archive.unlink(missing_ok=True)


def _modified(path: Path) -> float:
    return path.stat().st_mtime
