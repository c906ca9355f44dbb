from resilience_operator.vitals import Vitals


def test_a_standby_is_healthy_and_ready_as_it_is() -> None:
    assert (Vitals().problems(), Vitals().missing()) == ([], [])


def test_a_part_that_is_silent_for_too_long_is_named() -> None:
    vitals, silence = Vitals(), [0.0]
    vitals.watch("The watch", lambda: silence[0], 60.0)
    assert vitals.problems() == []
    silence[0] = 61.0
    assert vitals.problems() == ["The watch has shown no sign of life for 61 s."]


def test_it_is_ready_while_everything_holds() -> None:
    vitals, known = Vitals(), [False]
    vitals.require("The lease could not be read yet.", lambda: known[0])
    assert vitals.missing() == ["The lease could not be read yet."]
    known[0] = True
    assert vitals.missing() == []
