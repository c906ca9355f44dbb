"""Running other programs, with their output as progress and their failure as a sentence."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STARTED = time.monotonic()


class BuildError(Exception):
    """The build cannot go on; the message says what a person can do about it."""


def progress(message: str) -> None:
    """Say on standard error what happens now."""
    print(f"[{time.monotonic() - STARTED:6.1f}s] {message}", file=sys.stderr, flush=True)


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
    """Run a program whose output is progress; BuildError when it fails."""
    try:
        result = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(f"{command[0]} is not installed") from error
    if result.returncode != 0:
        raise BuildError(f"`{command[0]} {command[1]} …` ended with code {result.returncode}")


def output(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> str | None:
    """What a program prints, or None when it is not there or fails."""
    try:
        result = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return result.stdout if result.returncode == 0 else None
