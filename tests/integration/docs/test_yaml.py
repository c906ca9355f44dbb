"""Every object in the pages is accepted by a real API server, strictly."""

import copy

import pytest

from tests.documented import Document, documents
from tests.integration.chart.helm import Kubectl

OBJECTS = [one for one in documents() if not one.values]


@pytest.mark.parametrize("document", OBJECTS, ids=lambda one: one.where)
def test_it_is_accepted(document: Document, kubectl: Kubectl, namespace: str) -> None:
    body = copy.deepcopy(document.body)
    if body["kind"] != "Namespace":
        body["metadata"]["namespace"] = namespace

    assert kubectl.refuses([body]) == ""


def test_a_misspelt_field_would_not_be(kubectl: Kubectl, namespace: str) -> None:
    document = next(one for one in OBJECTS if one.body["kind"] == "ResiliencePolicy")
    body = copy.deepcopy(document.body)
    body["metadata"]["namespace"] = namespace
    body["spec"]["dependencys"] = []

    assert "dependencys" in kubectl.refuses([body])
