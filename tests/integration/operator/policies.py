"""Policies for tests: short times, TCP probes, and the features of a small shop."""

from typing import Any

from tests.integration.operator.harness import Dependency

Body = dict[str, Any]

NAME = "inventario"
FLAGS = f"{NAME}-flags"
FEATURES = [
    {
        "name": "ai_recommendations",
        "states": {"OPTIMAL": "on", "LIMITED": "cached", "MINIMAL": "off"},
        "requires": ["openai"],
        "whenUnavailable": "cached",
    },
    {
        "name": "fast_search",
        "states": {"OPTIMAL": "on", "EMERGENCY": "off"},
        "requires": ["redis"],
        "whenUnavailable": "plain",
    },
    {"name": "exports", "states": {"OPTIMAL": "on", "DEGRADED": "daily", "MINIMAL": "off"}},
]
WEIGHTS = {"openai": 50, "postgres": 30, "redis": 15, "s3": 5}


def dependency(
    name: str, weight: int, probe: Body | Dependency, *, open_seconds: int = 2, **more: Any
) -> Body:
    """A dependency that is found down within two seconds."""
    asked = {"tcp": {"address": probe.address}} if isinstance(probe, Dependency) else probe
    return {
        "name": name,
        "weight": weight,
        "probe": {"intervalSeconds": 1, "timeoutSeconds": 1, "confirmIntervalSeconds": 1, **asked},
        "breaker": {
            "failureThreshold": 2,
            "successThreshold": 1,
            "openSeconds": open_seconds,
            "maxOpenSeconds": open_seconds,
        },
        "window": {"size": 4, "minimum": 2},
        "staleAfterSeconds": 10,
        **more,
    }


def policy(*dependencies: Body, name: str = NAME, **spec: Any) -> Body:
    """A policy that recovers a level each second. Features that cannot be are left out."""
    known = {each["name"] for each in dependencies}
    return {
        "apiVersion": "resilience.aidrive.dev/v1alpha1",
        "kind": "ResiliencePolicy",
        "metadata": {"name": name},
        "spec": {
            "dependencies": list(dependencies),
            "stabilization": {"recoverAfterSeconds": 1, "maxRecoverAfterSeconds": 1},
            "features": [f for f in FEATURES if known.issuperset(f.get("requires", ()))],
            **spec,
        },
    }


def level(name: str, policy_name: str = NAME, **spec: Any) -> Body:
    """A DegradationLevel of a person's own."""
    return {
        "apiVersion": "resilience.aidrive.dev/v1alpha1",
        "kind": "DegradationLevel",
        "metadata": {"name": name},
        "spec": {"policyRef": {"name": policy_name}, **spec},
    }
