"""Real servers as child processes: found, started, waited for and ended."""

import asyncio
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

START_SECONDS = 60.0
# So that not even tests that are killed leave a server; a change of the user takes it off again.
_DIE_WITH_US = ("setpriv", "--pdeathsig=KILL")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def binary(name: str, package: str) -> str:
    """The newest program of that name; a failure that says what to install if there is none."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)
    path = found[0] if found else shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not installed: install Debian's package {package}", pytrace=False)
    return path


def wait_until(check: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come about within {seconds:g} s")
        time.sleep(0.02)


async def eventually(check: Callable[[], bool], seconds: float = 30) -> None:
    """`wait_until` for what the event loop has to run for."""
    async with asyncio.timeout(seconds):
        while not check():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.01)


def accepts(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def as_user(user: str, command: Sequence[str]) -> list[str]:
    """The command line that runs as `user` when we are root; some servers refuse to be root."""
    if os.geteuid() != 0:
        return list(command)
    return [*_DIE_WITH_US, f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]


@contextmanager
def folder_of(user: str) -> Iterator[Path]:
    """A folder that belongs to `user`, in a place where that user can get to it."""
    # pytest's own folders are for nobody else's eyes.
    place = os.environ.get("TMPDIR") or "/tmp"
    with tempfile.TemporaryDirectory(prefix="probes-", dir=place) as name:
        if os.geteuid() == 0:
            shutil.chown(name, user, user)
        yield Path(name)


@contextmanager
def running(
    command: Sequence[str], log: Path, stop: signal.Signals = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server; its output is in `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_DIE_WITH_US, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    def ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{log.read_text(errors='replace')[-2000:]}")
        return accepts(port)

    wait_until(ready, f"a server on port {port}")
