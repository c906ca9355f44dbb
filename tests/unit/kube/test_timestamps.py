from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.kube.timestamps import from_micro_time, micro_time


def test_six_decimals_always() -> None:
    assert micro_time(1_700_000_000) == "2023-11-14T22:13:20.000000Z"


@given(st.floats(1e9, 4e9))
def test_back_and_forth(at: float) -> None:
    assert abs(from_micro_time(micro_time(at)) - at) < 2e-6


def test_none_is_the_beginning() -> None:
    assert from_micro_time(None) == 0.0
