"""The operator as a process, dependencies that can be taken away, and waiting with a deadline."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 40.0
_EXIT_SECONDS = 20.0
given_up = threading.Event()
"""Set when nobody is interested in the stories any more: those that wait end at once."""


def wait_until(check: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """The first true answer of `check`; an AssertionError that says what did not come about."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s; last answer: {answer!r}")
        _pause(0.05)


def throughout(seconds: float, check: Callable[[], None]) -> None:
    """Make the same assertion again and again for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        check()
        _pause(0.1)


def _pause(seconds: float) -> None:
    if given_up.wait(seconds):
        raise AssertionError("the tests were ended")


class Dependency:
    """A TCP server that accepts and hangs up; notes when it was asked.

    Its port lies outside the range that the kernel takes client ports from: a client that dials
    such a port of its own machine while nobody listens may be connected to itself.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked_at: list[float] = []
        self._listener: socket.socket | None = None
        self.port = self._bind(None)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def up(self) -> None:
        """Listen again, on the same port."""
        if self._listener is None:
            self._bind(self.port)

    def down(self) -> None:
        """Refuse connections."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()

    def _bind(self, port: int | None) -> int:
        while True:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port or random.randrange(15_000, 30_000)))
                break
            except OSError:
                listener.close()
                if port is not None:
                    raise
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.asked_at.append(time.time())
            connection.close()


class OperatorProcess:
    """One replica. Its settings are given as RESILIENCE_* without the prefix, in lower case."""

    variables: Mapping[str, str] = {}
    """Further variables of its environment, for its next start."""

    def __init__(self, name: str, folder: Path, **settings: object) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._log_begins = 0

    def start(self) -> Self:
        """Start it; returns at once."""
        self._log_begins = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            # Coverage finds its configuration in the environment and saves when we exit; the
            # kernel ends the replica if the tests are ended.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(
                    self._settings,
                    POD_NAME=self.name,
                    TMPDIR=str(self.log.parent),  # one that is killed leaves its files there
                    **self.variables,
                ),
            )
        return self

    def start_serving(self) -> Self:
        """Start it and wait until its HTTP endpoints answer."""
        self.start()
        wait_until(lambda: self.port, f"{self.name} serves")
        return self

    def start_leading(self) -> Self:
        """Start it and wait until it leads."""
        self.start()
        self.wait_for_log("leading as")
        return self

    def said(self, text: str) -> list[dict[str, Any]]:
        """The log lines of this run whose message has that text."""
        return [line for line in self.lines() if text in line.get("message", "")]

    def lines(self) -> list[dict[str, Any]]:
        """The log of this run; what is not JSON comes as a message."""
        with self.log.open("rb") as log:
            log.seek(self._log_begins)
            return [_parsed(line) for line in log.read().decode().splitlines()]

    def wait_for_log(self, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        def said() -> list[dict[str, Any]]:
            if self.exit_code is not None:
                raise AssertionError(f"{self.name} ended:\n{self.log.read_text()[-3000:]}")
            return self.said(text)

        wait_until(said, f"{self.name} says {text!r}", seconds)

    @property
    def port(self) -> int:
        """Where its endpoints are; 0 until they are served."""
        lines = self.said("serving /healthz")
        return int(lines[-1]["message"].rsplit(" ", 1)[1]) if lines else 0

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process is not None else 0

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of one of its endpoints."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, series: str) -> float:
        """The value of a series, named with its labels as exposed; 0 when there is none."""
        for line in self.get("/metrics")[1].splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        return 0.0

    def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = _EXIT_SECONDS) -> int:
        """Wait for its end; the exit code."""
        return self._process.wait(seconds) if self._process is not None else 0

    def end(self) -> None:
        """Make sure that it does not run: gently, so that its coverage is saved."""
        if self.exit_code is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def command() -> list[str]:
    """The command line of a replica."""
    return [sys.executable, "-m", "resilience_operator.main"]


def environment(settings: Mapping[str, object], **more: str) -> dict[str, str]:
    """The tests' own environment without anything of a cluster, and the settings."""
    ours = ("RESILIENCE_", "POD_", "KUBE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    source = str(Path(__file__).parents[3] / "operator" / "src")
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (source, kept.get("PYTHONPATH"))))
    given = {f"RESILIENCE_{key.upper()}": str(value) for key, value in settings.items()}
    return {**kept, **given, **more}


def _parsed(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"message": line}
