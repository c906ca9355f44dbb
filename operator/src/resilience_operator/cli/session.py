"""A command's connection: opened late, closed always, and every failure made a sentence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from resilience_operator.cli.errors import AccessError, ExitCode, MissingError, from_api
from resilience_operator.core.errors import ApiError
from resilience_operator.core.resources import Resource

_T = TypeVar("_T")
Object = dict[str, Any]


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


class Cluster(Protocol):
    """The part of the client that commands use."""

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """The object, or None."""
        ...

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
    ) -> list[Object]:
        """All objects of a kind, in one namespace or in all."""
        ...

    def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
        limit: int = 500,
    ) -> AsyncIterator[Object]:
        """The lists that make up a list."""
        ...

    def watch_from(
        self,
        resource: Resource,
        namespace: str | None,
        label_selector: str | None,
        version: str,
        seconds: int,
    ) -> AsyncIterator[tuple[str, Object]]:
        """What changes after that version."""
        ...

    async def merge_patch(
        self, resource: Resource, namespace: str | None, name: str, body: Object
    ) -> Object:
        """Merge `body` into the object."""
        ...


class Inquirer(Protocol):
    """Questions that change nothing."""

    async def document(self, path: str) -> Object:
        """What the API server publishes at a path."""
        ...

    async def may_i(self, attributes: Object) -> bool:
        """Whether we are allowed that, in the words of an access review."""
        ...

    async def may(self, user: str, groups: tuple[str, ...], attributes: Object) -> bool:
        """Whether somebody else is allowed that in a namespace."""
        ...

    async def rehearse(self, resource: Resource, namespace: str, body: Object) -> Object:
        """What applying an object would store; raises what it would raise."""
        ...

    async def execute(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: tuple[str, ...],
        text: str,
        seconds: float,
    ) -> str:
        """What a program in a container answers to a text."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection and where on it a command works."""

    cluster: Cluster
    inquiries: Inquirer
    namespace: str
    user: str
    clock: Clock

    async def need(self, resource: Resource, name: str) -> Object:
        """The object of that name in the session's namespace; raises MissingError."""
        found = await self.cluster.get(resource, self.namespace, name)
        if found is None:
            raise MissingError(
                f"There is no {resource.kind} {name} in namespace {self.namespace}: "
                "kubectl resilience status -A lists what there is."
            )
        return found


@dataclass
class Target:
    """What the global options say, and how to get there."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None
    opener: "Callable[[Target], AbstractAsyncContextManager[Session]] | None" = None

    def open(self) -> AbstractAsyncContextManager[Session]:
        """Connect."""
        return (self.opener or connected)(self)


def run(target: Target, work: Callable[[Session], Awaitable[_T]]) -> _T:
    """What comes of that work on an open session; API errors become sentences."""

    async def whole() -> _T:
        async with target.open() as session:
            return await work(session)

    try:
        return asyncio.run(whole())
    except ApiError as error:
        raise from_api(error) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None


@asynccontextmanager
async def connected(target: Target) -> AsyncIterator[Session]:
    """A session on the cluster that a target means."""
    from resilience_operator.cli.kubeconfig import locate
    from resilience_operator.cli.program import EXECUTABLE
    from resilience_operator.kube.client import KubeClient
    from resilience_operator.kube.connection import connect
    from resilience_operator.kube.inquiries import Inquiries
    from resilience_operator.runtime.clock import SystemClock

    place = locate(target.kubeconfig, target.context)
    clock = SystemClock()
    try:
        connection = await connect(clock, place.path, place.context, EXECUTABLE)
    except Exception as error:  # whatever the library finds wrong with credentials
        said = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        raise AccessError(
            f"The kubeconfig gives no way into the cluster: {said}. Log in again, or choose "
            "another --context."
        ) from error
    try:
        namespace = target.namespace or place.namespace
        client, inquiries = KubeClient(connection), Inquiries(connection)
        yield Session(client, inquiries, namespace, place.user, clock)
    finally:
        await connection.close()
