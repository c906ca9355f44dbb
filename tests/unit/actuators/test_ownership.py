"""Policy names as label values."""

import re

from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.actuators.ownership import policy_label

NAMES = st.from_regex(
    r"[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*", fullmatch=True
).filter(lambda name: len(name) <= 253)


def test_a_short_name_is_its_own_label() -> None:
    assert policy_label("inventario") == "inventario"


def test_long_names_with_the_same_beginning_are_told_apart() -> None:
    assert policy_label("a" * 70) != policy_label("a" * 71)


@given(NAMES)
def test_every_name_makes_a_valid_label(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", policy_label(name))
    assert len(policy_label(name)) <= 63


def test_the_cut_may_fall_on_a_dash() -> None:
    label = policy_label("a" * 51 + "-" + "b" * 20)
    assert re.fullmatch(r"a{51}-[0-9a-f]{10}", label)
