"""Writes what is to be brought back into a folder: by kubectl, from the cluster it points to."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.drill import objects
from e2e.drill.objects import GROUP, PARTS, Body
from e2e.drill.standing import Standing, standing

_STATE = "state.json"
_MANAGED_BY = f"{GROUP}/managed-by"


@dataclass(frozen=True)
class Export:
    """An export in its folder. `policies` have their statuses: to compare, not to apply."""

    folder: Path
    taken_at: float
    standing: Standing
    policies: Sequence[Body]
    owners: dict[str, str]

    def objects(self, part: str) -> list[Body]:
        """The objects of one file."""
        found: list[Body] = json.loads((self.folder / f"{part}.json").read_text())["items"]
        return found


def export(kubectl: Kubectl, folder: Path, namespaces: Sequence[str] = ()) -> Export:
    """Export every namespace with a policy, and those named besides.

    A folder with an earlier export is replaced; one with anything else in it is not touched.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / _STATE).exists():
        raise CommandFailed(f"{folder} has something else in it than an export: name another")
    taken_at = time.time()
    policies = _all(kubectl, f"resiliencepolicies.{GROUP}")
    places = sorted({each["metadata"]["namespace"] for each in policies}.union(namespaces))
    found = [each for place in places for each in _namespace(kubectl, place)]
    levels = [each for each in found if each["kind"] == objects.LEVEL]
    state = {
        "takenAt": taken_at,
        "standing": now(kubectl),
        "policies": policies,
        "owners": {_key(each): owner for each in levels if (owner := objects.owner_of(each))},
    }
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for part in PARTS:
        mine = objects.ordered(
            objects.cleaned(each) for each in found if objects.part_of(each) == part
        )
        _write(unfinished / f"{part}.json", {"apiVersion": "v1", "kind": "List", "items": mine})
    _write(unfinished / _STATE, state)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return read(folder)


def read(folder: Path) -> Export:
    """An export that was taken before."""
    if not (folder / _STATE).exists():
        raise CommandFailed(f"there is no export in {folder}")
    state = json.loads((folder / _STATE).read_text())
    return Export(folder, state["takenAt"], state["standing"], state["policies"], state["owners"])


def now(kubectl: Kubectl) -> Standing:
    """Where everything stands in the cluster."""
    return standing(
        _all(kubectl, f"resiliencepolicies.{GROUP}"),
        _all(kubectl, f"degradationlevels.{GROUP}"),
        _all(kubectl, "configmaps", "-l", _MANAGED_BY),
    )


def _namespace(kubectl: Kubectl, place: str) -> list[Body]:
    kinds = set(kubectl.run(
        "api-resources", "--namespaced", "--verbs=list,create", "-o", "name"
    ).split())  # fmt: skip
    names = ",".join(sorted(kinds - objects.NOT_EXPORTED))
    inside = kubectl.get("-n", place, names)["items"]
    return [kubectl.get("namespace", place), *(each for each in inside if objects.wanted(each))]


def _all(kubectl: Kubectl, *what: str) -> list[Body]:
    found: list[Body] = kubectl.get("--all-namespaces", *what)["items"]
    return found


def _key(body: Body) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
