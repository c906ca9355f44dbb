"""Builds the tools and finds the built ones.

A build goes into a folder beside its final place and is renamed when it is whole, under a lock
per tool: an interrupted build leaves nothing that looks built, and two commands at once build
once. Without a terminal the progress is a plain line every few seconds.
"""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from e2e.cluster import golang
from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import cache_folder
from e2e.cluster.tools import Tool, lookup

_PROGRESS_SECONDS = 5.0


class Binaries:
    """Finds programs by name among the given tools, all of which are built."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)

    def __getitem__(self, name: str) -> str:
        for folder in self._folders:
            if (folder / name).is_file():
                return str(folder / name)
        raise ClusterError(f"{name} is in none of {', '.join(map(str, self._folders))}")


def find(names: Iterable[str]) -> Binaries:
    """The built binaries of these tools; an error that says what to run when some are missing."""
    go = golang.find()
    folders = [lookup(name).cached(go.version) for name in names]
    missing = [folder.name for folder in folders if not folder.is_dir()]
    if missing:
        raise ClusterError(f"not built yet: {', '.join(missing)}; run: python -m e2e.cluster build")
    return Binaries(folders)


def built(name: str) -> Path | None:
    """The folder of a tool's binaries in its present version, whatever Go has built them."""
    tool = lookup(name)
    found = (cache_folder() / "bin").glob(f"{tool.name}-{tool.version()}-*")
    return max(found, key=lambda folder: folder.stat().st_mtime, default=None)


def ensure(names: Iterable[str]) -> Binaries:
    """The binaries of these tools, built now where they are not."""
    go = golang.find()
    return Binaries([_ensure(lookup(name), go) for name in names])


def command(tool: Tool, go: golang.Go, output: Path) -> list[str]:
    """The `go build` that puts all of the tool's binaries into the folder `output`."""
    if len(tool.binaries) == 1:
        (name,) = tool.binaries
        target = str(output / name)
    else:
        target = f"{output}/"
    packages = sorted(tool.binaries.values())
    return [go.command, "build", "-trimpath", "-ldflags", tool.ldflags(), "-o", target, *packages]


def _ensure(tool: Tool, go: golang.Go) -> Path:
    final = tool.cached(go.version)
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with (final.parent / f".{tool.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{tool.name}: another command builds it; waiting", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.is_dir():
            _build(tool, go, final)
    return final


def _build(tool: Tool, go: golang.Go, final: Path) -> None:
    partial = final.with_name(f".{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    log = final.with_name(f"{tool.name}.build.log")
    label = f"{tool.name} {tool.version()} ({', '.join(tool.binaries)})"
    print(f"building {label} with {go.version}", flush=True)
    started = time.monotonic()
    with log.open("wb") as output:
        build = subprocess.Popen(
            command(tool, go, partial),
            cwd=tool.folder,
            env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _report_until_done(build, tool.name, started)
        finally:
            build.kill()
            build.wait()
    if build.returncode != 0:
        text = log.read_text(errors="replace").strip()[-2000:]
        raise ClusterError(f"cannot build {label}; {log} says:\n{text}")
    partial.rename(final)
    print(f"built {label} in {time.monotonic() - started:.0f} s", flush=True)


def _report_until_done(build: subprocess.Popen[bytes], name: str, started: float) -> None:
    while True:
        try:
            build.wait(timeout=_PROGRESS_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"  {name}: {time.monotonic() - started:.0f} s", flush=True)
        else:
            return
