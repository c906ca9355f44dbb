"""Carries flags to the pods: the ConfigMap first, then word to the pods that mount it.

What came of it is kept as an `Outcome`, from which the conditions are made. Problems that only a
person can mend are looked at again at a slow pace, not at every reconcile.
"""

from collections.abc import Callable

from resilience_operator.actuators import FlagsConfigMap, FlagsOutcome, PodRefresh, RefreshOutcome
from resilience_operator.actuators.base import content_digest
from resilience_operator.api.v1alpha1.policy import Mode, ResiliencePolicy
from resilience_operator.controller.ports import Observer, Queue
from resilience_operator.controller.store import Entry
from resilience_operator.core.flags import optimal_flags
from resilience_operator.core.model import FlagSet, Key, Outcome
from resilience_operator.purpose import Purpose, errand

HEALTH_ONLY_SECONDS = 30.0
"""A change of health alone rewrites the ConfigMap no more often than this."""

RETRY_PROBLEM_SECONDS = 15.0
"""What only a person can mend (a foreign ConfigMap, a missing Deployment) is looked at again."""

RETRY_PODS_SECONDS = 2.0
"""Pods that could not be told are told again, unless only a person can mend it."""


class FlagEffects:
    """Writes flags, and tells pods of them, where they differ from what is there."""

    def __init__(
        self,
        flags: FlagsConfigMap,
        pods: PodRefresh,
        queue: Queue,
        observer: Observer,
        now: Callable[[], float],
    ) -> None:
        self._flags = flags
        self._pods = pods
        self._queue = queue
        self._observer = observer
        self._now = now

    async def carry_out(
        self, entry: Entry, policy: ResiliencePolicy, flags: FlagSet | None, now: float
    ) -> None:
        """Bring ConfigMap and pods in line with `flags`; the result is `entry.outcome`."""
        if flags is None:
            entry.outcome = _nothing_written(entry, policy)
            return
        key = (policy.namespace, policy.name)
        if self._write_due(entry, key, flags, now):
            with errand(Purpose.FLAGS):
                # After a problem nothing is taken for granted: the cluster is looked at afresh.
                previous = None if entry.flags.problems else entry.applied
                entry.flags = await self._flags.apply(
                    key, flags, previous, optimal=lambda: optimal_flags(policy)
                )
            entry.applied = entry.flags.applied
            entry.flags_tried_at = now
            entry.flags_tried = flags.digest
            self._observer.flags_written(entry.flags)
            if entry.flags.problems:
                self._queue.add_at(key, now + RETRY_PROBLEM_SECONDS)
        await self._tell_pods(entry, policy, now)
        entry.outcome = build_outcome(entry.flags, entry.refresh, flags.config_map)

    def _write_due(self, entry: Entry, key: Key, flags: FlagSet, now: float) -> bool:
        applied = entry.applied
        if entry.flags.problems and entry.flags_tried == flags.digest:
            return now >= entry.flags_tried_at + RETRY_PROBLEM_SECONDS
        if applied is None:
            return True
        if (applied.config_map, applied.flags_digest) != (flags.config_map, flags.digest):
            return True
        if applied.content == content_digest(flags.data):
            return False
        due = entry.flags_tried_at + HEALTH_ONLY_SECONDS
        if now < due:
            self._queue.add_at(key, due)
        return now >= due

    async def _tell_pods(self, entry: Entry, policy: ResiliencePolicy, now: float) -> None:
        if entry.applied is None:
            entry.refresh, entry.told = RefreshOutcome(), None
            return
        spec = policy.spec
        wanted = (entry.applied.flags_digest, spec.targets, spec.flags.propagation)
        if entry.told == wanted and now < entry.tell_again_at:
            return
        with errand(Purpose.PODS):
            entry.refresh = await self._pods.propagate(
                spec.flags.propagation, policy.namespace, spec.targets, entry.applied
            )
        self._observer.pods_told(entry.refresh)
        if entry.refresh.patched and entry.refresh.complete:
            self._observer.flags_propagated(self._now() - now)
        entry.told = wanted
        entry.tell_again_at = float("inf")
        pause = _pause(entry.refresh)
        if pause is not None:
            entry.tell_again_at = now + pause
            self._queue.add_at((policy.namespace, policy.name), entry.tell_again_at)


def _nothing_written(entry: Entry, policy: ResiliencePolicy) -> Outcome:
    config_map = entry.applied.config_map if entry.applied else None
    if policy.spec.mode is Mode.OBSERVE:
        return Outcome(
            flags_reason="Observing",
            flags_message="The mode is Observe: flags are decided and not written.",
            config_map=config_map,
        )
    return Outcome(config_map=config_map)


def _pause(refresh: RefreshOutcome) -> float | None:
    if not refresh.complete and not refresh.refused:
        return RETRY_PODS_SECONDS
    return RETRY_PROBLEM_SECONDS if refresh.refused or refresh.missing or refresh.notes else None


def build_outcome(flags: FlagsOutcome, refresh: RefreshOutcome, config_map: str) -> Outcome:
    """What the conditions say of the flags. Hints are said, and keep nothing from being Ready."""
    problems = (*flags.problems, *refresh.missing, *refresh.failures)
    if flags.applied is None:
        first = flags.problems[0]
        return Outcome(
            flags_applied=False,
            flags_reason=first.reason,
            flags_message=first.message,
            problems=problems,
        )
    share = f" {refresh.refreshed} of {refresh.total} pods know of them." if refresh.total else ""
    notes = "".join(f" {note.message}" for note in refresh.notes)
    return Outcome(
        flags_applied=True,
        flags_reason=refresh.notes[0].reason if refresh.notes else "Applied",
        flags_message=f"ConfigMap {config_map} holds the flags.{share}{notes}",
        config_map=flags.applied.config_map,
        pods_refreshed=refresh.refreshed,
        pods_total=refresh.total,
        problems=problems,
    )
