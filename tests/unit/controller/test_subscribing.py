"""When the dependencies of a policy begin to be probed: as soon as it is seen."""

from collections.abc import Hashable
from typing import Any, cast

from resilience_operator.controller.reconciler import Controller
from resilience_operator.controller.store import Store
from resilience_operator.controller.subscriptions import Subscriptions
from resilience_operator.controller.trust_monitor import CurrentTrust
from resilience_operator.core.model import Key
from tests.builders import make_policy, reference_policy
from tests.fakes.clock import FakeClock


class Pool:
    def __init__(self) -> None:
        self.wanted: list[Hashable] = []

    def subscribe(self, subscription: Hashable, *_: object) -> None:
        self.wanted.append(subscription)

    def unsubscribe(self, subscription: Hashable) -> None:
        self.wanted.remove(subscription)


class Queue:
    def __init__(self) -> None:
        self.keys: list[Key] = []

    def add(self, key: Key) -> None:
        self.keys.append(key)


class Anything:
    """Takes every call."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def make_controller() -> tuple[Controller, Pool, Queue]:
    store, pool, queue, clock = Store(), Pool(), Queue(), FakeClock()
    nothing = cast(Any, Anything())
    controller = Controller(
        store=store,
        subscriptions=Subscriptions(store, pool, queue, clock),
        flags=nothing,
        statuses=nothing,
        finalizer=nothing,
        announcer=nothing,
        observer=nothing,
        queue=cast(Any, queue),
        rollouts=nothing,
        trust=CurrentTrust(),
        alone=nothing,
        now=clock.now,
    )
    return controller, pool, queue


def test_a_policy_is_probed_before_its_turn_in_the_queue() -> None:
    controller, pool, queue = make_controller()
    controller.policy_seen(reference_policy().build())
    key = ("retail", "inventario")
    assert queue.keys == [key]
    assert pool.wanted == [(key, name) for name in ("openai", "postgres", "redis", "s3")]


def test_a_changed_policy_is_probed_as_it_is_now() -> None:
    controller, pool, _ = make_controller()
    controller.policy_seen(reference_policy().build())
    controller.policy_seen(make_policy().dependency("openai", 1).generation(2).build())
    assert {name for _, name in cast(list[tuple[Key, str]], pool.wanted)} == {"openai"}


def test_a_policy_on_its_way_out_is_not_probed() -> None:
    controller, pool, queue = make_controller()
    controller.policy_seen(reference_policy().deleting().build())
    assert queue.keys == [("retail", "inventario")]
    assert pool.wanted == []
