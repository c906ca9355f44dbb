"""A rollout for programs: its status as it is on the wire, with the steps and the verdict."""

from dataclasses import asdict
from typing import Any

from pydantic.alias_generators import to_camel

from resilience_operator.cli.rollouts.view import RolloutView, StepView
from resilience_operator.cli.rollouts.words import verdict


def rollout_data(view: RolloutView) -> dict[str, Any]:
    """All of it, as JSON and YAML have it."""
    status = view.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "namespace": view.namespace,
        "name": view.name,
        "underWay": not view.at_rest,
        "verdict": verdict(view.status),
        "pendingVerb": view.pending,
        "holdEndsAt": view.hold_ends_at,
        "steps": [_step(each) for each in view.steps],
        **status,
    }


def _step(step: StepView) -> dict[str, Any]:
    data = {to_camel(name): value for name, value in asdict(step).items()}
    for name in ("served", "remaining"):
        seconds = data.pop(name)
        data[f"{name}Seconds"] = None if seconds is None else int(seconds)
    return {**data, "state": step.state.value}
