"""Judgements that need no cluster to be seen both ways."""

from typing import Any

import pytest

from resilience_operator.api.inquiry import CheckAnswer, DependencyAnswer, QueryAnswer
from resilience_operator.api.v1alpha1.policy import Notification, PolicySpec
from resilience_operator.api.v1alpha1.policy_status import (
    DependencyState,
    DependencyStatus,
    FailureReason,
)
from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.api.v1alpha1.rollout_status import (
    MetricStatus,
    MetricVerdict,
    RolloutPhase,
    RolloutStatus,
)
from resilience_operator.cli.preflight import analysis, credentials, dependencies, text
from resilience_operator.cli.preflight.credentials import Reference, references
from resilience_operator.cli.preflight.model import Check, Denied, Result, Section, listed
from resilience_operator.cli.preflight.operators import Leading
from resilience_operator.core.model import Verdict

TCP = {"tcp": {"address": "a:1"}}
S3 = {
    "s3": {
        "endpoint": "https://s3.example.com",
        "bucket": "facturas",
        "credentialsSecretRef": {"name": "s3"},
        "tls": {
            "caSecretRef": {"name": "ca", "key": "ca.crt"},
            "clientSecretRef": {"name": "client"},
        },
    }
}
HTTP = {
    "http": {
        "url": "https://a.example.com",
        "headers": [{"name": "X-Key", "secretRef": {"name": "keys", "key": "a"}}],
    }
}


def spec(probe: dict[str, Any]) -> PolicySpec:
    dependency = {"name": "a", "weight": 1, "probe": probe}
    return PolicySpec.model_validate({"dependencies": [dependency]})


def rollout(**more: Any) -> Rollout:
    metric = {"name": "errors", "value": 'x{a="{{service}}"}', "max": 1}
    arms = {word: {"deployment": word, "service": word} for word in ("stable", "canary")}
    given = {
        **arms,
        "traffic": {"httpRoute": {"name": "web"}},
        "analysis": {"prometheus": {"url": "http://p:9090"}, "metrics": [metric]},
        **more,
    }
    return Rollout.model_validate(given)


# -- Secrets


def test_every_secret_of_a_spec_is_found_with_its_keys() -> None:
    assert set(references(spec(S3))) == {
        Reference(
            "s3",
            (
                ("AWS_ACCESS_KEY_ID", "access-key-id"),
                ("AWS_SECRET_ACCESS_KEY", "secret-access-key"),
            ),
        ),
        Reference("ca", (("ca.crt",),)),
        Reference("client", (("tls.crt",), ("tls.key",))),
    }
    assert list(references(spec(HTTP))) == [Reference("keys", (("a",),))]
    hook = Notification.model_validate(
        {
            "name": "team",
            "urlSecretRef": {"name": "hook", "key": "url"},
            "signingSecretRef": {"name": "hook", "key": "sign"},
        }
    )
    assert list(references(hook)) == [
        Reference("hook", (("url",),)),
        Reference("hook", (("sign",),)),
    ]


def test_either_name_of_a_key_will_do() -> None:
    keys = frozenset({"access-key-id", "AWS_SECRET_ACCESS_KEY"})
    others = {"ca": frozenset({"ca.crt"}), "client": frozenset({"tls.crt", "tls.key"})}

    (good,) = credentials.judge("shop", spec(S3), {"s3": keys, **others})
    (bad,) = credentials.judge("shop", spec(S3), {"s3": frozenset({"access-key-id"}), **others})
    checks = credentials.judge("shop", spec(S3), {"s3": Denied("no"), "ca": None, **others})

    assert good.result is Result.PASS
    assert "AWS_SECRET_ACCESS_KEY or secret-access-key" in bad.finding
    assert [check.result for check in checks] == [Result.SKIPPED]


# -- reachability


@pytest.mark.parametrize("reason", list(FailureReason))
def test_every_reason_of_a_probe_has_a_remedy(reason: FailureReason) -> None:
    assert dependencies.remedy_of(reason).endswith((".", "."))


@pytest.mark.parametrize(
    ("state", "reason", "result"),
    [
        (DependencyState.HEALTHY, None, "pass"),
        (DependencyState.SLOW, None, "warn"),
        (DependencyState.FAILING, FailureReason.TIMEOUT, "warn"),
        (DependencyState.DOWN, FailureReason.REFUSED, "fail"),
        (DependencyState.UNKNOWN, None, "skipped"),
        (DependencyState.UNKNOWN, FailureReason.SECRET_MISSING, "fail"),
    ],
)
def test_what_the_status_says_of_a_dependency(
    state: DependencyState, reason: FailureReason | None, result: str
) -> None:
    status = DependencyStatus(name="a", state=state, failure_reason=reason)

    (check,) = dependencies.judge_status(spec(TCP), [status])

    assert check.result == result
    assert [c.result for c in dependencies.judge_status(spec(TCP), [])] == ["skipped"]


def test_what_a_pod_has_said_of_a_dependency() -> None:
    def result(*answers: DependencyAnswer) -> str:
        (check,) = dependencies.judge_answers(spec(TCP), answers)
        return check.result

    assert result(DependencyAnswer(name="a", verdict=Verdict.HEALTHY)) == "pass"
    assert result(DependencyAnswer(name="a", verdict=Verdict.UNHEALTHY, reason="DNS")) == "fail"
    assert result(DependencyAnswer(name="a", verdict=Verdict.UNKNOWN, reason="new")) == "fail"
    assert result() == "skipped"


# -- queries


def asked(arm: str, query: str, value: float | None = None, reason: str = "") -> QueryAnswer:
    return QueryAnswer(metric="errors", arm=arm, query=query, value=value, reason=reason)


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ((asked("stable", "value", 0.2), asked("canary", "value", 0.1)), "pass"),
        ((asked("stable", "value", 0.2), asked("canary", "value", None, "QueryNoResult")), "pass"),
        ((asked("stable", "value", None, "QueryNoResult"), asked("canary", "value", 1)), "fail"),
        ((asked("stable", "failures", None, "QueryNoResult"),), "pass"),
        ((asked("stable", "total", None, "QueryNoResult"),), "fail"),
        ((asked("canary", "value", None, "QuerySeveralResults"),), "fail"),
        ((), "skipped"),
    ],
)
def test_a_canary_at_rest_need_have_no_figures_and_stable_must(
    answers: tuple[QueryAnswer, ...], result: str
) -> None:
    (check,) = analysis.judge_answers(rollout(), answers, ())

    assert check.result == result


def test_checks_of_the_gate() -> None:
    gate = {"checks": [{"name": "smoke", "url": "http://smoke/"}]}

    def result(passed: bool | None, message: str) -> str:
        answer = CheckAnswer(name="smoke", passed=passed, message=message)
        return next(iter(list(analysis.judge_answers(rollout(gate=gate), (), [answer]))[1:])).result

    assert result(True, "HTTP 200.") == "pass"
    assert result(False, "HTTP 503.") == "warn"
    assert result(False, "The host name does not resolve to an address.") == "fail"
    assert result(None, "This operator cannot reach its name server.") == "fail"


def test_a_rollout_under_way_tells_by_itself() -> None:
    def result(phase: RolloutPhase, verdict: MetricVerdict) -> str:
        metrics = (MetricStatus(name="errors", verdict=verdict, stable="1 %", canary="2 %"),)
        status = RolloutStatus(phase=phase, metrics=metrics)
        (check,) = analysis.judge_unasked(rollout(), status, "No pods/exec.")
        return check.result

    assert result(RolloutPhase.PROGRESSING, MetricVerdict.PASSING) == "pass"
    assert result(RolloutPhase.HELD, MetricVerdict.MISSING) == "fail"
    assert result(RolloutPhase.SUCCEEDED, MetricVerdict.PASSING) == "skipped"


# -- the leader


def test_a_lease_is_fresh_within_its_time_or_when_it_moves() -> None:
    lease = {"spec": {"holderIdentity": "one", "leaseDurationSeconds": 15}}

    assert Leading(lease, age=14).holder == "one"
    assert Leading(lease, age=-3600).holder == "one"
    assert Leading(lease, age=16).holder == ""
    assert Leading(lease, age=3600, moves=True).holder == "one"
    assert Leading(None).holder == ""
    assert Leading(Denied("no")).holder == ""


# -- what is told


def test_names_are_listed_as_people_do() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_strictness_decides_on_warnings_and_on_what_was_skipped() -> None:
    def section(*results: Result) -> list[Section]:
        return [Section("x", [Check("c", each, "f") for each in results])]

    assert text.good(section(Result.PASS), strict=True)
    for result in (Result.WARN, Result.SKIPPED):
        assert text.good(section(Result.PASS, result), strict=False)
        assert not text.good(section(Result.PASS, result), strict=True)
    assert not text.good(section(Result.FAIL), strict=False)
    told = text.summary(section(Result.PASS, Result.PASS, Result.WARN, Result.FAIL))
    assert told == "1 failed, 1 with a warning, 2 passed."
