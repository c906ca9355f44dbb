"""A canary Ingress beside the stable one, for ingress-nginx: an object of our own.

`<name>-canary` has the rules of the stable Ingress that lead to the stable Service, with the canary
Service in its place, and the weight in an annotation; all other settings ingress-nginx takes from
the stable Ingress. The stable Ingress itself is never written. Headers and cookies outrank the
weight, so their annotations on the canary Ingress are a problem.
"""

from dataclasses import replace

from resilience_operator.actuators.base import Api, Object
from resilience_operator.actuators.ownership import labels_of, policy_label
from resilience_operator.actuators.traffic import canary_ingress as manifests
from resilience_operator.actuators.traffic.foreign import managed_by_other
from resilience_operator.actuators.traffic.refusals import (
    Refused,
    lacking,
    missing_object,
    of_error,
    require_services,
)
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.api.v1alpha1.base import MANAGED_BY_LABEL
from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight
from resilience_operator.core.errors import Conflict, TerminalError, TransientError
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import INGRESSES
from resilience_operator.core.rollout.model import TrafficView

FIELD_MANAGER = "resilience-operator-traffic"


class IngressNginx:
    """A Router by a second Ingress."""

    def __init__(self, api: Api, namespace: str, ingress: str, arms: Arms, policy: str) -> None:
        self._api = api
        self._namespace = namespace
        self._ingress = ingress
        self._canary = f"{ingress}-canary"
        self._arms = arms
        self._policy = policy

    async def read(self, wanted: int | None) -> TrafficView:
        """The weight of the canary Ingress, 0 without one. Drifted: it is not as we set it."""
        try:
            live = await self._get(self._canary)
        except Refused as refused:
            return TrafficView(accepted=False, problem=refused.problem)
        lack = await lacking(self._api, self._namespace, self._arms)
        view = self._view(live)
        try:
            stable = await self._fit(live)
            problem = lack.problem or (None if live is None else manifests.overruled(live))
            if live is None:
                drifted = bool(wanted)
            else:
                drifted = wanted is not None and not manifests.agrees(
                    live, self._manifest(stable, wanted)
                )
        except Refused as refused:
            problem, drifted = lack.problem or refused.problem, False
            view = replace(view, accepted=False)
        return replace(view, problem=problem, drifted=drifted, canary_gone=lack.canary)

    async def set_weight(self, weight: int, originals: tuple[OriginalWeight, ...]) -> TrafficView:
        """Write the canary Ingress; no request when it is so already."""
        try:
            await require_services(self._api, self._namespace, self._arms)
            live = await self._get(self._canary)
            stable = await self._fit(live)
            stored = await self._write(live, self._manifest(stable, weight))
            return TrafficView(weight, originals=_now(weight), problem=manifests.overruled(stored))
        except Refused as refused:
            return TrafficView(accepted=False, problem=refused.problem)

    async def restore(self, originals: tuple[OriginalWeight, ...]) -> TrafficView:
        """Take the weight away, then the Ingress; what is not ours stays."""
        try:
            live = await self._get(self._canary)
            if live is None or not self._is_ours(live):
                return TrafficView(0)
            body = manifests.without_weight(live)
            if manifests.weight_of(live):
                live = await self._write(live, body)
            await self._delete(live)
            return TrafficView(0)
        except Refused as refused:
            return TrafficView(problem=refused.problem)

    def _view(self, live: Object | None) -> TrafficView:
        """What the canary Ingress does; one of ours is there only because of a rollout."""
        if live is None or not self._is_ours(live):
            return TrafficView(0, originals=_now(0))
        weight = manifests.weight_of(live)
        return TrafficView(weight, originals=_now(weight), recorded=_now(0))

    async def _fit(self, live: Object | None) -> Object:
        """The stable Ingress; refused unless it and the canary's are fit to be used."""
        stable = await self._get(self._ingress)
        if stable is None:
            raise Refused(self._without_stable(live))
        for ingress in (stable, live):
            if ingress is not None and (problem := managed_by_other(INGRESSES.kind, ingress)):
                raise Refused(problem)
        if live is not None and not self._is_ours(live):
            raise Refused(self._not_ours(live))
        return stable

    def _not_ours(self, live: Object) -> Problem:
        """The problem of a canary Ingress that somebody has made, or another policy's rollout."""
        owner = labels_of(live).get(MANAGED_BY_LABEL)
        if owner:
            message = (
                f"Ingress {self._canary} is of the policy {owner}, so this one waits until it is "
                "gone: name another Ingress, take spec.rollout out of one of the two, or delete "
                "what a policy that is gone has left."
            )
        else:
            message = (
                f"Ingress {self._canary} exists and was not made by the operator for this "
                "policy: delete or rename it."
            )
        return Problem("IngressNotOurs", message)

    def _without_stable(self, live: Object | None) -> Problem:
        """The problem of a stable Ingress that is gone; another one while ours is still there."""
        if live is None or not self._is_ours(live):
            return missing_object(INGRESSES.kind, self._ingress)
        return Problem(
            "StableIngressMissing",
            f"There is no Ingress {self._ingress}, but still {self._canary}, which would take "
            "its share as soon as there is one again.",
        )

    def _manifest(self, stable: Object, weight: int) -> dict[str, object]:
        rules = manifests.rules_of(stable, self._arms)
        if not rules:
            raise Refused(
                Problem(
                    "BackendMissing",
                    f"No rule of Ingress {self._ingress} leads to Service {self._arms.stable}: "
                    "name another Ingress, or another stable Service.",
                )
            )
        owner = policy_label(self._policy)
        return manifests.render(self._canary, owner, stable, rules, weight)

    def _is_ours(self, live: Object) -> bool:
        return labels_of(live).get(MANAGED_BY_LABEL) == policy_label(self._policy)

    async def _write(self, live: Object | None, body: dict[str, object]) -> Object:
        if live is not None and manifests.agrees(live, body):
            return live
        try:
            # By force: the whole object is ours, so whoever edited it gets it put right.
            return await self._api.apply(
                INGRESSES,
                self._namespace,
                self._canary,
                body,
                field_manager=FIELD_MANAGER,
                force=True,
            )
        except Conflict as error:
            raise TransientError(f"Ingress {self._canary} changed while written.") from error
        except TerminalError as error:
            raise Refused(of_error(INGRESSES.kind, self._canary, error)) from error

    async def _get(self, name: str) -> Object | None:
        try:
            return await self._api.get(INGRESSES, self._namespace, name)
        except TerminalError as error:
            raise Refused(of_error(INGRESSES.kind, name, error)) from error

    async def _delete(self, live: Object) -> None:
        uid = live["metadata"].get("uid")
        try:
            await self._api.delete(INGRESSES, self._namespace, self._canary, uid)
        except Conflict:
            return  # another object has the name now; ours is gone
        except TerminalError as error:
            raise Refused(of_error(INGRESSES.kind, self._canary, error)) from error


def _now(weight: int | None) -> tuple[OriginalWeight, ...]:
    """The weight; before a rollout it is that of no canary Ingress, 0."""
    return (OriginalWeight(path="canary-weight", weight=max(weight or 0, 0)),)
