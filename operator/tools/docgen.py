"""Generates the reference of fields and of metrics: `make generate`.

It reads the CRDs' own schemas, so that it cannot say anything else than the API server does, and
the operator's own registry.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from resilience_operator.api.structural import Schema
from resilience_operator.api.v1alpha1.base import API_VERSION
from tools import metricsdoc
from tools.crdgen import root_schema
from tools.generated import main
from tools.resources import RESOURCES, Resource

_RULES = "x-kubernetes-validations"
_BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " keys"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource, where it stands and what the schema says of it."""

    path: str
    schema: Schema
    required: bool


def fields(schema: Schema, path: str) -> Iterator[Field]:
    """The fields below an object, each before its own fields."""
    required = schema.get("required", ())
    for name, child in schema.get("properties", {}).items():
        at = f"{path}.{name}"
        yield Field(at, child, name in required)
        yield from fields(child, at)
        if "items" in child:
            yield from fields(child["items"], f"{at}[]")


def _type(schema: Schema) -> str:
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map to {_type(schema['additionalProperties'])}"
    return str(schema["type"])


def _bounds(schema: Schema) -> str:
    """Limits of the value, or the values that it may have."""
    allowed = schema.get("enum") or schema.get("items", {}).get("enum") or []
    parts = [", ".join(f"`{value}`" for value in allowed)] if allowed else []
    for low, high, unit in _BOUNDS:
        parts += _range(schema.get(low), schema.get(high), unit)
    if schema.get("x-kubernetes-list-type") == "map":
        parts.append(f"told apart by `{schema['x-kubernetes-list-map-keys'][0]}`")
    if schema.get("x-kubernetes-list-type") == "set":
        parts.append("no repetition")
    return "; ".join(parts)


def _range(low: int | None, high: int | None, unit: str) -> list[str]:
    if low is not None and high is not None:
        return [f"{low} to {high}{unit}"]
    if high is not None:
        return [f"at most {high}{unit}"]
    return [] if low is None else [f"at least {low}{unit}"]


def _default(field: Field) -> str:
    if field.required:
        return "required"
    default = field.schema.get("default")
    if isinstance(default, dict):
        return "see its fields"
    if isinstance(default, list):
        return ", ".join(f"`{_literal(value)}`" for value in default)
    return "" if default is None else f"`{_literal(default)}`"


def _literal(value: Any) -> str:
    """A value as a policy's author writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_literal(one)}" for key, one in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


def _table(schema: Schema, path: str, *, defaults: bool) -> list[str]:
    """A table of all fields below `path`; a status has no defaults and no use for the column."""
    head = ["Field", "Type", *(["Default"] if defaults else []), "Bounds", "Meaning"]
    lines = [_row(*head), _row(*("---" for _ in head))]
    for field in fields(schema, path):
        default = [_default(field)] if defaults else []
        cells = [f"`{field.path}`", _type(field.schema), *default, _bounds(field.schema)]
        lines.append(_row(*cells, field.schema["description"]))
    return lines


def _rules(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    """The rules of a schema and of all below it, as pairs of message and path."""
    for rule in schema.get(_RULES, ()):
        yield rule["message"], path
    for name, child in schema.get("properties", {}).items():
        yield from _rules(child, f"{path}.{name}")
    for part, mark in (("items", "[]"), ("additionalProperties", "[*]")):
        if part in schema:
            yield from _rules(schema[part], path + mark)


def _refusals(schema: Schema, path: str) -> list[str]:
    """A list item for each message, with all the places where it may be met."""
    places: dict[str, list[str]] = {}
    for message, at in _rules(schema, path):
        places.setdefault(message, []).append(f"`{at}`")
    return [f"- {message} — {', '.join(at)}" for message, at in places.items()]


def _columns(resource: Resource) -> list[str]:
    lines = [_row("Column", "From", "Meaning"), _row("---", "---", "---")]
    for column in resource.columns:
        name = column.name.upper() + (" (wide)" if column.wide else "")
        lines.append(_row(name, f"`{column.path}`", column.description))
    return lines


def page(resource: Resource) -> str:
    """The reference page of a resource."""
    schema: dict[str, Any] = root_schema(resource)
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    above = {key: schema[key] for key in schema.keys() & {_RULES}}
    lines = [
        "<!-- Generated by `make generate`: change the API models, not this. -->",
        f"# {resource.kind}",
        "",
        f"`{API_VERSION}`, namespaced; `kubectl get {resource.short_name}`.",
        "",
        schema["description"],
        "",
        "## Spec",
        "",
        *_table(spec, "spec", defaults=True),
        "",
        "## What is refused",
        "",
        "Besides the types and bounds above, the API server holds every object against these rules",
        "and answers with the path and the sentence. Each sentence is followed by the places where",
        "it may be met.",
        "",
        *_refusals(above, "metadata"),
        *_refusals(spec, "spec"),
        "",
        "## Status",
        "",
        *_table(status, "status", defaults=False),
        "",
        "## Columns",
        "",
        *_columns(resource),
        "",
    ]
    return "\n".join(lines)


def render() -> dict[str, str]:
    """The text of every reference page, by file name."""
    pages = {f"{resource.kind.lower()}.md": page(resource) for resource in RESOURCES}
    return {**pages, "metrics.md": metricsdoc.page()}


if __name__ == "__main__":
    main(render, default_folder="docs/reference")
