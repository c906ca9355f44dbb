"""A router with a problem still shows what can be read, so that traffic can go home."""

from typing import Any

from resilience_operator.actuators.traffic.httproute import http_route
from resilience_operator.actuators.traffic.ingress_nginx import IngressNginx
from resilience_operator.actuators.traffic.replicas import Replicas
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import DEPLOYMENTS, HTTP_ROUTES, INGRESSES, SERVICES
from tests.unit.actuators.traffic.objects import NAMESPACE, Objects

STABLE, CANARY = "dashboard", "dashboard-canary"
ARMS = Arms(STABLE, CANARY)


def reason(problem: Problem | None) -> str:
    return problem.reason if problem else ""


def make_route(api: Objects, stable: int = 100, canary: int = 0) -> Any:
    backends = [{"name": STABLE, "weight": stable}, {"name": CANARY, "weight": canary}]
    spec = {"rules": [{"backendRefs": backends}]}
    api.put(HTTP_ROUTES, {"metadata": {"name": "shop"}, "spec": spec})
    return http_route(api, NAMESPACE, "shop", (), ARMS)


def make_deployment(api: Objects, name: str, replicas: int) -> None:
    status = {"availableReplicas": replicas, "replicas": replicas, "observedGeneration": 1}
    body = {"metadata": {"name": name}, "spec": {"replicas": replicas}, "status": status}
    api.put(DEPLOYMENTS, body)


class TestRoute:
    async def test_weights_are_read_without_the_canarys_service(self) -> None:
        api = Objects(STABLE, CANARY)
        router = make_route(api)
        await router.set_weight(25, ())
        del api.objects[(SERVICES.kind, CANARY)]
        view = await router.read(25)
        assert (view.weight, view.canary_gone) == (25, True)
        assert reason(view.problem) == "ServiceMissing"
        assert [each.weight for each in view.recorded] == [100, 0]

    async def test_a_missing_stable_service_is_not_the_canarys(self) -> None:
        api = Objects(CANARY)
        view = await make_route(api).read(None)
        assert (reason(view.problem), view.canary_gone) == ("ServiceMissing", False)

    async def test_all_may_leave_a_service_that_is_gone_and_nothing_may_go_there(self) -> None:
        api = Objects(STABLE, CANARY)
        router = make_route(api, 50, 50)
        await router.set_weight(25, ())
        del api.objects[(SERVICES.kind, CANARY)]
        assert reason((await router.set_weight(30, ())).problem) == "ServiceMissing"
        assert (await router.set_weight(0, ())).weight == 0

    async def test_a_backend_taken_out_has_no_weight(self) -> None:
        api = Objects(STABLE, CANARY)
        router = make_route(api)
        await router.set_weight(25, ())
        del api.live(HTTP_ROUTES, "shop")["spec"]["rules"][0]["backendRefs"][1]
        view = await router.read(25)
        assert (view.weight, reason(view.problem)) == (0, "BackendMissing")
        assert (await router.restore(())).problem is None
        assert (await router.read(None)).recorded == ()


class TestIngress:
    def setup_method(self) -> None:
        self.api = Objects(STABLE, CANARY)
        backend = {"service": {"name": STABLE, "port": {"number": 80}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        spec = {"rules": [{"host": "shop.example", "http": {"paths": paths}}]}
        self.api.put(INGRESSES, {"metadata": {"name": "web"}, "spec": spec})
        self.router = IngressNginx(self.api, NAMESPACE, "web", ARMS, "inventario")

    async def test_our_ingress_is_read_without_the_canarys_service(self) -> None:
        await self.router.set_weight(25, ())
        del self.api.objects[(SERVICES.kind, CANARY)]
        view = await self.router.read(25)
        assert (view.weight, view.canary_gone) == (25, True)
        assert [each.weight for each in view.recorded] == [0]

    async def test_our_ingress_is_read_without_the_stable_one_and_goes(self) -> None:
        await self.router.set_weight(25, ())
        del self.api.objects[(INGRESSES.kind, "web")]
        view = await self.router.read(25)
        assert (view.weight, reason(view.problem)) == (25, "StableIngressMissing")
        await self.router.restore(())
        view = await self.router.read(None)
        assert (view.weight, reason(view.problem), view.recorded) == (0, "RouteMissing", ())

    async def test_an_ingress_of_the_users_own_is_no_share_of_ours(self) -> None:
        self.api.put(INGRESSES, {"metadata": {"name": "web-canary"}, "spec": {}})
        view = await self.router.read(25)
        assert (view.weight, reason(view.problem)) == (0, "IngressNotOurs")


class TestReplicas:
    def setup_method(self) -> None:
        self.api = Objects()
        self.router = Replicas(self.api, NAMESPACE, 10, STABLE, CANARY)

    def replicas(self, name: str) -> int:
        return int(self.api.live(DEPLOYMENTS, name)["spec"]["replicas"])

    async def test_stable_gets_its_replicas_back_from_zero_without_a_canary(self) -> None:
        make_deployment(self.api, STABLE, 0)
        view = await self.router.read(None)
        assert (view.weight, reason(view.problem)) == (0, "RouteMissing")
        await self.router.restore((OriginalWeight(path="replicas/stable", weight=8),))
        assert self.replicas(STABLE) == 8

    async def test_a_weight_of_zero_is_set_without_a_canary(self) -> None:
        make_deployment(self.api, STABLE, 0)
        await self.router.set_weight(0, ())
        assert self.replicas(STABLE) == 10

    async def test_a_canary_without_a_stable_is_left_alone(self) -> None:
        make_deployment(self.api, CANARY, 10)
        view = await self.router.read(None)
        assert (view.weight, reason(view.problem)) == (None, "RouteMissing")
        assert (await self.router.restore(())).problem is None
        assert self.replicas(CANARY) == 10

    async def test_neither_is_there(self) -> None:
        view = await self.router.read(None)
        assert (view.weight, view.originals) == (0, ())
