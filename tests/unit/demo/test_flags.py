"""Flags through the real SDK and provider, from a real file that is swapped as the kubelet does."""

import logging
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from openfeature import api

from e2e.demo.app.features import FEATURES
from e2e.demo.app.flags import FlagReader, OncePerMinute, Snapshot
from tests.unit.demo.conftest import KubeletVolume, flagd, holds

POLL_MILLISECONDS = 100
SEVERAL_POLLS_SECONDS = 0.35


@pytest.fixture
def reader(volume: KubeletVolume) -> Iterator[FlagReader]:
    """A reader of the volume, not yet started."""
    reader = FlagReader(volume.file, POLL_MILLISECONDS)
    yield reader
    reader.stop()
    api.clear_providers()


def at(reader: FlagReader, generation: int) -> bool:
    """Whether the reader has seen this generation."""
    return reader.snapshot.generation == generation


async def test_reads_what_is_there_at_the_start(volume: KubeletVolume, reader: FlagReader) -> None:
    volume.write(flagd("LIMITED", 50, 7, ai_assistant="cached", data_export="off"))
    reader.start()
    assert await holds(lambda: at(reader, 7))
    seen = reader.snapshot
    assert (seen.level, seen.health) == ("LIMITED", 50)
    assert seen.features["ai_assistant"] == "cached"
    assert seen.features["data_export"] == "off"
    assert seen.features["stock_levels"] == "on"


async def test_sees_every_swap_holds(volume: KubeletVolume, reader: FlagReader) -> None:
    volume.write(flagd("OPTIMAL", 100, 1))
    reader.start()
    assert await holds(lambda: at(reader, 1))
    for generation in range(2, 8):
        volume.write(flagd("MINIMAL", 20, generation, ai_assistant=f"state{generation}"))
        assert await holds(partial(at, reader, generation))
        assert reader.snapshot.features["ai_assistant"] == f"state{generation}"


async def test_starts_without_a_file_and_finds_it_later(
    volume: KubeletVolume, reader: FlagReader
) -> None:
    reader.start()
    assert reader.snapshot == Snapshot()
    assert set(reader.snapshot.features.values()) == {"on"}
    volume.write(flagd("DEGRADED", 70, 1, live_updates="polling"))
    assert await holds(lambda: at(reader, 1))
    assert reader.snapshot.features["live_updates"] == "polling"


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"flags": 3}', '{"flags": {}}', None])
async def test_keeps_the_last_good_values(
    volume: KubeletVolume, reader: FlagReader, broken: str | None
) -> None:
    volume.write(flagd("LIMITED", 50, 1, ai_assistant="cached"))
    reader.start()
    assert await holds(lambda: at(reader, 1))
    before = reader.snapshot
    volume.write(broken)
    assert not await holds(lambda: reader.snapshot != before, SEVERAL_POLLS_SECONDS)
    volume.write(flagd("OPTIMAL", 100, 2))
    assert await holds(lambda: at(reader, 2))
    assert reader.snapshot.features["ai_assistant"] == "on"


async def test_starts_on_a_broken_file(volume: KubeletVolume, reader: FlagReader) -> None:
    volume.write("not json")
    reader.start()
    volume.write(flagd("OPTIMAL", 100, 3))
    assert await holds(lambda: at(reader, 3))


async def test_read_at_is_when_the_content_was_first_seen(
    volume: KubeletVolume, reader: FlagReader
) -> None:
    before = time.time_ns() // 1_000_000
    volume.write(flagd("LIMITED", 50, 1))
    reader.start()
    assert await holds(lambda: at(reader, 1))
    first = reader.snapshot.read_at
    assert first is not None
    assert before <= first <= time.time_ns() // 1_000_000
    volume.write(flagd("LIMITED", 50, 1))  # the same content again: nothing new was seen
    volume.write(flagd("LIMITED", 50, 2))
    assert await holds(lambda: at(reader, 2))
    second = reader.snapshot.read_at
    assert second is not None
    assert second > first


async def test_a_feature_missing_from_the_file_keeps_its_state(
    volume: KubeletVolume, reader: FlagReader
) -> None:
    volume.write(flagd("LIMITED", 50, 1, ai_assistant="off"))
    reader.start()
    assert await holds(lambda: at(reader, 1))
    only = '{"flags": {"stock_levels": {"state": "ENABLED", "variants": {"cached": "cached"},'
    rest = ' "defaultVariant": "cached"}}, "metadata": {"level": "MINIMAL", "generation": 2}}'
    volume.write(only + rest)
    assert await holds(lambda: at(reader, 2))
    assert reader.snapshot.features["stock_levels"] == "cached"
    assert reader.snapshot.features["ai_assistant"] == "off"
    assert set(reader.snapshot.features) == set(FEATURES)


def test_a_complaint_is_logged_once_a_minute() -> None:
    filter_ = OncePerMinute()

    def record(message: str) -> logging.LogRecord:
        return logging.LogRecord("x", logging.ERROR, str(Path()), 1, message, None, None)

    assert filter_.filter(record("no file"))
    assert not filter_.filter(record("no file"))
    assert filter_.filter(record("bad file"))
