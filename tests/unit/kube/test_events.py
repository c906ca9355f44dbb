from typing import Any

from resilience_operator.core.errors import TransientError
from resilience_operator.core.resources import POLICIES, Resource
from resilience_operator.kube.events import EventRecorder, ObjectRef
from tests.fakes.clock import FakeClock

SHOP = ObjectRef(POLICIES, "shop", "inventory", "uid-1")


class Sink:
    """Takes the place of the client and of the observer."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.failing = False
        self.recorded: list[str] = []
        self.dropped: list[tuple[str, Exception | None]] = []

    async def create(self, resource: Resource, namespace: str, body: dict[str, Any]) -> None:
        if self.failing:
            raise TransientError("no API server")
        self.created.append(body)

    def event_recorded(self, reason: str) -> None:
        self.recorded.append(reason)

    def event_dropped(self, reason: str, error: Exception | None) -> None:
        self.dropped.append((reason, error))


def make() -> tuple[EventRecorder, Sink, FakeClock]:
    sink, clock = Sink(), FakeClock()
    return EventRecorder(sink, clock, "pod-1", sink), sink, clock  # type: ignore[arg-type]


async def test_the_same_within_ten_minutes_is_said_once() -> None:
    recorder, sink, clock = make()
    for _ in range(3):
        await recorder.record(SHOP, "Warning", "LevelChanged", "down", "Degrade")
    assert len(sink.created) == 1
    await recorder.record(SHOP, "Warning", "LevelChanged", "further down", "Degrade")
    other = ObjectRef(POLICIES, "shop", "other")
    await recorder.record(other, "Warning", "LevelChanged", "down", "Degrade")
    assert len(sink.created) == 3
    await clock.jump(600)
    await recorder.record(SHOP, "Warning", "LevelChanged", "down", "Degrade")
    assert len(sink.created) == 4
    assert len(recorder._recent) == 1, "what is over is not remembered"


async def test_a_storm_is_cut_off() -> None:
    recorder, sink, _ = make()
    for n in range(200):
        await recorder.record(SHOP, "Normal", "Storm", f"message {n}", "Act")
    assert len(sink.created) == 50
    assert sink.dropped == [("Storm", None)] * 150


async def test_a_failure_reaches_the_observer_only_and_the_event_may_be_said_again() -> None:
    recorder, sink, _ = make()
    sink.failing = True
    await recorder.record(SHOP, "Normal", "Once", "message", "Act")
    assert [type(error) for _, error in sink.dropped] == [TransientError]
    sink.failing = False
    await recorder.record(SHOP, "Normal", "Once", "message", "Act")
    assert sink.recorded == ["Once"]


async def test_names_and_notes_fit() -> None:
    recorder, sink, _ = make()
    long = ObjectRef(POLICIES, "shop", "n" * 253)
    await recorder.record(long, "Normal", "Long", "m" * 5000, "Act")
    body = sink.created[0]
    assert len(body["metadata"]["name"]) <= 253
    assert len(body["note"]) == 1024
    assert "annotations" not in body["metadata"]


async def test_an_event_has_the_name_of_its_decision() -> None:
    recorder, sink, _ = make()
    await recorder.record(SHOP, "Normal", "LevelImproved", "up", "Evaluate", "0123456789ab")
    annotations = sink.created[0]["metadata"]["annotations"]
    assert annotations == {"resilience.aidrive.dev/decision": "0123456789ab"}
