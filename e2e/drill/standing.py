"""Where everything stands: taken down before and after, and what differs between the two. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
Standing = dict[str, dict[str, Any]]
"""What there is to know, by subject and then by what it is about."""

SAME, DIFFERS, LOST = "same", "differs", "lost"
_HISTORY = frozenset({"transitions", "past rollouts", "since", "rollout: version that has ended"})
"""What is of the past: it is not brought back, and nothing depends on it."""


@dataclass(frozen=True)
class Comparison:
    """One thing before and after."""

    subject: str
    what: str
    before: Any
    after: Any

    @property
    def outcome(self) -> str:
        """same, differs, or lost: of the past, and gone."""
        if self.before == self.after:
            return SAME
        return LOST if self.what in _HISTORY else DIFFERS


def standing(policies: Iterable[Body], levels: Iterable[Body], flags: Iterable[Body]) -> Standing:
    """What policies, levels and the ConfigMaps of flags say."""
    found: Standing = {}
    for body in policies:
        found[f"policy {_place(body)}"] = dict(_policy(body.get("status") or {}))
    for body in levels:
        found[f"level {_place(body)}"] = dict(_level(body))
    for body in flags:
        found[f"flags {_place(body)}"] = meaning(body.get("data") or {})
    return found


def compared(before: Standing, after: Standing) -> list[Comparison]:
    """Everything that was there before, and what has become of it."""
    return [
        Comparison(subject, what, value, after.get(subject, {}).get(what))
        for subject, facts in before.items()
        for what, value in facts.items()
    ]


def right(before: Standing, now: Standing) -> list[str]:
    """The levels that are not what they were, health included; empty when all are right."""
    return [
        f"{each.subject}: {each.what} {each.after}, was {each.before}"
        for each in compared(before, now)
        if each.subject.startswith("level ") and each.what in ("level", "health")
        if each.outcome != SAME
    ]


def meaning(data: Mapping[str, str]) -> dict[str, str]:
    """What a ConfigMap tells an application: the level and its features' states, nothing else."""
    if "flags.json" in data:
        document = json.loads(data["flags.json"])
        return {"level": document["level"], **document["features"]}
    if "flagd.json" in data:
        flags = json.loads(data["flagd.json"])["flags"]
        return {name: str(flag["defaultVariant"]) for name, flag in flags.items()}
    return {key: value for key, value in data.items() if key != "HEALTH_SCORE"}


def rollouts(policies: Iterable[Body]) -> Iterator[tuple[str, Body]]:
    """The status of each rollout, with its policy's namespace."""
    for body in policies:
        status = (body.get("status") or {}).get("rollout")
        if status:
            yield body["metadata"]["namespace"], status


def ended_badly(policies: Iterable[Body]) -> Sequence[str]:
    """Policies whose canary is a version that was rolled back: it would begin again."""
    return [
        _place(body)
        for body in policies
        if ((body.get("status") or {}).get("rollout") or {}).get("phase")
        in ("RolledBack", "Failed")
    ]


def _place(body: Body) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def _policy(status: Body) -> Iterator[tuple[str, Any]]:
    yield "level", status.get("level")
    for dependency in status.get("dependencies") or ():
        name = dependency["name"]
        yield f"{name}: state", dependency.get("state")
        yield f"{name}: breaker", (dependency.get("breaker") or {}).get("state", "Closed")
    rollout = status.get("rollout")
    if rollout:
        yield "rollout: phase", rollout.get("phase")
        yield "rollout: step", rollout.get("step", 0)
        yield "rollout: weight", rollout.get("weight", 0)
        yield "rollout: version that has ended", rollout.get("finishedRevision", "")
        yield "past rollouts", len(rollout.get("history") or ())


def _level(body: Body) -> Iterator[tuple[str, Any]]:
    spec, status = body.get("spec") or {}, body.get("status") or {}
    yield "level", status.get("level")
    yield "health", status.get("health")
    for lever in ("override", "freeze"):
        if lever in spec:
            yield lever, spec[lever]
    yield "since", status.get("since")
    yield "transitions", len(status.get("transitions") or ())
