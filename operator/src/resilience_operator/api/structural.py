"""Turns a pydantic model's JSON schema into the structural schema that a CRD takes.

Pydantic writes references, unions with null, titles and property names' own schemas; a structural
schema has none of these. What this module does not know how to translate it refuses, so that a new
kind of field fails the generator and not the API server. Preflight translates as well, to see
whether a cluster's definitions are those of its own version.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from resilience_operator.api.v1alpha1.rules import PATTERN_MESSAGE, VALIDATIONS

Schema = dict[str, Any]

# Keys that mean the same in both, in the order in which they are written.
_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
)
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_RULE_KEYS = ("rule", "message", "messageExpression", "fieldPath")
_TRANSLATED = {
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "items",
    "properties",
    "propertyNames",
    "required",
    "title",
    PATTERN_MESSAGE,
    VALIDATIONS,
}


class UnsupportedSchemaError(Exception):
    """A model uses something that has no translation into a structural schema yet."""


def structural_schema(model: type[BaseModel], *, defaults: bool) -> Schema:
    """The structural schema of a model.

    `defaults` says whether the API server fills in what is absent. A spec wants that; a status
    does not: what the operator wrote must be what it reads back.
    """
    source = model.model_json_schema(by_alias=True)
    return _Translation(source.get("$defs", {}), defaults).node(source, model.__name__)


class _Translation:
    """One model's translation: its definitions, and whether defaults are kept."""

    def __init__(self, definitions: Mapping[str, Schema], defaults: bool) -> None:
        self._definitions = definitions
        self._defaults = defaults

    def node(self, source: Schema, path: str) -> Schema:
        """Translate one schema; `path` is for the message when that is impossible."""
        flat = self._flatten(source, path)
        unknown = sorted(flat.keys() - _TRANSLATED - set(_KEPT))
        if unknown or "type" not in flat:
            raise UnsupportedSchemaError(f"{path}: {', '.join(unknown) or 'no type'}")
        kept = {key: flat[key] for key in _KEPT if key in flat}
        self._default(kept)
        self._children(kept, flat, path)
        self._validations(kept, flat)
        return kept

    def _flatten(self, source: Schema, path: str) -> Schema:
        """Inline references and drop the null of an optional field."""
        flat = dict(source)
        if "anyOf" in flat:
            choices = [one for one in flat.pop("anyOf") if one.get("type") != "null"]
            if len(choices) != 1:
                raise UnsupportedSchemaError(f"{path}: a union of several types")
            flat = self._over(self._flatten(choices[0], path), flat)
        if "$ref" in flat:
            name = flat.pop("$ref").rpartition("/")[2]
            flat = self._over(self._flatten(self._definitions[name], path), flat)
        return flat

    @staticmethod
    def _over(inner: Schema, outer: Schema) -> Schema:
        """What a field says over what its type says; rules and object descriptions add up."""
        both = {**inner, **outer}
        if VALIDATIONS in inner and VALIDATIONS in outer:
            both[VALIDATIONS] = [*inner[VALIDATIONS], *outer[VALIDATIONS]]
        if inner.get("type") == "object" and {"description"} <= inner.keys() & outer.keys():
            both["description"] = f"{outer['description']} {inner['description']}"
        return both

    def _default(self, kept: Schema) -> None:
        """Keep a default that says something.

        An object's is written out: the API server holds a CRD's defaults against the CEL rules
        before it fills in the fields of `{}` from their own defaults.
        """
        default = _said(kept.pop("default", None))
        if self._defaults and default not in _NOTHING:
            kept["default"] = default

    def _children(self, kept: Schema, flat: Schema, path: str) -> None:
        if "required" in flat:
            kept["required"] = sorted(flat["required"])
        if "properties" in flat:
            kept["properties"] = {
                name: self.node(child, f"{path}.{name}")
                for name, child in flat["properties"].items()
            }
        if "items" in flat:
            kept["items"] = self.node(flat["items"], f"{path}[]")
        if isinstance(flat.get("additionalProperties"), dict):
            kept["additionalProperties"] = self.node(flat["additionalProperties"], f"{path}[*]")

    def _validations(self, kept: Schema, flat: Schema) -> None:
        """The CEL rules; a pattern with a message becomes one, because it would quote itself."""
        found = [
            {key: rule[key] for key in _RULE_KEYS if key in rule}
            for rule in flat.get(VALIDATIONS, [])
        ]
        if PATTERN_MESSAGE in flat:
            pattern = json.dumps(kept.pop("pattern"))
            found.append({"rule": f"self.matches({pattern})", "message": flat[PATTERN_MESSAGE]})
        if "propertyNames" in flat:
            found.append(_key_rule(self._flatten(flat["propertyNames"], "key")["enum"]))
        if found:
            kept[VALIDATIONS] = found


def _said(default: Any) -> Any:
    """A default without the fields that say nothing: an absent field reads the same."""
    if not isinstance(default, dict):
        return default
    said = {key: _said(value) for key, value in default.items()}
    return {key: value for key, value in said.items() if value not in _NOTHING}


def _key_rule(keys: list[str]) -> Schema:
    """A structural schema says nothing of a map's keys, so a rule on the map does.

    It counts the keys that are known: their number has a bound, which a key's length has not.
    """
    return {
        "rule": f"self.size() == {keys}.filter(key, key in self).size()",
        "message": f"has a key that is not one of {', '.join(keys)}: use these",
    }
