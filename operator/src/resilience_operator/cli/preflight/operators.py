"""The operator: is there one, does one of its replicas lead, which version is it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resilience_operator.actuators.workloads import selector_string
from resilience_operator.cli.preflight.model import (
    Check,
    Denied,
    Found,
    Object,
    failed,
    passed,
    skipped,
    unseen,
    warned,
)
from resilience_operator.core.selectors import matches
from resilience_operator.kube.timestamps import from_micro_time
from resilience_operator.settings import PREFIX

SELECTOR = "app.kubernetes.io/part-of=resilience-operator"
DEFAULT_NAMESPACE = "resilience-system"
_DEFAULT_LEASE = "resilience-operator"
_VERSION = "app.kubernetes.io/version"
_INSTALL = "Install it: helm install resilience-operator charts/resilience-operator"


@dataclass(frozen=True, slots=True)
class Operator:
    """One Deployment of the operator, with the settings that its pods get."""

    namespace: str
    name: str
    account: str
    container: str
    settings: Mapping[str, str]
    version: str
    desired: int
    ready: int
    selector: str

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.namespace}/{self.name}"

    @property
    def user(self) -> str:
        """Its service account, as `namespace:name`."""
        return f"{self.namespace}:{self.account}"

    @property
    def lease(self) -> str:
        """The name of its leader's Lease."""
        return self.settings.get("LEASE_NAME") or _DEFAULT_LEASE

    def watches(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether a policy of that namespace with those labels is this operator's."""
        listed = [part.strip() for part in self.settings.get("WATCH_NAMESPACES", "").split(",")]
        namespaces = [part for part in listed if part]
        inside = not namespaces or namespace in namespaces
        return inside and matches(self.settings.get("POLICY_SELECTOR", ""), labels)


@dataclass(frozen=True, slots=True)
class Leading:
    """Who leads: the Lease, how old its last renewal is, and whether it moves while we look."""

    lease: Found
    age: float | None = None
    moves: bool = False

    @property
    def holder(self) -> str:
        """The pod that leads now; empty if none does."""
        if self.lease is None or isinstance(self.lease, Denied) or not self.fresh:
            return ""
        return str((self.lease.get("spec") or {}).get("holderIdentity") or "")

    @property
    def fresh(self) -> bool:
        """Whether it has been renewed within its time. Clocks may differ; a move is proof."""
        if self.lease is None or isinstance(self.lease, Denied) or self.age is None:
            return False
        duration = (self.lease.get("spec") or {}).get("leaseDurationSeconds") or 0
        return self.moves or self.age <= duration


def is_operator(deployment: Object) -> bool:
    """Whether a Deployment runs an operator: its container has settings of one."""
    return any(name.startswith(PREFIX) for name in _environment(_container(deployment)))


def operator_of(deployment: Object) -> Operator:
    """What a Deployment says of the operator that it runs."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    container = _container(deployment)
    replicas = spec.get("replicas")
    return Operator(
        namespace=metadata["namespace"],
        name=metadata["name"],
        account=spec["template"]["spec"].get("serviceAccountName") or "default",
        container=container["name"],
        settings={
            name.removeprefix(PREFIX): value
            for name, value in _environment(container).items()
            if name.startswith(PREFIX)
        },
        version=(metadata.get("labels") or {}).get(_VERSION, ""),
        desired=1 if replicas is None else replicas,
        ready=(deployment.get("status") or {}).get("readyReplicas") or 0,
        selector=selector_string(spec["selector"]),
    )


def _container(deployment: Object) -> Mapping[str, Any]:
    containers: Sequence[Mapping[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    return next((each for each in containers if each["name"] == "operator"), containers[0])


def _environment(container: Mapping[str, Any]) -> Mapping[str, str]:
    return {each["name"]: each.get("value") or "" for each in container.get("env") or ()}


def judge_none(denied: Denied | None) -> Check:
    """The check, where no operator was found."""
    if denied is not None:
        return unseen(
            "installed",
            denied,
            "Say where it is: --operator-namespace, if you may list deployments there; or ask "
            "somebody who may.",
        )
    return failed(
        "installed",
        f"There is no Deployment labelled {SELECTOR}.",
        f"{_INSTALL}. If it bears other labels: --operator-namespace.",
    )


def judge(operator: Operator, leading: Leading, program: str, said: str) -> Iterator[Check]:
    """`program` is our own version, `said` the one that a pod has told, each empty if not known."""
    yield _pods(operator)
    yield _leader(operator, leading)
    yield _version(said or operator.version, program, told=bool(said))


def renewed_at(lease: Object) -> float:
    """When a Lease was last renewed, by its holder's clock."""
    return from_micro_time((lease.get("spec") or {}).get("renewTime"))


def _pods(operator: Operator) -> Check:
    finding = f"{operator.ready} of {operator.desired} replicas are ready."
    if operator.ready == 0:
        where = f"kubectl -n {operator.namespace} describe pods -l {SELECTOR}"
        return failed("replicas", finding, f"See why: {where}")
    if operator.ready < operator.desired:
        return warned("replicas", finding, "One leads all the same; see why the others do not run.")
    if operator.desired == 1:
        return warned(
            "replicas",
            "There is only one replica: while it is replaced, nobody decides.",
            "Set replicas to 2.",
        )
    return passed("replicas", finding)


def _leader(operator: Operator, leading: Leading) -> Check:
    name, lease = "leader", leading.lease
    if isinstance(lease, Denied):
        return unseen(name, lease, "Ask somebody who may get leases in the operator's namespace.")
    see = f"See its log: kubectl -n {operator.namespace} logs deployment/{operator.name}"
    if lease is None:
        return failed(name, f"There is no Lease {operator.lease}: no replica has ever led.", see)
    holder = (lease.get("spec") or {}).get("holderIdentity")
    if not holder:
        return failed(name, f"Nobody holds the Lease {operator.lease}.", see)
    if not leading.fresh:
        age = "never" if leading.age is None else f"{leading.age:.0f} s ago"
        return failed(
            name, f"{holder} renewed the Lease {operator.lease} {age}, and not since.", see
        )
    return passed(name, f"{holder} leads and renews its Lease.")


def _version(theirs: str, ours: str, *, told: bool) -> Check:
    name, source = "version", "" if told else ", by its label"
    if not theirs or not ours:
        return skipped(
            name,
            "The versions are not known.",
            "Compare the image's tag with this program's version.",
        )
    if theirs == ours:
        return passed(name, f"The operator is of version {theirs}{source}, as this program is.")
    return warned(
        name,
        f"The operator is of version {theirs}{source}, this program of {ours}.",
        "Use the program of the operator's version, or upgrade the operator.",
    )
