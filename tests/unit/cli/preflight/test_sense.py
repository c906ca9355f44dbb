"""What a spec alone tells."""

from typing import Any

from resilience_operator.api.v1alpha1.policy import PolicySpec
from resilience_operator.cli.preflight.model import Check
from resilience_operator.cli.preflight.sense import judge, outage


def spec(weights: dict[str, int], features: Any = (), **more: Any) -> PolicySpec:
    dependencies = [
        {
            "name": name,
            "weight": weight,
            "probe": {"tcp": {"address": "a:1"}},
            **more.get(name, {}),
        }
        for name, weight in weights.items()
    ]
    return PolicySpec.model_validate({"dependencies": dependencies, "features": list(features)})


def check(of: PolicySpec, name: str) -> Check:
    return next(each for each in judge(of) if each.name == name)


SEARCH = {"name": "search", "states": {"OPTIMAL": "on", "MINIMAL": "off"}}


def test_the_level_of_each_outage_is_told() -> None:
    reference = spec(
        {"openai": 50, "postgres": 30, "redis": 15, "s3": 5},
        s3={"levelWhenDown": "DEGRADED"},
        postgres={"levelWhenDown": "MINIMAL"},
    )

    assert check(reference, "weights and bands").finding == (
        "openai down: LIMITED; postgres down: MINIMAL; redis down: DEGRADED; s3 down: DEGRADED."
    )
    assert outage(reference, "s3") == "DEGRADED"


def test_an_outage_that_changes_nothing_is_warned_of() -> None:
    said = check(spec({"big": 99, "small": 1}), "weights and bands")

    assert (said.result, "small alone changes neither" in said.finding) == ("warn", True)
    assert "levelWhenDown" in said.remedy


def test_a_feature_that_requires_it_is_a_change() -> None:
    needs_it = {**SEARCH, "requires": ["small"], "whenUnavailable": "basic"}

    assert check(spec({"big": 99, "small": 1}, [needs_it]), "weights and bands").result == "pass"


def test_what_is_only_watched_needs_no_effect() -> None:
    assert check(spec({"big": 99, "watched": 0}), "weights and bands").result == "pass"


def test_a_feature_that_never_changes_is_warned_of() -> None:
    idle = {"name": "always", "states": {"OPTIMAL": "on"}}
    useless = {"name": "useless", "states": {"OPTIMAL": "on"}, "requires": ["a"]}

    said = check(spec({"a": 1}, [SEARCH, idle, useless]), "features")

    assert said.finding.startswith("always and useless are in the same state")
    assert check(spec({"a": 1}, [SEARCH]), "features").result == "pass"
