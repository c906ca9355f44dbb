"""Everything in the cluster that one policy leans on, read for the judges."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resilience_operator.actuators.base import Api
from resilience_operator.actuators.traffic.select import build_router
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy, Target
from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.cli.preflight.credentials import Keys, references
from resilience_operator.cli.preflight.model import Denied, Found, Listed
from resilience_operator.cli.preflight.needs import needs_of
from resilience_operator.cli.preflight.reading import Reader
from resilience_operator.cli.preflight.rights import Reviews, own_needs
from resilience_operator.core.flags import config_map_name
from resilience_operator.core.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    LEVELS,
    POLICIES,
    SECRETS,
    SERVICES,
    Resource,
)
from resilience_operator.core.rollout.model import TrafficView


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found. `reviews` is None where the operator's account is not known."""

    secrets: Mapping[str, Keys]
    config_map: Found
    config_maps_of_others: Mapping[str, str | None]
    targets: Sequence[tuple[Target, Listed]]
    levels: Listed
    deployments: Mapping[str, Found]
    services: Mapping[str, Found]
    traffic: TrafficView | Denied | None
    reviews: Reviews | None
    own: Reviews


async def gather(reader: Reader, policy: ResiliencePolicy, account: str | None) -> Facts:
    """Read it all; `account` is the service account of the operator, as `namespace:name`."""
    namespace, rollout = policy.namespace, policy.spec.rollout
    arms = (rollout.stable, rollout.canary) if rollout else ()
    deployments, services = [a.deployment for a in arms], [a.service for a in arms]
    return Facts(
        secrets=await _secrets(reader, policy),
        config_map=await reader.get(CONFIG_MAPS, namespace, config_map_name(policy)),
        config_maps_of_others=await _others(reader, policy),
        targets=[await _target(reader, namespace, each) for each in policy.spec.targets],
        levels=await reader.list(LEVELS, namespace),
        deployments=await _named(reader, DEPLOYMENTS, namespace, deployments),
        services=await _named(reader, SERVICES, namespace, services),
        traffic=await _traffic(reader, policy, rollout),
        reviews=None if account is None else await _reviews(reader, policy, account),
        own=await _own(reader, policy),
    )


async def _secrets(reader: Reader, policy: ResiliencePolicy) -> Mapping[str, Keys]:
    names = dict.fromkeys(each.secret for each in references(policy.spec))
    found = await _named(reader, SECRETS, policy.namespace, list(names))
    return {name: _keys(secret) for name, secret in found.items()}


def _keys(secret: Found) -> Keys:
    if secret is None or isinstance(secret, Denied):
        return secret
    return frozenset(key for key, value in (secret.get("data") or {}).items() if value)


async def _others(reader: Reader, policy: ResiliencePolicy) -> Mapping[str, str | None]:
    """The namespace's other policies, and where they write; those we may not see are left out."""
    found = await reader.list(POLICIES, policy.namespace)
    if isinstance(found, Denied):
        return {}
    return {
        each["metadata"]["name"]: _config_map(each)
        for each in found
        if each["metadata"]["name"] != policy.name
    }


def _config_map(body: Mapping[str, Any]) -> str:
    flags = (body.get("spec") or {}).get("flags") or {}
    return str(flags.get("configMapName") or f"{body['metadata']['name']}-flags")


async def _target(reader: Reader, namespace: str, target: Target) -> tuple[Target, Listed]:
    if target.selector is not None:
        labels = target.selector.match_labels
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        return target, await reader.list(DEPLOYMENTS, namespace, selector)
    found = await reader.get(DEPLOYMENTS, namespace, target.name or "")
    if isinstance(found, Denied):
        return target, found
    return target, [] if found is None else [found]


async def _named(
    reader: Reader, resource: Resource, namespace: str, names: Sequence[str]
) -> Mapping[str, Found]:
    found = await asyncio.gather(*(reader.get(resource, namespace, name) for name in names))
    return dict(zip(names, found, strict=True))


async def _traffic(
    reader: Reader, policy: ResiliencePolicy, rollout: Rollout | None
) -> TrafficView | Denied | None:
    """The route as the operator's own router sees it, read with our rights."""
    if rollout is None:
        return None
    eyes = _Eyes(reader)
    view = await build_router(_as_api(eyes), policy.namespace, rollout, policy.name).read(None)
    return eyes.denied or view


class _Eyes:
    """What a router reads with: it notes what we may not see, and takes it for not there."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.denied: Denied | None = None

    async def get(self, resource: Resource, namespace: str, name: str) -> Mapping[str, Any] | None:
        found = await self._reader.get(resource, namespace, name)
        if isinstance(found, Denied):
            self.denied = found
            return None
        return found


def _as_api(eyes: Any) -> Api:
    """A router that only reads needs no more of an Api than that."""
    api: Api = eyes
    return api


async def _reviews(reader: Reader, policy: ResiliencePolicy, account: str) -> Reviews:
    needs = needs_of(policy.spec)
    answers = await asyncio.gather(*(reader.may(account, policy.namespace, n) for n in needs))
    return dict(zip(needs, answers, strict=True))


async def _own(reader: Reader, policy: ResiliencePolicy) -> Reviews:
    needs = own_needs(policy.spec)
    answers = await asyncio.gather(*(reader.may_i(policy.namespace, n) for n in needs))
    return dict(zip(needs, answers, strict=True))
