"""What the operator's service account may do for a policy, and what the person may."""

from collections.abc import Iterator, Mapping, Sequence

from resilience_operator.api.v1alpha1.policy import PolicySpec
from resilience_operator.cli.preflight.model import (
    Check,
    Denied,
    failed,
    passed,
    unseen,
    warned,
)
from resilience_operator.cli.preflight.needs import Need, purposes, spoken
from resilience_operator.core.resources import LEVELS, POLICIES

Reviews = Mapping[Need, bool | Denied]
"""What the API server says of each need."""

_REVIEW = (
    "Ask an admin of the namespace, who may create localsubjectaccessreviews, or: kubectl auth "
    "can-i --list --as={user} -n {namespace}"
)


def own_needs(spec: PolicySpec) -> tuple[Need, ...]:
    """What a person at the command line needs for the levers on a policy."""
    found = [Need("levers of levels", "patch", LEVELS)]
    if spec.rollout is not None:
        found.append(Need("verbs of rollouts", "patch", POLICIES))
    return tuple(found)


def judge(namespace: str, account: str, needs: Sequence[Need], reviews: Reviews) -> Iterator[Check]:
    """A check for each purpose. `account` is `namespace:name` of the operator's."""
    for purpose in purposes(needs):
        mine = [need for need in needs if need.purpose == purpose]
        yield _of(f"operator's rights: {purpose}", namespace, account, mine, reviews)


def _of(name: str, namespace: str, account: str, needs: Sequence[Need], reviews: Reviews) -> Check:
    denied = next((reviews[n] for n in needs if isinstance(reviews[n], Denied)), None)
    if isinstance(denied, Denied):
        user = f"system:serviceaccount:{account}"
        return unseen(name, denied, _REVIEW.format(user=user, namespace=namespace))
    lacking = [need for need in needs if not reviews[need]]
    if not lacking:
        return passed(name, f"May {spoken(needs)}.")
    return failed(
        name,
        f"The service account {account} may not {spoken(lacking)} in namespace {namespace}.",
        _remedy(namespace, account, needs),
    )


def _remedy(namespace: str, account: str, needs: Sequence[Need]) -> str:
    if needs[0].purpose != "Secrets":
        return (
            "Let the chart make its roles (rbac.create), and list the namespace if it has a list "
            "(watchNamespaces)."
        )
    return (
        f"Add {namespace} to the chart's rbac.secretNamespaces, or: kubectl -n {namespace} create "
        f"rolebinding resilience-operator-secrets --clusterrole=resilience-operator-secrets "
        f"--serviceaccount={account}"
    )


def judge_own(namespace: str, needs: Sequence[Need], reviews: Reviews) -> Iterator[Check]:
    """A check for each thing that a person may want to do."""
    for need in needs:
        name = f"your rights: {need.purpose}"
        answer = reviews[need]
        if isinstance(answer, Denied):
            yield unseen(name, answer, f"Try: kubectl auth can-i {spoken([need])} -n {namespace}")
        elif answer:
            yield passed(name, f"You may {spoken([need])}.")
        else:
            yield warned(
                name,
                f"You may not {spoken([need])} in namespace {namespace}.",
                "Have somebody at hand who may: an editor of the namespace can, where the chart "
                "aggregates its roles (rbac.aggregate).",
            )
