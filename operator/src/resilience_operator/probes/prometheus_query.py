"""Instant queries to Prometheus that must have exactly one finite number as their result.

Nothing else is an answer: no result is not zero, and of several results none is the right one.
What the server says in words is not repeated: only its status and the shape of its answer count.
"""

import asyncio
import json
import math
from typing import Any

from yarl import URL

from resilience_operator.core.rollout.queries import QueryProblem
from resilience_operator.probes.base import ProbeFailure
from resilience_operator.probes.http_client import BODY_LIMIT, Answer, Request, parse_url
from resilience_operator.probes.toolkit import Toolkit

# Longer ones go in a body: what stands between may refuse a request line of that length.
_URL_LIMIT = 4000
NO_RESULT = "QueryNoResult"
_TIMEOUT = "QueryTimeout"
_UNREACHABLE = "PrometheusUnreachable"
LOST = frozenset({_TIMEOUT, _UNREACHABLE})
"""Reasons that say nothing of the query: asked again it may well be answered."""


class PrometheusQueries:
    """Asks through the one guarded HTTP client; follows no redirects."""

    def __init__(self, kit: Toolkit) -> None:
        self._kit = kit

    async def instant(self, url: str, query: str, timeout_seconds: float) -> float | QueryProblem:
        """The number that `query` gives now at the Prometheus API below `url`."""
        try:
            request = _request(parse_url(url), query, timeout_seconds)
            async with asyncio.timeout(timeout_seconds):
                answer = await self._kit.http.fetch(request)
        except TimeoutError:
            return QueryProblem(
                _TIMEOUT, f"Prometheus gave no answer within {timeout_seconds:g} s."
            )
        except ProbeFailure as failure:
            return QueryProblem(_UNREACHABLE, f"Prometheus: {failure.message}")
        return number_in(answer)


def number_in(answer: Answer) -> float | QueryProblem:
    """The one number in an answer of /api/v1/query."""
    if answer.status in (400, 422):
        return QueryProblem(
            "QueryRefused", f"Prometheus cannot evaluate the query (HTTP {answer.status})."
        )
    if answer.status == 503:
        return QueryProblem(_TIMEOUT, "Prometheus gave up on the query (HTTP 503).")
    if answer.status != 200:
        return QueryProblem(_UNREACHABLE, f"Prometheus answered with HTTP {answer.status}.")
    if answer.truncated:
        return QueryProblem(
            "QuerySeveralResults", "The query gave far more than one result: aggregate it."
        )
    try:
        data = json.loads(answer.body)["data"]
        return _number(data["resultType"], data["result"])
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return QueryProblem(
            "QueryNoNumber", "The answer is no result of an instant query with a number in it."
        )


def _number(kind: str, result: Any) -> float | QueryProblem:
    if kind == "vector":
        if not result:
            return QueryProblem(NO_RESULT, "The query gave no result.")
        if len(result) > 1:
            return QueryProblem(
                "QuerySeveralResults",
                f"The query gave {len(result)} results, not one: aggregate it, with sum() perhaps.",
            )
        sample = result[0]["value"]
    elif kind == "scalar":
        sample = result
    else:
        return QueryProblem("QueryNoNumber", "The query gives no instant vector and no scalar.")
    value = float(sample[1])
    if not math.isfinite(value):
        return QueryProblem("QueryNotFinite", "The query gave no finite number.")
    return value


def _request(base: URL, query: str, timeout_seconds: float) -> Request:
    url = base / "api/v1/query"
    url = url.with_query(base.query)
    parameters = {"query": query, "timeout": f"{timeout_seconds:g}s"}
    full = url.update_query(parameters)
    if len(str(full)) <= _URL_LIMIT:
        return Request("GET", full, body_limit=BODY_LIMIT)
    body = URL.build(query=parameters).raw_query_string.encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", url, headers, body, body_limit=BODY_LIMIT)
