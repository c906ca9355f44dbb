"""Names to addresses, addresses to sockets: every connection of every probe begins here.

Each address is checked by the guard after resolution, and it is the checked address that is
dialled, so a name that changes between the two gains nothing.

Resolution has threads of its own: `getaddrinfo` blocks, the event loop's default pool has few
threads, and one name that hangs must not stop every other probe. It holds its thread for longer
than any probe waits, so all who ask for a name share its lookup. A lost packet alone makes one hang
for seconds, so one more is begun then, but no third.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

import aiohappyeyeballs

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.probes.base import Unhealthy, Unknowable
from resilience_operator.probes.guard import AddressGuard, AddressRefused
from resilience_operator.probes.together import Together

RESOLVER_THREADS = 64
# What is ours has to be known before the shortest timeout of a probe is over, which would blame
# the dependency: that a lookup gets no thread; that neither it nor the control name's is answered.
THREAD_PATIENCE_SECONDS = 0.3
HANGS_SECONDS = 0.4
HAPPY_EYEBALLS_SECONDS = 0.25

AddrInfo = aiohappyeyeballs.AddrInfoType


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect to, by name."""

    host: str
    port: int


def parse_host_port(address: str) -> Endpoint:
    """Split `host:port`; an IPv6 address is in brackets."""
    host, _, port = address.rpartition(":")
    return Endpoint(host.removeprefix("[").removesuffix("]"), int(port))


class Resolver:
    """`getaddrinfo` in threads of its own, telling our own outage from a name's."""

    def __init__(self, control_name: str | None, threads: int = RESOLVER_THREADS) -> None:
        """`control_name` resolves whenever our own resolver works, whatever else is down."""
        self._control_name = control_name
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")
        self._free = asyncio.Semaphore(threads)
        self._lookups: Together[tuple[Endpoint, bool], list[AddrInfo]] = Together()

    async def resolve(self, endpoint: Endpoint) -> list[AddrInfo]:
        """Return the addresses; raise Unhealthy DNS, or Unknowable when the failure is ours."""
        try:
            return await self._patiently(endpoint)
        except UnicodeError:
            raise Unhealthy(FailureReason.DNS, "The host name is not a valid name.") from None
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN and await self._is_cut_off():
                raise Unknowable(
                    FailureReason.LOCAL_NETWORK, "This operator cannot reach its name server."
                ) from None
            if error.errno in (socket.EAI_MEMORY, socket.EAI_SYSTEM):
                raise Unknowable(
                    FailureReason.LOCAL_NETWORK, "This operator could not resolve any name."
                ) from None
        raise Unhealthy(FailureReason.DNS, "The host name does not resolve to an address.")

    async def _patiently(self, endpoint: Endpoint) -> list[AddrInfo]:
        """Look it up, however long it takes, unless nothing at all is answered."""
        if _is_literal(endpoint.host):  # asks nobody, so it needs no thread: half of a TCP probe
            return _getaddrinfo(endpoint, socket.AI_NUMERICHOST)
        second = self._hangs(endpoint)
        try:
            async with asyncio.timeout(HANGS_SECONDS):
                return await self._lookup(endpoint, second)
        except TimeoutError:
            if self._control_name is not None and await self._is_silent():
                raise Unknowable(
                    FailureReason.LOCAL_NETWORK, "This operator's name server does not answer."
                ) from None
        return await self._lookup(endpoint, second)

    def _hangs(self, endpoint: Endpoint) -> bool:
        return self._lookups.age((endpoint, False)) > HANGS_SECONDS

    async def _lookup(self, endpoint: Endpoint, second: bool) -> list[AddrInfo]:
        """The lookup that is under way, or the second one beside it."""
        return await self._lookups.do((endpoint, second), partial(self._in_thread, endpoint))

    async def _in_thread(self, endpoint: Endpoint) -> list[AddrInfo]:
        try:
            async with asyncio.timeout(THREAD_PATIENCE_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise Unknowable(
                FailureReason.LOCAL_NETWORK,
                "This operator's name server leaves too many names unanswered.",
            ) from None
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, partial(_getaddrinfo, endpoint, 0)
            )
        finally:
            self._free.release()

    async def _is_silent(self) -> bool:
        """Whether the control name is not resolved either, or not soon."""
        try:
            async with asyncio.timeout(HANGS_SECONDS):
                return await self._is_cut_off()
        except TimeoutError:
            return True

    async def _is_cut_off(self) -> bool:
        """Whether our resolver fails altogether. Assumed when there is no control name."""
        if self._control_name is None:
            return True
        control = Endpoint(self._control_name, 0)
        try:
            await self._lookup(control, self._hangs(control))
        except socket.gaierror as error:
            return error.errno != socket.EAI_NONAME
        return False

    def close(self) -> None:
        """Let go of the threads; one that hangs in a lookup ends with it."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _getaddrinfo(endpoint: Endpoint, flags: int) -> list[AddrInfo]:
    return list(
        socket.getaddrinfo(
            endpoint.host,
            endpoint.port,
            type=socket.SOCK_STREAM,
            # No IPv6 addresses where there is no IPv6.
            flags=socket.AI_ADDRCONFIG | flags,
        )
    )


class Dialler:
    """Connects to addresses that the guard has let through."""

    def __init__(self, guard: AddressGuard, resolver: Resolver) -> None:
        self._guard = guard
        self._resolver = resolver

    async def addresses(self, endpoint: Endpoint) -> list[AddrInfo]:
        """Resolve and keep the addresses that may be dialled; `AddressRefused` if none may."""
        infos = await self._resolver.resolve(endpoint)
        kinds = [self._guard.refusal(str(info[4][0])) for info in infos]
        allowed = [info for info, kind in zip(infos, kinds, strict=True) if kind is None]
        if not allowed:
            raise AddressRefused(kinds[0] or "no address")
        return allowed

    def open_socket(self, info: AddrInfo) -> socket.socket:
        """Make the socket for a dial: the last place where an address is checked."""
        family, kind, protocol, _, address = info
        self._guard.check(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    async def connect(self, endpoint: Endpoint) -> socket.socket:
        """Return a connected, non-blocking socket."""
        return await aiohappyeyeballs.start_connection(
            await self.addresses(endpoint),
            happy_eyeballs_delay=HAPPY_EYEBALLS_SECONDS,
            socket_factory=self.open_socket,
        )

    def close(self) -> None:
        """Let go of the resolver's threads."""
        self._resolver.close()
