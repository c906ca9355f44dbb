"""Writes a policy's flags into its ConfigMap, and gives the ConfigMap up again.

One ConfigMap per policy, by server-side apply under a field manager of its own. What is not ours,
or what somebody else declares, becomes a Problem and stays as it is; only what was edited by hand
in our own ConfigMap is put right, by force, since an edit takes the field away from us. There is no
owner reference: pods mount the ConfigMap, so it outlives the policy.
"""

from collections.abc import Callable
from typing import Any

from resilience_operator.actuators import config_map as manifests
from resilience_operator.actuators.base import Api, Applied, FlagsOutcome, Object, content_digest
from resilience_operator.actuators.ownership import (
    RELEASED,
    is_free,
    policy_label,
    policy_selector,
    reason_to_refuse,
)
from resilience_operator.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    TerminalError,
    TransientError,
)
from resilience_operator.core.model import FlagSet, Key, Problem
from resilience_operator.core.resources import CONFIG_MAPS


class FlagsConfigMap:
    """The actuator of flags. What it must remember of a policy goes through the caller."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._being_taken: set[Key] = set()

    async def apply(
        self,
        policy: Key,
        flags: FlagSet,
        previous: Applied | None,
        *,
        optimal: Callable[[], FlagSet],
    ) -> FlagsOutcome:
        """Make the policy's ConfigMap hold `flags`; TransientError is the caller's to retry.

        `previous` is believed: the same content costs no request at all. Pass None to look at the
        cluster again: after a start, at a resync, after a problem. `optimal` is asked for the flags
        of OPTIMAL when a ConfigMap of a former name is to be let go.
        """
        if previous is not None and previous.holds(flags):
            return FlagsOutcome(applied=previous)
        try:
            return await self._apply(policy, flags, previous, optimal)
        except TerminalError as error:
            return FlagsOutcome(problems=(_refusal(flags.config_map, error),))

    async def restore(self, policy: Key, optimal: FlagSet) -> FlagsOutcome:
        """Leave the flags of OPTIMAL behind in every ConfigMap of a policy that is going.

        The label stays, so that a policy of the same name takes the ConfigMap back. Nothing is
        created: without a ConfigMap there is nothing to restore.
        """
        namespace, name = policy
        result = FlagsOutcome()
        for live in (await self._written(policy)).values():
            done = await self._write(namespace, name, optimal, live, owner=policy_label(name))
            applied = result.applied
            if applied is None or live["metadata"]["name"] == optimal.config_map:
                applied = done.applied
            result = FlagsOutcome(
                applied, result.written or done.written, result.problems + done.problems
            )
        return result

    async def _apply(
        self,
        policy: Key,
        flags: FlagSet,
        previous: Applied | None,
        optimal: Callable[[], FlagSet],
    ) -> FlagsOutcome:
        namespace, name = policy
        renamed = previous is not None and previous.config_map != flags.config_map
        ours = await self._written(policy) if previous is None or renamed else {}
        live = ours.pop(flags.config_map, None)
        if live is None:
            live = await self._api.get(CONFIG_MAPS, namespace, flags.config_map)
        if is_free(live):
            outcome = await self._take(namespace, name, flags)
        else:
            outcome = await self._write(namespace, name, flags, live, owner=policy_label(name))
        if outcome.applied is None:
            return outcome
        problems: list[Problem] = []
        for former in ours.values():
            released = await self._write(namespace, name, optimal(), former, owner=RELEASED)
            problems.extend(released.problems)
        return FlagsOutcome(outcome.applied, outcome.written, tuple(problems))

    async def _written(self, policy: Key) -> dict[str, Object]:
        """The ConfigMaps that hold flags of a policy, by name.

        Not every one with its label: somebody's copy of a ConfigMap has the label too.
        """
        namespace, name = policy
        found = await self._api.list(CONFIG_MAPS, namespace, policy_selector(name))
        return {live["metadata"]["name"]: live for live in found if manifests.our_entry(live)}

    async def _take(self, namespace: str, policy: str, flags: FlagSet) -> FlagsOutcome:
        """Make the ConfigMap, or take a released one; looks again, one policy at a time.

        All policies write under one field manager, so the server would let two of them that find
        a name free at the same moment both have it, the later one silently.
        """
        place = (namespace, flags.config_map)
        if place in self._being_taken:
            raise TransientError(f"ConfigMap {flags.config_map} is being taken by another policy.")
        self._being_taken.add(place)
        try:
            live = await self._api.get(CONFIG_MAPS, namespace, flags.config_map)
            return await self._write(namespace, policy, flags, live, owner=policy_label(policy))
        finally:
            self._being_taken.discard(place)

    async def _write(
        self, namespace: str, policy: str, flags: FlagSet, live: Object | None, *, owner: str
    ) -> FlagsOutcome:
        """Write into `live`, or create the ConfigMap; no request when nothing would change."""
        name = live["metadata"]["name"] if live is not None else flags.config_map
        if live is not None and (problem := reason_to_refuse(live, policy)):
            return FlagsOutcome(problems=(problem,))
        body = manifests.render(name, owner, flags.data, live)
        if live is not None and manifests.agrees(live, body):
            return FlagsOutcome(applied=_applied(flags, live))
        if (size := manifests.size(flags.data, live)) > manifests.SIZE_LIMIT:
            return FlagsOutcome(problems=(manifests.too_large(name, size),))
        return await self._send(namespace, name, flags, body, live)

    async def _send(
        self,
        namespace: str,
        name: str,
        flags: FlagSet,
        body: dict[str, Any],
        live: Object | None,
        force: bool = False,
    ) -> FlagsOutcome:
        try:
            stored = await self._api.apply(
                CONFIG_MAPS,
                namespace,
                name,
                body,
                field_manager=manifests.FIELD_MANAGER,
                force=force,
            )
        except Conflict as error:
            if not error.fields:
                raise TransientError(f"ConfigMap {name} changed while it was written.") from error
            if not force and manifests.edited_by_hand(live, error.managers):
                return await self._send(namespace, name, flags, body, live, force=True)
            return FlagsOutcome(problems=(manifests.conflict_problem(name, error),))
        except TerminalError as error:
            return FlagsOutcome(problems=(_refusal(name, error),))
        return FlagsOutcome(applied=_applied(flags, stored), written=True)


def _applied(flags: FlagSet, stored: Object) -> Applied:
    metadata = stored["metadata"]
    entry = manifests.our_entry(stored) or {}
    return Applied(
        config_map=metadata["name"],
        content=content_digest(flags.data),
        flags_digest=flags.digest,
        resource_version=metadata.get("resourceVersion", ""),
        written_at=entry.get("time"),
    )


def _refusal(name: str, error: TerminalError) -> Problem:
    if isinstance(error, Forbidden):
        return Problem(
            "ConfigMapForbidden",
            f"The operator may not read or write ConfigMap {name}: {error.message}",
        )
    reason = "ConfigMapInvalid" if isinstance(error, Invalid) else "ConfigMapFailed"
    return Problem(reason, f"The API server refuses ConfigMap {name}: {error.message}")
