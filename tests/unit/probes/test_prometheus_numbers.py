"""One finite number in an answer of Prometheus, or a sentence why there is none."""

import json
from typing import Any

import pytest

from resilience_operator.core.rollout.queries import QueryProblem
from resilience_operator.probes.http_client import Answer
from resilience_operator.probes.prometheus_query import number_in


def answer(body: object, status: int = 200, *, truncated: bool = False) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {}, raw, truncated, None)


def success(kind: str, result: Any) -> Answer:
    return answer({"status": "success", "data": {"resultType": kind, "result": result}})


def sample(value: str, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1_795_498_680.781, value]}


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (success("vector", [sample("0.25", service="web")]), 0.25),
        (success("vector", [sample("0")]), 0.0),
        (success("vector", [sample("1.5e+06")]), 1_500_000.0),
        (success("scalar", [1_795_498_680.781, "42"]), 42.0),
    ],
)
def test_numbers(given: Answer, number: float) -> None:
    assert number_in(given) == number


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (success("vector", []), "QueryNoResult"),
        (success("vector", [sample("1", pod="a"), sample("2", pod="b")]), "QuerySeveralResults"),
        (answer(b"{", truncated=True), "QuerySeveralResults"),
        (success("vector", [sample("NaN")]), "QueryNotFinite"),
        (success("vector", [sample("+Inf")]), "QueryNotFinite"),
        (success("scalar", [1.0, "-Inf"]), "QueryNotFinite"),
        (success("matrix", [{"metric": {}, "values": [[1, "1"]]}]), "QueryNoNumber"),
        (success("string", [1.0, "x"]), "QueryNoNumber"),
        (success("vector", [{"metric": {}, "histogram": [1, {}]}]), "QueryNoNumber"),
        (answer(b"<html>"), "QueryNoNumber"),
        (answer([]), "QueryNoNumber"),
        (answer(b"[" * 60_000), "QueryNoNumber"),
        (success("scalar", [1.0, 10**4000]), "QueryNoNumber"),
        (answer({"data": None}), "QueryNoNumber"),
        (answer({"errorType": "bad_data", "error": "secret"}, 400), "QueryRefused"),
        (answer({"errorType": "execution"}, 422), "QueryRefused"),
        (answer({"errorType": "timeout"}, 503), "QueryTimeout"),
        (answer(b"", 302), "PrometheusUnreachable"),
        (answer(b"", 401), "PrometheusUnreachable"),
    ],
)
def test_no_number(given: Answer, reason: str) -> None:
    problem = number_in(given)
    assert isinstance(problem, QueryProblem)
    assert problem.reason == reason
    assert "secret" not in problem.message
