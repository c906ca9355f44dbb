"""Keeps the leader's lease in the API server, as a coordination.k8s.io/v1 Lease."""

from dataclasses import dataclass

from resilience_operator.core.resources import LEASES
from resilience_operator.kube.client import KubeClient, Object
from resilience_operator.kube.timestamps import from_micro_time, micro_time
from resilience_operator.purpose import Purpose, errand


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it is stored. Times are seconds since the epoch."""

    holder: str
    duration_seconds: int
    acquired_at: float
    transitions: int
    version: str


class KubeLeaseStore:
    """One Lease object. Give it a client without a token bucket: a renewal must never queue."""

    def __init__(self, client: KubeClient, namespace: str, name: str) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._holder: str | None = None

    async def read(self) -> Lease | None:
        """The present record; None when there is none."""
        found = await self._client.get(LEASES, self._namespace, self._name)
        return None if found is None else self._seen(found)

    async def write(
        self,
        *,
        holder: str,
        duration_seconds: int,
        acquired_at: float,
        renewed_at: float,
        transitions: int,
        version: str | None,
    ) -> Lease:
        """Store a record; Conflict unless the present one still has that version (None: none)."""
        body: Object = {
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": duration_seconds,
                "acquireTime": micro_time(acquired_at),
                "renewTime": micro_time(renewed_at),
                "leaseTransitions": transitions,
            },
        }
        with errand(Purpose.RENEWAL if holder == self._holder else Purpose.LEADERSHIP):
            if version is None:
                return self._seen(await self._client.create(LEASES, self._namespace, body))
            body["metadata"]["resourceVersion"] = version
            stored = await self._client.replace(LEASES, self._namespace, self._name, body)
            return self._seen(stored)

    def _seen(self, found: Object) -> Lease:
        lease = _parse(found)
        self._holder = lease.holder
        return lease


def _parse(found: Object) -> Lease:
    spec = found.get("spec") or {}
    return Lease(
        holder=spec.get("holderIdentity") or "",
        duration_seconds=spec.get("leaseDurationSeconds") or 0,
        acquired_at=from_micro_time(spec.get("acquireTime")),
        transitions=spec.get("leaseTransitions") or 0,
        version=found["metadata"]["resourceVersion"],
    )
