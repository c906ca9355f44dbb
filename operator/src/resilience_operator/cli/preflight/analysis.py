"""What a rollout looks at: queries that have to give numbers, and checks of its gate."""

from collections.abc import Iterator, Sequence

from resilience_operator.api.inquiry import CheckAnswer, QueryAnswer
from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.api.v1alpha1.rollout_status import (
    MetricVerdict,
    RolloutPhase,
    RolloutStatus,
)
from resilience_operator.cli.preflight.model import Check, failed, passed, skipped, warned
from resilience_operator.probes.prometheus_query import NO_RESULT

_REMEDIES = {
    "PrometheusUnreachable": "Correct analysis.prometheus.url, or open the way to it from the "
    "operator's namespace.",
    "QueryTimeout": "Make the query cheaper: a recording rule, or fewer series.",
    "QueryRefused": "Try the query in Prometheus' own page, with the placeholders filled in.",
    "QuerySeveralResults": "Aggregate to one series: sum(…), or sum by (le) inside a quantile.",
    NO_RESULT: "Look for the series in Prometheus: is the application scraped, and do the query's "
    "labels fit the names of the arm's Service or Deployment?",
}
_UNDER_WAY = frozenset({RolloutPhase.PROGRESSING, RolloutPhase.HELD, RolloutPhase.PAUSED})


def judge_answers(
    rollout: Rollout, queries: Sequence[QueryAnswer], checks: Sequence[CheckAnswer]
) -> Iterator[Check]:
    """A check for each metric and each check of the gate, by what the operator got just now."""
    for metric in rollout.analysis.metrics:
        mine = [each for each in queries if each.metric == metric.name]
        yield _metric(f"rollout: metric {metric.name}", mine)
    answered = {each.name: each for each in checks}
    for check in rollout.gate.checks:
        name = f"rollout: check {check.name}"
        answer = answered.get(check.name)
        yield (
            _unasked(name, "The operator did not answer.")
            if answer is None
            else _check(name, answer)
        )


def judge_unasked(rollout: Rollout, status: RolloutStatus | None, why: str) -> Iterator[Check]:
    """The same where no pod could be asked: a rollout under way has its own figures."""
    told = status.metrics if status is not None and status.phase in _UNDER_WAY else ()
    known = {each.name: each for each in told}
    for metric in rollout.analysis.metrics:
        name = f"rollout: metric {metric.name}"
        found = known.get(metric.name)
        if found is None:
            yield _unasked(name, why)
        elif found.verdict is MetricVerdict.MISSING:
            finding = f"The rollout under way gets no figures: {found.evidence or 'no result'}"
            yield failed(name, finding, _REMEDIES[NO_RESULT])
        else:
            figures = f"stable {found.stable or '-'}, canary {found.canary or '-'}"
            yield passed(name, f"The rollout under way has figures: {figures}.")
    for check in rollout.gate.checks:
        yield _unasked(f"rollout: check {check.name}", why)


def _unasked(name: str, why: str) -> Check:
    return skipped(
        name,
        why,
        "It takes an operator that leads, of this version, and a user who may create pods/exec in "
        "its namespace. A rollout under way tells by itself.",
    )


def _metric(name: str, answers: Sequence[QueryAnswer]) -> Check:
    if not answers:
        return _unasked(name, "The operator did not answer.")
    for answer in answers:
        # A series of errors exists from the first one on, and a canary at rest has no traffic.
        quiet = answer.reason == NO_RESULT and (
            answer.query == "failures" or answer.arm == "canary"
        )
        if answer.reason and not quiet:
            return failed(
                name,
                f"{answer.query} of {answer.arm}: {answer.message}",
                _REMEDIES.get(answer.reason, "Correct the query."),
            )
    told = [
        f"{each.query} of {each.arm} {each.value:g}" for each in answers if each.value is not None
    ]
    return passed(name, f"{'; '.join(told)}.")


def _check(name: str, answer: CheckAnswer) -> Check:
    if answer.passed:
        return passed(name, answer.message or "It answers 200.")
    if answer.passed is False and answer.message.startswith("HTTP "):
        return warned(
            name,
            f"It answers {answer.message}",
            "Rollouts are held until it answers 200, which may be what it is for.",
        )
    return failed(
        name, answer.message, "Correct gate.checks[].url, or start what is to answer there."
    )
