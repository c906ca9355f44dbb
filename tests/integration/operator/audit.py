"""What the operator says that it and people have done, and what the API server says of it."""

from collections import Counter
from urllib.parse import parse_qs, urlsplit

from tests.integration.operator.harness import OperatorProcess
from tests.integration.operator.stage import WRITES, Body, Stage

AUDIT = "resilience_operator.audit"
Write = tuple[str, str, str, str, str, bool]
"""Verb, resource, namespace, name, field manager, and whether it was carried out."""


def assert_same_writes(stage: Stage, *operators: OperatorProcess) -> None:
    """Every write has a line, and every line is a write. The operators have ended."""
    lines = [line for operator in operators for line in written(operator)]
    said, done = Counter(map(_of_line, lines)), Counter(map(_of_server, _server_writes(stage)))
    assert said - done == Counter(), "lines of what was not written"
    assert done - said == Counter(), "writes without a line"


def written(operator: OperatorProcess) -> list[Body]:
    """The audit lines of writes."""
    lines = [line for line in operator.lines() if line.get("logger") == AUDIT]
    assert all(line["audit"] is True for line in lines)
    return [line for line in lines if "verb" in line]


def acted(operator: OperatorProcess) -> list[Body]:
    """The audit lines of what people did."""
    return [line for line in operator.lines() if "action" in line]


def _server_writes(stage: Stage) -> list[Body]:
    """What the API server noted, but for renewals of the lease."""
    found = [event for event in stage.audit() if event["verb"] in WRITES]
    leases = [event for event in found if event["objectRef"]["resource"] == "leases"]
    return [event for event in found if event not in leases[1:-1]]


def _of_line(line: Body) -> Write:
    name = "" if line["verb"] == "create" else line["object"]
    manager, done = line["field_manager"], line["outcome"] == "ok"
    return line["verb"], line["resource"], line["namespace"], name, manager, done


def _of_server(event: Body) -> Write:
    """At its level Metadata, the audit log has no name of what is created."""
    about = event["objectRef"]
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    asked = parse_qs(urlsplit(event["requestURI"]).query)
    manager = asked.get("fieldManager", [event["userAgent"].split("/")[0]])[0]
    name = "" if event["verb"] == "create" else about["name"]
    done = event["responseStatus"]["code"] < 300
    return event["verb"], resource, about["namespace"], name, manager, done
