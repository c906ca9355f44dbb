"""No router: both Deployments behind one Service, the share approximated by replica counts.

`weight` in the view is the wanted share exactly when both counts are the planned ones, and else the
share of the present counts (None where other counts make the wanted one by chance, which is drift
too). `accepted` says that every replica asked for is available, and `real_share` is the share of
the pods that are, which is what users get. Capacity never falls: one Deployment shrinks only as far
as the other has pods available in exchange, so a change may take several calls, until `weight` is
what was asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resilience_operator.actuators.base import Api, Object
from resilience_operator.actuators.traffic.foreign import managed_by_other
from resilience_operator.actuators.traffic.refusals import Refused, missing_object, of_error
from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight
from resilience_operator.core.errors import Conflict, Invalid, TerminalError, TransientError
from resilience_operator.core.resources import DEPLOYMENTS
from resilience_operator.core.rollout.model import TrafficView

_STABLE, _CANARY = "replicas/stable", "replicas/canary"


@dataclass(frozen=True, slots=True)
class Counts:
    """Replicas of both Deployments."""

    stable: int
    canary: int

    @property
    def share(self) -> int:
        """The canary's percent of them."""
        total = self.stable + self.canary
        return round(100 * self.canary / total) if total else 0


def counts_for(total: int, weight: int) -> Counts:
    """The counts nearest to a share. What is to have traffic has at least one replica."""
    canary = (total * weight + 50) // 100
    least, most = min(weight, 1), total if weight == 100 else total - 1
    canary = min(max(canary, least), most)
    return Counts(total - canary, canary)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both Deployments as they are."""

    stable: Object
    canary: Object

    @property
    def counts(self) -> Counts:
        return Counts(_desired(self.stable), _desired(self.canary))

    @property
    def available(self) -> Counts:
        return Counts(_available(self.stable), _available(self.canary))

    def settled(self) -> bool:
        """Whether every replica asked for is available and no other pod is left."""
        return all(
            (live.get("status") or {}).get("observedGeneration", 0)
            >= live["metadata"].get("generation", 0)
            and _available(live) == _desired(live) == (live.get("status") or {}).get("replicas", 0)
            for live in (self.stable, self.canary)
        )


def next_counts(now: Counts, available: Counts, wanted: Counts) -> Counts:
    """What to ask for next: growth at once, and shrinking in exchange for what is available."""
    missing_stable = max(wanted.stable - available.stable, 0)
    missing_canary = max(wanted.canary - available.canary, 0)
    return Counts(
        _towards(now.stable, wanted.stable, missing_canary),
        _towards(now.canary, wanted.canary, missing_stable),
    )


class Replicas:
    """A Router by replica counts."""

    def __init__(self, api: Api, namespace: str, total: int, stable: str, canary: str) -> None:
        """`stable` and `canary` are the names of the Deployments."""
        self._api = api
        self._namespace = namespace
        self._total = total
        self._names = (stable, canary)

    async def read(self, wanted: int | None) -> TrafficView:
        """The share now. Drifted: a count is below the planned one, which no step of ours makes."""
        try:
            stable, canary = await self._find()
        except Refused as refused:
            return TrafficView(accepted=False, problem=refused.problem)
        if stable is None or canary is None:
            return self._partial(stable, canary)
        return self._view(_Pair(stable, canary), wanted)

    async def set_weight(self, weight: int, originals: tuple[OriginalWeight, ...]) -> TrafficView:
        """One step towards the counts of this share, as large as capacity allows."""
        wanted = counts_for(self._total, weight)
        try:
            stable, canary = await self._find()
            if weight == 0 and stable is not None and canary is None:
                return await self._alone(stable, wanted.stable)
            return self._view(await self._step(wanted), weight)
        except Refused as refused:
            return TrafficView(accepted=False, problem=refused.problem)

    async def restore(self, originals: tuple[OriginalWeight, ...]) -> TrafficView:
        """Put the counts back, none of which leaves stable without a replica.

        A canary without a stable Deployment is all that serves, and is left alone. TransientError
        while the canary still serves for pods that stable does not have yet.
        """
        before = {original.path: original.weight for original in originals}
        try:
            stable, canary = await self._find()
            if stable is None:
                return self._partial(stable, canary, restored=True)
            if canary is None:
                back = self._counts_before(before, Counts(_desired(stable), 0)).stable
                return await self._alone(stable, back)
            wanted = self._counts_before(before, _Pair(stable, canary).counts)
            pair = await self._step(wanted)
        except Refused as refused:
            return TrafficView(accepted=False, problem=refused.problem)
        if pair.counts != wanted:
            raise TransientError(f"Deployment {self._names[0]} does not have all its pods yet.")
        return self._view(pair, None)

    def _counts_before(self, before: Mapping[str, int], now: Counts) -> Counts:
        """What is recorded; without a record nothing changes but a stable Deployment at zero."""
        if not before:
            return now if now.stable else Counts(self._total, now.canary)
        return Counts(max(before.get(_STABLE, self._total), 1), before.get(_CANARY, 0))

    async def _step(self, wanted: Counts) -> _Pair:
        pair = await self._look()
        target = next_counts(pair.counts, pair.available, wanted)
        changes = ((pair.stable, target.stable), (pair.canary, target.canary))
        for live, replicas in sorted(changes, key=lambda c: c[1] < _desired(c[0])):  # growth first
            if replicas != _desired(live):
                await self._scale(live, replicas)
        return await self._look() if target != pair.counts else pair

    def _view(self, pair: _Pair, wanted: int | None) -> TrafficView:
        now, ready = pair.counts, pair.available
        serving = ready.stable + ready.canary
        planned = None if wanted is None else counts_for(self._total, wanted)
        by_chance = now.share == wanted and now != planned
        return TrafficView(
            weight=wanted if now == planned else None if by_chance else now.share,
            accepted=pair.settled(),
            originals=(
                # As it will be restored: never without a replica.
                OriginalWeight(path=_STABLE, weight=max(now.stable, 1)),
                OriginalWeight(path=_CANARY, weight=now.canary),
            ),
            drifted=planned is not None and (by_chance or not _on_its_way(now, planned)),
            real_share=100 * ready.canary / serving if serving else None,
        )

    async def _alone(self, stable: Object, replicas: int) -> TrafficView:
        """Give stable its count when there is no canary Deployment."""
        if _desired(stable) != replicas:
            await self._scale(stable, replicas)
        return TrafficView(0, originals=(OriginalWeight(path=_STABLE, weight=replicas),))

    def _partial(
        self, stable: Object | None, canary: Object | None, restored: bool = False
    ) -> TrafficView:
        """One of them is missing, or both."""
        missing = self._names[0] if stable is None else self._names[1]
        originals = [
            OriginalWeight(path=path, weight=_desired(live))
            for path, live in ((_STABLE, stable), (_CANARY, canary))
            if live is not None
        ]
        return TrafficView(
            weight=0 if canary is None else None,
            accepted=restored,
            originals=tuple(originals),
            problem=None if restored else missing_object(DEPLOYMENTS.kind, missing),
        )

    async def _look(self) -> _Pair:
        stable, canary = await self._find()
        if stable is None or canary is None:
            missing = self._names[0] if stable is None else self._names[1]
            raise Refused(missing_object(DEPLOYMENTS.kind, missing))
        return _Pair(stable, canary)

    async def _find(self) -> tuple[Object | None, Object | None]:
        """Both Deployments where they are; refused where one is another tool's."""
        found: list[Object | None] = []
        for name in self._names:
            try:
                live = await self._api.get(DEPLOYMENTS, self._namespace, name)
            except TerminalError as error:
                raise Refused(of_error(DEPLOYMENTS.kind, name, error)) from error
            if live is not None and (problem := managed_by_other(DEPLOYMENTS.kind, live)):
                raise Refused(problem)
            found.append(live)
        return found[0], found[1]

    async def _scale(self, live: Object, replicas: int) -> None:
        name, version = live["metadata"]["name"], live["metadata"]["resourceVersion"]
        operations: list[Mapping[str, Any]] = [
            {"op": "test", "path": "/spec/replicas", "value": _desired(live)},
            {"op": "add", "path": "/spec/replicas", "value": replicas},
        ]
        try:
            await self._api.json_patch(DEPLOYMENTS, self._namespace, name, operations)
        except (Conflict, Invalid) as error:
            message = f"Deployment {name} changed after version {version}."
            raise TransientError(message) from error
        except TerminalError as error:
            raise Refused(of_error(DEPLOYMENTS.kind, name, error)) from error


def _towards(now: int, wanted: int, still_needed: int) -> int:
    """The next count: above the wanted one by what stands in for pods missing on the other side."""
    return wanted if wanted >= now else min(now, wanted + still_needed)


def _on_its_way(now: Counts, planned: Counts) -> bool:
    """Whether the counts are the planned ones, or one of them has yet to shrink."""
    return now.stable >= planned.stable and now.canary >= planned.canary


def _desired(live: Object) -> int:
    replicas = live["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def _available(live: Object) -> int:
    return int((live.get("status") or {}).get("availableReplicas") or 0)
