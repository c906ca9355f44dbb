"""Processes that outlive the command which started them, and how to end exactly those.

A process is recorded by its id, its start time and the machine's boot id. The child writes the
record itself before it becomes the program, so there is no moment at which an interrupted `up`
leaves a program running that no record names. A signal goes through a pidfd taken before the
start time is compared: an id that was given to another process meanwhile is never signalled.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.errors import ClusterError

# $1: the record; then files (cgroup.procs) that take the process's id, up to "--"; the command.
_LAUNCHER = """
record=$1; shift
while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift
read -r boot < /proc/sys/kernel/random/boot_id
read -r stat < /proc/$$/stat
printf '%s %s\\n' "$boot" "$stat" > "$record.new" && mv "$record.new" "$record" || exit 125
exec "$@"
"""


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _state_and_start_time(stat: str) -> tuple[str, int]:
    """State and start time from the text of /proc/PID/stat; the name may hold any character."""
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[19])


@dataclass(frozen=True)
class ProcessId:
    """One process for good, unlike a bare id, which the kernel gives out again."""

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """The running process that has this id now, if there is one."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, start_time = _state_and_start_time(stat)
        return None if state in "ZX" else cls(pid, start_time)

    @classmethod
    def from_record(cls, text: str) -> "ProcessId | None":
        """The process that a record names; None when it is of before the last boot."""
        boot, _, stat = text.strip().partition(" ")
        if boot != _boot_id() or ")" not in stat:
            return None
        return cls(int(stat.split(maxsplit=1)[0]), _state_and_start_time(stat)[1])

    def running(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return ProcessId.of(self.pid) == self

    @contextlib.contextmanager
    def _handle(self) -> Iterator[int | None]:
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            yield handle if self.running() else None
        finally:
            os.close(handle)

    def end(self, grace_seconds: float) -> None:
        """Ask it to end, insist after the grace, and wait until it is gone."""
        with self._handle() as handle:
            if handle is None:
                return
            for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
                if patience <= 0:
                    continue
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
                if _ended(handle, patience):
                    return
        raise ClusterError(f"process {self.pid} does not end, not even by SIGKILL")


def _ended(handle: int, patience: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(patience * 1000))


class ProcessTable:
    """The long-running programs of one cluster: a record and a log file for each."""

    def __init__(
        self,
        folder: Path,
        *,
        control_groups: Sequence[Path] = (),
        die_with_parent: bool = False,
    ) -> None:
        """`control_groups`: the cgroup.procs files in which each program starts.

        `die_with_parent`: the kernel kills the programs when the *thread* that started them
        ends, however it ends.
        """
        self._records = folder / "processes"
        self._logs = folder / "logs"
        self._control_groups = tuple(control_groups)
        self._die_with_parent = die_with_parent
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def log(self, name: str) -> Path:
        """Where the program's output goes."""
        return self._logs / f"{name}.log"

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> None:
        """Start a program; returns once it is recorded."""
        self._records.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        record = self._records / name
        record.unlink(missing_ok=True)
        prefix = ["setpriv", "--pdeathsig", "KILL"] if self._die_with_parent else []
        groups = [str(path) for path in self._control_groups]
        launcher = ["sh", "-c", _LAUNCHER, "launcher", str(record), *groups, "--"]
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                [*prefix, *launcher, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env} if env else None,
                start_new_session=True,
            )
        self._children[name] = child
        while not record.exists():
            if child.poll() is not None:
                raise ClusterError(f"{name} did not start; see {self.log(name)}")
            time.sleep(0.002)

    def recorded(self) -> dict[str, ProcessId]:
        """Every recorded program that may still run, by name."""
        found: dict[str, ProcessId] = {}
        for record in sorted(self._records.glob("*")):
            if record.suffix == ".new":
                continue
            process = ProcessId.from_record(record.read_text())
            if process is not None:
                found[record.name] = process
        return found

    def running(self) -> dict[str, ProcessId]:
        """Every recorded program that does run, by name."""
        return {name: one for name, one in self.recorded().items() if one.running()}

    def check(self, name: str) -> None:
        """Raise with the end of its log when a program that should run has ended."""
        if name not in self.running():
            lines = self.log(name).read_text(errors="replace").splitlines()[-12:]
            message = f"{name} ended; {self.log(name)} closes with:"
            raise ClusterError("\n  ".join([message, *lines]))

    def stop(self, name: str, grace_seconds: float = 10.0) -> None:
        """End one program and forget it; no error when it does not run."""
        process = self.recorded().get(name)
        if process is not None:
            process.end(grace_seconds)
        child = self._children.pop(name, None)
        if child is not None:
            child.wait()
        (self._records / name).unlink(missing_ok=True)
