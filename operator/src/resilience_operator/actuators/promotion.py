"""Gives stable the canary's pod template, once the canary has passed all steps.

A JSON Patch of `/spec/template` that tests stable's resourceVersion: an edit in between is looked
at again instead of lost. The canary's template is copied only while it is the revision that passed.
"""

from collections.abc import Collection, Mapping

from resilience_operator.actuators.base import Api, Object
from resilience_operator.actuators.traffic.foreign import managed_by_other
from resilience_operator.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TerminalError,
    TransientError,
)
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import DEPLOYMENTS, SERVICES
from resilience_operator.core.rollout.templates import copy_template
from resilience_operator.core.rollout.workloads import revision_of

_ATTEMPTS = 5


class Promotion:
    """The actuator of promotion."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def copy_template(
        self, namespace: str, stable: str, canary: str, revision: str = ""
    ) -> Problem | None:
        """Make stable run what the canary runs; no request when it does. None: done.

        `revision` is the canary's that passed; another one is a problem. TransientError is the
        caller's to retry.
        """
        try:
            return await self._copy(namespace, stable, canary, revision)
        except TerminalError as error:
            return _refusal(stable, error)

    async def _copy(
        self, namespace: str, stable: str, canary: str, revision: str
    ) -> Problem | None:
        refused: tuple[str, TerminalError] | None = None
        for _ in range(_ATTEMPTS):
            source = await self._api.get(DEPLOYMENTS, namespace, canary)
            target = await self._api.get(DEPLOYMENTS, namespace, stable)
            if source is None or target is None:
                return _missing(canary if source is None else stable)
            if problem := managed_by_other(DEPLOYMENTS.kind, target):
                return problem
            if revision and revision_of(source) != revision:
                return _changed(canary)
            version = target["metadata"]["resourceVersion"]
            if refused is not None and refused[0] == version:
                return _refusal(stable, refused[1])
            template = copy_template(source, target, await self._selected(namespace, source))
            if template == _comparable(target):
                return None
            operations = [
                {"op": "test", "path": "/metadata/resourceVersion", "value": version},
                {"op": "replace", "path": "/spec/template", "value": template},
            ]
            try:
                await self._api.json_patch(DEPLOYMENTS, namespace, stable, operations)
                return None
            except (Conflict, Invalid, NotFound) as error:
                refused = (version, error)
        raise TransientError(f"Deployment {stable} keeps changing while it is written.")

    async def _selected(self, namespace: str, canary: Object) -> Collection[str]:
        """The label keys by which Services select the canary's pods."""
        labels = canary["spec"]["template"]["metadata"].get("labels") or {}
        keys: set[str] = set()
        for service in await self._api.list(SERVICES, namespace):
            selector: Mapping[str, str] = (service.get("spec") or {}).get("selector") or {}
            if selector and selector.items() <= labels.items():
                keys.update(selector)
        return keys


def _comparable(deployment: Object) -> dict[str, object]:
    """A live template in the form that a copied one has."""
    template = dict(deployment["spec"]["template"])
    metadata = {k: v for k, v in template["metadata"].items() if k != "creationTimestamp"}
    return {**template, "metadata": metadata}


def _missing(name: str) -> Problem:
    return Problem("DeploymentMissing", f"There is no Deployment {name}.")


def _changed(canary: str) -> Problem:
    return Problem(
        "CanaryChanged",
        f"Deployment {canary} has another pod template than the one that passed, so it is not "
        "copied to stable: the new one has to pass first.",
    )


def _refusal(stable: str, error: TerminalError) -> Problem:
    if isinstance(error, Forbidden):
        return Problem(
            "DeploymentForbidden",
            f"The operator may not read or write Deployment {stable}: {error.message}",
        )
    return Problem(
        "DeploymentInvalid",
        f"The API server refuses the canary's template in Deployment {stable}: {error.message}",
    )
