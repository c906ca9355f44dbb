from dataclasses import replace

import pytest

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.controller.flag_effects import (
    HEALTH_ONLY_SECONDS,
    RETRY_PODS_SECONDS,
    RETRY_PROBLEM_SECONDS,
)
from resilience_operator.controller.store import Entry
from resilience_operator.core.errors import Forbidden, Invalid, TransientError
from resilience_operator.core.features import feature_states
from resilience_operator.core.flags import render_flags
from resilience_operator.core.model import FlagSet
from resilience_operator.core.resources import CONFIG_MAPS, DEPLOYMENTS, PODS
from tests.builders import make_policy, reference_policy
from tests.unit.actuators.makers import make_deployment, make_pod
from tests.unit.controller.fakes import KEY, Bench

POLICY = reference_policy().build()
MAP = "inventario-flags"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def entry() -> Entry:
    return Entry(POLICY, POLICY.status)


def flags(level: Level = Level.OPTIMAL, health: int = 100) -> FlagSet:
    states = feature_states(POLICY.spec.features, level, ())
    return render_flags(MAP, POLICY.spec.flags.formats, level, health, 1, states, POLICY)


async def carry_out(bench: Bench, entry: Entry, wanted: FlagSet | None) -> int:
    """The number of writes that it took."""
    before = bench.api.writes
    await bench.effects.carry_out(entry, entry.policy, wanted, bench.clock.now())
    return bench.api.writes - before


async def test_a_change_of_health_alone_waits_and_one_of_level_does_not(
    bench: Bench, entry: Entry
) -> None:
    assert await carry_out(bench, entry, flags()) == 1
    assert await carry_out(bench, entry, flags()) == 0
    written = bench.clock.now()
    assert await carry_out(bench, entry, flags(health=95)) == 0
    assert bench.queue.later == [(KEY, written + HEALTH_ONLY_SECONDS)]
    await bench.clock.advance(1)
    assert await carry_out(bench, entry, flags(Level.LIMITED, 60)) == 1
    await bench.clock.advance(HEALTH_ONLY_SECONDS - 1)
    assert await carry_out(bench, entry, flags(Level.LIMITED, 61)) == 0
    await bench.clock.advance(1)
    assert await carry_out(bench, entry, flags(Level.LIMITED, 61)) == 1


async def test_what_only_a_person_can_mend_is_tried_again_at_a_slow_pace(
    bench: Bench, entry: Entry
) -> None:
    foreign = {"metadata": {"name": MAP}, "data": {"A": "1"}}
    bench.api.put(CONFIG_MAPS, "retail", foreign)
    await carry_out(bench, entry, flags())
    assert entry.outcome.flags_applied is False
    assert entry.outcome.flags_reason == "ConfigMapNotOurs"
    asked = len(bench.api.requests)
    await carry_out(bench, entry, flags())
    assert len(bench.api.requests) == asked
    await bench.clock.advance(RETRY_PROBLEM_SECONDS)
    del bench.api.objects[("configmaps", "retail", MAP)]
    assert await carry_out(bench, entry, flags()) == 1
    assert entry.outcome.flags_applied is True


async def test_other_flags_are_tried_at_once_although_the_last_were_refused(
    bench: Bench, entry: Entry
) -> None:
    bench.api.put(CONFIG_MAPS, "retail", {"metadata": {"name": MAP}, "data": {}})
    await carry_out(bench, entry, flags())
    asked = len(bench.api.requests)
    await carry_out(bench, entry, flags(Level.LIMITED, 60))
    assert len(bench.api.requests) > asked


async def test_a_former_config_map_that_could_not_be_let_go_is_tried_again(
    bench: Bench, entry: Entry
) -> None:
    await carry_out(bench, entry, flags())
    bench.api.failures[MAP] = Invalid("an admission policy")
    renamed = replace(flags(), config_map="renamed")
    await carry_out(bench, entry, renamed)
    assert [problem.reason for problem in entry.outcome.problems] == ["ConfigMapInvalid"]
    bench.api.failures.clear()
    asked = len(bench.api.requests)
    await carry_out(bench, entry, renamed)
    assert len(bench.api.requests) == asked
    await bench.clock.advance(RETRY_PROBLEM_SECONDS)
    assert await carry_out(bench, entry, renamed) == 1
    assert entry.outcome.problems == ()


@pytest.mark.parametrize(
    ("failure", "pause"),
    [(TransientError("no answer"), RETRY_PODS_SECONDS), (Forbidden("no"), RETRY_PROBLEM_SECONDS)],
)
async def test_pods_that_may_not_be_told_are_tried_at_the_slow_pace(
    bench: Bench, failure: Exception, pause: float
) -> None:
    """The pace of patches is everybody's: pods that always refuse must not use it up."""
    bench.api.put(DEPLOYMENTS, "retail", make_deployment())
    bench.api.put(PODS, "retail", make_pod("dashboard-1"))
    bench.api.failures["dashboard-1"] = failure
    policy = reference_policy().target("dashboard").build()
    entry = Entry(policy, policy.status)
    await carry_out(bench, entry, flags())
    assert entry.outcome.problems[0].reason == "PodsNotRefreshed"
    assert bench.queue.later == [(KEY, bench.clock.now() + pause)]


async def test_missing_targets_are_a_problem_and_looked_for_again(bench: Bench) -> None:
    policy = reference_policy().target("dashboard").build()
    entry = Entry(policy, policy.status)
    await carry_out(bench, entry, flags())
    assert [problem.reason for problem in entry.outcome.problems] == ["DeploymentMissing"]
    assert entry.outcome.flags_applied is True
    again = bench.clock.now() + RETRY_PROBLEM_SECONDS
    assert bench.queue.later == [(KEY, again)]
    asked = len(bench.api.requests)
    await carry_out(bench, entry, flags())
    assert len(bench.api.requests) == asked
    await bench.clock.advance(RETRY_PROBLEM_SECONDS)
    await carry_out(bench, entry, flags())
    assert len(bench.api.requests) > asked


async def test_observing_writes_nothing_and_says_so(bench: Bench) -> None:
    policy = make_policy().observing().build()
    entry = Entry(policy, policy.status)
    assert await carry_out(bench, entry, None) == 0
    assert (entry.outcome.flags_applied, entry.outcome.flags_reason) == (None, "Observing")


async def test_without_a_level_there_is_nothing_to_write(bench: Bench, entry: Entry) -> None:
    assert await carry_out(bench, entry, None) == 0
    assert entry.outcome.flags_reason == "NothingToApply"
