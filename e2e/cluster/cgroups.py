"""The control group in which all of a cluster runs, and which therefore proves what is its own.

Every program starts in `<cluster>/host`, and so do the shims and whatever else containerd starts;
the kubelet puts the pods below `<cluster>/kubepods`. A process that outlived what started it is
still a member, and no other process ever is.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from e2e.cluster import mounts
from e2e.cluster.errors import ClusterError

_KILL_SECONDS = 20.0
_KINDS = ("cgroup", "cgroup2")
# Its share of a busy machine, in both versions' terms: of eight programs. Without it all of the
# cluster weighs as much as any single process outside, and probes of pods run into their timeouts.
_WEIGHTS = {"cpu.shares": 8 * 1024, "cpu.weight": 8 * 100}


def hierarchies(table: Sequence[mounts.Mount]) -> list[Path]:
    """The hierarchies that a kubelet uses: the unified one, or all of version 1's.

    The first is the one that membership is kept in.
    """
    unified = [one.point for one in table if one.kind == "cgroup2"]
    legacy = [one for one in table if one.kind == "cgroup"]
    legacy.sort(key=lambda one: "pids" not in one.options)
    return [one.point for one in legacy] or unified[:1]


class ControlGroup:
    """One cluster's control group, the same path in each hierarchy."""

    def __init__(self, name: str) -> None:
        self.path = f"/{name}"
        table = mounts.table()
        self._folders = [one / name for one in hierarchies(table)]
        # Beside version 1, runc keeps the same groups in the unified hierarchy.
        self._everywhere = [one.point / name for one in table if one.kind in _KINDS]
        if not self._folders:
            raise ClusterError("no cgroup hierarchy is mounted")

    @property
    def entrance(self) -> Path:
        """The file that takes the id of a process which is to start as a member."""
        return self._folders[0] / "host" / "cgroup.procs"

    def create(self) -> None:
        """Make it in every hierarchy; the kubelet expects its root to exist."""
        try:
            for folder in self._folders:
                folder.mkdir(exist_ok=True)
                for name, weight in _WEIGHTS.items():
                    if (folder / name).exists():
                        (folder / name).write_text(f"{weight}\n")
            self.entrance.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise ClusterError(f"cannot create a control group: {error}") from error

    def members(self, below: str = "") -> set[int]:
        """The ids of all processes in it, or in a group below it."""
        found: set[int] = set()
        for folder in self._folders:
            # A group may go while it is read; os.walk passes over those.
            for path, _, _ in os.walk(folder / below):
                with contextlib.suppress(OSError):
                    text = (Path(path) / "cgroup.procs").read_text()
                    found.update(int(line) for line in text.split())
        return found

    def kill(self, below: str = "") -> None:
        """Kill every member, and those that they start meanwhile, until there is none."""
        deadline = time.monotonic() + _KILL_SECONDS
        while members := self.members(below):
            for pid in members:
                self._kill_member(pid)
            if time.monotonic() > deadline:
                raise ClusterError(f"processes do not end: {sorted(members)}")
            time.sleep(0.02)

    def _kill_member(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            handle = os.pidfd_open(pid)
            try:
                # The handle is of whatever has the id by now: make sure that it is a member.
                if f":{self.path}/" in Path(f"/proc/{pid}/cgroup").read_text():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)

    def remove(self) -> None:
        """Remove it from every hierarchy; it has to be empty of processes."""
        for folder in self._everywhere:
            for group in _deepest_first(folder):
                _remove(group)


def _deepest_first(folder: Path) -> Iterator[Path]:
    for path, _, _ in os.walk(folder, topdown=False):
        yield Path(path)


def _remove(group: Path) -> None:
    deadline = time.monotonic() + 5.0
    while group.is_dir():
        try:
            group.rmdir()
        except OSError as error:
            # A killed process counts as a member until it is reaped.
            if time.monotonic() > deadline:
                raise ClusterError(f"cannot remove {group}: {error}") from error
            time.sleep(0.02)
