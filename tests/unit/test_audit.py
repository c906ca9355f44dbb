"""Audit lines: what is in them, and that they come at any log level."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from resilience_operator import audit
from resilience_operator.core.human_actions import Action, HumanAction
from resilience_operator.core.resources import CONFIG_MAPS, LEASES, LEVELS
from resilience_operator.kube.calls import Call
from resilience_operator.logging import configure
from resilience_operator.purpose import Errand, Purpose

KEY = ("retail", "inventario")
FLAGS = Call("apply", CONFIG_MAPS, "retail", "inventario-flags", "", "resilience-operator-flags")


Told = Callable[[Callable[[], None]], dict[str, object]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """What is told in a log as the operator has it, at its quietest; empty: nothing."""

    def tell(telling: Callable[[], None]) -> dict[str, object]:
        configure("ERROR")
        telling()
        found: dict[str, object] = json.loads(capsys.readouterr().err or "{}")
        found.pop("time", None)
        return found

    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield tell
    logger.handlers[:] = handlers
    logger.setLevel(level)


def test_a_write_in_a_line(told: Told) -> None:
    errand = Errand(Purpose.FLAGS, KEY, "0123")
    assert told(lambda: audit.write_made(replace(FLAGS, code=200), errand)) == {
        "level": "INFO",
        "logger": "resilience_operator.audit",
        "message": "patch configmaps retail/inventario-flags: ok",
        "audit": True,
        "verb": "patch",
        "resource": "configmaps",
        "namespace": "retail",
        "object": "inventario-flags",
        "field_manager": "resilience-operator-flags",
        "purpose": "flags",
        "policy": "inventario",
        "decision": "0123",
        "outcome": "ok",
    }


@pytest.mark.parametrize(
    ("call", "verb", "resource", "outcome", "code"),
    [
        (Call("create", LEVELS, "a", "b", code=201), "create", "degradationlevels", "ok", None),
        (
            Call("apply_status", LEVELS, "a", "b", "status", code=409),
            *("patch", "degradationlevels/status", "conflict", 409),
        ),
        (Call("replace", LEASES, "a", "b", code=503), "update", "leases", "error", 503),
        (Call("delete", LEVELS, "a", "b"), "delete", "degradationlevels", "none", None),
    ],
)
def test_verbs_are_the_api_servers_and_failures_have_a_code(
    call: Call,
    verb: str,
    resource: str,
    outcome: str,
    code: int | None,
    told: Told,
) -> None:
    found = told(lambda: audit.write_made(call, Errand(Purpose.LEVEL_STATUS)))
    assert (found["verb"], found["resource"]) == (verb, resource)
    assert (found["outcome"], found.get("code")) == (outcome, code)
    assert "decision" not in found
    assert "policy" not in found


def test_a_renewal_of_the_lease_has_no_line(told: Told) -> None:
    renewal = Call("replace", LEASES, "a", "b", code=200)
    assert told(lambda: audit.write_made(renewal, Errand(Purpose.RENEWAL))) == {}


def test_what_a_person_did_in_a_line(told: Told) -> None:
    facts = {"requested_by": "eva", "until": "2026-01-01T00:00:00Z"}
    action = HumanAction(Action.OVERRIDE_SET, KEY, "eva forces it.", "0123", facts)
    assert told(lambda: audit.person_acted(action)) == {
        "level": "INFO",
        "logger": "resilience_operator.audit",
        "message": "OverrideSet: eva forces it.",
        "audit": True,
        "action": "OverrideSet",
        "namespace": "retail",
        "policy": "inventario",
        "decision": "0123",
        **facts,
    }
