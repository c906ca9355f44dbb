"""Names to checked addresses, with a resolver of the test's own behind them."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.core.model import Verdict
from resilience_operator.probes import dial as module
from resilience_operator.probes.base import ProbeFailure
from resilience_operator.probes.dial import Dialler, Endpoint, Resolver
from resilience_operator.probes.guard import AddressGuard, AddressRefused

TABLE: dict[str, list[str] | int] = {
    "open": ["192.0.2.1", "2001:db8::1"],
    "mixed": ["127.0.0.1", "192.0.2.1"],
    "inside": ["127.0.0.1", "169.254.169.254"],
    "absent": socket.EAI_NONAME,
    "servfail": socket.EAI_AGAIN,
    "broken": socket.EAI_SYSTEM,
    "control": ["192.0.2.9"],
    "control-gone": socket.EAI_NONAME,
    "control-down": socket.EAI_AGAIN,
}


@pytest.fixture(autouse=True)
def resolver_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, port: int, **_: object) -> list[object]:
        found = TABLE[host]
        if isinstance(found, int):
            raise socket.gaierror(found, "canary")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def dialler(request: pytest.FixtureRequest) -> Iterator[Dialler]:
    made = Dialler(AddressGuard(), Resolver(getattr(request, "param", "control"), threads=2))
    yield made
    made.close()


async def test_only_addresses_that_may_be_dialled(dialler: Dialler) -> None:
    for host, addresses in (("open", ["192.0.2.1", "2001:db8::1"]), ("mixed", ["192.0.2.1"])):
        infos = await dialler.addresses(Endpoint(host, 80))
        assert [info[4][0] for info in infos] == addresses
    with pytest.raises(AddressRefused):
        await dialler.addresses(Endpoint("inside", 80))


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
async def test_an_address_is_looked_up_without_a_thread(
    dialler: Dialler, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    threads: list[threading.Thread] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[object]:
        threads.append(threading.current_thread())
        found = "192.0.2.7" if host == "open" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (found, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    [info] = await dialler.addresses(Endpoint(address, 80))
    assert info[4] == (address, 80)
    await dialler.addresses(Endpoint("open", 80))
    assert [thread is threading.main_thread() for thread in threads] == [True, False]


def test_the_address_of_a_dial_is_checked_again(dialler: Dialler) -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))
    with pytest.raises(AddressRefused):
        dialler.open_socket(info)


@pytest.mark.parametrize(
    ("dialler", "host", "verdict", "reason"),
    [
        ("control", "absent", Verdict.UNHEALTHY, Reason.DNS),
        ("control", "servfail", Verdict.UNHEALTHY, Reason.DNS),
        ("control-gone", "servfail", Verdict.UNHEALTHY, Reason.DNS),
        ("control-down", "servfail", Verdict.UNKNOWN, Reason.LOCAL_NETWORK),
        (None, "servfail", Verdict.UNKNOWN, Reason.LOCAL_NETWORK),
        ("control", "broken", Verdict.UNKNOWN, Reason.LOCAL_NETWORK),
    ],
    indirect=["dialler"],
)
async def test_names_that_do_not_resolve(
    dialler: Dialler, host: str, verdict: Verdict, reason: Reason
) -> None:
    with pytest.raises(ProbeFailure) as caught:
        await dialler.addresses(Endpoint(host, 80))
    assert (caught.value.verdict, caught.value.reason) == (verdict, reason)
    assert "canary" not in caught.value.message


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Names that begin with `hangs` are not answered before this is set."""
    answered, quick = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: str, port: int, **options: object) -> object:
        if host.startswith("hangs"):
            answered.wait()
            host = "open"
        return quick(host, port, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield answered
    answered.set()


async def give_up_on(dialler: Dialler, host: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await dialler.addresses(Endpoint(host, 80))


@pytest.mark.parametrize("patience", [0.0, 60.0])
async def test_a_name_that_hangs_takes_no_more_than_two_threads_however_often_it_is_asked_for(
    released: threading.Event, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(module, "HANGS_SECONDS", patience)
    dialler = Dialler(AddressGuard(), Resolver(None, threads=3))
    for _ in range(5):
        await give_up_on(dialler, "hangs")
    async with asyncio.timeout(5):
        assert await dialler.addresses(Endpoint("open", 80))
    waiting = asyncio.create_task(dialler.addresses(Endpoint("hangs", 80)))
    released.set()
    assert await waiting
    dialler.close()


@pytest.mark.parametrize("dialler", [None], indirect=True)
async def test_a_packet_that_is_lost_costs_one_probe_and_not_the_next_ones_too(
    dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HANGS_SECONDS", 0.0)
    lost, quick = [threading.Event()], socket.getaddrinfo
    first = lost[0]

    def getaddrinfo(host: str, port: int, **options: object) -> object:
        if lost:
            lost.pop().wait()
        return quick(host, port, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    await give_up_on(dialler, "open")
    async with asyncio.timeout(5):
        assert await dialler.addresses(Endpoint("open", 80))
    first.set()


async def test_names_that_hang_in_every_thread_are_no_failure_of_the_others(
    dialler: Dialler, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "THREAD_PATIENCE_SECONDS", 0.05)
    for host in ("hangs1", "hangs2"):
        await give_up_on(dialler, host)
    with pytest.raises(ProbeFailure) as caught:
        await dialler.addresses(Endpoint("open", 80))
    assert (caught.value.verdict, caught.value.reason) == (Verdict.UNKNOWN, Reason.LOCAL_NETWORK)
    released.set()
    async with asyncio.timeout(5):
        while True:
            try:
                assert await dialler.addresses(Endpoint("open", 80))
                break
            except ProbeFailure:
                continue


@pytest.mark.parametrize("dialler", ["hangs-too"], indirect=True)
async def test_a_name_server_that_is_silent_for_the_control_name_too_is_our_own_outage(
    dialler: Dialler, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HANGS_SECONDS", 0.05)
    for _ in range(3):
        with pytest.raises(ProbeFailure) as caught:
            async with asyncio.timeout(5):
                await dialler.addresses(Endpoint("hangs", 80))
        assert (caught.value.verdict, caught.value.reason) == (
            Verdict.UNKNOWN,
            Reason.LOCAL_NETWORK,
        )


def test_that_is_said_before_the_shortest_timeout_of_a_probe_is_over() -> None:
    assert module.THREAD_PATIENCE_SECONDS < module.HANGS_SECONDS
    assert 2 * module.HANGS_SECONDS < 1.0


async def test_a_slow_name_is_waited_for_while_the_name_server_answers_others(
    dialler: Dialler, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HANGS_SECONDS", 0.05)
    waiting = asyncio.create_task(dialler.addresses(Endpoint("hangs", 80)))
    await asyncio.wait({waiting}, timeout=0.3)
    assert not waiting.done()
    released.set()
    assert await waiting
