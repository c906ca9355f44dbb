"""Reads what there is, once each, and says what we may not read instead of giving up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from resilience_operator.cli.preflight.model import Denied, Found, Listed
from resilience_operator.cli.preflight.needs import Need
from resilience_operator.cli.session import Session
from resilience_operator.core.errors import Forbidden, NotFound
from resilience_operator.core.resources import Resource

_T = TypeVar("_T")
_AT_ONCE = 16


class Reader:
    """Requests of a session. The same question is sent once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._known: dict[object, asyncio.Future[object]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def document(self, path: str) -> Found:
        """What is published at a path; None if nothing is."""
        return await self._once(
            ("document", path), lambda: _or_none(self.session.inquiries.document(path))
        )

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Found:
        """An object."""
        return await self._once(
            ("get", resource, namespace, name),
            lambda: self.session.cluster.get(resource, namespace, name),
        )

    async def list(
        self, resource: Resource, namespace: str | None = None, selector: str | None = None
    ) -> Listed:
        """Objects of a kind; none where the kind is not known."""
        found = await self._once(
            ("list", resource, namespace, selector),
            lambda: _or_none(self.session.cluster.list(resource, namespace, selector)),
        )
        return found if found is not None else []

    async def may(self, account: str, namespace: str, need: Need) -> bool | Denied:
        """Whether a service account (`namespace:name`) is allowed that."""
        user = f"system:serviceaccount:{account}"
        home = account.partition(":")[0]
        groups = (
            "system:serviceaccounts",
            f"system:serviceaccounts:{home}",
            "system:authenticated",
        )
        asked = need.attributes(namespace)
        return await self._once(
            ("may", user, namespace, need),
            lambda: self.session.inquiries.may(user, groups, asked),
        )

    async def may_i(self, namespace: str, need: Need) -> bool | Denied:
        """Whether we are allowed that."""
        asked = need.attributes(namespace)
        return await self._once(
            ("may i", namespace, need), lambda: self.session.inquiries.may_i(asked)
        )

    async def _once(self, key: object, ask: Callable[[], Awaitable[_T]]) -> _T | Denied:
        if key not in self._known:
            self._known[key] = asyncio.ensure_future(self._ask(ask))
        answer: _T | Denied = await self._known[key]  # type: ignore[assignment]
        return answer

    async def _ask(self, ask: Callable[[], Awaitable[_T]]) -> _T | Denied:
        async with self._slots:
            try:
                return await ask()
            except Forbidden as error:
                return Denied(error.message)


async def _or_none(asked: Awaitable[_T]) -> _T | None:
    try:
        return await asked
    except NotFound:
        return None
