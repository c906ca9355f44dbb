"""A text that the API server accepts is one that the models accept: both read patterns alike.

The API server has Go's RE2, pydantic an engine of its own; a policy on which they disagree would be
accepted and then ignored. RE2 itself stands in for Go's.
"""

from functools import cache
from typing import Annotated, Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from resilience_operator.api.v1alpha1.level import LevelSpec
from resilience_operator.api.v1alpha1.policy import PolicySpec

# Blanks of several kinds, line breaks, controls, and letters that fold or decompose into others.
ODD = "\u00a0\u0085\x0b\x0c\u2028\u3000\u200b\n\r\t \x00\x7fK\u017f\u2100\u00e9@[]:/?#\\.-_"


def _patterns(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_patterns, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return own.union(*map(_patterns, schema.values()))


PATTERNS = sorted(
    _patterns(PolicySpec.model_json_schema()) | _patterns(LevelSpec.model_json_schema())
)


@cache
def model_of(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, Field(pattern=pattern)])


def accepts(pattern: str, text: str) -> bool:
    try:
        model_of(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def test_there_are_patterns() -> None:
    assert len(PATTERNS) > 10


@pytest.mark.parametrize("pattern", PATTERNS)
@given(data=st.data())
def test_both_engines_agree(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(pattern.removesuffix("$") + r"\Z"))
    for where, odd in data.draw(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(ODD)))):
        text = text[:where] + odd + text[where:]
    assert accepts(pattern, text) == bool(re2.search(pattern, text))
