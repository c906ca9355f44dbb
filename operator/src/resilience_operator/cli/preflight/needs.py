"""What the operator has to be allowed for one policy, and what for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from resilience_operator.api.v1alpha1.policy import PolicySpec, Propagation
from resilience_operator.api.v1alpha1.rollout import AfterSuccess, Rollout
from resilience_operator.cli.preflight.credentials import references
from resilience_operator.cli.preflight.model import listed
from resilience_operator.core.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    HTTP_ROUTES,
    INGRESSES,
    LEVELS,
    PODS,
    POLICIES,
    SECRETS,
    SERVICES,
    VIRTUAL_SERVICES,
    Resource,
)

_READ = ("get", "list", "watch")
_WATCH = ("list", "watch")


@dataclass(frozen=True, slots=True)
class Need:
    """One verb on one kind of object, of one name or of any."""

    purpose: str
    verb: str
    resource: Resource
    subresource: str = ""
    name: str = ""

    def attributes(self, namespace: str) -> dict[str, Any]:
        """The same in the words of an access review."""
        return {
            "namespace": namespace,
            "verb": self.verb,
            "group": self.resource.group,
            "resource": self.resource.plural,
            "subresource": self.subresource,
            "name": self.name,
        }

    @property
    def kind(self) -> str:
        """The kind of object, for people."""
        return "/".join(part for part in (self.resource.plural, self.subresource) if part)


def spoken(needs: Iterable[Need]) -> str:
    """`get and list configmaps; get secrets pg and redis`."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for need in needs:
        verbs.setdefault((need.kind, need.name), []).append(need.verb)
    names: dict[tuple[str, str], list[str]] = {}
    for (kind, name), of in verbs.items():
        names.setdefault((listed(of), kind), []).append(name)
    return "; ".join(f"{of} {kind} {listed(some)}".rstrip() for (of, kind), some in names.items())


def needs_of(spec: PolicySpec) -> tuple[Need, ...]:
    """Everything that the operator's service account does for a policy, in its namespace."""
    found = (
        *_own_objects(),
        *_many("flags", CONFIG_MAPS, (*_READ, "create", "patch")),
        *_secrets(spec),
        *_targets(spec),
        *(_rollout(spec.rollout) if spec.rollout else ()),
    )
    return tuple(dict.fromkeys(found))


def purposes(needs: Iterable[Need]) -> tuple[str, ...]:
    """What they are for, each once."""
    return tuple(dict.fromkeys(need.purpose for need in needs))


def _own_objects() -> Iterator[Need]:
    purpose = "policies and levels"
    yield from _many(purpose, POLICIES, (*_READ, "patch"))
    yield from _many(purpose, LEVELS, (*_READ, "create", "patch", "delete"))
    for resource in (POLICIES, LEVELS):
        yield Need(purpose, "patch", resource, "status")
    yield Need("events", "create", EVENTS)


def _secrets(spec: PolicySpec) -> Iterator[Need]:
    for reference in references(spec):
        yield Need("Secrets", "get", SECRETS, name=reference.secret)


def _targets(spec: PolicySpec) -> Iterator[Need]:
    if not spec.targets or spec.flags.propagation is Propagation.KUBELET:
        return
    yield from _many("targets", DEPLOYMENTS, ("get", "list"))
    if spec.flags.propagation is Propagation.RESTART:
        yield Need("targets", "patch", DEPLOYMENTS)
    else:
        yield from _many("targets", PODS, ("list", "patch"))


def _rollout(rollout: Rollout) -> Iterator[Need]:
    yield from _many("rollout", DEPLOYMENTS, _READ)
    yield Need("rollout", "list", PODS)
    yield from _many("rollout", SERVICES, _READ)
    if rollout.after_success is AfterSuccess.PROMOTE or rollout.traffic.replicas:
        yield Need("promotion", "patch", DEPLOYMENTS)
    traffic = rollout.traffic
    if traffic.http_route:
        yield from _many("traffic", HTTP_ROUTES, (*_READ, "patch"))
    elif traffic.istio:
        yield from _many("traffic", VIRTUAL_SERVICES, (*_READ, "patch"))
    elif traffic.ingress_nginx:
        yield from _many("traffic", INGRESSES, (*_READ, "create", "patch", "delete"))


def _many(purpose: str, resource: Resource, verbs: Iterable[str]) -> Iterator[Need]:
    return (Need(purpose, verb, resource) for verb in verbs)
