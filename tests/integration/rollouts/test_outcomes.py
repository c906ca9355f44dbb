"""How rollouts go: a good version, bad ones, and what people ask for on the way."""

import time

from tests.integration.operator.harness import throughout, wait_until
from tests.integration.rollouts.shop import CANARY, STABLE, Shop
from tests.integration.stories import story


@story
def test_a_good_version(shop: Shop) -> None:
    """Waiting, every step, promotion; and after the end nothing is written any more."""
    operator = shop.open()
    shop.release()
    shop.until_phase("Succeeded")
    assert shop.gateway.shares("web") == [0, 5, 25, 100, 0]
    assert (shop.weights, shop.noted) == ((100, 0), False)
    assert shop.image(STABLE) == "shop:2"
    status = shop.status
    assert [each["result"] for each in status["history"]] == ["Succeeded"]
    assert "originals" not in status
    assert "traffic" not in status
    for reason, times in (
        ("RolloutStarted", 1),
        ("StepStarted", 3),
        ("RolloutPromoting", 1),
        ("RolloutSucceeded", 1),
    ):
        wait_until(lambda r=reason: shop.said(r), f"an event {reason}")  # type: ignore[misc]
        assert len(shop.said(reason)) == times, reason
    assert operator.exit_code is None


@story
def test_nothing_is_written_once_a_rollout_is_over(shop: Shop) -> None:
    """A finished rollout, in a steady state and after a restart."""
    operator = shop.open(shop.spec((100, 0)))
    shop.release()
    shop.until_phase("Succeeded")
    shop.until_said("RolloutSucceeded")
    quiet = wait_until(lambda: _quiet_since(shop), "nothing is written any more")
    operator.stop()
    shop.start("two")
    asked = shop.postgres.asked_at
    known = len(asked)
    wait_until(lambda: len(asked) > known + 3, "the second replica probes")
    found = [event["requestURI"] for event in shop.stage.audit(quiet) if event["verb"] == "patch"]
    assert shop.stage.writes(quiet) == [], found


def _quiet_since(shop: Shop) -> float | None:
    """A moment after which nothing was written for three seconds."""
    began = time.time() - 3.0
    return None if shop.stage.writes(began) else began


@story
def test_a_bad_version(shop: Shop) -> None:
    """Rolled back in its first step, by its error rate."""
    shop.prometheus.errors = {STABLE: 0.01, CANARY: 0.3}
    shop.open(shop.spec((5, 600), (100, 1)))
    shop.release()
    shop.until_phase("RolledBack")
    assert shop.gateway.shares("web") == [0, 5, 0]
    assert (shop.weights, shop.noted) == ((100, 0), False)
    assert shop.image(STABLE) == "shop:1"
    record = shop.status["history"][-1]
    assert (record["attribution"], record["step"]) == ("VersionFault", 1)
    condition = shop.stage.wait_for_condition("RolloutProgressing", "False")
    assert "error-rate" in condition["message"]
    # The same version is not tried again.
    throughout(1.5, lambda: _is(shop, "RolledBack"))


@story
def test_a_crashing_version_without_analysis(shop: Shop) -> None:
    shop.open(shop.spec((5, 600), (100, 1), metrics=False))
    shop.release()
    shop.until_phase("Progressing", weight=5)
    shop.crash()
    # The level has only just been decided: until a minute has passed it may be an outage's fault.
    shop.until(lambda s: s["phase"] == "RolledBack", "it is rolled back", 90.0)
    assert shop.status["reason"] == "PodsCrashing"
    assert shop.gateway.shares("web") == [0, 5, 0]


@story
def test_paused_on_failure_and_aborted_by_a_person(shop: Shop) -> None:
    shop.prometheus.errors = {STABLE: 0.01, CANARY: 0.3}
    shop.open(shop.spec((5, 600), (100, 1), onFailure="Pause"))
    shop.release()
    shop.until_phase("Paused", weight=5)
    assert shop.weights == (95, 5)
    shop.say("abort")
    shop.until_phase("RolledBack")
    assert shop.weights == (100, 0)
    assert shop.status["reason"] == "Aborted"


@story
def test_kept_for_git_to_promote(shop: Shop) -> None:
    """Traffic stays on the canary, and goes home when Git has made it the stable one."""
    shop.open(shop.spec((50, 1), (100, 1), afterSuccess="Keep"))
    shop.release()
    shop.until_phase("Succeeded", weight=100)
    assert (shop.weights, shop.image(STABLE)) == ((0, 100), "shop:1")
    shop.route()  # a sync resets the weights
    shop.until_weights(0, 100)
    shop.deploy(STABLE, "2")
    shop.until_weights(100, 0)
    shop.until(lambda s: s.get("weight", 0) == 0, "the weight is 0")
    assert shop.image(CANARY) == "shop:2"


@story
def test_steps_that_a_person_approves(shop: Shop) -> None:
    gate = {"approval": "BeforeEachStep"}
    shop.open(shop.spec((50, 0), (100, 0), gate=gate))
    shop.release()
    for weight, phase in ((0, "Waiting"), (50, "Held")):
        shop.until_phase(phase, weight=weight, reason="AwaitingApproval")
        assert shop.weights == (100 - weight, weight)
        shop.say("resume")
    shop.until_phase("Succeeded")
    assert len(shop.said("StepApproved")) == 2


@story
def test_verbs(shop: Shop) -> None:
    """Each is taken off the policy, obeyed once, and answered by an event."""
    shop.open(shop.spec((5, 600), (100, 600)))
    shop.say("pause")
    assert "no rollout is under way" in shop.until_said("RolloutRequestRefused")[0]
    shop.release()
    shop.until_phase("Progressing", weight=5)
    shop.say("pause")
    shop.until_phase("Paused")
    assert len(shop.until_said("RolloutPaused")) == 1
    shop.say("resume")
    shop.until_phase("Progressing")
    assert len(shop.until_said("RolloutResumed")) == 1
    shop.say("dance")
    assert "'dance' is no verb" in shop.until_said("UnknownVerb")[0]
    shop.say("abort")
    shop.until_phase("RolledBack")
    shop.say("retry")
    shop.until_phase("Progressing", weight=5)
    shop.say(" Promote ")
    shop.until_phase("Succeeded")
    assert (shop.image(STABLE), shop.weights) == ("shop:2", (100, 0))
    annotations = shop.stage.policy()["metadata"].get("annotations", {})
    assert "resilience.aidrive.dev/rollout" not in annotations
    assert [r["result"] for r in shop.status["history"]] == ["RolledBack", "Succeeded"]


@story
def test_verbs_that_follow_on_each_other(shop: Shop) -> None:
    """Said faster than the operator's watch shows the first one taken."""
    shop.open(shop.spec((5, 600), (100, 600)))
    shop.release()
    shop.until_phase("Progressing", weight=5)
    for _ in range(3):
        shop.say("pause")
        shop.until_phase("Paused")
        shop.say("resume")
        shop.until_phase("Progressing")


def _is(shop: Shop, phase: str) -> None:
    assert shop.status["phase"] == phase
