"""What is written of a DegradationLevel that the operator makes, and that it is written once."""

from typing import Any

from resilience_operator.controller.status_effects import StatusEffects
from resilience_operator.controller.store import Entry
from resilience_operator.core.evaluation import evaluate
from resilience_operator.core.evidence import begin
from resilience_operator.core.model import Snapshot
from resilience_operator.core.resources import Resource
from tests.builders import make_level, reference_policy

NOW = 1_700_000_000.0


class Cluster:
    """Gives a new level its first generation, as the API server does."""

    def __init__(self) -> None:
        self.statuses: list[dict[str, Any]] = []

    async def apply(
        self, resource: Resource, namespace: str, name: str, body: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        return {**body, "metadata": {**body["metadata"], "uid": "1e7e", "generation": 1}}

    async def apply_status(
        self, resource: Resource, namespace: str, name: str, body: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        self.statuses.append(body["status"])
        return body

    async def delete(self, resource: Resource, namespace: str | None, name: str) -> None:
        raise AssertionError


async def test_the_status_of_a_new_level_speaks_of_its_first_generation() -> None:
    policy = reference_policy().build()
    evidence = {d.name: begin(NOW) for d in policy.spec.dependencies}
    entry, cluster = Entry(policy, policy.status), Cluster()
    effects = StatusEffects(cluster)

    before = Snapshot(policy=policy, now=NOW, evidence=evidence)
    [level] = evaluate(before).levels
    assert level.create
    await effects.write_level(entry, before, level)
    [status] = cluster.statuses
    assert status["observedGeneration"] == 1

    written = make_level().status(entry.level_statuses[level.name]).build()
    after = Snapshot(policy=policy, now=NOW, evidence=evidence, levels=(written,))
    [level] = evaluate(after).levels
    assert not level.create
    await effects.write_level(entry, after, level)
    assert len(cluster.statuses) == 1
