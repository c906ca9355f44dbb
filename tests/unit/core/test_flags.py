import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy import FlagFormat, ResiliencePolicy
from resilience_operator.core.features import feature_states
from resilience_operator.core.flags import optimal_flags, render_flags
from resilience_operator.core.model import FlagSet
from tests.builders import make_policy, reference_policy

ALL = (FlagFormat.ENV, FlagFormat.JSON, FlagFormat.FLAGD)

# What we rely on of flagd's flags schema (https://flagd.dev/schema/v0/flags.json), and stricter
# where a provider is: string variants only, nothing but the known keys, every flag ENABLED.
FLAGD_SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["$schema", "flags", "metadata"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": "https://flagd.dev/schema/v0/flags.json"},
        "flags": {
            "type": "object",
            "propertyNames": {"minLength": 1},
            "additionalProperties": {
                "type": "object",
                "required": ["state", "variants", "defaultVariant"],
                "additionalProperties": False,
                "properties": {
                    "state": {"const": "ENABLED"},
                    "variants": {
                        "type": "object",
                        "minProperties": 1,
                        "propertyNames": {"minLength": 1},
                        "additionalProperties": {"type": "string"},
                    },
                    "defaultVariant": {"type": "string", "minLength": 1},
                },
            },
        },
        "metadata": {
            "type": "object",
            "properties": {"flagSetId": {"type": "string"}, "version": {"type": "string"}},
            "additionalProperties": {"type": ["string", "number"]},
        },
    },
}


def render(
    policy: ResiliencePolicy | None = None,
    level: Level = Level.LIMITED,
    health: int | None = 50,
    generation: int = 7,
    formats: tuple[FlagFormat, ...] = ALL,
    down: tuple[str, ...] = ("openai",),
) -> FlagSet:
    policy = policy or reference_policy().build()
    features = feature_states(policy.spec.features, level, down)
    return render_flags("inventario-flags", formats, level, health, generation, features, policy)


def flagd(flag_set: FlagSet) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(flag_set.data["flagd.json"])
    return document


def test_env_has_a_key_per_feature_and_says_level_and_health() -> None:
    flag_set = render(formats=(FlagFormat.ENV,))
    assert flag_set.data == {
        "AI_RECOMMENDATIONS": "cached",
        "CHECKOUT": "on",
        "DEGRADATION_LEVEL": "LIMITED",
        "HEALTH_SCORE": "50",
        "SEARCH": "basic",
    }


def test_json_is_one_document() -> None:
    flag_set = render(formats=(FlagFormat.JSON,))
    assert json.loads(flag_set.data["flags.json"]) == {
        "level": "LIMITED",
        "health": 50,
        "generation": 7,
        "features": {"ai_recommendations": "cached", "checkout": "on", "search": "basic"},
    }


def test_flagd_turns_features_by_their_default_variant() -> None:
    document = flagd(render(formats=(FlagFormat.FLAGD,)))
    jsonschema.validate(document, FLAGD_SCHEMA)
    assert document["flags"]["ai_recommendations"] == {
        "state": "ENABLED",
        "variants": {"on": "on", "cached": "cached", "off": "off"},
        "defaultVariant": "cached",
    }
    assert document["metadata"] == {
        "flagSetId": "retail/inventario",
        "version": "7",
        "level": "LIMITED",
        "health": 50,
    }


def test_unknown_health_is_left_open() -> None:
    flag_set = render(health=None)
    assert flag_set.data["HEALTH_SCORE"] == ""
    assert json.loads(flag_set.data["flags.json"])["health"] is None
    assert "health" not in flagd(flag_set)["metadata"]


def test_a_feature_cannot_take_the_levels_key() -> None:
    policy = make_policy().feature("degradation_level", {"OPTIMAL": "mine"}).build()
    assert render(policy).data["DEGRADATION_LEVEL"] == "LIMITED"


def test_the_digest_changes_with_what_a_reader_cares_about() -> None:
    digest = render().digest
    assert render(health=51).digest == digest
    assert render(generation=8).digest == digest
    assert render(level=Level.MINIMAL).digest != digest
    assert render(down=("openai", "postgres")).digest != digest
    assert render(formats=(FlagFormat.ENV,)).digest != digest


def test_the_same_decision_gives_the_same_bytes_in_order() -> None:
    flag_set = render()
    assert flag_set == render()
    assert list(flag_set.data) == sorted(flag_set.data)
    assert flag_set.data["flagd.json"].count("\n") > 5  # readable: a line per flag


def test_what_a_policy_leaves_behind_is_everything_on() -> None:
    flag_set = optimal_flags(reference_policy().build())
    assert (flag_set.level, flag_set.health) == (Level.OPTIMAL, None)
    assert flag_set.features == {"ai_recommendations": "on", "checkout": "on", "search": "full"}


def test_a_policy_without_features_still_says_its_level() -> None:
    flag_set = render(make_policy().build())
    jsonschema.validate(flagd(flag_set), FLAGD_SCHEMA)
    assert json.loads(flag_set.data["flags.json"])["features"] == {}


NAMES = st.from_regex(r"[a-z]([_a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
STATES = st.from_regex(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,10}[A-Za-z0-9])?", fullmatch=True)


@given(
    st.dictionaries(NAMES, st.tuples(STATES, STATES, st.one_of(st.none(), STATES)), max_size=8),
    st.sampled_from(list(Level)),
    st.one_of(st.none(), st.integers(0, 100)),
    st.booleans(),
)
def test_flagd_is_valid_whatever_the_features(
    features: dict[str, tuple[str, str, str | None]],
    level: Level,
    health: int | None,
    is_down: bool,
) -> None:
    builder = make_policy()
    for name, (best, worst, without) in features.items():
        states = {"OPTIMAL": best, "MINIMAL": worst}
        builder = builder.feature(name, states, ("openai",), without)
    down = ("openai",) if is_down else ()
    flag_set = render(builder.build(), level, health, down=down)
    document = flagd(flag_set)
    jsonschema.validate(document, FLAGD_SCHEMA)
    for name, flag in document["flags"].items():
        assert flag["variants"][flag["defaultVariant"]] == flag_set.features[name]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "flagd.json"
    path.write_text(render().data["flagd.json"])
    api.set_provider_and_wait(
        FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(path))
    )
    yield path
    api.shutdown()


def test_the_openfeature_sdk_reads_every_feature(provider: Path) -> None:
    client = api.get_client()
    for name, state in render().features.items():
        details = client.get_string_details(name, "the default of the caller")
        assert (details.value, details.variant, details.error_code) == (state, state, None)
