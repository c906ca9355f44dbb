"""What is told of a rollout: lines, audit lines and spans, with one name for one decision."""

from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.core import decisions
from tests.collector import collector
from tests.integration.operator.audit import acted, assert_same_writes, written
from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import NAME
from tests.integration.rollouts.shop import Body, Shop
from tests.integration.stories import story


@story
def test_a_rollout_in_lines_and_spans(shop: Shop) -> None:
    with collector() as traces:
        tracing = {"otlp_endpoint": traces.url, "trace_ratio": 1}
        operator = shop.open(shop.spec((5, 600), (100, 1), metrics=False), **tracing)
        shop.release()
        shop.until_phase("Progressing", weight=5)
        shop.say("pause")
        shop.until_phase("Paused")
        paused = decision_of(shop)
        shop.say("resume")
        shop.until_phase("Progressing")
        shop.say("resume")
        wait_until(lambda: len(acted(operator)) == 3, "the third verb is refused")
        shop.say("promote")
        shop.until_phase("Succeeded")
        shop.until_said("RolloutSucceeded")
        stage = shop.stage

        lines = acted(operator)
        assert [(line["action"], line["outcome"]) for line in lines] == [
            ("RolloutPause", "RolloutPaused"),
            ("RolloutResume", "RolloutResumed"),
            ("RolloutResume", "RolloutRequestRefused"),
            ("RolloutPromote", "RolloutPromoting"),
        ]
        assert all((line["policy"], line["audit"]) == (NAME, True) for line in lines)
        assert lines[0]["field_manager"]
        assert lines[0]["decision"] == paused
        (said,) = [line for line in operator.said("RolloutPaused") if not line.get("audit")]
        assert (said["decision"], said["policy"]) == (paused, NAME)
        (event,) = stage.events("RolloutPaused")
        assert event["metadata"]["annotations"] == {"resilience.aidrive.dev/decision": paused}

        what = "a turn that paused"
        turn = wait_until(lambda: traces.named("rollout", decision=paused), what)[0]
        assert (turn.parent_id, turn["policy"], turn["rollout.phase"]) == ("", NAME, "Paused")
        (verb, status) = traces.children(turn)[:2]
        assert (verb["purpose"], status["purpose"]) == ("verb", "rollout status")
        assert status["decision"] == paused

        assert operator.stop() == 0
        purposes = {line["purpose"] for line in written(operator)}
        assert purposes >= {"verb", "rollout status", "traffic", "promotion", "event"}
        assert "unsaid" not in purposes
        assert_same_writes(stage, operator)


def decision_of(shop: Shop) -> str:
    """The name of the decision, made from what kubectl shows."""
    uid: Body = shop.stage.policy()["metadata"]["uid"]
    return decisions.of_rollout(str(uid), RolloutStatus.model_validate(shop.status))
