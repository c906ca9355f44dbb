from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.base import Condition, ConditionStatus, Level
from resilience_operator.api.v1alpha1.level import LevelStatus
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.core.conditions import truncate
from resilience_operator.core.evaluation import evaluate
from resilience_operator.core.evidence import observe
from resilience_operator.core.level_state import restore_level
from resilience_operator.core.model import (
    LevelState,
    LevelTransition,
    Outcome,
    Problem,
    Snapshot,
    Trust,
)
from resilience_operator.core.status import level_status, materially_equal, policy_status
from resilience_operator.core.times import to_rfc3339
from tests.builders import (
    LevelBuilder,
    healthy,
    make_level,
    make_policy,
    reference_policy,
    unhealthy,
)
from tests.unit.core.test_evaluation import NOW, applied, make_snapshot

APPLIED = Outcome(
    flags_applied=True,
    flags_reason="Applied",
    flags_message="ConfigMap inventario-flags holds the flags.",
    config_map="inventario-flags",
)


def write(snapshot: Snapshot, outcome: Outcome = APPLIED) -> PolicyStatus:
    return policy_status(snapshot, evaluate(snapshot), outcome)


def conditions(status: PolicyStatus | LevelStatus) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status.value, each.reason) for each in status.conditions}


def condition(status: PolicyStatus | LevelStatus, name: str) -> Condition:
    return next(each for each in status.conditions if each.type == name)


def test_a_healthy_policy() -> None:
    snapshot = make_snapshot(reference_policy().generation(4).build())
    status = write(snapshot)
    assert (status.level, status.health, status.limiting_dependency) == (Level.OPTIMAL, 100, None)
    assert (status.scored, status.open, status.observed_generation) == ("4/4", "", 4)
    assert status.config_map_name == "inventario-flags"
    assert conditions(status) == {
        "Ready": ("True", "Reconciled"),
        "DependenciesHealthy": ("True", "AllHealthy"),
        "FlagsApplied": ("True", "Applied"),
        "ProbesTrusted": ("True", "ProbesTrusted"),
    }
    openai = status.dependencies[0]
    assert (openai.name, openai.state.value, openai.health) == ("openai", "Healthy", 100)
    assert (openai.latency_p50_milliseconds, openai.latency_p95_milliseconds) == (20, 20)
    assert {each.observed_generation for each in status.conditions} == {4}


def test_an_outage() -> None:
    status = write(make_snapshot(level=Level.OPTIMAL, openai="...xxx", s3="xxx", redis="...x"))
    assert (status.level, status.limiting_dependency) == (Level.MINIMAL, "openai")
    assert status.open == "openai, s3"
    assert condition(status, "DependenciesHealthy").message == "openai, s3 are down."
    openai = status.dependencies[0]
    assert openai.breaker.state.value == "Open"
    assert openai.breaker.opened_at == to_rfc3339(NOW)
    assert (openai.failure_reason, openai.message) == ("Timeout", "did not answer in 3 s")


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        ({}, ("True", "AllHealthy")),
        ({"redis": "...x"}, ("False", "DependencyFailing")),
        ({"redis": "...x", "s3": "xxx"}, ("False", "DependencyDown")),
        ({"redis": "."}, ("Unknown", "DependencyUnknown")),
    ],
)
def test_dependencies_are_as_healthy_as_the_worst_of_them(
    pictures: dict[str, str], expected: tuple[str, str]
) -> None:
    assert conditions(write(make_snapshot(**pictures)))["DependenciesHealthy"] == expected


def test_a_slow_dependency_is_not_healthy() -> None:
    snapshot = make_snapshot()
    dependency = snapshot.policy.spec.dependencies[0]
    slow = snapshot.evidence["openai"]
    for _ in range(10):
        slow = observe(slow, healthy(NOW, 2500.0), dependency, NOW)
    status = write(replace(snapshot, evidence={**snapshot.evidence, "openai": slow}))
    assert conditions(status)["DependenciesHealthy"] == ("False", "DependencySlow")


def test_problems_keep_the_policy_from_being_ready() -> None:
    problems = (
        Problem("ForeignConfigMap", "ConfigMap inventario-flags belongs to somebody else."),
        Problem("DeploymentMissing", "There is no Deployment dashboard."),
    )
    outcome = Outcome(False, "ForeignConfigMap", "Nothing was written.", problems=problems)
    status = write(make_snapshot(), outcome)
    ready = condition(status, "Ready")
    assert (ready.status, ready.reason) == (ConditionStatus.FALSE, "ForeignConfigMap")
    assert ready.message == f"{problems[0].message} {problems[1].message}"
    assert conditions(status)["FlagsApplied"] == ("False", "ForeignConfigMap")


def test_before_the_first_level_readiness_is_unknown() -> None:
    status = write(make_snapshot(openai="."), Outcome())
    assert conditions(status)["Ready"] == ("Unknown", "AwaitingEvidence")
    assert conditions(status)["FlagsApplied"] == ("Unknown", "NothingToApply")
    assert status.dependencies[0].health is None


def test_blindness_is_a_condition() -> None:
    trust = Trust(trusted=False, reason="MassFailure", message="Everything failed at once.")
    status = write(replace(make_snapshot(), trust=trust))
    assert conditions(status)["ProbesTrusted"] == ("False", "MassFailure")


def test_the_config_map_written_last_is_remembered_while_none_is_written() -> None:
    snapshot = make_snapshot()
    after = applied(snapshot, evaluate(snapshot))
    policy = after.policy.model_copy(update={"status": write(snapshot)})
    assert write(replace(after, policy=policy), Outcome()).config_map_name == "inventario-flags"


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    snapshot = make_snapshot()
    first = write(snapshot)
    policy = snapshot.policy.model_copy(update={"status": first})
    later = replace(make_snapshot(policy, redis="xxx"), now=NOW + 5)
    second = write(later)
    assert condition(second, "Ready").last_transition_time == to_rfc3339(NOW)
    assert condition(second, "DependenciesHealthy").last_transition_time == to_rfc3339(NOW + 5)


def test_a_state_of_unknown_began_when_the_health_became_stale() -> None:
    stale = write(replace(make_snapshot(), now=NOW + 500))
    assert stale.dependencies[0].state.value == "Unknown"
    assert stale.dependencies[0].since == to_rfc3339(NOW + 60)


def test_a_dependency_that_never_answered_is_unknown_from_the_start() -> None:
    status = write(replace(make_snapshot(openai="???"), now=NOW + 500))
    assert status.dependencies[0].state.value == "Unknown"
    assert status.dependencies[0].since == to_rfc3339(NOW - 3)


def test_what_is_too_long_is_cut_to_its_bound() -> None:
    builder = make_policy()
    for index in range(64):
        builder = builder.dependency(f"{index}-{'x' * 55}", 1)
    problems = (Problem("R" * 100, "m" * 2000),)
    names = {f"{index}-{'x' * 55}": "xxx" for index in range(64)}
    status = write(make_snapshot(builder.build(), **names), Outcome(problems=problems))
    assert PolicyStatus.model_validate(status.model_dump(by_alias=True)) == status
    assert status.open.endswith("…")
    assert len(status.open) == 256
    assert condition(status, "Ready").message.endswith("…")


@given(st.text(max_size=30), st.integers(1, 20))
def test_truncated_text_fits(text: str, longest: int) -> None:
    assert len(truncate(text, longest)) <= longest
    assert longest < len(text) or truncate(text, longest) == text


# What counts as a change.


def test_latencies_do_not_count_as_a_change() -> None:
    one = write(make_snapshot())
    dependency = one.dependencies[0].model_copy(update={"latency_p95_milliseconds": 900})
    other = one.model_copy(update={"dependencies": (dependency, *one.dependencies[1:])})
    assert materially_equal(one, other)


def test_a_failed_trial_does_not_count_as_a_change() -> None:
    snapshot = make_snapshot(level=Level.OPTIMAL, openai="...xxx")
    plan = evaluate(snapshot)
    before = applied(snapshot, plan)
    dependency = before.policy.spec.dependencies[0]
    tried = observe(before.evidence["openai"], unhealthy(NOW + 30), dependency, NOW + 30)
    after = replace(before, evidence={**before.evidence, "openai": tried}, now=NOW + 30)
    assert tried.breaker.opened_at == NOW + 30
    assert materially_equal(before.policy.status, write(after, Outcome()))


@pytest.mark.parametrize("pictures", [{"openai": "...x"}, {"openai": "...xxx"}, {"openai": "."}])
def test_what_people_would_want_to_know_does(pictures: dict[str, str]) -> None:
    assert not materially_equal(write(make_snapshot()), write(make_snapshot(**pictures)))


# Levels.


def test_a_level_says_where_it_stands_and_why() -> None:
    level = make_level().build()
    snapshot = replace(make_snapshot(level=Level.OPTIMAL, openai="...xxx"), levels=(level,))
    status = level_status(snapshot, evaluate(snapshot).levels[0])
    assert (status.level, status.computed_level) == (Level.LIMITED, Level.LIMITED)
    assert (status.health, status.limiting_dependency) == (50, "openai")
    assert (status.reason, status.since) == ("DependencyDown", to_rfc3339(NOW))
    assert status.message.startswith("openai is down (Timeout); health 50 gives LIMITED.")
    assert status.features["ai_recommendations"] == "cached"
    (transition,) = status.transitions
    assert (transition.from_, transition.to) == (Level.OPTIMAL, Level.LIMITED)
    assert conditions(status) == {
        "Ready": ("True", "LevelDecided"),
        "Overridden": ("False", "NotOverridden"),
        "Frozen": ("False", "NotFrozen"),
        "Stale": ("False", "NotStale"),
    }


def test_a_level_forced_or_frozen_or_stale_says_so() -> None:
    until = to_rfc3339(NOW + 100)
    forced = make_level().overridden("LIMITED", until).build()
    snapshot = replace(make_snapshot(level=Level.OPTIMAL), levels=(forced,))
    status = level_status(snapshot, evaluate(snapshot).levels[0])
    assert conditions(status)["Overridden"] == ("True", "Overridden")
    assert condition(status, "Overridden").message.startswith("ana forced LIMITED")

    frozen = replace(snapshot, levels=(make_level().frozen(until).build(),), now=NOW + 99)
    status = level_status(frozen, evaluate(frozen).levels[0])
    assert conditions(status)["Frozen"] == ("True", "Frozen")
    assert conditions(status)["Stale"] == ("True", "Stale")


@pytest.mark.parametrize(
    ("level", "reason", "says"),
    [
        (make_level().scored_on("postgress", 80), "UnknownDependency",
         "spec.dependencies names postgress, which policy inventario does not have: correct the "
         "name, or add it to the policy."),
        (make_level().governs("chekout", "search"), "UnknownFeature",
         "spec.features names chekout, which policy inventario does not have: correct the name, "
         "or add it to the policy."),
    ],
)  # fmt: skip
def test_a_level_that_names_what_its_policy_does_not_have_is_not_ready(
    level: LevelBuilder, reason: str, says: str
) -> None:
    snapshot = replace(make_snapshot(level=Level.OPTIMAL), levels=(level.build(),))
    ready = condition(level_status(snapshot, evaluate(snapshot).levels[0]), "Ready")
    assert (ready.status, ready.reason, ready.message) == (ConditionStatus.FALSE, reason, says)


def test_a_level_not_decided_yet() -> None:
    snapshot = make_snapshot(openai=".")
    status = level_status(snapshot, evaluate(snapshot).levels[0])
    assert (status.level, status.since, status.transitions) == (None, None, ())
    assert conditions(status)["Ready"] == ("Unknown", "AwaitingEvidence")


LEVELS = st.sampled_from(list(Level))
TRANSITIONS = st.builds(
    LevelTransition, st.one_of(st.none(), LEVELS), LEVELS, st.integers(1, 10**9), st.just("Why")
)


@given(
    st.one_of(st.none(), LEVELS),
    st.one_of(st.none(), st.integers(1, 10**9)),
    st.lists(TRANSITIONS, max_size=20),
)
def test_a_level_comes_back_from_its_status(
    level: Level | None, since: int | None, transitions: list[LevelTransition]
) -> None:
    snapshot = make_snapshot()
    (plan,) = evaluate(snapshot).levels
    state = LevelState(level=level, since=since, transitions=tuple(transitions))
    plan = replace(plan, decision=replace(plan.decision, state=state, level=level))
    assert restore_level(level_status(snapshot, plan)) == state


def test_an_override_comes_back_from_its_status() -> None:
    level = make_level().overridden("LIMITED", to_rfc3339(NOW + 100)).build()
    snapshot = replace(make_snapshot(level=Level.OPTIMAL), levels=(level,))
    status = level_status(snapshot, evaluate(snapshot).levels[0])
    assert restore_level(status).overridden
