"""HTTPRoute: which weights are set, what is left alone, when a weight counts."""

import copy
import json
from typing import Any

import pytest

from resilience_operator.actuators.traffic.httproute import http_route as build
from resilience_operator.actuators.traffic.originals import ANNOTATION
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.actuators.traffic.weighted import WeightedRoute
from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight
from resilience_operator.core.errors import Forbidden, Invalid, TransientError
from resilience_operator.core.resources import HTTP_ROUTES, SERVICES
from tests.unit.actuators.traffic.objects import (
    NAMESPACE,
    Body,
    Objects,
    backend,
    http_route,
    parent_status,
    rule,
)

STABLE, CANARY = "dashboard", "dashboard-canary"
ACCEPTED = parent_status("edge", 1, Accepted="True", ResolvedRefs="True")


class Bench:
    def __init__(self, route: Body | None, *names: str) -> None:
        self.api = Objects(STABLE, CANARY)
        if route is not None:
            self.api.put(HTTP_ROUTES, route)
        self.router = self.router_for(*names)

    def router_for(self, *names: str) -> WeightedRoute:
        return build(self.api, NAMESPACE, "dashboard", names, Arms(STABLE, CANARY))

    @property
    def live(self) -> Body:
        return self.api.live(HTTP_ROUTES, "dashboard")

    def weights(self) -> list[list[int]]:
        return [[b.get("weight") for b in r["backendRefs"]] for r in self.live["spec"]["rules"]]

    def edit(self, route: Body) -> None:
        """Somebody applies the route anew; annotations of others stay, as with kubectl."""
        route["metadata"]["annotations"] = self.live["metadata"].get("annotations", {})
        route["metadata"]["generation"] = self.live["metadata"]["generation"] + 1
        self.api.put(HTTP_ROUTES, route)


def pair(stable: int = 100, canary: int = 0, **more: Any) -> Body:
    return rule(backend(STABLE, stable), backend(CANARY, canary), **more)


async def test_two_weights_and_nothing_else() -> None:
    foreign = backend("legacy", 20, filters=[{"type": "RequestMirror"}])
    route = http_route(
        rule(backend(STABLE, 80), foreign, backend(CANARY, 0), filters=[{"type": "URLRewrite"}]),
        rule(backend("static", 1), path="/static"),
        parents=[ACCEPTED],
    )
    bench = Bench(route)
    before = copy.deepcopy(bench.live["spec"])
    view = await bench.router.set_weight(25, ())
    assert (view.weight, view.problem, view.drifted) == (25, None, False)
    assert bench.weights() == [[60, 20, 20], [1]]
    after = copy.deepcopy(bench.live["spec"])
    for index, weight in ((0, 80), (2, 0)):
        after["rules"][0]["backendRefs"][index]["weight"] = weight
    assert after == before


async def test_every_rule_with_both_or_the_named_ones() -> None:
    rules = (pair(name="api"), pair(name="web", path="/web"), rule(backend(STABLE, 1), path="/s"))
    bench = Bench(http_route(*rules))
    await bench.router.set_weight(5, ())
    assert bench.weights() == [[95, 5], [95, 5], [1]]
    bench = Bench(http_route(*rules), "web")
    await bench.router.set_weight(5, ())
    assert bench.weights() == [[100, 0], [95, 5], [1]]


async def test_a_weight_that_is_absent_is_one() -> None:
    bench = Bench(http_route(rule(backend(STABLE), backend(CANARY))))
    assert (await bench.router.read(None)).weight == 50
    await bench.router.set_weight(5, ())
    assert bench.weights() == [[95, 5]]


async def test_the_patch_tests_names_and_version_and_a_second_one_is_not_sent() -> None:
    bench = Bench(http_route(pair()))
    version = bench.live["metadata"]["resourceVersion"]
    await bench.router.set_weight(5, ())
    (patch,) = bench.api.patches
    assert [(o["path"], o["value"]) for o in patch if o["op"] == "test"] == [
        ("/metadata/resourceVersion", version),
        ("/spec/rules/0/backendRefs/0/name", STABLE),
        ("/spec/rules/0/backendRefs/1/name", CANARY),
    ]
    await bench.router.set_weight(5, ())
    assert bench.api.writes == 1


async def test_begins_again_when_the_route_changes_in_between() -> None:
    bench = Bench(http_route(pair()))

    def reorder() -> None:
        bench.api.before_patch = None
        bench.edit(http_route(rule(backend(CANARY, 0), backend(STABLE, 100))))

    bench.api.before_patch = reorder
    view = await bench.router.set_weight(5, ())
    assert view.problem is None
    assert bench.weights() == [[5, 95]]


async def test_gives_up_on_a_route_that_never_rests() -> None:
    bench = Bench(http_route(pair()))
    bench.api.before_patch = lambda: bench.edit(http_route(pair()))
    with pytest.raises(TransientError, match="keeps changing"):
        await bench.router.set_weight(5, ())


async def test_a_refusal_of_the_server_is_a_problem() -> None:
    bench = Bench(http_route(pair()))
    bench.api.refuse = Invalid("weight is wrong", status=422)
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "RouteInvalid"
    bench.api.refuse = Forbidden("no", status=403)
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "RouteForbidden"


@pytest.mark.parametrize(
    ("parents", "refs", "accepted", "reason"),
    [
        ([], ["edge"], False, None),
        ([ACCEPTED], ["edge"], True, None),
        ([parent_status("edge", 0, Accepted="True")], ["edge"], False, None),  # not seen yet
        ([parent_status("edge", 1, Accepted="True")], ["edge"], True, None),
        ([parent_status("edge", 1, ResolvedRefs="True")], ["edge"], False, None),
        (
            [parent_status("edge", 1, Accepted="True", ResolvedRefs="False")],
            ["edge"],
            False,
            "BackendsNotResolved",
        ),
        ([parent_status("edge", 1, Accepted="False")], ["edge"], False, "RouteNotAccepted"),
        (
            [ACCEPTED, parent_status("inner", 0, Accepted="True")],
            ["edge", "inner"],
            False,
            None,
        ),
        (
            [ACCEPTED, parent_status("inner", 1, Accepted="True")],
            ["edge", "inner"],
            True,
            None,
        ),
        # What a controller says of a parent that the route no longer has does not count,
        ([ACCEPTED, parent_status("gone", 0, Accepted="False")], ["edge"], True, None),
        # and neither does a parent that no controller says anything of.
        ([ACCEPTED], ["edge", "nobodys"], True, None),
    ],
)
async def test_when_a_weight_counts(
    parents: list[Body], refs: list[str], accepted: bool, reason: str | None
) -> None:
    view = await Bench(http_route(pair(), parents=parents, refs=refs)).router.read(None)
    assert view.accepted == accepted
    assert (view.problem.reason if view.problem else None) == reason


async def test_accepted_once_the_gateway_has_seen_the_new_weight() -> None:
    bench = Bench(http_route(pair(), parents=[ACCEPTED]))
    assert not (await bench.router.set_weight(5, ())).accepted
    generation = bench.live["metadata"]["generation"]
    bench.live["status"]["parents"] = [parent_status("edge", generation, Accepted="True")]
    view = await bench.router.read(5)
    assert view.accepted
    assert view.weight == 5


async def test_an_edit_in_mid_rollout_is_drift_and_is_set_again() -> None:
    bench = Bench(http_route(pair()))
    await bench.router.set_weight(25, ())
    bench.edit(http_route(pair(), pair(path="/new")))
    view = await bench.router.read(25)
    assert view.drifted
    assert view.weight == 0
    assert not (await bench.router.set_weight(25, ())).drifted
    assert bench.weights() == [[75, 25], [75, 25]]
    await bench.router.restore(())
    assert bench.weights() == [[100, 0], [100, 0]]


async def test_the_same_share_in_other_numbers_is_no_drift() -> None:
    bench = Bench(http_route(pair()))
    await bench.router.set_weight(5, ())
    bench.edit(http_route(pair(950, 50)))
    assert not (await bench.router.read(5)).drifted


async def test_restore_by_the_annotation_and_after_a_reorder() -> None:
    bench = Bench(http_route(pair(90, 10), pair(1, 1, path="/web")))
    view = await bench.router.set_weight(50, ())
    recorded = json.loads(bench.live["metadata"]["annotations"][ANNOTATION])
    assert [(r["stable"], r["canary"]) for r in recorded] == [(90, 10), (1, 1)]
    assert {o.weight for o in view.originals} == {50, 1}
    web = rule(backend(CANARY, 50), backend(STABLE, 50), path="/web")
    bench.edit(http_route(web, pair(50, 50)))
    view = await bench.router.restore(())
    assert view.problem is None
    assert bench.weights() == [[1, 1], [90, 10]]
    assert ANNOTATION not in bench.live["metadata"]["annotations"]


async def test_restore_by_the_status_where_the_annotation_is_lost() -> None:
    bench = Bench(http_route(pair(90, 10), pair(1, 1, path="/web")))
    originals = (await bench.router.read(None)).originals
    assert originals[0] == OriginalWeight(path=originals[0].path, weight=90)
    assert originals[0].path.startswith("rules/0/backendRefs/0?rule=")
    await bench.router.set_weight(50, originals)
    bench.live["metadata"]["annotations"] = {}
    bench.live["spec"]["rules"].reverse()
    await bench.router.restore(originals)
    assert bench.weights() == [[1, 1], [90, 10]]
    writes = bench.api.writes
    await bench.router.restore(originals)
    assert bench.api.writes == writes


async def test_two_policies_on_one_route_keep_their_records_apart() -> None:
    api = rule(backend("api", 100), backend("api-canary", 0), path="/api")
    bench = Bench(http_route(pair(90, 10), api))
    for service in ("api", "api-canary"):
        bench.api.put(SERVICES, {"metadata": {"name": service}, "spec": {}})
    other = build(bench.api, NAMESPACE, "dashboard", (), Arms("api", "api-canary"))
    await other.set_weight(25, ())
    before = await bench.router.read(None)
    assert before.recorded == ()
    await bench.router.restore(())
    assert bench.weights() == [[90, 10], [75, 25]]
    await bench.router.set_weight(5, before.originals)
    await other.restore(())
    assert bench.weights() == [[95, 5], [100, 0]]
    assert (await other.read(None)).recorded == ()
    assert (await bench.router.read(5)).recorded == before.originals
    await bench.router.restore(())
    assert bench.weights() == [[90, 10], [100, 0]]
    assert ANNOTATION not in bench.live["metadata"]["annotations"]


async def test_a_record_that_names_no_services_is_ours() -> None:
    """As those are that version 0.1.0 has left."""
    bench = Bench(http_route(pair(90, 10)))
    await bench.router.set_weight(50, ())
    annotations = bench.live["metadata"]["annotations"]
    (record,) = json.loads(annotations[ANNOTATION])
    del record["services"]
    annotations[ANNOTATION] = json.dumps([record])
    await bench.router.restore(())
    assert (bench.weights(), bench.live["metadata"]["annotations"]) == ([[90, 10]], {})


async def test_present_weights_stand_under_the_recorded_paths() -> None:
    bench = Bench(http_route(pair(path="/a"), pair(path="/b")))
    before = (await bench.router.read(None)).originals
    await bench.router.set_weight(5, before)
    bench.live["spec"]["rules"].reverse()
    now = {o.path: o.weight for o in (await bench.router.read(5)).originals}
    assert set(now) == {o.path for o in before}
    assert sorted(now.values()) == [5, 5, 95, 95]


async def test_restore_leaves_alone_what_was_never_set() -> None:
    bench = Bench(http_route(pair(name="api"), pair(50, 50, name="web", path="/web")), "api")
    await bench.router.restore(())
    assert bench.api.writes == 0
    await bench.router.set_weight(5, ())
    await bench.router.restore(())
    assert bench.weights() == [[100, 0], [50, 50]]


async def test_restore_reaches_rules_that_the_spec_names_no_more() -> None:
    bench = Bench(http_route(pair(name="api"), pair(name="web", path="/web")), "api", "web")
    await bench.router.set_weight(5, ())
    await bench.router_for("web").restore(())
    assert bench.weights() == [[100, 0], [100, 0]]


async def test_restore_where_the_route_or_the_backend_is_gone() -> None:
    bench = Bench(None)
    assert (await bench.router.restore(())).problem is None
    bench = Bench(http_route(pair()))
    await bench.router.set_weight(5, ())
    bench.edit(http_route(rule(backend(STABLE, 95))))
    view = await bench.router.restore(())
    assert view.problem is None
    assert ANNOTATION not in bench.live["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("route", "names", "reason", "says"),
    [
        (None, (), "RouteMissing", "There is no HTTPRoute dashboard"),
        (http_route(rule(backend(STABLE, 1))), (), "BackendMissing", "dashboard-canary in rule 0"),
        (http_route(rule(backend("x", 1))), (), "BackendMissing", "with a weight of 0"),
        (http_route(pair(name="a")), ("b",), "RuleMissing", "no rule named 'b'"),
        (
            http_route(pair(), rule(backend(STABLE, 1), name="b")),
            ("b",),
            "BackendMissing",
            "dashboard-canary in rule 1 (b)",
        ),
        (
            http_route(rule(backend(STABLE, 1), backend(CANARY, 0), backend(CANARY, 1, port=81))),
            (),
            "BackendTwice",
            "Service dashboard-canary more than once",
        ),
        (
            http_route(rule(backend(STABLE, 1), backend(CANARY, 0, namespace="other"))),
            (),
            "BackendMissing",
            "dashboard-canary",
        ),
        (http_route(pair(0, 0)), (), "NoTrafficToShare", "weight of 0"),
    ],
)
async def test_problems_have_a_remedy_and_nothing_is_written(
    route: Body | None, names: tuple[str, ...], reason: str, says: str
) -> None:
    bench = Bench(route, *names)
    for view in (await bench.router.read(None), await bench.router.set_weight(0, ())):
        assert view.problem is not None
        assert view.problem.reason == reason
        assert says in view.problem.message
    assert bench.api.writes == 0


async def test_too_coarse_beside_others() -> None:
    bench = Bench(http_route(rule(backend(STABLE, 1), backend(CANARY, 0), backend("x", 1))))
    for view in (await bench.router.set_weight(5, ()), await bench.router.read(5)):
        assert view.problem is not None
        assert view.problem.reason == "WeightsTooCoarse"
    assert bench.api.writes == 0


@pytest.mark.parametrize("service", [STABLE, CANARY])
async def test_a_missing_service(service: str) -> None:
    bench = Bench(http_route(pair()))
    del bench.api.objects[(SERVICES.kind, service)]
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.message == f"There is no Service {service}."
    assert bench.api.writes == 0


async def test_what_flagger_manages_is_not_touched_not_even_to_restore() -> None:
    route = http_route(pair())
    route["metadata"]["ownerReferences"] = [{"apiVersion": "flagger.app/v1beta1", "kind": "Canary"}]
    bench = Bench(route)
    for view in (
        await bench.router.read(5),
        await bench.router.set_weight(5, ()),
        await bench.router.restore((OriginalWeight(path="rules/0/backendRefs/0", weight=1),)),
    ):
        assert view.problem is not None
        assert view.problem.reason == "ManagedByOther"
    assert bench.api.writes == 0


async def test_an_annotation_that_is_no_record_is_replaced() -> None:
    route = http_route(pair(90, 10))
    route["metadata"]["annotations"] = {ANNOTATION: "{", "other": "kept"}
    bench = Bench(route)
    await bench.router.set_weight(50, ())
    await bench.router.restore(())
    assert bench.weights() == [[90, 10]]
    assert bench.live["metadata"]["annotations"] == {"other": "kept"}


async def test_reading_that_is_forbidden_is_a_problem() -> None:
    bench = Bench(http_route(pair()))
    bench.api.failures["HTTPRoute"] = Forbidden("no", status=403)
    view = await bench.router.read(None)
    assert view.problem is not None
    assert view.problem.reason == "RouteForbidden"
    bench.api.failures["HTTPRoute"] = TransientError("later")
    with pytest.raises(TransientError):
        await bench.router.read(None)
