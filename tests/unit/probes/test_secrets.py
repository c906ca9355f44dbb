"""The cache in front of Secrets, with an injected clock."""

import asyncio
from collections.abc import Mapping

import pytest

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.core.errors import Forbidden
from resilience_operator.probes import secrets as module
from resilience_operator.probes.secrets import (
    CachedSecrets,
    SecretForbidden,
    SecretInvalid,
    SecretMissing,
    secret_bytes,
    secret_text,
)
from resilience_operator.runtime.pool import GRACE_SECONDS

Data = Mapping[str, bytes] | None


class Reader:
    """Answers from `data`, or raises it; counts the reads."""

    def __init__(self, data: Data | Exception) -> None:
        self.data = data
        self.reads = 0
        self.gate: asyncio.Event | None = None

    async def read(self, namespace: str, name: str) -> Data:
        self.reads += 1
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.data, Exception):
            raise self.data
        return self.data


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def cached(data: Data | Exception, uniform: float = 0.5) -> tuple[CachedSecrets, Reader, Clock]:
    reader, clock = Reader(data), Clock()
    return CachedSecrets(reader, clock, uniform=lambda: uniform), reader, clock


async def test_a_value_is_kept_for_five_minutes() -> None:
    secrets, reader, clock = cached({"k": b"1"})
    assert await secrets.values("ns", ("a", "b")) == {"a": {"k": b"1"}, "b": {"k": b"1"}}
    reader.data = {"k": b"2"}
    clock.now += 299
    assert await secrets.values("ns", ("a",)) == {"a": {"k": b"1"}}
    clock.now += 1
    assert await secrets.values("ns", ("a",)) == {"a": {"k": b"2"}}
    assert reader.reads == 3


@pytest.mark.parametrize(("uniform", "ttl"), [(0.0, 240), (1.0, 360)])
async def test_the_time_is_jittered(uniform: float, ttl: float) -> None:
    secrets, reader, clock = cached({"k": b"1"}, uniform)
    await secrets.values("ns", ("a",))
    for step, reads in ((ttl - 1, 1), (1, 2)):
        clock.now += step
        await secrets.values("ns", ("a",))
        assert reader.reads == reads


async def test_namespaces_are_apart() -> None:
    secrets, reader, _ = cached({"k": b"1"})
    await secrets.values("one", ("a",))
    await secrets.values("two", ("a",))
    assert reader.reads == 2


async def test_a_secret_that_may_not_be_read_says_so_and_is_tried_again_soon() -> None:
    secrets, reader, clock = cached(Forbidden("secrets is forbidden"))
    for _ in range(3):
        with pytest.raises(SecretForbidden, match=r"may not get the Secret 'a'.*RoleBinding"):
            await secrets.values("ns", ("a",))
    assert reader.reads == 1
    reader.data = {"k": b"1"}
    clock.now += 5
    assert await secrets.values("ns", ("a",)) == {"a": {"k": b"1"}}


async def test_a_right_that_is_taken_away_leaves_the_old_value() -> None:
    secrets, reader, clock = cached({"k": b"1"})
    await secrets.values("ns", ("a",))
    reader.data = Forbidden("secrets is forbidden")
    clock.now += 300
    assert await secrets.values("ns", ("a",)) == {"a": {"k": b"1"}}
    assert reader.reads == 2


async def test_a_missing_secret_is_looked_for_again_soon() -> None:
    secrets, reader, clock = cached(None)
    for _ in range(3):
        with pytest.raises(SecretMissing, match="'a'"):
            await secrets.values("ns", ("a",))
    assert reader.reads == 1
    reader.data = {"k": b"1"}
    clock.now += 5
    assert await secrets.values("ns", ("a",)) == {"a": {"k": b"1"}}


async def test_a_deleted_secret_is_missing_once_its_time_is_up() -> None:
    secrets, reader, clock = cached({"k": b"1"})
    await secrets.values("ns", ("a",))
    reader.data = None
    clock.now += 300
    with pytest.raises(SecretMissing):
        await secrets.values("ns", ("a",))


async def test_the_old_value_stands_while_the_reader_fails() -> None:
    secrets, reader, clock = cached({"k": b"1"})
    await secrets.values("ns", ("a",))
    reader.data = RuntimeError("API server down")
    clock.now += 300
    for _ in range(3):
        assert await secrets.values("ns", ("a",)) == {"a": {"k": b"1"}}
    assert reader.reads == 2
    clock.now += 5
    reader.data = {"k": b"2"}
    assert await secrets.values("ns", ("a",)) == {"a": {"k": b"2"}}


async def test_the_old_value_stands_while_the_reader_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.READ_TIMEOUT_SECONDS < GRACE_SECONDS, "or the pool cuts the probe off first"
    monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.01)
    secrets, reader, clock = cached({"k": b"1"})
    await secrets.values("ns", ("a",))
    reader.gate = asyncio.Event()
    clock.now += 300
    for _ in range(3):
        assert await secrets.values("ns", ("a",)) == {"a": {"k": b"1"}}
    assert reader.reads == 2


async def test_without_an_old_value_the_readers_failure_is_told() -> None:
    secrets, _, _ = cached(RuntimeError("API server down"))
    with pytest.raises(RuntimeError):
        await secrets.values("ns", ("a",))


async def test_reread_and_invalidate() -> None:
    secrets, reader, clock = cached({"k": b"1"})
    await secrets.values("ns", ("a",))
    reader.data = {"k": b"2"}
    assert await secrets.reread("ns", ("a",)) == {"a": {"k": b"1"}}  # read a moment ago
    clock.now += 1
    assert await secrets.reread("ns", ("a",)) == {"a": {"k": b"2"}}
    reader.data = {"k": b"3"}
    secrets.invalidate("ns", "a")
    secrets.invalidate("ns", "never read")
    assert await secrets.values("ns", ("a",)) == {"a": {"k": b"3"}}


async def test_one_read_however_many_wait() -> None:
    secrets, reader, _ = cached({"k": b"1"})
    reader.gate = asyncio.Event()
    waiting = [asyncio.create_task(secrets.values("ns", ("a",))) for _ in range(10)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    reader.gate.set()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert done[1:] == [{"a": {"k": b"1"}}] * 9
    assert reader.reads <= 2


async def test_reads_that_hang_leave_connections_for_others() -> None:
    secrets, reader, _ = cached({"k": b"1"})
    reader.gate = asyncio.Event()
    waiting = [asyncio.create_task(secrets.values("ns", (f"s{n}",))) for n in range(100)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert reader.reads == module.READS_AT_ONCE < 100
    reader.gate.set()
    await asyncio.gather(*waiting)
    assert reader.reads == 100


async def test_what_nobody_asks_for_any_more_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets, _, clock = cached({"k": b"1"})
    for _ in range(3):
        await secrets.values("ns", ("gone",))
        clock.now += 3600
        await secrets.values("ns", ("used",))
        clock.now += 3600
        await secrets.values("ns", ("used", "new"))
        assert ("ns", "gone") not in secrets._entries
        assert ("ns", "used") in secrets._entries
        clock.now += 7200
        await secrets.values("ns", ("used",))
    monkeypatch.setattr(module, "MAX_ENTRIES", 2)
    await secrets.values("ns", ("one", "used", "other"))
    assert [name for _, name in secrets._entries] == ["used", "other"]


@pytest.mark.parametrize(
    ("value", "text"), [(b"abc", "abc"), (b" abc\n", "abc"), ("schön".encode(), "schön")]
)
def test_text(value: bytes, text: str) -> None:
    ref = SecretKeyRef(name="s", key="k")
    assert secret_text({"s": {"k": value}}, ref) == text


@pytest.mark.parametrize("value", [b"", b"\n", b"a\nb", b"a\r\nX-Header: b", b"\xff\xfe", b"a\0b"])
def test_what_is_not_one_line_of_text(value: bytes) -> None:
    with pytest.raises(SecretInvalid, match="'k'"):
        secret_text({"s": {"k": value}}, SecretKeyRef(name="s", key="k"))


def test_a_key_that_is_not_there() -> None:
    with pytest.raises(SecretInvalid, match="'k'"):
        secret_bytes({"s": {"other": b"x"}}, SecretKeyRef(name="s", key="k"))
