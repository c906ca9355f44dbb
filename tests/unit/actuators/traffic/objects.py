"""An API server in a dict that speaks JSON Patch, and routes with their usual shapes."""

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from resilience_operator.core.errors import Conflict, Invalid, NotFound
from resilience_operator.core.resources import SERVICES, Resource

NAMESPACE = "retail"
Body = dict[str, Any]


class Objects:
    """Objects of one namespace. `before_patch` is somebody who is faster than we are."""

    def __init__(self, *services: str) -> None:
        self.objects: dict[tuple[str, str], Body] = {}
        self.patches: list[list[Mapping[str, Any]]] = []
        self.writes = 0
        self.failures: dict[str, Exception] = {}  # of reads, by kind
        self.refuse: Exception | None = None  # of writes
        self.before_patch: Callable[[], None] | None = None
        self._versions = itertools.count(1)
        for service in services:
            self.put(SERVICES, {"metadata": {"name": service}, "spec": {}})

    def put(self, resource: Resource, body: Body) -> Body:
        stored = copy.deepcopy(body)
        metadata = stored["metadata"]
        metadata.setdefault("namespace", NAMESPACE)
        metadata.setdefault("uid", f"uid-{metadata['name']}")
        metadata.setdefault("generation", 1)
        metadata["resourceVersion"] = str(next(self._versions))
        self.objects[(resource.kind, metadata["name"])] = stored
        return stored

    def live(self, resource: Resource, name: str) -> Body:
        return self.objects[(resource.kind, name)]

    async def get(self, resource: Resource, namespace: str, name: str) -> Body | None:
        assert namespace == NAMESPACE
        if failure := self.failures.get(resource.kind):
            raise failure
        return copy.deepcopy(self.objects.get((resource.kind, name)))

    async def list(
        self, resource: Resource, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Body]:
        return [copy.deepcopy(o) for (kind, _), o in self.objects.items() if kind == resource.kind]

    async def json_patch(
        self, resource: Resource, namespace: str, name: str, operations: Sequence[Mapping[str, Any]]
    ) -> Body:
        if self.before_patch is not None:
            self.before_patch()
        if self.refuse is not None:
            raise self.refuse
        live = self.objects.get((resource.kind, name))
        if live is None:
            raise NotFound("gone", status=404)
        changed = copy.deepcopy(live)
        for operation in operations:
            _carry_out(changed, operation)
        self.patches.append(list(operations))
        return self._store(resource, live, changed)

    async def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Body,
        *,
        field_manager: str,
        force: bool = False,
    ) -> Body:
        if self.refuse is not None:
            raise self.refuse
        live = self.objects.get((resource.kind, name))
        if live is None:
            self.writes += 1
            return copy.deepcopy(self.put(resource, body))
        changed = copy.deepcopy(live)
        for key in ("labels", "annotations"):
            changed["metadata"].setdefault(key, {}).update(body["metadata"].get(key, {}))
        changed["spec"] = {**live["spec"], **copy.deepcopy(body["spec"])}
        return self._store(resource, live, changed)

    async def delete(
        self, resource: Resource, namespace: str, name: str, uid: str | None = None
    ) -> None:
        live = self.objects.get((resource.kind, name))
        if live is not None and uid not in (None, live["metadata"]["uid"]):
            raise Conflict("another uid")
        self.writes += 1
        self.objects.pop((resource.kind, name), None)

    def _store(self, resource: Resource, live: Body, changed: Body) -> Body:
        self.writes += 1
        if changed != live:
            generation = live["metadata"]["generation"] + (changed["spec"] != live["spec"])
            changed["metadata"]["generation"] = generation
            changed["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[(resource.kind, live["metadata"]["name"])] = changed
        return copy.deepcopy(changed)


def _carry_out(document: Any, operation: Mapping[str, Any]) -> None:
    *parents, last = [p.replace("~1", "/").replace("~0", "~") for p in _parts(operation["path"])]
    target = document
    for part in parents:
        target = target[int(part)] if isinstance(target, list) else target[part]
    key: Any = int(last) if isinstance(target, list) else last
    match operation["op"]:
        case "test":
            if target[key] != operation["value"]:
                raise Invalid(f"test of {operation['path']} failed", status=422)
        case "add" | "replace":
            target[key] = operation["value"]
        case "remove":
            del target[key]


def _parts(path: str) -> list[str]:
    return path.removeprefix("/").split("/")


def backend(name: str, weight: int | None = None, **more: Any) -> Body:
    found: Body = {"group": "", "kind": "Service", "name": name, "port": 80, **more}
    return found if weight is None else {**found, "weight": weight}


def rule(*backends: Body, path: str = "/", **more: Any) -> Body:
    matches = [{"path": {"type": "PathPrefix", "value": path}}]
    return {"matches": matches, "backendRefs": list(backends), **more}


def parent_status(name: str, generation: int, **conditions: str) -> Body:
    return {
        "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name},
        "controllerName": "example.com/gateway",
        "conditions": [
            {"type": kind, "status": value, "reason": kind, "observedGeneration": generation}
            for kind, value in conditions.items()
        ],
    }


def http_route(*rules: Body, parents: Sequence[Body] = (), refs: Sequence[str] = ("edge",)) -> Body:
    return {
        "metadata": {"name": "dashboard"},
        "spec": {"parentRefs": [{"name": name} for name in refs], "rules": list(rules)},
        "status": {"parents": list(parents)},
    }
