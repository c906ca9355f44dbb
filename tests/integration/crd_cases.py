"""Good objects, the wrong ones made of them, and a test's namespace to create them in."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.custom_resources import MERGE, Api, Body, RefusedError, objects

TABLES = Path(__file__).parent / "wrong_specs"
PLURALS = {"policy": "resiliencepolicies", "level": "degradationlevels"}
POLICIES, LEVELS = PLURALS.values()
# What is made wrong: an object of each kind, and a policy with all that a rollout takes.
BASES = {**PLURALS, "rollout": POLICIES}


def load(name: str) -> Any:
    return yaml.safe_load((TABLES / name).read_text())


GOOD: dict[str, Body] = {base: load(f"good_{base}.yaml") for base in BASES}
ROWS = [(base, row) for base in BASES for row in load(f"{base}.yaml")]


def changed(good: Body, row: Body) -> Body:
    """The good object with one row's mistakes in it."""
    body = copy.deepcopy(good)

    def container(path: str) -> tuple[Any, Any]:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        at: Any = body
        for part in parents:
            at = at[part]
        return at, last

    for path, value in row.get("set", {}).items():
        at, key = container(path)
        at[key] = value
    for path in row.get("remove", ()):
        at, key = container(path)
        del at[key]
    return body


@dataclass
class Namespace:
    """Custom resources of one test's namespace."""

    api: Api
    name: str

    def create(self, plural: str, body: Body, **query: str) -> Body:
        query = {"fieldValidation": "Strict", **query}
        return self.api.send("POST", objects(self.name, plural), body, **query)[0]

    def refusal(self, plural: str, body: Body) -> str:
        """What the API server says when it refuses an object."""
        with pytest.raises(RefusedError) as caught:
            self.create(plural, body, dryRun="All")
        assert caught.value.status in (400, 422)
        return caught.value.message

    def patch(self, plural: str, name: str, body: Body, sub: str = "") -> Body:
        path = objects(self.name, plural, name) + sub
        return self.api.send("PATCH", path, body, content_type=MERGE)[0]

    def table(self, plural: str) -> tuple[list[Body], list[Any]]:
        """The columns of `kubectl get` and the cells of its first row."""
        answer, _ = self.api.send(
            "GET",
            objects(self.name, plural),
            accept="application/json;as=Table;v=v1;g=meta.k8s.io",
        )
        return answer["columnDefinitions"], answer["rows"][0]["cells"]
