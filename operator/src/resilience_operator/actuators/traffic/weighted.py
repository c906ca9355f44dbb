"""Sets weights in a route that the user owns: the two Services' and nothing else.

Common to every kind that has its weights in a list. For server-side apply such a list is one field,
so a partial apply would own or drop the user's rules; it is a JSON Patch that tests the names of
the backends and the resourceVersion, and begins again when the route has changed meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from resilience_operator.actuators.base import Api, Object
from resilience_operator.actuators.traffic import originals as recorded
from resilience_operator.actuators.traffic.foreign import managed_by_other
from resilience_operator.actuators.traffic.originals import ANNOTATION, Original
from resilience_operator.actuators.traffic.refusals import (
    Refused,
    lacking,
    missing_object,
    of_error,
    require_services,
)
from resilience_operator.actuators.traffic.rules import Arms, Layout, chosen, splits_of
from resilience_operator.actuators.traffic.split import (
    Split,
    Weights,
    agrees,
    nothing_to_share,
    share_of,
    too_coarse,
    weights_for,
)
from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight
from resilience_operator.core.errors import (
    Conflict,
    Invalid,
    NotFound,
    TerminalError,
    TransientError,
)
from resilience_operator.core.model import Problem
from resilience_operator.core.rollout.model import TrafficView

Operations = list[dict[str, Any]]
_ATTEMPTS = 5


class WeightedRoute:
    """A Router over the weights of one object."""

    def __init__(
        self, api: Api, namespace: str, name: str, layout: Layout, rules: Sequence[str], arms: Arms
    ) -> None:
        """`rules` are names of rules; none means every rule with both Services."""
        self._api = api
        self._namespace = namespace
        self._name = name
        self._layout = layout
        self._rules = tuple(rules)
        self._arms = arms
        self._kind = layout.resource.kind

    async def read(self, wanted: int | None) -> TrafficView:
        """The weights now. Drifted: a rule is not as it would be set for `wanted`."""
        try:
            live = await self._live()
        except Refused as refused:
            return TrafficView(accepted=False, problem=refused.problem)
        lack = await lacking(self._api, self._namespace, self._arms)
        try:
            view = self._view(live, self._chosen(live), wanted)
        except Refused as refused:
            splits = splits_of(self._layout.rules(live), self._arms)
            view = replace(self._view(live, splits, wanted), problem=refused.problem)
        if lack.problem is None:
            return view
        return replace(view, problem=lack.problem, canary_gone=lack.canary)

    async def set_weight(self, weight: int, originals: tuple[OriginalWeight, ...]) -> TrafficView:
        """Set the share in every rule; the first time, note on the route what was there."""

        def operations(live: Object) -> Operations:
            splits = self._chosen(live)
            for problem in (
                nothing_to_share(self._kind, self._name, splits),
                too_coarse(self._kind, self._name, splits, weight),
            ):
                if problem is not None:
                    raise Refused(problem)
            before = recorded.completed(self._before(live, originals), splits)
            wanted = [(split, weights_for(split, weight)) for split in splits]
            return _patch(live, wanted, recorded.to_annotation(live, before, self._arms))

        try:
            if weight:  # nothing may go to a Service that is not there, and all may leave it
                await require_services(self._api, self._namespace, self._arms)
            live = await self._change(operations)
            return self._view(live, self._chosen(live), weight)
        except Refused as refused:
            return TrafficView(accepted=False, problem=refused.problem)

    async def restore(self, originals: tuple[OriginalWeight, ...]) -> TrafficView:
        """Put back what is recorded, and take the record away; a route that is gone is no problem.

        A rule that has been set and that nothing is recorded of sends everything to stable.
        """

        def operations(live: Object) -> Operations:
            before = self._before(live, originals)
            back = self._back(live, before) if before else []
            return _patch(live, back, recorded.to_annotation(live, (), self._arms))

        try:
            live = await self._change(operations)
        except Refused as refused:
            gone = refused.problem.reason == "RouteMissing"
            return TrafficView(accepted=gone, problem=None if gone else refused.problem)
        splits = splits_of(self._layout.rules(live), self._arms)
        return TrafficView(share_of(splits, None), self._layout.in_force(live))

    def _before(self, live: Object, originals: tuple[OriginalWeight, ...]) -> tuple[Original, ...]:
        return recorded.from_annotation(live, self._arms) or recorded.from_status(originals)

    def _back(self, live: Object, before: Sequence[Original]) -> list[tuple[Split, Weights]]:
        """What every rule goes back to, also those that spec.rollout does not name any more."""
        rules = self._layout.rules(live)
        splits = splits_of(rules, self._arms)
        named = {r.fingerprint for r in rules if not self._rules or r.name in self._rules}
        back: list[tuple[Split, Weights]] = []
        for split, original in zip(splits, recorded.match(before, splits), strict=True):
            if original is not None:
                back.append((split, (original.stable, original.canary)))
            elif split.fingerprint in named:
                back.append((split, (split.total, 0)))
        return back

    def _chosen(self, live: Object) -> tuple[Split, ...]:
        splits = chosen(self._layout, live, self._rules, self._arms)
        if isinstance(splits, Problem):
            raise Refused(splits)
        return splits

    def _view(self, live: Object, splits: Sequence[Split], wanted: int | None) -> TrafficView:
        noted = recorded.from_annotation(live, self._arms) or ()
        now = recorded.as_now(noted, splits)
        refusal = self._layout.refusal(live)
        coarse = too_coarse(self._kind, self._name, splits, wanted) if wanted else None
        return TrafficView(
            weight=share_of(splits, wanted),
            accepted=refusal is None and self._layout.in_force(live),
            originals=recorded.to_status(now),
            recorded=recorded.to_status(noted),
            drifted=wanted is not None and not all(agrees(s, wanted) for s in splits),
            problem=refusal or nothing_to_share(self._kind, self._name, splits) or coarse,
        )

    async def _live(self) -> Object:
        try:
            live = await self._api.get(self._layout.resource, self._namespace, self._name)
        except TerminalError as error:
            raise Refused(of_error(self._kind, self._name, error)) from error
        if live is None:
            raise Refused(missing_object(self._kind, self._name))
        if problem := managed_by_other(self._kind, live):
            raise Refused(problem)
        return live

    async def _change(self, operations: Callable[[Object], Operations]) -> Object:
        """Patch the route by what `operations` says of it as it is; no request for none."""
        refused: tuple[str, TerminalError] | None = None
        for _ in range(_ATTEMPTS):
            live = await self._live()
            version = live["metadata"]["resourceVersion"]
            if refused is not None and refused[0] == version:
                # Nobody has changed it: it was not our tests that failed.
                raise Refused(of_error(self._kind, self._name, refused[1]))
            patch = operations(live)
            if not patch:
                return live
            try:
                return await self._api.json_patch(
                    self._layout.resource, self._namespace, self._name, patch
                )
            except (Conflict, Invalid, NotFound) as error:
                refused = (version, error)
            except TerminalError as error:
                raise Refused(of_error(self._kind, self._name, error)) from error
        raise TransientError(f"{self._kind} {self._name} keeps changing while it is written.")


def _patch(
    live: Object, wanted: Sequence[tuple[Split, Weights]], annotation: str | None
) -> Operations:
    """The operations that give the route these weights and this record; empty when it has them."""
    changes: Operations = []
    for split, weights in wanted:
        for slot, weight in zip((split.stable, split.canary), weights, strict=True):
            pointer, name = slot.identity
            changes.append({"op": "test", "path": pointer, "value": name})
            if slot.weight != weight:
                changes.append({"op": "add", "path": f"{slot.pointer}/weight", "value": weight})
    changes += _annotate(live["metadata"].get("annotations"), annotation)
    if all(change["op"] == "test" for change in changes):
        return []
    version = live["metadata"]["resourceVersion"]
    return [{"op": "test", "path": "/metadata/resourceVersion", "value": version}, *changes]


def _annotate(present: Mapping[str, str] | None, value: str | None) -> Operations:
    path = "/metadata/annotations/" + ANNOTATION.replace("~", "~0").replace("/", "~1")
    if value is None:
        return [{"op": "remove", "path": path}] if ANNOTATION in (present or {}) else []
    if present is None:
        return [{"op": "add", "path": "/metadata/annotations", "value": {ANNOTATION: value}}]
    same = present.get(ANNOTATION) == value
    return [] if same else [{"op": "add", "path": path, "value": value}]
