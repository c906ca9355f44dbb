"""All checks of one policy, in the order in which they are told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resilience_operator.api.inquiry import Answer
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.cli.preflight import (
    analysis,
    credentials,
    dependencies,
    flags,
    rights,
    rollout,
    sense,
    standing,
)
from resilience_operator.cli.preflight.facts import Facts
from resilience_operator.cli.preflight.model import Check, skipped
from resilience_operator.cli.preflight.needs import needs_of
from resilience_operator.cli.preflight.operators import Operator
from resilience_operator.cli.preflight.subjects import Subject


@dataclass(frozen=True, slots=True)
class Backing:
    """Who stands behind a policy. `operators` is None where they could not be looked for.

    `why_silent` says why there is no answer; `leads` whether what is in statuses is of now.
    """

    operators: Sequence[Operator] | None
    operator: Operator | None
    leads: bool
    answer: Answer | None
    why_silent: str


def judge(subject: Subject, facts: Facts | None, backing: Backing) -> Iterator[Check]:
    """Every check of a policy; `facts` is None where its spec could not be read."""
    yield from subject.checks
    yield standing.judge_watched(subject.namespace, subject.labels, backing.operators)
    policy = subject.policy
    if policy is None or facts is None:
        return
    if subject.applied:
        yield from standing.judge_status(policy)
    yield from sense.judge(policy.spec)
    yield from sense.judge_levels(policy.name, policy.spec, facts.levels)
    yield from _rights(policy, facts, backing)
    yield from credentials.judge(policy.namespace, policy.spec, facts.secrets)
    yield from _dependencies(subject, policy, backing)
    yield flags.judge_config_map(policy, facts.config_map, facts.config_maps_of_others)
    yield from flags.judge_targets(policy, facts.targets)
    yield from _rollout(policy, facts, backing)


def _rights(policy: ResiliencePolicy, facts: Facts, backing: Backing) -> Iterator[Check]:
    if facts.reviews is None or backing.operator is None:
        yield skipped(
            "operator's rights",
            "The operator's service account is not known.",
            "See the check of the operator.",
        )
    else:
        needs, account = needs_of(policy.spec), backing.operator.user
        yield from rights.judge(policy.namespace, account, needs, facts.reviews)
    yield from rights.judge_own(policy.namespace, rights.own_needs(policy.spec), facts.own)


def _dependencies(subject: Subject, policy: ResiliencePolicy, backing: Backing) -> Iterator[Check]:
    spec = policy.spec
    if subject.applied:
        if backing.leads:
            yield from dependencies.judge_status(spec, policy.status.dependencies)
        else:
            why = "No operator leads: what the status says of it may be from any time before."
            yield from dependencies.judge_stale(spec, why)
    elif backing.answer is not None and not backing.answer.problem:
        yield from dependencies.judge_answers(spec, backing.answer.dependencies)
    else:
        yield from dependencies.judge_unasked(spec, _silence(backing))


def _rollout(policy: ResiliencePolicy, facts: Facts, backing: Backing) -> Iterator[Check]:
    spec = policy.spec.rollout
    if spec is None:
        return
    yield from rollout.judge_arms(spec, facts.deployments, facts.services)
    if facts.traffic is not None:
        yield rollout.judge_route(policy, spec, facts.traffic)
    if backing.answer is not None and not backing.answer.problem:
        yield from analysis.judge_answers(spec, backing.answer.queries, backing.answer.checks)
    else:
        yield from analysis.judge_unasked(spec, policy.status.rollout, _silence(backing))


def _silence(backing: Backing) -> str:
    return backing.answer.problem if backing.answer is not None else backing.why_silent
