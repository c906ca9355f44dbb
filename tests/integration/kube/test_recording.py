from resilience_operator.core.resources import EVENTS, POLICIES
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.events import EventRecorder, ObjectRef
from resilience_operator.runtime.clock import SystemClock


class Observer:
    def __init__(self) -> None:
        self.recorded: list[str] = []
        self.dropped: list[Exception | None] = []

    def event_recorded(self, reason: str) -> None:
        self.recorded.append(reason)

    def event_dropped(self, reason: str, error: Exception | None) -> None:
        self.dropped.append(error)


async def test_an_event_points_at_its_object_and_is_there_once(
    client: KubeClient, namespace: str
) -> None:
    observer = Observer()
    recorder = EventRecorder(client, SystemClock(), "operator-1", observer)
    policy = ObjectRef(POLICIES, namespace, "inventory", "8f1c")
    for _ in range(3):
        await recorder.record(policy, "Warning", "LevelChanged", "down: LIMITED", "Degrade")
    assert observer.dropped == []
    assert observer.recorded == ["LevelChanged"]
    [event] = await client.list(EVENTS, namespace)
    assert event["regarding"] == {
        "apiVersion": "resilience.aidrive.dev/v1alpha1",
        "kind": "ResiliencePolicy",
        "name": "inventory",
        "namespace": namespace,
        "uid": "8f1c",
    }
    assert (event["type"], event["reason"]) == ("Warning", "LevelChanged")
    assert event["note"] == "down: LIMITED"
    assert event["reportingController"] == "resilience.aidrive.dev/operator"


async def test_a_refused_event_reaches_the_observer_only(client: KubeClient) -> None:
    observer = Observer()
    recorder = EventRecorder(client, SystemClock(), "operator-1", observer)
    nowhere = ObjectRef(POLICIES, "nowhere", "inventory")
    await recorder.record(nowhere, "Normal", "Reason", "message", "Act")
    assert len(observer.dropped) == 1
