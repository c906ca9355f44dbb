"""Policies whose rollouts would set the same weights: the oldest does, and the others say so.

Two of them would undo each other for ever. Whoever has a rollout claims what it sets, until all of
it has been put back; those that claim the same are told of every change.
"""

from collections.abc import Callable, Iterable

from resilience_operator.actuators.base import Api, Object
from resilience_operator.api.v1alpha1.parse import InvalidResource, parse_policy
from resilience_operator.api.v1alpha1.policy import Mode, ResiliencePolicy
from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.api.v1alpha1.rollout_status import TrafficKind
from resilience_operator.core.model import Key, Problem
from resilience_operator.core.resources import POLICIES
from resilience_operator.core.rollout.aim import reference_to
from resilience_operator.core.rollout.turn import DRIVEN_BY_OTHER

Stake = tuple[str, ...]
"""What no two policies may set: the split between two Services on a route, a replica count."""

Rank = tuple[str, str]
"""When a policy was made, and its name."""


class Rivals:
    """Who claims what."""

    def __init__(self, api: Api, tell: Callable[[Key], None]) -> None:
        self._api = api
        self._tell = tell
        self._claims: dict[Key, tuple[Rank, frozenset[Stake]]] = {}
        self._claimants: dict[Stake, set[Key]] = {}

    def claim(self, policy: ResiliencePolicy, spec: Rollout) -> None:
        """The policy's rollout sets what `spec` names, and nothing else any more."""
        key = (policy.namespace, policy.name)
        claim = (_rank(policy), stakes_of(policy.namespace, spec))
        if self._claims.get(key) == claim:
            return
        self.release(key)
        self._claims[key] = claim
        for stake in claim[1]:
            self._claimants.setdefault(stake, set()).add(key)
        self._tell_others(key, claim[1])

    def release(self, key: Key) -> None:
        """The policy's rollout sets nothing any more."""
        _, stakes = self._claims.pop(key, (None, frozenset[Stake]()))
        self._tell_others(key, stakes)
        for stake in stakes:
            self._claimants[stake].discard(key)
            if not self._claimants[stake]:
                del self._claimants[stake]

    def elder(self, policy: ResiliencePolicy, spec: Rollout) -> Key | None:
        """The policy that sets what `spec` names, if there is one before this one."""
        keys = {
            key
            for stake in stakes_of(policy.namespace, spec)
            for key in self._claimants.get(stake, ())
        }
        return _before(policy, (self._claims[key][0] for key in keys))

    async def reason_to_yield(
        self, policy: ResiliencePolicy, spec: Rollout, reason: str
    ) -> Problem | None:
        """Why the policy's rollout leaves the weights alone; raises TransientError.

        One whose status says so, though nobody is known, asks the API server: after a start the
        other has perhaps not been seen yet, and by now it may be another shard's.
        """
        elder = self.elder(policy, spec)
        if elder is None and reason == DRIVEN_BY_OTHER:
            there = await self._api.list(POLICIES, policy.namespace)
            elder = _before(policy, _ranks(there, stakes_of(policy.namespace, spec)))
        return None if elder is None else _problem(elder[1], spec)

    def _tell_others(self, key: Key, stakes: Iterable[Stake]) -> None:
        for stake in stakes:
            for other in self._claimants[stake] - {key}:
                self._tell(other)


def stakes_of(namespace: str, spec: Rollout) -> frozenset[Stake]:
    """What a rollout sets. A canary Ingress is none of it: the label on it says whose it is."""
    aim = reference_to(spec)
    if aim.kind is TrafficKind.INGRESS_NGINX:
        return frozenset()
    if aim.kind is TrafficKind.REPLICAS:
        arms = (aim.stable.deployment, aim.canary.deployment)
        return frozenset((aim.kind.value, namespace, name) for name in arms)
    services = sorted((aim.stable.service, aim.canary.service))
    return frozenset({(aim.kind.value, namespace, aim.name, *services)})


def _rank(policy: ResiliencePolicy) -> Rank:
    return policy.created, policy.name


def _before(policy: ResiliencePolicy, ranks: Iterable[Rank]) -> Key | None:
    """The first of the policies, if that is not this one."""
    mine = _rank(policy)
    first = min(ranks, default=mine)
    return (policy.namespace, first[1]) if first < mine else None


def _ranks(there: Iterable[Object], stakes: frozenset[Stake]) -> Iterable[Rank]:
    """Those of the policies that have a rollout with one of these stakes."""
    for body in there:
        try:
            policy = parse_policy(body)
        except InvalidResource:
            continue
        spec = policy.spec.rollout
        if spec is None or policy.spec.mode is not Mode.ENFORCE:
            continue
        if stakes & stakes_of(policy.namespace, spec):
            yield _rank(policy)


def _problem(elder: str, spec: Rollout) -> Problem:
    by_replicas = spec.traffic.replicas is not None
    what = "Deployments" if by_replicas else "Services"
    where = "" if by_replicas else f" on {reference_to(spec).kind} {reference_to(spec).name}"
    return Problem(
        DRIVEN_BY_OTHER,
        f"The policy {elder} is older and its rollout has the same {what}{where}, so this one "
        f"leaves them alone. Give this one {what} of its own, or take spec.rollout out of one of "
        "the two.",
    )
