from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.policy import BreakerSpec, Dependency, WindowSpec
from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    DependencyState,
    FailureReason,
)
from resilience_operator.core.breaker import trial_due_at
from resilience_operator.core.evidence import (
    assess,
    begin,
    next_probe_at,
    observe,
    stale_at,
)
from resilience_operator.core.model import BreakerState, Evidence, ProbeResult
from resilience_operator.core.resumption import ROUNDED_OFF_SECONDS, renew, restore
from resilience_operator.core.status import dependency_status
from tests.builders import healthy, make_dependency, make_probe, unhealthy, unknown

OPENAI = make_dependency("openai")  # every 10 s, confirm 1 s, stale after 60 s
MAKERS = {".": healthy, "x": unhealthy, "?": unknown, "s": lambda at: healthy(at, 2500.0)}


def play(
    picture: str, evidence: Evidence | None = None, at: float = 1000.0, spec: Dependency = OPENAI
) -> tuple[Evidence, float]:
    """`.` healthy, `s` slow, `x` unhealthy, `?` unknown, each when the next probe is due.

    Returns the evidence and the time of the last result.
    """
    evidence, now = evidence or begin(at), at
    for each in picture:
        now = next_probe_at(evidence, spec, now)
        evidence = observe(evidence, MAKERS[each](now), spec, now)
    return evidence, now


@pytest.mark.parametrize(
    ("story", "picture", "state", "health"),
    [
        ("never asked", "", DependencyState.UNKNOWN, None),
        ("too few answers to tell", "..", DependencyState.UNKNOWN, None),
        ("enough of them", "...", DependencyState.HEALTHY, 100),
        ("one failure in ten", ".........x", DependencyState.FAILING, 90),
        ("failures open the breaker, however few the answers", "xxx", DependencyState.DOWN, 0),
        ("the first trial succeeds", "xxx.", DependencyState.DOWN, 50),
        ("the second closes, and old failures do not count", "xxx..", DependencyState.HEALTHY, 100),
        ("a failed trial", "xxx.x", DependencyState.DOWN, 0),
        ("an Unknown result lets the last health stand", "...?", DependencyState.HEALTHY, 100),
        ("so it does for one that is down", "xxx?", DependencyState.DOWN, 0),
        ("a rate trips what a count does not", "....xx.xx.xx", DependencyState.DOWN, 0),
        ("slow answers count half", "ssssssssss", DependencyState.SLOW, 50),
        ("eight of ten slow", "..ssssssss", DependencyState.SLOW, 60),
        ("seven of ten slow are not slow", "...sssssss", DependencyState.HEALTHY, 100),
        ("four failures in ten are Failing though the last answer was good",
         "....xx.xx.", DependencyState.FAILING, 60),
    ],
)  # fmt: skip
def test_health_and_state(
    story: str, picture: str, state: DependencyState, health: int | None
) -> None:
    evidence, now = play(picture)
    found = assess(evidence, OPENAI, now)
    assert (found.state, found.health) == (state, health), story


def test_unknown_moves_neither_window_nor_breaker() -> None:
    before, now = play("..xx")
    after = observe(before, unknown(now + 1), OPENAI, now + 1)
    assert (after.window, after.breaker) == (before.window, before.breaker)
    assert after.last == unknown(now + 1)
    told = assess(after, OPENAI, now + 1)
    assert told.reason is FailureReason.SECRET_MISSING
    assert told.message == "Secret openai is missing"


def test_results_before_a_trial_is_due_count_for_nothing() -> None:
    """A probe shared with another policy goes on while this one's breaker is open."""
    opened, now = play("xxx")
    early = observe(opened, healthy(now + 29), OPENAI, now + 29)
    assert early == replace(opened, last=healthy(now + 29))
    assert next_probe_at(early, OPENAI, now + 29) == now + 30


def test_since_is_when_the_state_changed() -> None:
    evidence, now = play("....")
    assert evidence.since == 1002.0
    evidence, now = play("xxx", evidence, now)
    assert (evidence.state, evidence.since) == (DependencyState.DOWN, now)
    later, _ = play("xxx", evidence, now)
    assert later.since == now


@pytest.mark.parametrize(
    ("story", "picture", "wait"),
    [
        ("the first answers are wanted soon", ".", 1),
        ("then at the interval", "...", 10),
        ("a failing streak is confirmed soon", "...x", 1),
        ("an open breaker waits for its trial", "...xxx", 30),
        ("half-open is settled soon", "...xxx.", 1),
        ("after closing, until the window is enough", "...xxx..", 1),
        ("then at the interval again", "...xxx...", 10),
        ("a failed trial waits its time again", "...xxxx", 30),
        ("one that could not tell is asked again in 5 s", "...?", 5),
        ("a trial that could not tell as well", "...xxx?", 5),
    ],
)
def test_pace(story: str, picture: str, wait: int) -> None:
    evidence, now = play(picture)
    assert next_probe_at(evidence, OPENAI, now) == now + wait, story
    assert next_probe_at(evidence, OPENAI, now + 100) == now + max(100, wait), "never in the past"


def test_a_probe_never_run_is_due_now() -> None:
    assert next_probe_at(begin(7.0), OPENAI, 9.0) == 9.0


@pytest.mark.parametrize(("interval", "confirm", "wait"), [(2, 1, 2), (60, 1, 5), (60, 20, 20)])
def test_pace_after_unknown(interval: int, confirm: int, wait: int) -> None:
    probe = make_probe(interval_seconds=interval, confirm_interval_seconds=confirm)
    spec = make_dependency(probe=probe)
    evidence, now = play("...?", spec=spec)
    assert next_probe_at(evidence, spec, now) == now + wait


def test_health_is_stale_after_its_time_and_never_turns_into_0_or_100() -> None:
    evidence, now = play("...")
    assert stale_at(evidence, OPENAI) == now + 60
    assert assess(evidence, OPENAI, now + 59.9).health == 100
    stale = assess(evidence, OPENAI, now + 60)
    assert (stale.state, stale.health, stale.stale) == (DependencyState.UNKNOWN, None, True)


def test_the_time_of_an_open_breaker_runs_from_its_trial() -> None:
    spec = make_dependency(breaker=BreakerSpec(open_seconds=300))
    evidence, now = play("xxx", spec=spec)
    assert assess(evidence, spec, now + 359).health == 0
    stale = assess(evidence, spec, now + 360)
    assert (stale.health, stale.stale, stale.down) == (None, True, True)


def test_a_rare_probe_is_not_stale_between_two_of_its_runs() -> None:
    spec = make_dependency(probe=make_probe(interval_seconds=300))
    evidence, now = play("...", spec=spec)
    assert stale_at(evidence, spec) == now + 603


def test_what_was_never_known_grows_stale_as_well() -> None:
    assert stale_at(Evidence(), OPENAI) is None
    assert not assess(Evidence(), OPENAI, 1e9).stale
    evidence = observe(Evidence(), unknown(50.0), OPENAI, 50.0)
    assert assess(evidence, OPENAI, 109.0).stale is False
    assert assess(evidence, OPENAI, 110.0).stale is True
    assert assess(begin(50.0), OPENAI, 110.0).stale is True


def test_after_a_restart_health_stands_in_until_probes_answer() -> None:
    before, now = play("...")
    status = dependency_status(assess(before, OPENAI, now), before, before.since)
    restored = restore(status, now + 5)
    found = assess(restored, OPENAI, now + 5)
    assert (found.health, found.state, found.assumed) == (100, DependencyState.HEALTHY, True)
    assert restored.since == before.since
    answered, later = play(".", restored, now + 5)
    assert not assess(answered, OPENAI, later).assumed
    assert assess(restored, OPENAI, now + 65).health is None


def test_after_a_restart_an_open_breaker_serves_the_remainder_of_its_time() -> None:
    before, now = play("xxx")
    status = dependency_status(assess(before, OPENAI, now), before, before.since)
    restored = restore(status, now + 10)
    due = trial_due_at(restored.breaker)
    assert due == now + 30 + ROUNDED_OFF_SECONDS
    found = assess(restored, OPENAI, now + 10)
    assert (found.health, found.assumed) == (0, False)
    assert next_probe_at(restored, OPENAI, now + 10) == due
    early = observe(restored, healthy(now + 11), OPENAI, now + 11)
    assert early.breaker == restored.breaker
    assert next_probe_at(early, OPENAI, now + 11) == due


@pytest.mark.parametrize(("down", "due"), [(0, 30), (29, 30), (31, 60), (3599, 3600), (3601, 3630)])
def test_after_a_restart_late_in_an_outage_trials_keep_their_rhythm(down: int, due: int) -> None:
    before, now = play("xxx")
    status = dependency_status(assess(before, OPENAI, now), before, before.since)
    restored = restore(status, now + down + ROUNDED_OFF_SECONDS)
    assert trial_due_at(restored.breaker) == pytest.approx(now + due + ROUNDED_OFF_SECONDS)


def test_a_changed_probe_begins_anew_and_its_health_stands_in() -> None:
    before, now = play("....s")
    changed = renew(before, now)
    found = assess(changed, OPENAI, now)
    assert (found.health, found.state, found.assumed) == (100, DependencyState.HEALTHY, True)
    assert changed.window.samples == ()
    assert changed.breaker == BreakerState()
    assert stale_at(changed, OPENAI) == now + 60


@pytest.mark.parametrize("picture", ["xxx", "xxx."])
def test_a_changed_probe_of_what_is_down_is_tried_at_once_and_down_until_it_answers(
    picture: str,
) -> None:
    before, now = play(picture)
    changed = renew(before, now + 1)
    found = assess(changed, OPENAI, now + 1)
    assert (found.down, found.health, found.assumed) == (True, before.known_health, False)
    assert next_probe_at(changed, OPENAI, now + 1) == now + 1
    assert changed.breaker.flaps == changed.breaker.successes == 0
    up, later = play("..", changed, now + 1)
    assert not assess(up, OPENAI, later).down
    still, later = play("x", changed, now + 1)
    assert assess(still, OPENAI, later).health == 0
    assert next_probe_at(still, OPENAI, later) == later + 30


def test_a_long_minimum_does_not_make_answers_stale() -> None:
    spec = make_dependency(window=WindowSpec(size=100, minimum=100))
    restored = replace(begin(1000.0), known_health=100, known_at=1000.0)
    evidence, now = play("." * 90, restored, spec=spec)
    assert now > 1000 + 60
    assert assess(evidence, spec, now).health == 100


RESULTS = st.lists(
    st.tuples(st.sampled_from([*MAKERS]), st.integers(0, 120)), min_size=1, max_size=60
)


def _results(steps: list[tuple[str, int]]) -> list[tuple[float, ProbeResult]]:
    now, results = 1000.0, []
    for kind, wait in steps:
        now += wait
        results.append((now, MAKERS[kind](now)))
    return results


@given(RESULTS)
def test_invariants(steps: list[tuple[str, int]]) -> None:
    evidence = begin(1000.0)
    for now, result in _results(steps):
        evidence = observe(evidence, result, OPENAI, now)
        found = assess(evidence, OPENAI, now)
        assert found.health is None or 0 <= found.health <= 100
        assert (found.health is None) == (found.state is DependencyState.UNKNOWN)
        if found.breaker is BreakerPhase.HALF_OPEN:
            assert found.health is None or found.health <= 50
        if found.breaker is BreakerPhase.OPEN:
            assert found.health in (0, None)
        wait = next_probe_at(evidence, OPENAI, now) - now
        assert 0 <= wait <= OPENAI.breaker.max_open_seconds


@given(RESULTS)
def test_restoring_a_status_gives_the_evidence_back(steps: list[tuple[str, int]]) -> None:
    evidence = begin(1000.0)
    now = 1000.0
    for now, result in _results(steps):
        evidence = observe(evidence, result, OPENAI, now)
    found = assess(evidence, OPENAI, now)
    restored = restore(dependency_status(found, evidence, evidence.since), now)
    assert replace(restored.breaker, opened_at=None) == replace(evidence.breaker, opened_at=None)
    if evidence.breaker.phase is BreakerPhase.OPEN:
        due, before = trial_due_at(restored.breaker), trial_due_at(evidence.breaker)
        assert due is not None
        assert before is not None
        # A whole second is all that the wire keeps; a trial must not come early for it.
        assert (due - before) % evidence.breaker.open_seconds == pytest.approx(ROUNDED_OFF_SECONDS)
    again = assess(restored, OPENAI, now)
    assert (again.health, again.breaker) == (found.health, found.breaker)
    assert (restored.known_health, restored.since) == (found.health, evidence.since)


@given(RESULTS)
def test_answering_long_enough_always_ends_in_health(steps: list[tuple[str, int]]) -> None:
    evidence, now = begin(1000.0), 1000.0
    for now, result in _results(steps):
        evidence = observe(evidence, result, OPENAI, now)
    for _ in range(12):
        now = next_probe_at(evidence, OPENAI, now)
        evidence = observe(evidence, healthy(now), OPENAI, now)
    assert assess(evidence, OPENAI, now).health == 100
