"""The prober around a probe of the test's own: deadlines, faults, rotation, closing."""

import asyncio
import sys
import types
from collections.abc import Mapping

import pytest

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import TcpProbe
from resilience_operator.core.model import Verdict
from resilience_operator.probes import prober as prober_module
from resilience_operator.probes.base import Exchange, SecretValues, Unhealthy, Unknowable
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.prober import InternalProbeError, Prober

SPEC = TcpProbe(address="db:5432")


class Secrets:
    def __init__(self) -> None:
        self.data: dict[str, bytes] | None = {"password": b"old"}
        self.fault: Exception | None = None

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        if self.fault is not None:
            raise self.fault
        return None if self.data is None else dict(self.data)


class Script:
    """A probe that does what the test says, and remembers what it was given."""

    secret_names = ("db",)

    def __init__(self) -> None:
        self.outcomes: list[object] = []
        self.prepared: list[SecretValues] = []
        self.closed = 0

    async def prepare(self, secrets: SecretValues, timeout_seconds: float) -> Exchange:
        self.prepared.append(secrets)
        outcome = self.outcomes.pop(0)

        async def ask() -> str:
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome == "hang":
                await asyncio.Event().wait()
            return str(outcome)

        return ask

    async def aclose(self) -> None:
        self.closed += 1


class Table:
    """A prober whose every probe is `script`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.script, self.secrets, self.now = Script(), Secrets(), 1000.0
        self.built = 0
        self.lost = [0.0]  # by the event loop, each time that somebody asks; the last one stays
        self.faults: list[InternalProbeError] = []
        module = types.ModuleType("scripted_probe")
        module.build = self._build  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "scripted_probe", module)
        monkeypatch.setitem(prober_module.MODULES, TcpProbe, "scripted_probe")
        self.prober = Prober(
            self.secrets,
            AddressGuard(),
            lambda: self.now,
            on_internal_error=self.faults.append,
            lost=lambda: self.lost.pop(0) if len(self.lost) > 1 else self.lost[0],
        )

    def _build(self, spec: object, kit: object) -> Script:
        self.built += 1
        return self.script


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    return Table(monkeypatch)


async def test_healthy(table: Table) -> None:
    table.script.outcomes = ["fine"]
    result = await table.prober.probe("ns", SPEC, 1)
    assert (result.verdict, result.reason) == (Verdict.HEALTHY, None)
    assert (result.message, result.at) == ("fine", 1000.0)
    assert result.latency_ms > 0


async def test_failures_keep_their_verdict(table: Table) -> None:
    table.script.outcomes = [
        Unhealthy(Reason.REFUSED, "refused"),
        Unknowable(Reason.ADDRESS_REFUSED, "not allowed"),
    ]
    for verdict, reason in (
        (Verdict.UNHEALTHY, Reason.REFUSED),
        (Verdict.UNKNOWN, Reason.ADDRESS_REFUSED),
    ):
        result = await table.prober.probe("ns", SPEC, 1)
        assert (result.verdict, result.reason) == (verdict, reason)


async def test_timeout(table: Table) -> None:
    table.script.outcomes = ["hang"]
    result = await table.prober.probe("ns", SPEC, 0.01)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, Reason.TIMEOUT)


@pytest.mark.parametrize("answer", ["hang", Unhealthy(Reason.TIMEOUT, "its own")])
async def test_a_timeout_that_we_lost_ourselves_says_nothing(table: Table, answer: object) -> None:
    table.script.outcomes, table.lost = [answer], [7.0, 7.004]
    result = await table.prober.probe("ns", SPEC, 0.01)
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.OVERLOADED)


async def test_a_timeout_that_we_were_awake_for_is_theirs(table: Table) -> None:
    table.script.outcomes, table.lost = ["hang"], [7.0, 7.001]
    result = await table.prober.probe("ns", SPEC, 0.01)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, Reason.TIMEOUT)


async def test_other_failures_stay_theirs_however_busy_we_are(table: Table) -> None:
    table.script.outcomes, table.lost = [Unhealthy(Reason.REFUSED, "refused")], [7.0, 9.0]
    result = await table.prober.probe("ns", SPEC, 1)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, Reason.REFUSED)


async def test_time_that_we_lost_is_not_its_latency(table: Table) -> None:
    table.script.outcomes, table.lost = ["fine"], [7.0, 9.0]
    result = await table.prober.probe("ns", SPEC, 1)
    assert (result.verdict, result.latency_ms) == (Verdict.HEALTHY, 0.0)


async def test_a_fault_of_ours_is_told_by_its_type(table: Table) -> None:
    table.script.outcomes = [KeyError("canary")]
    result = await table.prober.probe("ns", SPEC, 1)
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.INTERNAL)
    assert "KeyError" in result.message
    (fault,) = table.faults
    assert fault.kind == "KeyError"
    assert __name__.rpartition(".")[2] in str(fault)
    assert "canary" not in f"{result} {fault!r} {fault.__cause__!r} {fault.__context__!r}"


async def test_a_reader_that_fails_is_a_fault_of_ours(table: Table) -> None:
    table.secrets.fault = RuntimeError("canary")
    result = await table.prober.probe("ns", SPEC, 1)
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.INTERNAL)
    assert not table.script.prepared


async def test_a_missing_secret(table: Table) -> None:
    table.secrets.data = None
    result = await table.prober.probe("ns", SPEC, 1)
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.SECRET_MISSING)


async def test_a_cancellation_goes_through(table: Table) -> None:
    table.script.outcomes = ["hang"]
    task = asyncio.create_task(table.prober.probe("ns", SPEC, 60))
    while not table.script.prepared:  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not table.faults


async def test_a_failed_login_is_tried_again_with_a_changed_secret(table: Table) -> None:
    refused = Unhealthy(Reason.AUTH, "refused")
    table.script.outcomes = [refused, refused, "fine"]
    assert (await table.prober.probe("ns", SPEC, 1)).reason is Reason.AUTH
    table.now += 2
    table.secrets.data = {"password": b"new"}
    result = await table.prober.probe("ns", SPEC, 1)
    assert result.verdict is Verdict.HEALTHY
    assert [p["db"]["password"] for p in table.script.prepared] == [b"old", b"old", b"new"]


async def test_it_is_tried_again_once_only(table: Table) -> None:
    refused = Unhealthy(Reason.AUTH, "refused")
    table.script.outcomes = ["fine", refused, refused]
    await table.prober.probe("ns", SPEC, 1)
    table.now += 2
    table.secrets.data = {"password": b"new"}
    assert (await table.prober.probe("ns", SPEC, 1)).reason is Reason.AUTH
    assert not table.script.outcomes


async def test_a_secret_that_is_gone_by_then(table: Table) -> None:
    table.script.outcomes = ["fine", Unhealthy(Reason.AUTH, "refused")]
    await table.prober.probe("ns", SPEC, 1)
    table.now += 2
    table.secrets.data = None
    assert (await table.prober.probe("ns", SPEC, 1)).reason is Reason.SECRET_MISSING


async def test_one_probe_per_namespace_and_spec(table: Table) -> None:
    table.script.outcomes = ["fine"] * 9
    for namespace, address in (("a", "db:1"), ("a", "db:1"), ("b", "db:1"), ("a", "db:2")):
        await table.prober.probe(namespace, TcpProbe(address=address), 1)
    assert table.built == 3
    await table.prober.forget("a", TcpProbe(address="db:1"))
    await table.prober.forget("a", TcpProbe(address="unknown:1"))
    assert table.script.closed == 1
    await table.prober.probe("a", TcpProbe(address="db:1"), 1)
    assert table.built == 4
    await table.prober.aclose()
    assert table.script.closed == 4


def test_no_library_of_a_protocol_is_loaded_before_it_is_needed() -> None:
    import subprocess

    code = (
        "import sys, resilience_operator.probes.prober; "
        "print([m for m in ('aiohttp', 'psycopg', 'botocore', 'redis', 're2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
