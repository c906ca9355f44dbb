"""What is a label selector. That the API server agrees is a test of its own."""

import pytest

from resilience_operator.core.selectors import check_selector, matches
from tests.selectors import BAD, GOOD


@pytest.mark.parametrize("text", GOOD)
def test_a_selector_is_taken(text: str) -> None:
    assert check_selector(text) == text.strip()


@pytest.mark.parametrize("text", BAD)
def test_what_is_none_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no requirement of a label selector; these are: key="):
        check_selector(text)


def test_the_sentence_names_the_part() -> None:
    with pytest.raises(ValueError, match=r"^'tier is x' is no"):
        check_selector("shard in (a,b),tier is x")


LABELS = {"shard": "a", "tier": "web", "resilience.aidrive.dev/shard": "b"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("shard=a", True),
        ("shard == b", False),
        ("shard!=b", True),
        ("nothing!=b", True),
        ("nothing=", False),
        ("shard", True),
        ("nothing", False),
        ("!nothing", True),
        ("! shard", False),
        ("shard in (a,b),tier=web", True),
        ("shard in (a,b),tier=db", False),
        ("shard notin ( a , b )", False),
        ("nothing notin (a)", True),
        ("resilience.aidrive.dev/shard in (b)", True),
    ],
)
def test_what_a_selector_selects(text: str, selected: bool) -> None:
    assert matches(text, LABELS) is selected
