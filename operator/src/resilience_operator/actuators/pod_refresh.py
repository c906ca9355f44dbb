"""Gets a change of flags into running pods.

A kubelet looks at a mounted ConfigMap again about once a minute, and at once when the pod object
changes; so `Refresh` annotates the *pods*, never the template, which would restart them. `Restart`
is for readers of the environment only and does annotate the template; `Kubelet` waits the minute.
"""

import asyncio
from collections.abc import Sequence

from resilience_operator.actuators.base import Api, Applied, Object, RefreshOutcome
from resilience_operator.actuators.throttle import Throttle
from resilience_operator.actuators.workloads import (
    DIGEST_ANNOTATION,
    RESTART_ANNOTATION,
    annotation_of,
    knows,
    reading_note,
    runs_for_deployment,
    selector_string,
)
from resilience_operator.api.v1alpha1.policy import Propagation, Target
from resilience_operator.core.errors import ApiError, NotFound, TerminalError
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import DEPLOYMENTS, PODS

Targets = Sequence[Target]


class PodRefresh:
    """The actuator of propagation; one for the whole operator, since it holds the rate limit."""

    def __init__(
        self,
        api: Api,
        *,
        rate: float = 50.0,
        burst: int = 50,
        concurrency: int = 10,
        throttle: Throttle | None = None,
    ) -> None:
        self._api = api
        self._throttle = throttle or Throttle(rate, burst, concurrency)

    async def propagate(
        self, how: Propagation, namespace: str, targets: Targets, applied: Applied
    ) -> RefreshOutcome:
        """Let the targets' pods know of `applied`, in the way that the policy asks for.

        TransientError is the caller's to retry; targets that may not be looked at are a failure.
        """
        ways = {
            Propagation.REFRESH: self.refresh,
            Propagation.RESTART: self.restart,
            Propagation.KUBELET: self.inspect,
        }
        try:
            return await ways[how](namespace, targets, applied)
        except TerminalError as error:
            return RefreshOutcome(failures=(_unreadable(error),), refused=True)

    async def undo(
        self, how: Propagation, namespace: str, targets: Targets, restored: Applied | None
    ) -> RefreshOutcome:
        """Let the pods know of the flags that a policy leaves behind, and leave no annotation."""
        match how:
            case Propagation.RESTART if restored is not None:
                return await self.restart(namespace, targets, restored)
            case Propagation.REFRESH:
                return await self.clear(namespace, targets)
            case _:
                return RefreshOutcome()

    async def refresh(self, namespace: str, targets: Targets, applied: Applied) -> RefreshOutcome:
        """Annotate the targets' pods with the digest; pods that know of it cost nothing."""
        deployments, missing = await self._deployments(namespace, targets)
        pods = await self._pods(namespace, deployments)
        digest = applied.flags_digest
        unaware = [pod for pod in pods if not knows(pod, digest, applied.written_at)]
        told = await self._patch_pods(namespace, unaware, digest)
        return RefreshOutcome(
            refreshed=len(pods) - len(unaware) + told.refreshed,
            total=len(pods) - len(unaware) + told.total,
            missing=missing,
            failures=told.failures,
            notes=_notes(deployments, applied.config_map),
            patched=told.patched,
            refused=told.refused,
        )

    async def restart(self, namespace: str, targets: Targets, applied: Applied) -> RefreshOutcome:
        """Roll the targets whose template was not rolled for this digest yet.

        Counts Deployments, not pods: what becomes of the pods is the Deployment's business.
        """
        deployments, missing = await self._deployments(namespace, targets)
        digest = applied.flags_digest
        failures: list[Problem] = []
        patched = 0
        for deployment in deployments:
            if annotation_of(deployment["spec"]["template"], RESTART_ANNOTATION) == digest:
                continue
            if failure := await self._roll(namespace, deployment["metadata"]["name"], digest):
                failures.append(failure)
            else:
                patched += 1
        total = len(deployments)
        return RefreshOutcome(
            refreshed=total - len(failures),
            total=total,
            missing=missing,
            failures=tuple(failures),
            patched=patched,
            refused=bool(failures),
        )

    async def inspect(self, namespace: str, targets: Targets, applied: Applied) -> RefreshOutcome:
        """Tell nobody; find the targets that are missing or will not notice by themselves."""
        deployments, missing = await self._deployments(namespace, targets)
        return RefreshOutcome(missing=missing, notes=_notes(deployments, applied.config_map))

    async def clear(self, namespace: str, targets: Targets) -> RefreshOutcome:
        """Take the annotation away, which makes the kubelet look once more."""
        deployments, _ = await self._deployments(namespace, targets)
        pods = await self._pods(namespace, deployments)
        marked = [pod for pod in pods if annotation_of(pod, DIGEST_ANNOTATION) is not None]
        return await self._patch_pods(namespace, marked, None)

    async def _deployments(
        self, namespace: str, targets: Targets
    ) -> tuple[list[Object], tuple[Problem, ...]]:
        found: dict[str, Object] = {}
        missing: list[Problem] = []
        for target in targets:
            matches = await self._matches(namespace, target)
            if not matches:
                missing.append(_missing(target))
            found.update({match["metadata"]["name"]: match for match in matches})
        return list(found.values()), tuple(missing)

    async def _matches(self, namespace: str, target: Target) -> Sequence[Object]:
        if target.name is not None:
            one = await self._api.get(DEPLOYMENTS, namespace, target.name)
            return () if one is None else (one,)
        return await self._api.list(DEPLOYMENTS, namespace, _labels(target))

    async def _pods(self, namespace: str, deployments: Sequence[Object]) -> list[Object]:
        found: dict[str, Object] = {}
        for deployment in deployments:
            selector = selector_string(deployment["spec"]["selector"])
            for pod in await self._api.list(PODS, namespace, selector):
                if runs_for_deployment(pod):
                    found[pod["metadata"]["name"]] = pod
        return list(found.values())

    async def _patch_pods(
        self, namespace: str, pods: Sequence[Object], digest: str | None
    ) -> RefreshOutcome:
        names = [pod["metadata"]["name"] for pod in pods]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._annotate(namespace, n, digest)) for n in names]
        answers = [task.result() for task in tasks]
        gone = sum(isinstance(answer, NotFound) for answer in answers)
        errors = [a for a in answers if a is not None and not isinstance(a, NotFound)]
        total = len(pods) - gone
        return RefreshOutcome(
            refreshed=total - len(errors),
            total=total,
            failures=_share_failed(errors, total),
            patched=total - len(errors),
            refused=bool(errors) and all(isinstance(error, TerminalError) for error in errors),
        )

    async def _annotate(self, namespace: str, pod: str, digest: str | None) -> ApiError | None:
        body = {"metadata": {"annotations": {DIGEST_ANNOTATION: digest}}}
        async with self._throttle:
            try:
                await self._api.merge_patch(PODS, namespace, pod, body)
            except ApiError as error:  # one pod's failure must not keep the news from the others
                return error
        return None

    async def _roll(self, namespace: str, deployment: str, digest: str) -> Problem | None:
        annotations = {"metadata": {"annotations": {RESTART_ANNOTATION: digest}}}
        async with self._throttle:
            try:
                await self._api.merge_patch(
                    DEPLOYMENTS, namespace, deployment, {"spec": {"template": annotations}}
                )
            except TerminalError as error:
                return Problem(
                    "DeploymentNotRestarted",
                    f"Deployment {deployment} could not be restarted: {error.message}",
                )
        return None


def _notes(deployments: Sequence[Object], config_map: str) -> tuple[Problem, ...]:
    notes = (reading_note(deployment, config_map) for deployment in deployments)
    return tuple(note for note in notes if note is not None)


def _labels(target: Target) -> str:
    labels = target.selector.match_labels if target.selector else {}
    return selector_string({"matchLabels": labels})


def _missing(target: Target) -> Problem:
    if target.name is not None:
        return Problem("DeploymentMissing", f"There is no Deployment {target.name}.")
    return Problem("DeploymentMissing", f"No Deployment has the labels {_labels(target)}.")


def _unreadable(error: TerminalError) -> Problem:
    return Problem(
        "TargetsNotReadable",
        f"The operator cannot look at the targets and their pods: {error.message}",
    )


def _share_failed(errors: Sequence[ApiError], total: int) -> tuple[Problem, ...]:
    if not errors:
        return ()
    return (
        Problem(
            "PodsNotRefreshed",
            f"{len(errors)} of {total} pods could not be told of new flags and will see them "
            f"within about a minute: {errors[0].message}",
        ),
    )
