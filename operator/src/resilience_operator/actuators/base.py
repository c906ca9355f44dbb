"""What the actuators consume of the API server, and the values they hand back.

The client itself lives in `kube`; the `Api` protocol here names only the methods used here, so that
an actuator depends on a handful of requests and not on a client.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from resilience_operator.core.model import FlagSet, Problem
from resilience_operator.core.resources import Resource

Object = Mapping[str, Any]
"""An object of the API server, decoded from JSON."""


class Api(Protocol):
    """The requests that actuators make. Failures are the exceptions of `core.errors`."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object, or None when there is none."""
        ...

    async def list(
        self, resource: Resource, namespace: str | None = None, label_selector: str | None = None
    ) -> Sequence[Object]:
        """All matching objects of a namespace."""
        ...

    async def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: dict[str, Any],
        *,
        field_manager: str,
        force: bool = False,
    ) -> Object:
        """Server-side apply; raises Conflict where another manager owns a field that differs."""
        ...

    async def merge_patch(
        self, resource: Resource, namespace: str, name: str, body: dict[str, Any]
    ) -> Object:
        """JSON merge patch; raises NotFound."""
        ...

    async def json_patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        operations: Sequence[Mapping[str, Any]],
    ) -> Object:
        """JSON Patch, all or none; Invalid when a `test` in it fails, NotFound."""
        ...

    async def delete(
        self, resource: Resource, namespace: str, name: str, uid: str | None = None
    ) -> None:
        """Delete an object, or only the one with that uid; one that is gone is deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """A ConfigMap as it was last seen to hold a policy's flags."""

    config_map: str
    content: str  # digest of the data; another one means a write
    flags_digest: str  # FlagSet.digest; another one means that pods must look again
    resource_version: str
    written_at: str | None  # RFC 3339, when our fields were last written, by the server's clock

    def holds(self, flags: FlagSet) -> bool:
        """Whether these are the flags, to the last byte; another health is another content."""
        return self.config_map == flags.config_map and self.content == content_digest(flags.data)


@dataclass(frozen=True, slots=True)
class FlagsOutcome:
    """What came of writing flags. `applied` is None when the ConfigMap was refused."""

    applied: Applied | None = None
    written: bool = False
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class RefreshOutcome:
    """How far a change of flags got: `refreshed` of `total` pods know of it."""

    refreshed: int = 0
    total: int = 0
    missing: tuple[Problem, ...] = ()  # targets that are not there
    failures: tuple[Problem, ...] = ()  # pods or Deployments that could not be told
    notes: tuple[Problem, ...] = ()  # hints on targets that will not notice; nothing is blocked
    patched: int = 0  # told just now; 0 when everybody knew
    refused: bool = False  # every failure is the API server's refusal, which it will repeat

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to try again."""
        return not self.failures and self.refreshed == self.total


def content_digest(data: Mapping[str, str]) -> str:
    """A short name for the content of a ConfigMap."""
    canonical = json.dumps(dict(data), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
