"""Validation that pydantic cannot express, carried by the models into the CRDs.

The API server is where bad input is refused, so a rule is written here as CEL beside the field it
guards and never as Python: the models stay plain data, and there is one place that says no. This
module owns how a rule is spelt in a JSON schema; `api.structural` turns these keys into CRD ones.

A message is read by the person whose `kubectl apply` failed. It names the field and says what to
change; the API server puts the path in front of it.
"""

from dataclasses import dataclass
from typing import Any

VALIDATIONS = "x-kubernetes-validations"
PATTERN_MESSAGE = "x-pattern-message"

Extra = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule: an expression over `self` that must hold, and what to say when it does not.

    `field` is the child that the error points at, as `.name`. `explain` is a CEL expression that
    yields a message with the values at hand; the API server falls back to `message`.
    """

    cel: str
    message: str
    field: str = ""
    explain: str = ""

    def as_schema(self) -> dict[str, str]:
        """The rule in the shape of `x-kubernetes-validations`."""
        wire = {
            "rule": self.cel,
            "message": self.message,
            "messageExpression": self.explain,
            "fieldPath": self.field,
        }
        return {key: value for key, value in wire.items() if value}


def rules(*given: Rule, **more: Any) -> Extra:
    """`json_schema_extra` of a model or a field with these rules, and further schema keys."""
    return {VALIDATIONS: [rule.as_schema() for rule in given], **more}


def says(message: str) -> Extra:
    """`json_schema_extra` of a string with a pattern: said instead of quoting the pattern."""
    return {PATTERN_MESSAGE: message}


def values_in(template: str, *values: str) -> str:
    """A message expression with CEL values in the places of `%d` and `%s`.

    Joining strings with `+` would not do: their length has no bound and the cost goes over it.
    """
    return f"'{template}'.format([{', '.join(values)}])"


def at_most(low: str, high: str, remedy: str) -> Rule:
    """`low` must not be more than `high`, both of them integer fields with defaults.

    The message shows both values: one of them may be a default that nobody wrote.
    """
    return Rule(
        cel=f"self.{low} <= self.{high}",
        message=f"{low} must not be more than {high}: {remedy}",
        field=f".{low}",
        explain=values_in(
            f"{low} (%d) must not be more than {high} (%d): {remedy}",
            f"self.{low}",
            f"self.{high}",
        ),
    )


def exactly_one(fields: tuple[str, ...], message: str) -> Rule:
    """Exactly one of these optional fields must be there."""
    present = ", ".join(f"has(self.{field})" for field in fields)
    return Rule(cel=f"[{present}].filter(given, given).size() == 1", message=message)


def map_list(key: str) -> Extra:
    """`json_schema_extra` of a list whose items are told apart by `key`, which is then unique."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


# A list without repetition, and an object that server-side apply replaces as a whole.
SET_LIST: Extra = {"x-kubernetes-list-type": "set"}
ATOMIC_OBJECT: Extra = {"x-kubernetes-map-type": "atomic"}
