"""Hypothesis strategies for what the API server may hand out, taken from the models themselves."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

Schema = Mapping[str, Any]
Values = st.SearchStrategy[Any]


def wire_of(model: type[BaseModel]) -> Values:
    """Dicts, as of JSON, that the model accepts; optional fields come and go."""
    schema = model.model_json_schema(by_alias=True)
    return _values(schema, schema.get("$defs", {}))


def _values(schema: Schema, definitions: Schema) -> Values:
    if "$ref" in schema:
        return _values(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return _values(next(one for one in schema["anyOf"] if one != {"type": "null"}), definitions)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 2**31))
        case "number":
            return st.floats(schema.get("minimum", 0), 1e9)
        case "boolean":
            return st.booleans()
        case "string":
            return _strings(schema)
        case "array":
            items = _values(schema["items"], definitions)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=3)
    return _objects(schema, definitions)


def _strings(schema: Schema) -> Values:
    low, high = schema.get("minLength", 0), schema["maxLength"]
    if "pattern" not in schema:
        return st.text(st.characters(codec="utf-8"), min_size=low, max_size=min(high, 40))
    # Python's $ also matches before a final line break; that of the models does not.
    pattern = schema["pattern"].removesuffix("$") + r"\Z"
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: low <= len(text) <= high)


def _objects(schema: Schema, definitions: Schema) -> Values:
    if "properties" in schema:
        fields = {name: _values(child, definitions) for name, child in schema["properties"].items()}
        required = set(schema.get("required", ()))
        return st.fixed_dictionaries(
            {name: values for name, values in fields.items() if name in required},
            optional={name: values for name, values in fields.items() if name not in required},
        )
    keys = _values(schema.get("propertyNames", {"type": "string", "maxLength": 63}), definitions)
    values = _values(schema["additionalProperties"], definitions)
    return st.dictionaries(keys, values, min_size=schema.get("minProperties", 0), max_size=3)
