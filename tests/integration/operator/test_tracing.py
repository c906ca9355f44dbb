"""Traces as a collector gets them: of probes, of passes and of their writes; and without one."""

import time
import urllib.request
from collections.abc import Iterator
from itertools import pairwise

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Exemplar

from resilience_operator.core import decisions
from resilience_operator.core.model import LevelState
from resilience_operator.core.times import from_rfc3339
from tests.collector import Collector, Span, collector
from tests.integration.operator.harness import OperatorProcess, wait_until
from tests.integration.operator.policies import NAME, dependency, policy
from tests.integration.operator.servers import redis_server
from tests.integration.operator.stage import Stage
from tests.integration.stories import story
from tests.no_secrets import assert_no_secrets

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
DURATIONS = ("resilience_probe_duration_seconds", "resilience_reconcile_duration_seconds")
TOKEN = "collector-t0ken"
PASSWORD = "hunter2-of-the-cache"


@story
def test_a_collector_gets_probes_and_passes(stage: Stage) -> None:
    with collector() as traces, redis_server(PASSWORD) as redis:
        operator = stage.operator(otlp_endpoint=traces.url, trace_ratio=1, log_level="DEBUG")
        operator.variables = {
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{TOKEN}",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=tests",
        }
        operator.start_leading()
        lost = stage.dependency("postgres")
        stage.put_secret("cache", url=redis.url)
        cache = {"redis": {"urlSecretRef": {"name": "cache", "key": "url"}}}
        stage.apply(policy(dependency("cache", 85, cache), dependency("postgres", 15, lost)))
        stage.wait_for_level("OPTIMAL")
        lost.down()
        stage.wait_for_level("DEGRADED")

        refused = arrived(traces, "probe tcp", probe_verdict="Unhealthy")
        expect_failed_probe(refused, stage)
        expect_healthy_probe(arrived(traces, "probe redis", probe_verdict="Healthy"))
        decided = arrived(traces, "reconcile", level="DEGRADED")
        expect_decision(decided, traces, stage, operator)
        expect_exemplars(operator, traces)

        sent = b"".join(traces.bodies).decode("latin-1")
        assert_no_secrets(sent, PASSWORD, TOKEN)
        for place in (lost.address, f":{redis.port}", "127.0.0.1"):
            assert place not in sent
        path, headers = traces.requests[0]
        assert (path, headers["authorization"]) == ("/v1/traces", f"Bearer {TOKEN}")
        assert_no_secrets(operator.log.read_text(), PASSWORD, TOKEN)


def arrived(traces: Collector, name: str, **attributes: str) -> Span:
    """The first span like that, once the batch with it has come."""
    what = f"a span {name!r} with {attributes}"
    return wait_until(lambda: traces.named(name, **attributes), what)[0]


def expect_failed_probe(span: Span, stage: Stage) -> None:
    assert (span.parent_id, span.kind, span.failed) == ("", "CLIENT", True)
    assert span["namespace"] == stage.namespace
    assert span["probe.type"] == "tcp"
    assert span["probe.reason"] == span.attributes["error.type"] == "Refused"
    assert span["dependencies"] == [f"{NAME}/postgres"]
    assert span["probe.latency_ms"] == pytest.approx(1000 * (span.ended - span.began), abs=0.01)
    assert abs(span.ended - time.time()) < 60
    assert span.resource["service.name"] == "resilience-operator"
    assert span.resource["service.instance.id"] == "one"
    assert span.resource["k8s.namespace.name"] == stage.namespace
    assert span.resource["deployment.environment.name"] == "tests"


def expect_healthy_probe(span: Span) -> None:
    assert (span.parent_id, span.failed, span["probe.reason"]) == ("", False, None)
    assert span["dependencies"] == [f"{NAME}/cache"]


def expect_decision(span: Span, traces: Collector, stage: Stage, operator: OperatorProcess) -> None:
    """One name for one decision: in status, in the log, in the Event and in the trace."""
    assert (span.parent_id, span.kind, span.failed) == ("", "INTERNAL", False)
    assert (span["policy"], span["namespace"], span["health"]) == (NAME, stage.namespace, 85)
    writes = traces.children(span)
    assert {(each.name, each["purpose"]) for each in writes} >= {
        ("apply_status degradationlevels", "level status"),
        ("apply configmaps", "flags"),
        ("apply_status resiliencepolicies", "policy status"),
        ("create events", "event"),
    }
    for each in writes:
        assert (each.trace_id, each.kind, each.failed) == (span.trace_id, "CLIENT", False)
        assert span.began <= each.began <= each.ended <= span.ended
        assert each.attributes["http.response.status_code"] == 200
    flags = next(each for each in writes if each["purpose"] == "flags")
    assert (flags["api.verb"], flags["api.resource"]) == ("patch", "configmaps")
    assert flags["api.object"] == f"{NAME}-flags"

    name = decision_of(stage)
    assert {each["decision"] for each in writes if each["purpose"] != "event"} == {name}
    assert span["decision"] == name
    (line,) = [each for each in operator.said("LevelDegraded") if not each.get("audit")]
    assert (line["decision"], line["policy"], line["dependency"]) == (name, NAME, "postgres")
    on_level, on_policy = stage.events("LevelDegraded")
    for event in (on_level, on_policy):
        assert event["metadata"]["annotations"] == {"resilience.aidrive.dev/decision": name}
    (opened,) = operator.said("BreakerOpened")
    assert opened["dependency"] == "postgres"
    assert opened["decision"] not in ("", name)


def decision_of(stage: Stage) -> str:
    """The name of the decision in force, made from nothing but what kubectl shows."""
    status = stage.level()["status"]
    state = LevelState(level=status["level"], since=from_rfc3339(status["since"]))
    return decisions.of_level(stage.policy()["metadata"]["uid"], NAME, state)


def expect_exemplars(operator: OperatorProcess, traces: Collector) -> None:
    shown = list(exemplars(operator))
    assert {name for name, _ in shown} == set(DURATIONS)
    known = {each["trace_id"] for _, exemplar in shown for each in [exemplar.labels]}

    def sent() -> bool:
        return known <= {span.trace_id for span in list(traces.spans)}

    wait_until(sent, "every exemplar leads to a trace")
    assert "trace_id" not in operator.get("/metrics")[1]


def exemplars(operator: OperatorProcess) -> Iterator[tuple[str, Exemplar]]:
    """All exemplars in the OpenMetrics exposition, by family."""
    url = f"http://127.0.0.1:{operator.port}/metrics"
    request = urllib.request.Request(url, headers={"Accept": OPEN_METRICS})
    with urllib.request.urlopen(request, timeout=10) as page:
        assert page.headers["Content-Type"].startswith("application/openmetrics-text")
        text = page.read().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.exemplar is not None:
                yield family.name, sample.exemplar


@story
def test_a_collector_that_is_dead_changes_nothing(stage: Stage) -> None:
    dead = stage.dependency("collector")
    dead.down()
    operator = stage.operator(otlp_endpoint=f"http://{dead.address}", trace_ratio=1)
    operator.start_leading()
    kept, lost = stage.dependency("postgres"), stage.dependency("redis")
    stage.apply(policy(dependency("postgres", 85, kept), dependency("redis", 15, lost)))
    stage.wait_for_level("OPTIMAL")
    operator.wait_for_log("traces do not reach the collector")
    lost.down()
    stage.wait_for_level("DEGRADED")
    lost.up()
    stage.wait_for_level("OPTIMAL")
    asked = len(kept.asked_at)
    wait_until(lambda: len(kept.asked_at) >= asked + 12, "it goes on probing every second")
    assert max(b - a for a, b in pairwise(kept.asked_at[asked:])) < 3
    assert operator.get("/healthz") == (200, "ok\n")
    said = operator.said("traces do not reach the collector")
    assert len(said) == 1, "once an outage, not once a batch"
    assert not [line for line in operator.lines() if "opentelemetry" in line.get("logger", "")]
    begin = time.time()
    assert operator.stop() == 0
    assert time.time() - begin < 5


@story
def test_traces_arrive_again_when_the_collector_does(stage: Stage) -> None:
    with collector() as traces:
        traces.status = 401
        operator = stage.operator(otlp_endpoint=traces.url, trace_ratio=1).start_leading()
        stage.apply(policy(dependency("postgres", 100, stage.dependency("postgres"))))
        operator.wait_for_log("traces do not reach the collector: Failed to export spans batch")
        assert "401" in operator.said("traces do not reach")[0]["message"]
        traces.status = 200
        operator.wait_for_log("traces reach the collector again")
        arrived(traces, "probe tcp", probe_verdict="Healthy")


@story
def test_without_a_collector_nothing_is_traced(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    stage.apply(policy(dependency("postgres", 100, stage.dependency("postgres"))))
    stage.wait_for_level("OPTIMAL")
    assert list(exemplars(operator)) == []
    assert not operator.said("traces go to")
