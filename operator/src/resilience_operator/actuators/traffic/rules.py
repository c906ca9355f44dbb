"""The rules of a route, whatever its kind, and which of them carry both Services.

A layout (`httproute`, `istio`) reads an object into rules; what is chosen of them, and the sentence
when nothing can be, is the same for all kinds. Pure.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from resilience_operator.actuators.base import Object
from resilience_operator.actuators.traffic.split import Slot, Split
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import Resource


@dataclass(frozen=True, slots=True)
class Backend:
    """One destination of a rule. `service` is empty where it is no Service of the namespace."""

    slot: Slot
    service: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a route."""

    place: str  # for people
    name: str  # empty where it has none
    fingerprint: str
    backends: tuple[Backend, ...]

    def named(self, service: str) -> tuple[Backend, ...]:
        """The backends that are this Service."""
        return tuple(backend for backend in self.backends if backend.service == service)


@dataclass(frozen=True, slots=True)
class Arms:
    """The two Services."""

    stable: str
    canary: str


class Layout(Protocol):
    """Where one kind of route has its weights, and whether its weights are in force."""

    resource: Resource
    rule_word: str  # what its rules are called in spec.rollout, as in httpRoute.rules

    def rules(self, live: Object) -> tuple[Rule, ...]:
        """All rules, in their order."""
        ...

    def refusal(self, live: Object) -> Problem | None:
        """Why the router does not take the route as it is, if it says so."""
        ...

    def in_force(self, live: Object) -> bool:
        """Whether the router has said that it works by the route as it is."""
        ...


def fingerprint(value: object) -> str:
    """A short name for what identifies a rule."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def split_of(rule: Rule, arms: Arms) -> Split | None:
    """The rule's split; None unless each Service is in it exactly once."""
    stable, canary = rule.named(arms.stable), rule.named(arms.canary)
    if len(stable) != 1 or len(canary) != 1:
        return None
    slots = (stable[0].slot, canary[0].slot)
    others = sum(b.slot.weight for b in rule.backends if b.slot not in slots)
    return Split(rule.place, rule.fingerprint, *slots, others)


def splits_of(rules: Iterable[Rule], arms: Arms) -> tuple[Split, ...]:
    """Every rule that can be split."""
    found = (split_of(rule, arms) for rule in rules)
    return tuple(split for split in found if split is not None)


def chosen(
    layout: Layout, live: Object, names: Sequence[str], arms: Arms
) -> tuple[Split, ...] | Problem:
    """The rules to set: those with these names, or every one with both Services."""
    label = f"{layout.resource.kind} {live['metadata']['name']}"
    rules = layout.rules(live)
    for name in names:
        if not any(rule.name == name for rule in rules):
            return Problem(
                "RuleMissing",
                f"{label} has no rule named {name!r}: name it there, or take the name out of "
                f"spec.rollout.traffic.{layout.rule_word}.",
            )
    wanted = [rule for rule in rules if not names or rule.name in names]
    for rule in wanted:
        problem = _unfit(label, rule, arms, required=bool(names))
        if problem is not None:
            return problem
    splits = splits_of(wanted, arms)
    return splits if splits else _no_rule(label, wanted, arms)


def _unfit(label: str, rule: Rule, arms: Arms, *, required: bool) -> Problem | None:
    stable, canary = rule.named(arms.stable), rule.named(arms.canary)
    if stable and canary and (len(stable) > 1 or len(canary) > 1):
        twice = arms.stable if len(stable) > 1 else arms.canary
        return Problem(
            "BackendTwice",
            f"{label} sends to Service {twice} more than once in {rule.place}, so it is not clear "
            "which weight to set: leave one of them.",
        )
    if not required or (stable and canary):
        return None
    return _missing(label, rule, arms.stable if not stable else arms.canary)


def _missing(label: str, rule: Rule, service: str) -> Problem:
    return Problem(
        "BackendMissing",
        f"{label} does not send to Service {service} in {rule.place}: add it to that rule with a "
        "weight of 0. The operator sets weights and adds nothing.",
    )


def _no_rule(label: str, rules: Sequence[Rule], arms: Arms) -> Problem:
    for rule in rules:
        if rule.named(arms.stable):
            return _missing(label, rule, arms.canary)
    return Problem(
        "BackendMissing",
        f"{label} has no rule that sends to the Services {arms.stable} and {arms.canary}: add "
        "both to one rule, the canary with a weight of 0.",
    )
