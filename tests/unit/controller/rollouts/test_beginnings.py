"""Rollouts begin one soon after the other, each in its turn."""

from resilience_operator.controller.rollouts.beginnings import Beginnings


def test_one_alone_begins_at_once() -> None:
    begins = Beginnings(8.0)
    assert begins.wait("a", 100.0) is None
    assert begins.wait("b", 101.0) is None


def test_many_have_a_time_each_and_keep_it() -> None:
    begins = Beginnings(8.0)
    times = [begins.wait(key, 100.0) for key in "abcd"]
    assert times == [None, 100.125, 100.25, 100.375]
    assert begins.wait("d", 100.25) == 100.375  # asking early changes nothing
    assert begins.wait("c", 100.25) is None
    assert begins.wait("e", 100.25) == 100.5


def test_one_that_was_forgotten_has_to_ask_anew() -> None:
    begins = Beginnings(8.0)
    assert begins.wait("a", 100.0) is None
    assert begins.wait("b", 100.0) == 100.125
    begins.forget("b")
    assert begins.wait("b", 100.0) == 100.25
