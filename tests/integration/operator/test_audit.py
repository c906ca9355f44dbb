"""The operator's audit lines beside the API server's own audit log, and what people did."""

import time
from datetime import UTC, datetime, timedelta

from resilience_operator.purpose import Purpose
from tests.integration.operator.audit import AUDIT, acted, assert_same_writes, written
from tests.integration.operator.harness import OperatorProcess, wait_until
from tests.integration.operator.policies import NAME, dependency, policy
from tests.integration.operator.stage import Body, Stage
from tests.integration.operator.workloads import deployment, pods
from tests.integration.stories import story


@story
def test_every_write_has_a_line_and_every_line_is_a_write(stage: Stage) -> None:
    operator = stage.operator(log_level="ERROR").start()
    deployment(stage, "shop")
    pods(stage, "shop", 3)
    kept, lost = stage.dependency("postgres"), stage.dependency("redis")
    target = {"name": "shop"}
    stage.apply(
        policy(dependency("postgres", 85, kept), dependency("redis", 15, lost), targets=[target])
    )
    stage.wait_for_level("OPTIMAL")
    lost.down()
    stage.wait_for_level("DEGRADED")
    stage.put_flag("DEGRADATION_LEVEL", "OPTIMAL")
    stage.wait_for_level("DEGRADED")
    stage.delete_level()
    wait_until(lambda: stage.standing() == "DEGRADED", "the level is made again")
    foreign(stage)
    stage.wait_for_condition("Ready", "False", name="other")
    for name in (NAME, "other"):
        stage.delete_policy(name)
        wait_until(lambda n=name: not stage.policy(n), f"{name} is gone")
    assert operator.stop() == 0

    lines = written(operator)
    assert len(lines) > 40
    assert_same_writes(stage, operator)
    assert {line["purpose"] for line in lines} >= {
        *("finalizer", "level", "level status", "policy status", "flags", "pods", "event"),
        *("undo", "leadership"),
    }
    assert {line["purpose"] for line in lines} <= set(Purpose) - {"unsaid", "renewal"}
    assert [line for line in lines if line["purpose"] == "flags" and not line.get("decision")] == []
    assert {line["outcome"] for line in lines} == {"ok", "conflict"}
    leaders = [line["verb"] for line in lines if line["resource"] == "leases"]
    assert leaders == ["create", "update"], "taken and given back; renewals have no line"


def foreign(stage: Stage) -> None:
    """A policy whose ConfigMap belongs to someone else."""
    manifest = {"metadata": {"name": "taken"}, "data": {"DEGRADATION_LEVEL": "ours"}}
    stage.create("v1/configmaps", {"apiVersion": "v1", "kind": "ConfigMap", **manifest})
    flags = {"configMapName": "taken"}
    other = dependency("postgres", 100, stage.dependency("other"))
    stage.apply(policy(other, name="other", flags=flags))


@story
def test_levers_that_people_set_and_take_away(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    stage.apply(policy(dependency("postgres", 100, stage.dependency("postgres"))))
    stage.wait_for_level("OPTIMAL")
    begun = (stage, operator)

    later = after(600)
    override = {"level": "MINIMAL", "reason": "drill", "requestedBy": "eva", "expiresAt": later}
    stage.patch_level(NAME, override=override)
    line = told(*begun, "OverrideSet")
    assert (line["requested_by"], line["why"], line["until"]) == ("eva", "drill", later)
    assert (line["forced_level"], line["policy"]) == ("MINIMAL", NAME)
    stage.wait_for_level("MINIMAL")
    (moved,) = operator.said("LevelDegraded")
    assert moved["decision"] == line["decision"]

    # A replica that takes over does not tell again what has been told.
    operator.stop()
    operator.start_leading()
    level = f'resilience_level{{level="MINIMAL",name="{NAME}",namespace="{stage.namespace}"}}'
    wait_until(lambda: operator.metric(level) == 1, "it has taken over")
    stage.patch_level(NAME, override={**override, "expiresAt": after(3)})
    assert told(*begun, "OverrideChanged")["requested_by"] == "eva"
    told(*begun, "OverrideExpired")
    stage.wait_for_level("OPTIMAL")
    stage.patch_level(NAME, override=None, freeze={"reason": "sale", "expiresAt": later})
    assert told(*begun, "FreezeSet")["why"] == "sale"
    stage.patch_level(NAME, freeze=None)
    told(*begun, "FreezeRemoved")
    actions = [each["action"] for each in acted(operator)]
    assert actions == ["OverrideChanged", "OverrideExpired", "FreezeSet", "FreezeRemoved"]


def told(stage: Stage, operator: OperatorProcess, action: str) -> Body:
    """The one line of that action."""

    def lines() -> list[Body]:
        return [line for line in acted(operator) if line["action"] == action]

    (line,) = wait_until(lines, f"an audit line {action}")
    assert (line["logger"], line["audit"]) == (AUDIT, True)
    assert (line["namespace"], line["degradation_level"]) == (stage.namespace, NAME)
    return line


def after(seconds: float) -> str:
    moment = datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
