"""Processes are recorded by themselves and ended only while they are the same."""

import subprocess
import time
from pathlib import Path

import pytest

from e2e.cluster.errors import ClusterError
from e2e.cluster.processes import ProcessId, ProcessTable


def test_a_program_is_recorded_and_ended(tmp_path: Path) -> None:
    table = ProcessTable(tmp_path)
    table.start("sleeper", ["sleep", "60"])
    (process,) = table.running().values()

    # Another command, which knows the folder only, ends it.
    ProcessTable(tmp_path).stop("sleeper")

    assert not process.running()
    assert table.recorded() == {}


def test_a_program_joins_its_control_group_before_it_runs(tmp_path: Path) -> None:
    entrance = tmp_path / "cgroup.procs"
    entrance.touch()
    table = ProcessTable(tmp_path, control_groups=[entrance])
    table.start("sleeper", ["sleep", "60"])
    try:
        assert int(entrance.read_text()) == table.running()["sleeper"].pid
    finally:
        table.stop("sleeper", grace_seconds=0)


def test_output_and_failure_are_reported(tmp_path: Path) -> None:
    table = ProcessTable(tmp_path)
    table.start("failing", ["sh", "-c", "echo the reason; exit 3"])
    deadline = time.monotonic() + 5
    while table.running() and time.monotonic() < deadline:
        time.sleep(0.01)

    with pytest.raises(ClusterError, match="the reason"):
        table.check("failing")


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    table = ProcessTable(tmp_path)
    ready = tmp_path / "ready"
    table.start("stubborn", ["sh", "-c", f"trap '' TERM; touch {ready}; while :; do sleep 1; done"])
    while not ready.exists():
        time.sleep(0.01)
    process = table.running()["stubborn"]

    table.stop("stubborn", grace_seconds=0.2)

    assert not process.running()


def test_another_process_with_the_same_id_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        found = ProcessId.of(other.pid)
        assert found is not None
        ProcessId(found.pid, found.start_time - 1).end(grace_seconds=1)
        assert other.poll() is None
        other.kill()


def test_a_record_of_before_the_last_boot_names_nothing() -> None:
    stat = Path("/proc/self/stat").read_text()

    assert ProcessId.from_record(f"00000000-0000-0000-0000-000000000000 {stat}") is None


@pytest.mark.parametrize("text", ["", "garbage", "one two three"])
def test_a_broken_record_names_nothing(text: str) -> None:
    assert ProcessId.from_record(text) is None
