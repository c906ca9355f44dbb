import asyncio
import sys
from pathlib import Path

import pytest

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.core import errors
from resilience_operator.core.resources import LEASES
from resilience_operator.kube.calls import Call
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import Connection
from resilience_operator.kube.leases import KubeLeaseStore
from resilience_operator.purpose import Purpose, present
from resilience_operator.runtime.clock import SystemClock
from resilience_operator.runtime.elector import LeaderElector, LeaseTiming

QUICK = LeaseTiming(lease=3.0, renew_deadline=2.0, retry=0.1)
PATIENT = LeaseTiming(lease=60.0, renew_deadline=40.0, retry=0.1)

REPLICA = """
import asyncio, pathlib, sys
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import connect
from resilience_operator.kube.leases import KubeLeaseStore
from resilience_operator.runtime.clock import SystemClock
from resilience_operator.runtime.elector import LeaderElector, LeaseTiming

async def lead():
    print("leading", flush=True)
    await asyncio.Event().wait()

async def main():
    clock = SystemClock()
    client = KubeClient(await connect(clock, pathlib.Path(sys.argv[1])))
    store = KubeLeaseStore(client, sys.argv[2], "leader")
    await LeaderElector(store, "the-first", clock, LeaseTiming(3.0, 2.0, 0.1)).run(lead)

asyncio.run(main())
"""


class Replica:
    """An elector of this process."""

    def __init__(self, client: KubeClient, namespace: str, name: str, timing: LeaseTiming) -> None:
        self.leading = asyncio.Event()
        store = KubeLeaseStore(client, namespace, "leader")
        self.elector = LeaderElector(store, name, SystemClock(), timing)
        self.task = asyncio.create_task(self.elector.run(self.lead))

    async def lead(self) -> None:
        self.leading.set()
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.elector.stop()
        await self.task


async def holder(client: KubeClient, namespace: str) -> str:
    lease = await client.get(LEASES, namespace, "leader")
    assert lease is not None
    return str(lease["spec"].get("holderIdentity", ""))


async def test_only_a_change_of_hands_is_more_than_a_renewal(
    connection: Connection, namespace: str
) -> None:
    purposes: list[Purpose] = []

    def observe(call: Call) -> None:
        if call.writes:
            purposes.append(present().purpose)

    store = KubeLeaseStore(KubeClient(connection, observer=observe), namespace, "leader")
    version = None
    for holder in ("a", "a", "b", ""):
        record = await store.write(
            holder=holder,
            duration_seconds=15,
            acquired_at=1.0,
            renewed_at=1.0,
            transitions=0,
            version=version,
        )
        version = record.version
    renewal, other = Purpose.RENEWAL, Purpose.LEADERSHIP
    assert purposes == [other, renewal, other, other]


async def test_a_record_survives_the_way_to_the_server_and_back(
    client: KubeClient, namespace: str
) -> None:
    store = KubeLeaseStore(client, namespace, "leader")
    assert await store.read() is None
    written = await store.write(
        holder="a",
        duration_seconds=15,
        acquired_at=1_700_000_000.25,
        renewed_at=1_700_000_001.5,
        transitions=3,
        version=None,
    )
    assert await store.read() == written
    assert (written.holder, written.duration_seconds, written.transitions) == ("a", 15, 3)
    assert written.acquired_at == 1_700_000_000.25


@pytest.mark.parametrize("version", [None, "1"])
async def test_of_two_writers_one_gets_a_conflict(
    client: KubeClient, namespace: str, version: str | None
) -> None:
    store = KubeLeaseStore(client, namespace, "leader")

    async def write(version: str | None) -> None:
        await store.write(
            holder="a",
            duration_seconds=15,
            acquired_at=1.7e9,
            renewed_at=1.7e9,
            transitions=0,
            version=version,
        )

    await write(None)
    with pytest.raises(errors.Conflict):
        await write(version)


async def test_a_leader_that_stops_is_followed_without_waiting_for_its_lease(
    client: KubeClient, namespace: str
) -> None:
    first = Replica(client, namespace, "first", PATIENT)
    await first.leading.wait()
    second = Replica(client, namespace, "second", PATIENT)
    await first.stop()
    await asyncio.wait_for(second.leading.wait(), 10)
    assert await holder(client, namespace) == "second"
    await second.stop()
    assert await holder(client, namespace) == ""


async def test_a_leader_that_is_killed_is_followed_when_its_lease_has_run_out(
    control_plane: ControlPlane, client: KubeClient, namespace: str, tmp_path: Path
) -> None:
    script = tmp_path / "replica.py"
    script.write_text(REPLICA)
    first = await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        str(control_plane.kubeconfig),
        namespace,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert first.stdout is not None
    assert await asyncio.wait_for(first.stdout.readline(), 30) == b"leading\n"
    second = Replica(client, namespace, "the-second", QUICK)
    assert await holder(client, namespace) == "the-first"
    first.kill()
    await first.wait()
    await asyncio.wait_for(second.leading.wait(), 30)
    lease = await client.get(LEASES, namespace, "leader")
    assert lease is not None
    assert lease["spec"]["leaseTransitions"] == 1
    await second.stop()
