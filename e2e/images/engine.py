"""The Docker engine that builds: one that already runs, or a private one during the build."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from e2e.images import debian, mounts
from e2e.images.catalogue import PUBLIC_BASE
from e2e.images.process import BuildError, output, progress, run

PRIVATE_BASE = f"resilience-operator/base:{debian.RELEASE}"
DEBIAN_CLIENT = "/usr/bin/docker"  # another on the search path may lack BuildKit's part
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LONGEST_SOCKET_PATH = 100
KEPT_LAYERS = "4GB"


@dataclass(frozen=True)
class Engine:
    """A client of one engine, and the base image that this engine can get."""

    client: str
    base: str
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str | Path) -> None:
        """Run a Docker command; its output is progress."""
        run([self.client, *arguments], env={"DOCKER_BUILDKIT": "1", **self.env})

    def answers(self) -> bool:
        """Whether the engine is there."""
        version = output([self.client, "version", "--format", "{{.Server.Version}}"], env=self.env)
        return bool(version and version.strip())


def running() -> Engine | None:
    """The engine that the user's own Docker client talks to, if one answers.

    It pulls the public base image, so it needs a registry that this machine can reach.
    """
    client = shutil.which("docker")
    engine = Engine(client, PUBLIC_BASE) if client else None
    return engine if engine and engine.answers() else None


@contextmanager
def private(state: Path) -> Iterator[Engine]:
    """An engine of our own, with the base image in it; gone without a trace of processes after."""
    debian.install_tools()
    base = debian.base_archive(state)
    home = state / "engine"
    socket = home / "docker.sock"
    if len(str(socket)) > LONGEST_SOCKET_PATH:
        raise BuildError(f"{socket} is too long for a socket: set XDG_CACHE_HOME to a shorter path")
    home.mkdir(exist_ok=True)
    _stop_leftover(home)
    config = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_CONFIG": str(home / "client")}
    engine = Engine(DEBIAN_CLIENT, PRIVATE_BASE, config)
    daemon = _start(home, socket)
    try:
        _wait_until_ready(engine, daemon, home)
        _import_base(engine, base)
        yield engine
        engine.run("image", "prune", "--force")
        engine.run("builder", "prune", "--force", "--keep-storage", KEPT_LAYERS)
    finally:
        _stop(daemon)
        mounts.unmount(home)


def _start(home: Path, socket: Path) -> subprocess.Popen[bytes]:
    progress("starting a private Docker engine")
    command = [
        "dockerd", "--data-root", home / "data", "--exec-root", home / "run",
        "--pidfile", home / "dockerd.pid", "--host", f"unix://{socket}",
        "--iptables=false", "--ip6tables=false", "--bridge=none",
    ]  # fmt: skip
    with (home / "dockerd.log").open("wb") as log:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def _wait_until_ready(engine: Engine, daemon: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not engine.answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            last = (home / "dockerd.log").read_text(errors="replace").splitlines()[-5:]
            raise BuildError("the private Docker engine did not start:\n" + "\n".join(last))
        time.sleep(0.2)


def _import_base(engine: Engine, archive: Path) -> None:
    """Import the base image, unless the engine has this very archive already."""
    label = f"base-archive={archive.stem}-{archive.stat().st_mtime_ns}"
    listing = ["images", "--quiet", "--filter", f"label={label}", engine.base]
    if output([engine.client, *listing], env=engine.env):
        return
    progress("importing the base image")
    engine.run("import", "--change", f"LABEL {label}", archive, engine.base)


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    progress("stopping the private Docker engine")
    daemon.terminate()
    try:
        daemon.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _stop_leftover(home: Path) -> None:
    """Stop the engine of a build that was cut off: the process in our pid file, if it is ours."""
    pidfile = home / "dockerd.pid"
    if not pidfile.exists():
        return
    process = Path("/proc") / pidfile.read_text().strip()
    deadline = time.monotonic() + STOP_SECONDS
    while _is_ours(process, home) and time.monotonic() < deadline:
        os.kill(int(process.name), signal.SIGTERM)
        time.sleep(0.5)
    if _is_ours(process, home):
        raise BuildError(f"an earlier private Docker engine (process {process.name}) does not stop")
    pidfile.unlink(missing_ok=True)
    mounts.unmount(home)


def _is_ours(process: Path, home: Path) -> bool:
    try:
        return str(home / "data").encode() in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
