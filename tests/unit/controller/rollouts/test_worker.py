"""The worker: status before effect, verbs obeyed once, and everything put back when it is over."""

import asyncio
from typing import Any

import pytest

from resilience_operator.actuators.traffic.httproute import http_route as build_http_route
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.api.v1alpha1.policy import Mode
from resilience_operator.api.v1alpha1.rollout import Gate, HttpCheck, HttpRouteTraffic, Traffic
from resilience_operator.api.v1alpha1.rollout_status import Attribution, RolloutPhase
from resilience_operator.controller.rollouts.looks import OUR_FAILURE
from resilience_operator.core.errors import Forbidden, TerminalError, TransientError
from resilience_operator.core.resources import DEPLOYMENTS, HTTP_ROUTES, POLICIES, SERVICES
from tests.unit.actuators.traffic.objects import backend, http_route, rule
from tests.unit.controller.rollouts.bench import CANARY, KEY, STABLE, Bench, accept, deployment
from tests.unit.core.rollout.world import make_rollout


async def test_a_rollout_begins_and_its_first_weight_is_set() -> None:
    bench = Bench()
    await bench.turn(3)
    assert bench.server.weights == (95, 5)
    assert bench.status.phase is RolloutPhase.PROGRESSING
    assert bench.status.step_started_at is not None
    assert bench.told.reasons == ["RolloutStarted", "RolloutProgressing", "StepStarted"]


async def test_a_rollout_waits_for_its_turn_to_begin() -> None:
    bench = Bench()
    for other in range(3):
        bench.beginnings.wait(other, bench.clock.now())
    await bench.turn(2, seconds=0.0)
    assert (bench.status.phase, bench.server.weights) == (RolloutPhase.WAITING, (100, 0))
    assert (KEY, bench.clock.now() + 3 / 8) in bench.queue.later
    await bench.clock.advance(3 / 8)
    await bench.turn(2)
    assert bench.server.weights == (95, 5)
    assert bench.told.reasons[:2] == ["RolloutStarted", "RolloutProgressing"]


async def test_the_status_is_written_before_the_weight() -> None:
    bench = Bench()
    await bench.turn()
    bench.statuses.failure = TransientError("not now")
    with pytest.raises(TransientError):
        await bench.turn()
    assert bench.server.weights == (100, 0)
    assert bench.told.reasons == ["RolloutStarted"]
    bench.statuses.failure = None
    await bench.turn()
    assert bench.server.weights == (95, 5)
    assert bench.told.reasons == ["RolloutStarted", "RolloutProgressing"]


async def test_events_are_told_even_when_the_effect_fails() -> None:
    bench = Bench()
    await bench.turn()
    bench.server.refuse = TransientError("not now")
    with pytest.raises(TransientError):
        await bench.turn()
    assert bench.told.reasons == ["RolloutStarted", "RolloutProgressing"]
    bench.server.refuse = None
    await bench.turn()
    assert bench.server.weights == (95, 5)


async def test_a_restarted_operator_goes_on_without_a_word() -> None:
    bench = Bench()
    await bench.turn(4)
    said, weights = list(bench.told.reasons), bench.server.weights
    bench.see(status=bench.status)
    bench.worker = bench.make_worker()
    await bench.turn()
    assert (bench.told.reasons, bench.server.weights) == (said, weights)


async def test_after_a_restart_it_waits_for_the_policys_first_evaluation() -> None:
    """Of many policies some are evaluated later than their rollouts are looked at."""
    bench = Bench()
    await bench.turn(4)
    said, written = list(bench.told.reasons), len(bench.statuses.bodies)
    bench.see(status=bench.status)
    entry = bench.store.get(KEY)
    assert entry is not None
    evaluated = dict(entry.level_states)
    entry.level_states.clear()
    bench.worker = bench.make_worker()
    await bench.turn()
    assert (bench.told.reasons, len(bench.statuses.bodies)) == (said, written)
    entry.level_states.update(evaluated)
    await bench.turn()
    assert bench.told.reasons == said
    assert bench.status.phase is RolloutPhase.PROGRESSING


async def test_nothing_is_written_at_rest() -> None:
    bench = Bench(version="1")
    await bench.turn(2)
    written, said = len(bench.statuses.bodies), len(bench.told.events)
    del bench.server.asked[:]
    bench.queue.later.clear()
    await bench.turn(3)
    assert (len(bench.statuses.bodies), len(bench.told.events)) == (written, said)
    assert bench.server.writes == 0
    assert [each for each in bench.server.asked if each.startswith("list")] == []
    assert bench.queue.later == []


async def test_pods_are_listed_when_their_deployment_changes_or_every_few_seconds() -> None:
    bench = Bench()
    await bench.turn(4, seconds=0.1)
    del bench.server.asked[:]
    await bench.turn(3, seconds=0.1)
    assert bench.server.asked.count("list pods") == 0
    await bench.clock.advance(10.0)
    await bench.turn()
    assert bench.server.asked.count("list pods") == 2


async def test_our_own_failure_to_look_holds_the_rollout_and_blames_nobody() -> None:
    bench = Bench()
    await bench.turn(4)
    bench.sources.failure = RuntimeError("ours")
    await bench.turn(150)  # two minutes are too early for figures
    status = bench.status
    assert (status.phase, status.attribution) == (RolloutPhase.HELD, Attribution.BLIND)
    assert status.metrics[0].evidence == OUR_FAILURE
    assert bench.server.weights == (95, 5)


async def test_one_rule_that_somebody_resets_is_set_again() -> None:
    bench = Bench()
    pairs = [rule(backend(STABLE, 100), backend(CANARY, 0), path=path) for path in ("/", "/web")]
    bench.server.put(HTTP_ROUTES, http_route(*pairs))
    accept(bench.server, "dashboard")
    await bench.turn(4)
    live = bench.server.live(HTTP_ROUTES, "dashboard")
    for each, weight in zip(live["spec"]["rules"][1]["backendRefs"], (100, 0), strict=True):
        each["weight"] = weight
    await bench.turn()
    rules = bench.server.live(HTTP_ROUTES, "dashboard")["spec"]["rules"]
    assert [[b["weight"] for b in each["backendRefs"]] for each in rules] == [[95, 5], [95, 5]]
    assert bench.told.reasons[-1] == "TrafficDrifted"


async def test_a_rollout_of_another_policy_on_the_same_route_is_left_alone() -> None:
    bench = Bench(version="1")
    arms = ("api", "api-canary")
    for service in arms:
        bench.server.put(SERVICES, {"metadata": {"name": service}, "spec": {}})
    mine = rule(backend(STABLE, 100), backend(CANARY, 0))
    theirs = rule(backend(arms[0], 100), backend(arms[1], 0), path="/api")
    bench.server.put(HTTP_ROUTES, http_route(mine, theirs))
    other = build_http_route(bench.server, KEY[0], "dashboard", (), Arms(*arms))
    await other.set_weight(25, ())
    await bench.turn(3)
    assert bench.server.writes == 1
    assert (await other.read(25)).recorded != ()
    assert (bench.status.phase, bench.status.originals) == (RolloutPhase.IDLE, ())


async def test_no_pods_are_kept_in_memory_at_rest() -> None:
    bench = Bench()
    await bench.turn(3)
    state = bench.worker._states[KEY]
    assert set(state.pods) == {STABLE, CANARY}
    bench.annotate("abort")
    bench.see("abort")
    await bench.turn(3)
    assert (bench.status.phase, state.pods) == (RolloutPhase.ROLLED_BACK, {})


class TestRefused:
    """What the API server, or the route as it is, does not let us do."""

    async def test_weights_that_cannot_be_split_are_told_of_once(self) -> None:
        bench = Bench()
        tied = rule(backend(STABLE, 1), backend(CANARY, 0), backend("other", 1))
        bench.server.put(HTTP_ROUTES, http_route(tied))
        accept(bench.server, "dashboard")
        await bench.turn(5, seconds=30.0)
        assert (bench.status.phase, bench.status.reason) == (RolloutPhase.HELD, "WeightsTooCoarse")
        assert "multiply all weights of that rule by 100" in bench.status.message
        assert bench.told.reasons == ["RolloutStarted", "RolloutProgressing", "RolloutHeld"]

    async def test_it_goes_on_when_nothing_is_refused_any_more(self) -> None:
        bench = Bench()
        bench.server.refuse = Forbidden("no", status=403)
        await bench.turn(4)
        assert bench.status.reason == "RouteForbidden"
        bench.server.refuse = None
        await bench.turn(3)
        assert (bench.server.weights, bench.status.reason) == ((95, 5), "Progressing")
        assert bench.status.message.startswith("Step 1 of 2: version")

    async def test_a_template_that_stable_may_not_have(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.annotate("promote")
        bench.see("promote")
        bench.server.refuse_patch_of = "Deployment"
        await bench.turn(3)
        assert (bench.status.phase, bench.status.reason) == (
            RolloutPhase.PROMOTING,
            "DeploymentForbidden",
        )
        assert bench.told.reasons.count("DeploymentForbidden") == 1

    async def test_weights_that_may_not_go_home_say_so(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.annotate("abort")
        bench.see("abort")
        bench.server.refuse_patch_of = "HTTPRoute"
        await bench.turn(3)
        assert bench.status.ending is RolloutPhase.ROLLED_BACK
        assert "Not yet: The operator may not read or write" in bench.status.message
        bench.server.refuse_patch_of = ""
        await bench.turn(2)
        assert bench.status.phase is RolloutPhase.ROLLED_BACK
        assert "Not yet" not in bench.status.message

    async def test_weights_that_stay_when_the_spec_goes_are_told_of_and_asked_for_again(
        self,
    ) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.see(no_rollout=True, status=bench.status)
        bench.server.refuse = Forbidden("no", status=403)
        for _ in range(2):
            with pytest.raises(TerminalError, match="may not read or write"):
                await bench.turn()
        assert bench.told.reasons.count("RouteForbidden") == 1
        bench.server.refuse = None
        await bench.turn()
        assert (bench.server.weights, bench.statuses.bodies[-1]) == ((100, 0), {})

    async def test_a_policy_that_goes_has_its_weights_put_back_at_the_next_try(self) -> None:
        bench = Bench()
        await bench.turn(3)
        gone = bench.see(deleting=True)
        bench.server.refuse = Forbidden("no", status=403)
        with pytest.raises(TerminalError):
            await bench.worker.undo(gone)
        bench.server.refuse = None
        await bench.worker.undo(gone)
        assert bench.server.weights == (100, 0)

    async def test_another_tools_route_keeps_no_policy_from_going(self) -> None:
        bench = Bench()
        await bench.turn(3)
        live = bench.server.live(HTTP_ROUTES, "dashboard")
        live["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "flagger"}
        await bench.worker.undo(bench.see(deleting=True))
        assert (bench.told.reasons[-1], bench.server.weights) == ("ManagedByOther", (95, 5))


async def test_whoever_resets_the_weights_at_once_is_not_answered_at_once_for_ever() -> None:
    """Policies of two shards with the same arms would else have the API server write all it can."""
    bench = Bench()
    await bench.turn(4)
    route = http_route(rule(backend(STABLE, 100), backend(CANARY, 0)))
    before = bench.server.writes
    for _ in range(50):
        bench.queue.later.clear()
        bench.server.put(HTTP_ROUTES, route)
        accept(bench.server, "dashboard")
        await bench.turn(seconds=0.02)
    assert 1 <= bench.server.writes - before <= 2
    assert min(when for _, when in bench.queue.later) <= bench.clock.now() + 1.0
    await bench.clock.advance(1.0)
    await bench.turn(2)
    assert bench.server.weights == (95, 5)


class TestVerbs:
    async def test_a_verb_is_taken_and_obeyed_once(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.annotate("pause")
        bench.see("pause")
        await bench.turn(3)
        assert bench.status.phase is RolloutPhase.PAUSED
        assert bench.told.reasons.count("RolloutPaused") == 1
        assert bench.server.live(POLICIES, KEY[1])["metadata"]["annotations"] == {}
        ((action,),) = bench.observer.of("person_acted")
        assert (action.action, action.policy) == ("RolloutPause", KEY)
        assert action.facts == {"outcome": "RolloutPaused"}
        paused = next(each for each in bench.told.events if each.reason == "RolloutPaused")
        assert action.decision_id == paused.decision_id
        (_, _, decision_id) = bench.observer.of("rollout_decided")[-1]
        assert decision_id == paused.decision_id != ""

    async def test_the_server_knows_better_than_our_copy(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.annotate("abort")  # since our copy was made, somebody has changed their mind
        bench.see("pause")
        await bench.turn()
        assert bench.status.reason == "Aborted"

    async def test_the_same_verb_again_counts_again(self) -> None:
        bench = Bench()
        await bench.turn(3)
        for verb in ("pause", "pause"):
            bench.annotate(verb)
            bench.see(verb)
            await bench.turn()
        assert bench.told.reasons[-2:] == ["RolloutPaused", "RolloutRequestRefused"]

    async def test_a_verb_outlives_a_decision_that_fails(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.annotate("pause")
        bench.see("pause")
        bench.statuses.failure = TransientError("not now")
        with pytest.raises(TransientError):
            await bench.turn()
        bench.see()
        bench.statuses.failure = None
        await bench.turn(2)
        assert bench.status.phase is RolloutPhase.PAUSED
        assert bench.told.reasons.count("RolloutPaused") == 1

    async def test_an_unknown_verb_is_answered_once(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.annotate("dance")
        bench.see("dance")
        await bench.turn(2)
        assert bench.told.reasons.count("UnknownVerb") == 1
        assert "promote, pause" in bench.told.events[-1].message


class TestUndoing:
    async def test_the_policy_goes(self) -> None:
        bench = Bench()
        await bench.turn(3)
        await bench.worker.undo(bench.see(deleting=True))
        assert bench.server.weights == (100, 0)
        await bench.turn()
        assert bench.server.weights == (100, 0)

    async def test_it_goes_after_a_restart(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.worker = bench.make_worker()
        await bench.worker.undo(bench.see(deleting=True, status=bench.status))
        assert bench.server.weights == (100, 0)

    async def test_a_policy_that_never_had_a_rollout(self) -> None:
        bench = Bench()
        await bench.worker.undo(bench.see(deleting=True, no_rollout=True))
        assert bench.server.writes == 0

    async def test_it_waits_for_a_decision_under_way(self) -> None:
        bench = Bench()
        await bench.turn()
        release, patch = asyncio.Event(), bench.server.json_patch

        async def slow(*args: Any) -> Any:
            await release.wait()
            return await patch(*args)

        bench.server.json_patch = slow  # type: ignore[method-assign]
        turn = asyncio.ensure_future(bench.worker.reconcile(KEY))
        await bench.clock.settle()
        undo = asyncio.ensure_future(bench.worker.undo(bench.see(deleting=True)))
        await bench.clock.settle()
        assert not undo.done()
        release.set()
        await asyncio.gather(turn, undo)
        assert bench.server.weights == (100, 0)

    async def test_the_spec_goes(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.see(no_rollout=True, status=bench.status)
        await bench.turn()
        assert bench.server.weights == (100, 0)
        assert bench.statuses.bodies[-1] == {}
        assert bench.observer.of("forget_rollout") == [(KEY,)]

    async def test_the_spec_goes_while_nobody_leads(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.worker = bench.make_worker()
        bench.see(no_rollout=True, status=bench.status)
        await bench.turn()
        assert (bench.server.weights, bench.statuses.bodies[-1]) == ((100, 0), {})

    async def test_a_status_with_nothing_to_put_back_goes_too(self) -> None:
        bench = Bench(version="1")
        await bench.turn(2)
        bench.worker = bench.make_worker()
        bench.see(no_rollout=True, status=bench.status)
        await bench.turn()
        assert bench.statuses.bodies[-1] == {}

    async def test_the_spec_aims_elsewhere(self) -> None:
        bench = Bench()
        await bench.turn(3)
        other = http_route(rule(backend(STABLE, 100), backend(CANARY, 0)))
        other["metadata"]["name"] = "other"
        bench.server.put(HTTP_ROUTES, other)
        traffic = Traffic(http_route=HttpRouteTraffic(name="other"))
        bench.see(spec=make_rollout(traffic=traffic))
        await bench.turn()
        assert bench.server.weights == (100, 0)
        assert bench.told.reasons[-2:] == ["RolloutTargetChanged", "RolloutStarted"]
        assert bench.status.step == 0

    async def test_another_policy_of_the_same_name_begins_anew(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.see(uid="another")
        await bench.turn()
        assert bench.told.reasons.count("RolloutStarted") == 2
        assert bench.observer.of("forget_rollout") == [(KEY,)]

    async def test_a_policy_that_is_gone_is_forgotten(self) -> None:
        bench = Bench()
        await bench.turn(3)
        bench.store.drop_policy(KEY)
        await bench.turn()
        assert bench.observer.of("forget_rollout") == [(KEY,)]


async def test_a_policy_that_only_observes_changes_nothing() -> None:
    bench = Bench()
    bench.see(mode=Mode.OBSERVE)
    await bench.turn(3)
    assert (bench.server.weights, bench.statuses.bodies) == ((100, 0), [])


async def test_a_rollout_in_mid_course_says_that_it_is_only_observed() -> None:
    bench = Bench()
    await bench.turn(3)
    before = bench.status
    bench.see(mode=Mode.OBSERVE, status=before)
    await bench.turn(3)
    (condition,) = bench.statuses.bodies[-1]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "Observing")
    assert (bench.status, bench.server.weights) == (before, (95, 5))
    bench.see(status=before)
    await bench.turn()
    (condition,) = bench.statuses.bodies[-1]["conditions"]
    assert condition["status"] == "True"


async def test_checks_are_asked_while_a_rollout_is_under_way_and_not_after() -> None:
    gate = Gate(checks=(HttpCheck(name="smoke", url="http://smoke:8080/passed"),))
    bench = Bench(make_rollout(gate=gate))
    await bench.turn(2)
    assert bench.sources.checked
    still = Bench(make_rollout(gate=gate), version="1")
    await still.turn(3, seconds=60.0)
    assert still.sources.checked == []


class TestChecksOfAnotherVersion:
    """What was answered of one version says nothing of the next."""

    def make(self) -> Bench:
        check = HttpCheck(name="smoke", url="http://smoke:8080/passed")
        return Bench(make_rollout(gate=Gate(checks=(check,))))

    def release(self, bench: Bench, version: str) -> None:
        bench.server.put(DEPLOYMENTS, deployment(CANARY, version))

    async def test_the_next_rollout_waits_for_answers_of_its_own(self) -> None:
        bench = self.make()
        await bench.turn(4)
        assert bench.server.weights == (95, 5)
        bench.annotate("abort")
        bench.see("abort")
        await bench.turn(3)
        assert (bench.status.phase, bench.server.weights) == (RolloutPhase.ROLLED_BACK, (100, 0))
        bench.sources.passes = False
        self.release(bench, "3")
        await bench.turn(5, seconds=0.1)
        assert (bench.status.phase, bench.server.weights) == (RolloutPhase.WAITING, (100, 0))
        assert bench.status.reason == "CheckFailed"
        bench.sources.passes = True
        await bench.clock.advance(15.0)
        await bench.turn(3)
        assert bench.server.weights == (95, 5)

    async def test_metrics_are_not_asked_for_before_there_is_traffic_to_look_at(self) -> None:
        bench = self.make()
        bench.sources.passes = False
        await bench.turn(3, seconds=20.0)
        assert (bench.status.reason, bench.sources.windows) == ("CheckFailed", [])

    async def test_so_does_one_that_supersedes_another(self) -> None:
        bench = self.make()
        await bench.turn(4)
        bench.sources.passes = False
        self.release(bench, "3")
        await bench.turn(6, seconds=0.1)
        assert (bench.status.reason, bench.server.weights) == ("CheckFailed", (100, 0))

    async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_ones(self) -> None:
        bench = self.make()
        await bench.turn(4)
        bench.sources.checking.clear()
        await bench.clock.advance(15.0)
        await bench.turn(1)  # a look at version 2 is under way
        self.release(bench, "3")
        await bench.turn(3, seconds=0.1)
        bench.sources.passes_next = [True, False]
        bench.sources.checking.set()
        await bench.turn(3, seconds=0.1)
        assert (bench.status.reason, bench.server.weights) == ("CheckFailed", (100, 0))

    async def test_a_check_of_another_url_has_not_been_answered_yet(self) -> None:
        bench = self.make()
        await bench.turn(4)
        bench.sources.passes = False
        other = HttpCheck(name="smoke", url="http://smoke:8080/other")
        bench.spec = make_rollout(gate=Gate(checks=(other,)))
        bench.see()
        await bench.turn(2, seconds=0.1)
        assert bench.status.reason == "CheckFailed"


async def test_a_slow_look_does_not_keep_the_worker_busy() -> None:
    bench = Bench()
    bench.sources.answer.clear()
    await bench.turn(4)
    bench.queue.later.clear()
    now = bench.clock.now()
    await bench.turn()
    assert min(when for _, when in bench.queue.later) >= now + 1.0
    bench.sources.answer.set()
    bench.queue.keys.clear()
    await bench.clock.settle()
    assert bench.queue.keys == [KEY]
