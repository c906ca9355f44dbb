"""An API server in a dict, with as much of server-side apply as ConfigMaps need.

It serves the logic of the actuators; what the real server does is proved by the integration tests.
"""

import copy
import itertools
from typing import Any

from resilience_operator.core.errors import Conflict, NotFound
from resilience_operator.core.resources import Resource

Field = tuple[str, str]  # ("f:data", key) or ("f:labels", key)


class FakeApi:
    """Objects by (plural, namespace, name); counts the requests that were made."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.failures: dict[str, Exception] = {}  # by object name, of writes
        self.unreadable: dict[str, Exception] = {}  # by plural, of lists
        self.now = "2026-01-01T00:00:00Z"
        self._owners: dict[tuple[str, str, str], dict[str, set[Field]]] = {}
        self._serial = itertools.count(1)

    @property
    def writes(self) -> int:
        return sum(verb in ("apply", "patch") for verb, _, _ in self.requests)

    def put(self, resource: Resource, namespace: str, obj: dict[str, Any]) -> dict[str, Any]:
        """Have an object in the cluster that somebody else made."""
        stored = copy.deepcopy(obj)
        metadata = stored.setdefault("metadata", {})
        metadata.setdefault("namespace", namespace)
        metadata.setdefault("uid", f"uid-{next(self._serial)}")
        metadata.setdefault("creationTimestamp", self.now)
        metadata["resourceVersion"] = str(next(self._serial))
        self.objects[(resource.plural, namespace, metadata["name"])] = stored
        return stored

    def take_over(self, namespace: str, name: str, key: str, value: str, manager: str) -> None:
        """Have another manager set a key, as `kubectl edit` does."""
        path = ("configmaps", namespace, name)
        self.objects[path]["data"][key] = value
        owners = self._owners.setdefault(path, {})
        for fields in owners.values():
            fields.discard(("f:data", key))
        owners.setdefault(manager, set()).add(("f:data", key))
        self._stamp(path)

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any] | None:
        self.requests.append(("get", resource.plural, name))
        found = self.objects.get((resource.plural, namespace, name))
        return copy.deepcopy(found)

    async def list(
        self, resource: Resource, namespace: str | None = None, label_selector: str | None = None
    ) -> list[dict[str, Any]]:
        self.requests.append(("list", resource.plural, label_selector or ""))
        if failure := self.unreadable.get(resource.plural):
            raise failure
        wanted = dict(part.split("=") for part in (label_selector or "").split(",") if part)
        return [
            copy.deepcopy(obj)
            for (plural, where, _), obj in self.objects.items()
            if plural == resource.plural
            and where == namespace
            and wanted.items() <= (obj["metadata"].get("labels") or {}).items()
        ]

    async def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: dict[str, Any],
        *,
        field_manager: str,
        force: bool = False,
    ) -> dict[str, Any]:
        self.requests.append(("apply", resource.plural, name))
        if failure := self.failures.get(name):
            raise failure
        path = (resource.plural, namespace, name)
        live = self.objects.get(path)
        uid = body["metadata"].get("uid")
        if uid is not None and (live is None or live["metadata"]["uid"] != uid):
            raise Conflict("uid mismatch")
        if live is None:
            live = self.put(resource, namespace, {"metadata": {"name": name}})
        wanted = {("f:data", key): value for key, value in body["data"].items()} | {
            ("f:labels", key): value for key, value in body["metadata"]["labels"].items()
        }
        owners = self._owners.setdefault(path, {})
        if not force:
            self._refuse_conflicts(live, owners, wanted, field_manager)
        before = copy.deepcopy(live)
        for field in owners.get(field_manager, set()) - set(wanted):
            if not any(field in owned for who, owned in owners.items() if who != field_manager):
                _values(live, field).pop(field[1], None)
        for field, value in wanted.items():
            _values(live, field)[field[1]] = value
        changed = before != live or owners.get(field_manager) != set(wanted)
        owners[field_manager] = set(wanted)
        if changed:
            self._stamp(path)
        return copy.deepcopy(live)

    async def merge_patch(
        self, resource: Resource, namespace: str, name: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        self.requests.append(("patch", resource.plural, name))
        if failure := self.failures.get(name):
            raise failure
        live = self.objects.get((resource.plural, namespace, name))
        if live is None:
            raise NotFound(f"{resource.plural} {name} not found", status=404)
        _merge(live, body)
        return copy.deepcopy(live)

    def _refuse_conflicts(
        self,
        live: dict[str, Any],
        owners: dict[str, set[Field]],
        wanted: dict[Field, str],
        manager: str,
    ) -> None:
        contested = [
            (who, f".data.{field[1]}")
            for field, value in wanted.items()
            for who, owned in owners.items()
            if who != manager and field in owned and _values(live, field).get(field[1]) != value
        ]
        if contested:
            managers, fields = zip(*contested, strict=True)
            raise Conflict("Apply failed with conflicts", managers=managers, fields=fields)

    def _stamp(self, path: tuple[str, str, str]) -> None:
        metadata = self.objects[path]["metadata"]
        metadata["resourceVersion"] = str(next(self._serial))
        metadata["managedFields"] = [
            {
                "manager": manager,
                "operation": "Update" if manager.startswith("kubectl") else "Apply",
                "time": self.now,
                "fieldsV1": {
                    "f:data": {f"f:{key}": {} for kind, key in owned if kind == "f:data"},
                    "f:metadata": {
                        "f:labels": {f"f:{key}": {} for kind, key in owned if kind == "f:labels"}
                    },
                },
            }
            for manager, owned in self._owners.get(path, {}).items()
        ]


def _values(live: dict[str, Any], field: Field) -> dict[str, str]:
    parent = live if field[0] == "f:data" else live["metadata"]
    values: dict[str, str] = parent.setdefault(field[0].removeprefix("f:"), {})
    return values


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value
