"""Renders a ConfigMap's data: the flags of an application in the formats that its pods read.

Everything is sorted and free of times, so that the same decision gives the same bytes. flagd's
rules are kept to the letter: `state` is always ENABLED and a feature goes off by its
`defaultVariant`, because a DISABLED flag serves the caller's default, which may be *on*; and a flag
has no key beyond the known ones, because one unknown key makes a provider drop the whole file.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy import FlagFormat, ResiliencePolicy
from resilience_operator.core.features import feature_states, variants
from resilience_operator.core.model import FlagSet

JSON_KEY = "flags.json"
FLAGD_KEY = "flagd.json"
LEVEL_KEY = "DEGRADATION_LEVEL"
HEALTH_KEY = "HEALTH_SCORE"
FLAGD_SCHEMA = "https://flagd.dev/schema/v0/flags.json"


def render_flags(
    config_map: str,
    formats: Sequence[FlagFormat],
    level: Level,
    health: int | None,
    generation: int,
    features: Mapping[str, str],
    policy: ResiliencePolicy,
) -> FlagSet:
    """The flag set of `features` (name to state); `policy` names it and knows their variants."""
    renderers: dict[FlagFormat, Callable[[], Mapping[str, str]]] = {
        FlagFormat.ENV: lambda: _env(level, health, features),
        FlagFormat.JSON: lambda: _json(level, health, generation, features),
        FlagFormat.FLAGD: lambda: _flagd(level, health, generation, features, policy),
    }
    data: dict[str, str] = {}
    for each in formats:
        data.update(renderers[each]())
    return FlagSet(
        config_map=config_map,
        data=dict(sorted(data.items())),
        level=level,
        health=health,
        features=dict(sorted(features.items())),
        digest=_digest(formats, level, features),
    )


def config_map_name(policy: ResiliencePolicy) -> str:
    """The ConfigMap that a policy's flags go into."""
    return policy.spec.flags.config_map_name or f"{policy.name}-flags"


def optimal_flags(policy: ResiliencePolicy) -> FlagSet:
    """The flags that a policy leaves behind: as if nothing were wrong, with no health to tell."""
    return render_flags(
        config_map=config_map_name(policy),
        formats=policy.spec.flags.formats,
        level=Level.OPTIMAL,
        health=None,
        generation=policy.generation,
        features=feature_states(policy.spec.features, Level.OPTIMAL, ()),
        policy=policy,
    )


def _env(level: Level, health: int | None, features: Mapping[str, str]) -> dict[str, str]:
    keys = {name.upper(): state for name, state in features.items()}
    return {**keys, LEVEL_KEY: level.value, HEALTH_KEY: "" if health is None else str(health)}


def _json(
    level: Level, health: int | None, generation: int, features: Mapping[str, str]
) -> dict[str, str]:
    document = {
        "level": level.value,
        "health": health,
        "generation": generation,
        "features": dict(features),
    }
    return {JSON_KEY: _dump(document)}


def _flagd(
    level: Level,
    health: int | None,
    generation: int,
    features: Mapping[str, str],
    policy: ResiliencePolicy,
) -> dict[str, str]:
    known = {feature.name: variants(feature) for feature in policy.spec.features}
    metadata: dict[str, str | int] = {
        "flagSetId": f"{policy.namespace}/{policy.name}",
        "version": str(generation),
        "level": level.value,
    }
    if health is not None:
        metadata["health"] = health
    document = {
        "$schema": FLAGD_SCHEMA,
        "flags": {
            name: _flagd_flag(state, known.get(name, ())) for name, state in features.items()
        },
        "metadata": metadata,
    }
    return {FLAGD_KEY: _dump(document)}


def _flagd_flag(state: str, states: Sequence[str]) -> dict[str, Any]:
    return {
        "state": "ENABLED",
        "variants": {each: each for each in (*states, state)},
        "defaultVariant": state,
    }


def _digest(formats: Sequence[FlagFormat], level: Level, features: Mapping[str, str]) -> str:
    seen = {"formats": sorted(formats), "level": level.value, "features": dict(features)}
    return hashlib.sha256(_encode(seen).encode()).hexdigest()[:16]


def _dump(document: Mapping[str, Any]) -> str:
    """JSON with a line for each flag: people can read and diff it, and `indent` is slow."""
    lines = (f"{_encode(key)}: {_block(document[key])}" for key in sorted(document))
    return "{\n  " + ",\n  ".join(lines) + "\n}"


def _block(value: Any) -> str:
    if not isinstance(value, Mapping) or not value:
        return _encode(value)
    lines = (f"{_encode(key)}: {_encode(value[key])}" for key in sorted(value))
    return "{\n    " + ",\n    ".join(lines) + "\n  }"


_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
