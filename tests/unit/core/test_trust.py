from collections.abc import Sequence

import pytest

from resilience_operator.core.trust import TargetView, assess

NOW = 1000.0


def make_views(
    fallen: int, standing: int, ago: float = 10.0, namespaces: int = 2
) -> list[TargetView]:
    """So many hosts that failed `ago` seconds ago, and so many that answer."""
    return [
        TargetView(f"host-{i}", f"ns-{i % namespaces}", i >= fallen, NOW - ago)
        for i in range(fallen + standing)
    ]


def test_everything_failing_together_is_more_likely_us() -> None:
    trust = assess(make_views(fallen=9, standing=1), control_ok=True, now=NOW)
    assert (trust.trusted, trust.reason) == (False, "MassFailure")


@pytest.mark.parametrize(
    ("story", "views"),
    [
        ("nothing is probed", []),
        ("all is well", make_views(0, 10)),
        ("80 % is not more than 80 %", make_views(8, 2)),
        ("seven hosts are too few to tell", make_views(7, 0)),
        ("one namespace may be one application's network", make_views(10, 0, namespaces=1)),
        ("they failed one after another, some long ago", make_views(10, 0, ago=61.0)),
    ],
)
def test_trusted(story: str, views: Sequence[TargetView]) -> None:
    assert assess(views, control_ok=True, now=NOW).trusted, story


def test_unknown_targets_say_nothing_either_way() -> None:
    unknown = [TargetView(f"other-{i}", "ns-0", None, NOW) for i in range(100)]
    assert not assess([*make_views(9, 1), *unknown], control_ok=True, now=NOW).trusted
    assert assess(unknown, control_ok=True, now=NOW).trusted


def test_a_host_with_one_target_that_answers_has_not_fallen() -> None:
    views = make_views(10, 0)
    answering = [TargetView(f"host-{i}", "ns-0", True, NOW) for i in range(2)]
    assert assess([*views, *answering], control_ok=True, now=NOW).trusted


def test_the_control_probe_alone_is_enough() -> None:
    trust = assess(make_views(0, 10), control_ok=False, now=NOW)
    assert (trust.trusted, trust.reason) == (False, "ControlProbeFailed")
