"""What a provider of a cluster can do, and what is remembered of the one that was chosen."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from e2e.cluster.paths import DEFAULT_NAME, cluster_folder, clusters_folder
from e2e.cluster.processes import ProcessTable


class Provider(Protocol):
    """One way to have a cluster. Both `up` and `down` work on whatever state they find."""

    kubeconfig: Path

    @property
    def processes(self) -> ProcessTable:
        """Programs of it on this machine, with those that others start beside it; all go down."""

    def up(self) -> None:
        """Bring the cluster up; at once, when it is up already."""

    def down(self) -> None:
        """Remove the cluster, also one that is half made."""

    def status(self) -> Sequence[str]:
        """What there is of it, a line each; empty when there is nothing."""

    def load(self, archives: Sequence[Path]) -> None:
        """Import image archives into the node."""

    def kubectl(self) -> str:
        """A kubectl for it."""


def remembered(name: str) -> str | None:
    """The provider that the cluster of that name was brought up with."""
    record = cluster_folder(name) / "cluster.json"
    if not record.exists():
        return None
    return str(json.loads(record.read_text())["provider"])


def remember(name: str, provider: str) -> None:
    """Note the provider before anything is made, so that `down` finds it."""
    folder = cluster_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "cluster.json.new"
    partial.write_text(json.dumps({"provider": provider}) + "\n")
    partial.rename(folder / "cluster.json")


def known_clusters() -> list[str]:
    """The names of all clusters that there is state of; the usual one first."""
    names = {path.parent.name for path in clusters_folder().glob("*/cluster.json")}
    return sorted(names, key=lambda name: (name != DEFAULT_NAME, name))
