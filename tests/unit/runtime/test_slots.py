from resilience_operator.runtime.slots import Slots


def test_slots_are_limited_in_all_and_per_endpoint() -> None:
    slots: Slots[str] = Slots(total=3, per_endpoint=2)
    assert slots.take_or_queue("a", "1")
    assert slots.take_or_queue("a", "2")
    assert not slots.take_or_queue("a", "3")
    assert not slots.full
    assert slots.take_or_queue("b", "4")
    assert slots.full


def test_the_queue_of_an_endpoint_is_first_come_first_served() -> None:
    slots: Slots[str] = Slots(total=9, per_endpoint=1)
    assert [slots.take_or_queue("a", item) for item in "123"] == [True, False, False]
    assert slots.next_in_queue("a") is None
    slots.give_back("a")
    assert [slots.next_in_queue("a") for _ in range(3)] == ["2", "3", None]
    assert slots.next_in_queue("b") is None
    assert slots.in_use == 0
