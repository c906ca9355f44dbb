import statistics

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from resilience_operator.runtime.scheduler import DueHeap, fraction, grid_at_or_before

keys = st.integers(0, 5)
times = st.floats(0, 100, allow_nan=False)


class DueHeapAgainstADict(RuleBasedStateMachine):
    """A dict of key to due time, searched from end to end, is the model."""

    def __init__(self) -> None:
        super().__init__()
        self.heap: DueHeap[int] = DueHeap()
        self.model: dict[int, float] = {}

    @rule(key=keys, due=times)
    def schedule(self, key: int, due: float) -> None:
        self.heap.schedule(key, due)
        self.model[key] = due

    @rule(key=keys)
    def cancel(self, key: int) -> None:
        self.heap.cancel(key)
        self.model.pop(key, None)

    @rule(now=times)
    def pop(self, now: float) -> None:
        popped = self.heap.pop_due(now)
        first = min(self.model.values(), default=None)
        if first is None or first > now:
            assert popped is None
        else:
            assert popped is not None
            key, due = popped
            assert due == first == self.model.pop(key)

    @invariant()
    def same(self) -> None:
        assert len(self.heap) == len(self.model)
        assert self.heap.next_due() == min(self.model.values(), default=None)
        assert all(self.heap.due(key) == due for key, due in self.model.items())


TestDueHeap = DueHeapAgainstADict.TestCase


def test_keys_that_are_due_together_come_in_the_order_in_which_they_were_scheduled() -> None:
    heap: DueHeap[str] = DueHeap()
    for key in "cab":
        heap.schedule(key, 1.0)
    assert [heap.pop_due(1.0) for _ in range(4)] == [("c", 1.0), ("a", 1.0), ("b", 1.0), None]


def test_replaced_and_cancelled_entries_do_not_pile_up() -> None:
    heap: DueHeap[int] = DueHeap()
    for n in range(100_000):
        heap.schedule(n % 10, float(n))
    for n in range(100):
        heap.schedule(1000 + n, 1.0)
    for n in range(100):
        heap.cancel(1000 + n)
    assert len(heap) == 10
    assert len(heap._heap) <= 2 * 10 + 64 + 1


@given(st.text())
def test_a_place_is_within_the_interval_and_always_the_same(key: str) -> None:
    assert 0 <= fraction(key) < 1
    assert fraction(key) == fraction(key)


def test_places_are_spread_evenly() -> None:
    places = [fraction(f"namespace/http/{n:x}") for n in range(10_000)]
    per_tenth = [sum(tenth <= 10 * p < tenth + 1 for p in places) for tenth in range(10)]
    assert min(per_tenth) > 900
    assert max(per_tenth) < 1100
    assert 0.49 < statistics.mean(places) < 0.51


def test_a_place_is_the_same_in_every_process() -> None:
    assert round(fraction("shop/http/abc"), 6) == 0.807038


@given(st.floats(1.6e9, 2e9), st.floats(0, 1), st.integers(1, 3600))
def test_the_grid_time_is_at_most_one_interval_ago(when: float, part: float, interval: int) -> None:
    on_grid = grid_at_or_before(when, part * interval, interval)
    assert when - interval - 1e-5 < on_grid <= when + 1e-5
