"""Who is not there without nodes: the Deployment controller and the gateway, played by the test.

Both act on a watch, as the real ones do. The gateway's also records every weight that a route has
had, in order: what a test says of weights it says of all that ever were.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch

from tests.integration.custom_resources import MERGE, Api, RefusedError

Body = dict[str, Any]
_WATCH_SECONDS = 600


class Follower:
    """Calls `react` with every object of a kind in a namespace as it is and whenever it changes."""

    def __init__(
        self,
        kubeconfig: Path,
        group: str,
        plural: str,
        namespace: str,
        react: Callable[[str, Body], None],
        version: str = "v1",
    ) -> None:
        settings = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=settings)
        settings.proxy = None
        self._client = client.ApiClient(settings)
        self._where = (group, version, namespace, plural)
        self._react = react
        self._stopped = False
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """React to nothing more."""
        self._stopped = True

    def _run(self) -> None:
        listing = client.CustomObjectsApi(self._client).list_namespaced_custom_object
        while not self._stopped:
            try:
                stream = watch.Watch().stream(listing, *self._where, timeout_seconds=_WATCH_SECONDS)
                for event in stream:
                    if self._stopped:
                        return
                    self._react(event["type"], event["object"])
            except Exception:  # noqa: BLE001 - the API server may be ending, or not know us yet
                time.sleep(0.1)


class Deployments:
    """Reports Deployments as rolled out, but for the pods of those named in `failing`."""

    def __init__(self, kubeconfig: Path, api: Api, namespace: str) -> None:
        self.failing: set[str] = set()
        self.slow: set[str] = set()  # their pods are of the version before
        self._api = api
        self._root = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self._follower = Follower(kubeconfig, "apps", "deployments", namespace, self._changed)

    def close(self) -> None:
        self._follower.close()

    def fail(self, name: str, *, failing: bool = True) -> None:
        """Have the pods of a Deployment fail, or be ready again."""
        (self.failing.add if failing else self.failing.discard)(name)
        self._report(self._api.get(f"{self._root}/{name}"))

    def finish(self, name: str) -> None:
        """Have the pods of a slow Deployment be of its present version."""
        self.slow.discard(name)
        self._report(self._api.get(f"{self._root}/{name}"))

    def _changed(self, change: str, live: Body) -> None:
        if change != "DELETED":
            self._report(live)

    def _report(self, live: Body) -> None:
        name, wanted = live["metadata"]["name"], live["spec"].get("replicas", 1)
        ready = 0 if name in self.failing else wanted
        status = {
            "observedGeneration": live["metadata"]["generation"],
            "replicas": wanted,
            "updatedReplicas": 0 if name in self.slow else wanted,
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        known = {key: live.get("status", {}).get(key, 0) for key in status}
        if known != status:
            _patch_status(self._api, f"{self._root}/{name}", status)


class Gateway:
    """Accepts every route, and remembers its weights as (stable, canary) in each rule."""

    def __init__(self, kubeconfig: Path, api: Api, namespace: str) -> None:
        self.weights: dict[str, list[tuple[int, int]]] = {}
        self.times: dict[str, list[float]] = {}
        self.resolves = True
        self._api = api
        group = "gateway.networking.k8s.io"
        self._root = f"/apis/{group}/v1/namespaces/{namespace}/httproutes"
        self._follower = Follower(kubeconfig, group, "httproutes", namespace, self._changed)

    def close(self) -> None:
        self._follower.close()

    def shares(self, name: str) -> list[int]:
        """The canary's percentages, in order, each as long as it did not change."""
        return [round(100 * canary / (stable + canary)) for stable, canary in self.weights[name]]

    def _changed(self, change: str, live: Body) -> None:
        if change == "DELETED":
            return
        name = live["metadata"]["name"]
        backends = live["spec"]["rules"][0]["backendRefs"]
        weights = (backends[0].get("weight", 1), backends[1].get("weight", 1))
        known = self.weights.setdefault(name, [])
        if not known or known[-1] != weights:
            known.append(weights)
            self.times.setdefault(name, []).append(time.time())
        generation = live["metadata"]["generation"]
        conditions = [
            {
                "type": kind,
                "status": status,
                "reason": kind if status == "True" else "BackendNotFound",
                "message": "",
                "observedGeneration": generation,
                "lastTransitionTime": "2026-11-24T00:00:00Z",
            }
            for kind, status in (
                ("Accepted", "True"),
                ("ResolvedRefs", "True" if self.resolves else "False"),
            )
        ]
        parent = {
            "parentRef": live["spec"]["parentRefs"][0],
            "controllerName": "example.com/gateway",
            "conditions": conditions,
        }
        if live.get("status", {}).get("parents") != [parent]:
            _patch_status(self._api, f"{self._root}/{name}", {"parents": [parent]})


def _patch_status(api: Api, path: str, status: Body) -> None:
    try:
        api.send("PATCH", f"{path}/status", {"status": status}, content_type=MERGE)
    except RefusedError as refused:
        if refused.status != 404:
            raise
