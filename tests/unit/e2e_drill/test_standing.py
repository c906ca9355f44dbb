"""What counts as the same before and after, as lost, and as wrong on the way."""

import json
from typing import Any

from e2e.drill.flags import FlagsFollower, Seen
from e2e.drill.report import data_of, text_of
from e2e.drill.restoring import Restored
from e2e.drill.standing import DIFFERS, LOST, SAME, compared, ended_badly, meaning, right, standing

Body = dict[str, Any]


def policy(**status: Any) -> Body:
    return {"metadata": {"namespace": "shop", "name": "shop"}, "status": status}


def level(name: str, transitions: int = 1, **spec_and_status: Any) -> Body:
    status = {"level": "LIMITED", "health": 50, "since": "2026-11-24T12:00:00Z"}
    return {
        "metadata": {"namespace": "shop", "name": name},
        "spec": spec_and_status.get("spec", {}),
        "status": {
            **status,
            "transitions": [{}] * transitions,
            **spec_and_status.get("status", {}),
        },
    }


def test_history_is_lost_and_anything_else_differs() -> None:
    rollout = {"phase": "Progressing", "step": 1, "finishedRevision": "a", "history": [{}, {}]}
    openai = {"name": "openai", "state": "Down", "breaker": {"state": "Open"}}
    before = standing(
        [policy(level="LIMITED", dependencies=[openai], rollout=rollout)], [level("shop", 7)], []
    )
    again = {"phase": "Progressing", "step": 2}
    after = standing(
        [policy(level="LIMITED", dependencies=[openai], rollout=again)], [level("shop", 1)], []
    )

    outcomes = {each.what: each.outcome for each in compared(before, after)}

    assert outcomes["openai: breaker"] == SAME
    assert outcomes["rollout: phase"] == SAME
    assert outcomes["rollout: step"] == DIFFERS
    for what in ("past rollouts", "rollout: version that has ended", "transitions"):
        assert outcomes[what] == LOST, what


def test_a_policy_that_is_gone_is_not_the_same() -> None:
    before = standing([policy(level="LIMITED")], [level("shop")], [])

    assert {each.outcome for each in compared(before, {})} >= {DIFFERS}


def test_levels_are_right_when_level_and_health_are_as_they_were() -> None:
    before = standing([], [level("shop")], [])

    assert right(before, standing([], [level("shop", 9)], [])) == []
    wrong = standing([], [level("shop", status={"level": "MINIMAL"})], [])
    assert right(before, wrong) == ["level shop/shop: level MINIMAL, was LIMITED"]
    assert right(before, {}) != []


def test_a_persons_override_is_compared() -> None:
    before = standing([], [level("shop", spec={"override": {"level": "LIMITED"}})], [])

    outcomes = {
        each.what: each.outcome for each in compared(before, standing([], [level("shop")], []))
    }

    assert outcomes["override"] == DIFFERS


def test_flags_mean_their_level_and_states_in_whatever_format() -> None:
    document = {"level": "LIMITED", "health": 50, "generation": 7, "features": {"search": "off"}}
    flagd = {"flags": {"search": {"defaultVariant": "off", "variants": {"off": "off"}}}}

    assert meaning({"flags.json": json.dumps(document), "SEARCH": "off"}) == {
        "level": "LIMITED",
        "search": "off",
    }
    assert meaning({"flagd.json": json.dumps(flagd)}) == {"search": "off"}
    assert meaning({"SEARCH": "off", "HEALTH_SCORE": "50"}) == {"SEARCH": "off"}


def test_every_flip_is_told_once() -> None:
    nothing: Any = None
    follower = FlagsFollower(nothing, "shop", "shop-flags")
    exported = {"level": "LIMITED", "search": "off"}
    follower.seen = [Seen(0, exported), Seen(1, {**exported, "search": "on"}), Seen(2, exported)]

    assert follower.flips(exported) == ["flags shop/shop-flags: search was on, exported off"]


def test_a_version_that_was_rolled_back_is_remembered_to_be_told() -> None:
    bad = policy(rollout={"phase": "RolledBack"})

    assert ended_badly([bad, policy(), policy(rollout={"phase": "Succeeded"})]) == ["shop/shop"]


def test_the_report_adds_up_the_parts() -> None:
    done = Restored(seconds={"objects applied": 2.0, "first level": 8.0})
    done.not_right = ["level shop/shop: level MINIMAL, was LIMITED"]
    done.comparisons = compared(
        standing([], [level("shop", 7)], []), standing([], [level("shop", 1)], [])
    )

    text, data = (
        text_of(done, {"new cluster": 30.0}, 12.0),
        data_of(done, {"new cluster": 30.0}, 12.0),
    )

    assert "RTO 40 s (target 600 s)" in text
    assert "RPO 12 s (target 900 s)" in text
    assert "Not right: level shop/shop" in text
    assert "lost     level shop/shop  transitions: 7 -> 1" in text
    assert (data["rtoSeconds"], data["parts"]["first level"]) == (40.0, 8.0)
    assert not done.good
    assert Restored().good
