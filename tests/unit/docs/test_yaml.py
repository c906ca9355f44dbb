"""The YAML in the pages is understood by the models, and by the chart's schema."""

import json

import jsonschema
import pytest

from resilience_operator.api.v1alpha1.parse import parse_level, parse_policy
from tests.documented import VALUES, Document, documents

DOCUMENTS = list(documents())
_PLACE = {"namespace": "shop", "uid": "1", "generation": 1, "resourceVersion": "1"}


def test_there_are_some() -> None:
    assert len([one for one in DOCUMENTS if one.ours]) >= 8


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.where)
def test_it_is_understood(document: Document) -> None:
    if document.values:
        schema = json.loads(VALUES.with_name("values.schema.json").read_text())
        jsonschema.validate(document.body, schema)
    elif document.ours:
        parse = {"ResiliencePolicy": parse_policy, "DegradationLevel": parse_level}
        metadata = {**_PLACE, **document.body["metadata"]}
        parse[document.body["kind"]]({**document.body, "metadata": metadata})
