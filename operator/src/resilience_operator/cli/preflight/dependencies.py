"""Whether each dependency can be reached from where the operator stands.

Never from where this program runs: a laptop's network says nothing about a pod's. It is what the
operator itself found, in the status of an applied policy or when it was asked just now.
"""

from collections.abc import Iterator, Sequence

from resilience_operator.api.inquiry import DependencyAnswer
from resilience_operator.api.v1alpha1.policy import Dependency, PolicySpec
from resilience_operator.api.v1alpha1.policy_status import (
    DependencyState,
    DependencyStatus,
    FailureReason,
)
from resilience_operator.cli.preflight.model import Check, failed, passed, skipped, warned
from resilience_operator.core.model import Verdict

_REMEDIES = {
    FailureReason.REFUSED: "Correct the address or the port, start the server, or open the way "
    "from the operator's namespace: a NetworkPolicy or a firewall may be in it.",
    FailureReason.TIMEOUT: "Look for a firewall or a NetworkPolicy on the way from the operator's "
    "namespace; if the server is only slow, raise probe.timeoutSeconds.",
    FailureReason.DNS: "Correct the host's name, as service.namespace.svc for a Service; the "
    "operator resolves it in its own namespace.",
    FailureReason.TLS: "Give the authority's certificate (tls.caSecretRef) or the name in the "
    "server's (tls.serverName), or have the server's certificate renewed.",
    FailureReason.AUTH: "Put valid credentials into the Secret; the server does not take these.",
    FailureReason.RATE_LIMITED: "Raise probe.intervalSeconds, or the quota.",
    FailureReason.BAD_STATUS: "Ask for what answers a probe (url), or accept what it answers "
    "(acceptedStatuses).",
    FailureReason.BAD_BODY: "Correct the expression (bodyRegexp), or what the server answers.",
    FailureReason.PROTOCOL: "Use the probe type of what listens there.",
    FailureReason.RESET: "See why the server hangs up: wrong port, TLS where there is none, or a "
    "proxy in between.",
    FailureReason.READ_ONLY: "Point the DSN at the primary, or take readWrite out.",
    FailureReason.LAG: "Let the replica catch up, or raise maxReplicationLagSeconds.",
    FailureReason.MEMORY: "Give it more memory, or raise maxMemoryPercent.",
    FailureReason.ROLE: "Point the URL at a server of that role, or correct probe.redis.role.",
    FailureReason.NOT_FOUND: "Make what is missing (bucket, model), or correct its name.",
    FailureReason.QUERY: "Correct the query, or what its user may do.",
    FailureReason.SECRET_MISSING: "Make the Secret, and let the operator get it: see the checks "
    "of the Secret and of the operator's rights.",
    FailureReason.SECRET_INVALID: "Correct the Secret's value.",
    FailureReason.ADDRESS_REFUSED: "Name another address; if this one is meant, add it to the "
    "chart's settings.guardAllow.",
    FailureReason.INTERNAL: "This is a fault of the operator's own: its log has more, please "
    "report it.",
    FailureReason.LOCAL_NETWORK: "Mend the network or the name server of the operator's node.",
    FailureReason.CONFIG_INVALID: "Correct the probe in the policy.",
    FailureReason.OVERLOADED: "Give the operator more processor, or more shards.",
}


def remedy_of(reason: FailureReason | None) -> str:
    """What to do about a reason."""
    return _REMEDIES[reason] if reason else "See kubectl resilience status for more."


def judge_status(spec: PolicySpec, known: Sequence[DependencyStatus]) -> Iterator[Check]:
    """A check for each dependency, by what an operator that leads now says of it."""
    by_name = {each.name: each for each in known}
    for dependency in spec.dependencies:
        yield _by_status(_name(dependency), by_name.get(dependency.name))


def judge_answers(spec: PolicySpec, answers: Sequence[DependencyAnswer]) -> Iterator[Check]:
    """A check for each dependency, by what the operator found when it was asked just now."""
    by_name = {each.name: each for each in answers}
    for dependency in spec.dependencies:
        answer = by_name.get(dependency.name)
        name = _name(dependency)
        yield (
            _unasked(name, "The operator did not answer.")
            if answer is None
            else _by_answer(name, answer)
        )


def judge_unasked(spec: PolicySpec, why: str) -> Iterator[Check]:
    """The checks, where nobody could be asked."""
    for dependency in spec.dependencies:
        yield _unasked(_name(dependency), why)


def judge_stale(spec: PolicySpec, why: str) -> Iterator[Check]:
    """The checks of an applied policy, where nobody has asked lately."""
    for dependency in spec.dependencies:
        yield skipped(_name(dependency), why, "Get the operator to lead: see the checks of it.")


def _name(dependency: Dependency) -> str:
    return f"{dependency.name}: reachable"


def _unasked(name: str, why: str) -> Check:
    return skipped(
        name,
        why,
        "Apply the policy with mode: Observe, which changes nothing, and run this again without "
        "-f: the operator then says it in the policy's status.",
    )


def _by_status(name: str, status: DependencyStatus | None) -> Check:
    if status is None:
        return skipped(
            name, "The operator has not reported on it yet.", "Wait a few seconds, and look again."
        )
    told = _sentence(status.failure_reason, status.message)
    latency = status.latency_p95_milliseconds
    took = "" if latency is None else f", P95 {latency} ms"
    match status.state:
        case DependencyState.HEALTHY:
            return passed(name, f"Healthy{took}, says the operator.")
        case DependencyState.SLOW:
            return warned(
                name,
                f"Reachable, and slow{took}.",
                "See why it is slow, or raise window.slowMilliseconds if it always is.",
            )
        case DependencyState.FAILING:
            return warned(name, f"Failing, not yet down. {told}", remedy_of(status.failure_reason))
        case DependencyState.DOWN:
            return failed(name, f"Down. {told}", remedy_of(status.failure_reason))
        case DependencyState.UNKNOWN if status.failure_reason is None:
            return skipped(
                name,
                "Not known yet: too few probes.",
                "Wait for window.minimum probes, and look again.",
            )
        case _:
            return failed(
                name, f"The operator cannot ask it. {told}", remedy_of(status.failure_reason)
            )


def _by_answer(name: str, answer: DependencyAnswer) -> Check:
    if answer.verdict == Verdict.HEALTHY:
        return passed(name, f"Healthy within {answer.latency_milliseconds} ms, asked just now.")
    reason = next((each for each in FailureReason if each.value == answer.reason), None)
    told = _sentence(reason, answer.message)
    start = "Not healthy." if answer.verdict == Verdict.UNHEALTHY else "The operator cannot ask it."
    return failed(name, f"{start} {told}", remedy_of(reason))


def _sentence(reason: FailureReason | None, message: str) -> str:
    return ": ".join(part for part in (reason.value if reason else "", message) if part)
