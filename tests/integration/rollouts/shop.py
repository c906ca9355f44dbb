"""A shop with a rollout: both arms, their route, a Prometheus, and the operator beside them."""

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import APPLY, MERGE, Api, RefusedError, objects
from tests.integration.operator.harness import OperatorProcess, wait_until
from tests.integration.operator.policies import NAME, dependency, policy
from tests.integration.operator.stage import POLICIES, Stage, staged
from tests.integration.rollouts.players import Deployments, Follower, Gateway
from tests.integration.rollouts.prometheus import FAILURES, TOTAL, Prometheus

Body = dict[str, Any]

STABLE, CANARY, ROUTE = "web", "web-canary", "web"
STEPS = ((5, 1), (25, 1), (100, 1))
ROUTES = "gateway.networking.k8s.io/v1/httproutes"
JSON_PATCH = "application/json-patch+json"
VERB = "resilience.aidrive.dev/rollout"
NOTE = "resilience.aidrive.dev/original-weights"
# Leadership that is taken over soon, and that a busy machine does not lose.
SHORT_LEASE = {
    "lease_duration_seconds": 8.0,
    "lease_renew_seconds": 7.0,
    "lease_retry_seconds": 0.3,
}


@contextmanager
def opened(plane: ControlPlane, api: Api, namespace: str, folder: Path) -> Iterator["Shop"]:
    """A shop on a stage of its own; all that runs ends with it."""
    with staged(plane, api, namespace, folder) as stage:
        shop = Shop(stage)
        try:
            yield shop
        finally:
            stage.close()  # the operator first: it would tend what is being taken down
            shop.close()


class Shop:
    """What a story acts on. `before` are the weights of the route as the user has set them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.namespace = stage.namespace
        self.prometheus = Prometheus()
        self.openai, self.postgres = stage.dependency("openai"), stage.dependency("postgres")
        kubeconfig = stage.control_plane.kubeconfig
        self.deployments = Deployments(kubeconfig, stage.api, stage.namespace)
        self.gateway = Gateway(kubeconfig, stage.api, stage.namespace)
        self._closing: list[Follower] = []

    def close(self) -> None:
        """End what plays; the stage ends the operators."""
        for each in self._closing:
            each.close()
        self.deployments.close()
        self.gateway.close()
        self.prometheus.close()

    # -- what people make

    def furnish(self, before: tuple[int, int] = (100, 0), route: bool = True) -> None:
        """Both Deployments at version 1 and ready, their Services, the route."""
        for name in (STABLE, CANARY):
            self.deploy(name, "1")
            self.serve(name)
        if route:
            self.route(before)

    def deploy(self, name: str, version: str, replicas: int = 2) -> None:
        """A Deployment, made or changed; returns when its pods are reported as ready."""
        labels = {"app": name}
        container = {"name": "app", "image": f"shop:{version}"}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }
        self.apply(f"apps/v1/deployments/{name}", body)

    def serve(self, name: str) -> None:
        """A Service."""
        spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
        self.apply(f"v1/services/{name}", body)

    def route(self, weights: tuple[int, int] = (100, 0), manager: str = "person") -> None:
        """The route, as the user has it in Git."""
        backends = [
            {"name": name, "port": 80, "weight": weight}
            for name, weight in zip((STABLE, CANARY), weights, strict=True)
        ]
        body = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": ROUTE},
            "spec": {"parentRefs": [{"name": "gate"}], "rules": [{"backendRefs": backends}]},
        }
        self.apply(f"{ROUTES}/{ROUTE}", body, manager)

    def apply(self, path: str, body: Body, manager: str = "person") -> None:
        """kubectl apply --server-side --force-conflicts."""
        query = {"fieldManager": manager, "force": "true"}
        self.stage.api.send("PATCH", self.stage.path(path), body, content_type=APPLY, **query)

    def spec(self, *steps: tuple[int, int], metrics: bool = True, **more: Any) -> Body:
        """`spec.rollout`; steps as (weight, holdSeconds)."""
        found: Body = {
            "stable": {"deployment": STABLE, "service": STABLE},
            "canary": {"deployment": CANARY, "service": CANARY},
            "traffic": {"httpRoute": {"name": ROUTE}},
            "steps": [{"weight": w, "holdSeconds": s} for w, s in steps or STEPS],
        }
        if metrics:
            proportion = {"failures": FAILURES, "total": TOTAL}
            found["analysis"] = {
                "prometheus": {"url": self.prometheus.url},
                "intervalSeconds": 1,
                "minSamples": 500,
                "metrics": [
                    {
                        "name": "error-rate",
                        "proportion": proportion,
                        "maxPercent": 10,
                        "maxIncreasePercent": 1,
                    }
                ],
            }
        return {**found, **more}

    def put_policy(self, rollout: Body | None, **spec: Any) -> None:
        """The policy, with a rollout or without."""
        dependencies = (
            dependency("openai", 20, self.openai),
            dependency("postgres", 80, self.postgres),
        )
        more = {} if rollout is None else {"rollout": copy.deepcopy(rollout)}
        self.stage.apply(policy(*dependencies, **more, **spec))

    def open(self, rollout: Body | None = None, **operator: Any) -> OperatorProcess:
        """Everything at version 1, under the operator, with nothing to roll out."""
        self.furnish()
        self.put_policy(rollout or self.spec())
        made = self.start(**operator)
        self.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
        return made

    def start(self, name: str = "one", **settings: Any) -> OperatorProcess:
        """A replica that leads."""
        settings = {**SHORT_LEASE, **settings}
        return self.stage.operator(name, **settings).start_leading()

    def release(self, version: str = "2") -> None:
        """Deploy the next version to the canary."""
        self.deploy(CANARY, version)

    def crash(self, name: str = CANARY) -> None:
        """One of the pods of a Deployment crashes, and the others are not ready."""
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-1", "uid": "1"}
        pod = {
            "metadata": {
                "name": f"{name}-1-1",
                "labels": {"app": name},
                "ownerReferences": [{**owner, "controller": True}],
            },
            "spec": {"containers": [{"name": "app", "image": "shop"}]},
        }
        self.stage.create("v1/pods", pod)
        waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
        status = {
            "name": "app", "image": "shop", "imageID": "", "ready": False, "restartCount": 3,
            "state": waiting,
        }  # fmt: skip
        path = self.stage.path(f"v1/pods/{name}-1-1/status")
        body = {"status": {"containerStatuses": [status]}}
        self.stage.api.send("PATCH", path, body, content_type=MERGE)
        self.deployments.fail(name)

    def say(self, verb: str) -> None:
        """Ask by annotation."""
        self.annotate({VERB: verb})

    def annotate(self, annotations: dict[str, str | None]) -> None:
        """Change annotations of the policy."""
        path = objects(self.namespace, POLICIES, NAME)
        body = {"metadata": {"annotations": annotations}}
        self.stage.api.send("PATCH", path, body, content_type=MERGE)

    def change_rollout(self, rollout: Body | None) -> None:
        """Change `spec.rollout`, or take it away."""
        path = objects(self.namespace, POLICIES, NAME)
        op = {"op": "remove"} if rollout is None else {"op": "add", "value": rollout}
        operations: Any = [{**op, "path": "/spec/rollout"}]
        self.stage.api.send("PATCH", path, operations, content_type=JSON_PATCH)

    # -- what is there

    @property
    def status(self) -> Body:
        """`status.rollout`."""
        found: Body = self.stage.policy().get("status", {}).get("rollout", {})
        return found

    @property
    def weights(self) -> tuple[int, int] | None:
        """Stable's and the canary's weight in the route, if there is one."""
        found = self.stage.find(f"{ROUTES}/{ROUTE}")
        if found is None:
            return None
        stable, canary = found["spec"]["rules"][0]["backendRefs"]
        return stable["weight"], canary["weight"]

    @property
    def noted(self) -> bool:
        """Whether the route still has the note of its original weights."""
        found = self.stage.find(f"{ROUTES}/{ROUTE}") or {"metadata": {}}
        return NOTE in (found["metadata"].get("annotations") or {})

    def image(self, name: str) -> str:
        """What a Deployment runs."""
        found = self.stage.find(f"apps/v1/deployments/{name}")
        assert found is not None
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

    def said(self, reason: str) -> list[str]:
        """The messages of the events of that reason."""
        return [str(each["note"]) for each in self.stage.events(reason)]

    # -- waiting for it

    def until(self, check: Any, what: str, seconds: float = 60.0) -> Body:
        """Wait until the status of the rollout is such; the status."""

        def reached() -> Body | None:
            found = self.status
            return found if found and check(found) else None

        try:
            return wait_until(reached, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the status is {self.status}") from None

    def until_phase(self, phase: str, **fields: Any) -> Body:
        """Wait for a phase, and other fields of the status."""
        wanted = {"phase": phase, **fields}
        return self.until(
            lambda s: all(s.get(key, 0) == value for key, value in wanted.items()), f"{wanted}"
        )

    def until_weights(self, stable: int, canary: int) -> None:
        """Wait until the route has these weights."""
        what = f"weights {stable}/{canary}"
        wait_until(lambda: self.weights == (stable, canary), what)

    def until_said(self, reason: str) -> list[str]:
        """Wait for an event; the messages."""
        return wait_until(lambda: self.said(reason), f"an event {reason}")

    def until_gone(self, seconds: float = 30.0) -> None:
        """Wait until the policy is gone."""
        wait_until(lambda: not self.stage.policy(), "the policy is gone", seconds)


class Moves:
    """Every change of (phase, step, weight) of a rollout, from a watch of the policy."""

    def __init__(self, shop: Shop) -> None:
        self.seen: list[tuple[str, int, int]] = []
        self.changed = threading.Event()
        kubeconfig = shop.stage.control_plane.kubeconfig
        self._follower = Policies(kubeconfig, shop.namespace, self._changed)

    def close(self) -> None:
        self._follower.close()

    def _changed(self, _: str, live: Body) -> None:
        status = live.get("status", {}).get("rollout")
        if status is None:
            return
        move = (status["phase"], status.get("step", 0), status.get("weight", 0))
        if not self.seen or self.seen[-1] != move:
            self.seen.append(move)
            self.changed.set()


class Policies(Follower):
    """Follows policies."""

    def __init__(self, kubeconfig: Any, namespace: str, react: Any) -> None:
        super().__init__(
            kubeconfig, "resilience.aidrive.dev", POLICIES, namespace, react, version="v1alpha1"
        )


def gone(shop: Shop, path: str) -> None:
    """Delete an object, whether or not it is there."""
    try:
        shop.stage.delete(path)
    except RefusedError as refused:
        if refused.status != 404:
            raise
