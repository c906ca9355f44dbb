"""What a plan tells: lines with the name of the decision, and what people did, each once."""

import logging
from typing import Any

import pytest

from resilience_operator.api.v1alpha1.level import LevelStatus
from resilience_operator.core.human_actions import HumanAction
from resilience_operator.core.times import to_rfc3339
from tests.builders import healthy, make_level, reference_policy, unhealthy
from tests.unit.controller.fakes import KEY, Bench

NAMES = ("openai", "postgres", "redis", "s3")
TELLING = "resilience_operator.controller.telling"


@pytest.fixture
async def bench() -> Bench:
    """A policy at OPTIMAL, with its level seen."""
    made = Bench()
    made.controller.policy_seen(reference_policy().build())
    for _ in range(3):
        made.deliver(healthy, *NAMES)
    await made.reconcile()
    made.controller.level_seen(make_level().build())
    await made.reconcile()
    return made


def actions(bench: Bench) -> list[HumanAction]:
    return [action for (action,) in bench.observer.of("person_acted")]


async def test_a_line_has_policy_dependency_and_decision(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, TELLING)
    for _ in range(3):
        bench.deliver(unhealthy, "postgres")
    await bench.reconcile()
    opened, degraded = (fields(each) for each in caplog.records if each.name == TELLING)
    assert (opened["reason"], opened["dependency"]) == ("BreakerOpened", "postgres")
    assert (degraded["reason"], degraded["dependency"]) == ("LevelDegraded", "postgres")
    assert (degraded["namespace"], degraded["policy"]) == KEY
    (plan,) = [plan for _, plan in bench.observer.of("level_planned")[-1:]]
    assert degraded["decision"] == plan.decision_id
    announced = {event.reason: event.decision_id for event in bench.announcer.events}
    assert announced["LevelDegraded"] == degraded["decision"] != opened["decision"]


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return vars(record)


async def test_an_override_is_told_when_it_begins_and_when_it_ends(bench: Bench) -> None:
    until = to_rfc3339(bench.clock.now() + 600)
    bench.controller.level_seen(make_level().overridden("MINIMAL", until).build())
    await bench.reconcile()
    await bench.reconcile()
    assert [each.action for each in actions(bench)] == ["OverrideSet"]
    (plan,) = [plan for _, plan in bench.observer.of("level_planned")[-1:]]
    assert actions(bench)[0].decision_id == plan.decision_id
    await bench.clock.advance(601)
    await bench.reconcile()
    assert [each.action for each in actions(bench)] == ["OverrideSet", "OverrideExpired"]


async def test_a_restart_tells_of_no_override_again(bench: Bench) -> None:
    until = to_rfc3339(bench.clock.now() + 600)
    overridden = make_level().overridden("MINIMAL", until)
    bench.controller.level_seen(overridden.build())
    await bench.reconcile()
    bodies = [each for each in bench.cluster.bodies if each["kind"] == "DegradationLevel"]
    status = LevelStatus.model_validate(bodies[-1]["status"])
    again = Bench()
    again.controller.policy_seen(reference_policy().build())
    again.controller.level_seen(overridden.status(status).build())
    await again.reconcile()
    assert actions(again) == []


async def test_a_level_that_is_made_again_is_told_of_again(bench: Bench) -> None:
    until = to_rfc3339(bench.clock.now() + 600)
    for _ in range(2):
        bench.controller.level_seen(make_level("checkout").frozen(until).build())
        await bench.reconcile()
        bench.controller.level_gone(("retail", "checkout"), "1e7e")
    assert [each.action for each in actions(bench)] == ["FreezeSet", "FreezeSet"]
