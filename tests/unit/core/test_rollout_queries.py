"""Placeholders of a policy's PromQL."""

import pytest

from resilience_operator.core.rollout.queries import QueryArm, QueryProblem, render_query

ARM = QueryArm("dashboard", "dashboard-v2", "retail")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("up", "up"),
        (
            'sum(increase(requests{service="{{service}}",ns="{{ namespace }}"}[{{window}}]))',
            'sum(increase(requests{service="dashboard",ns="retail"}[90s]))',
        ),
        ('x{d="{{deployment}}",p=~"[0-9]{2}"}', 'x{d="dashboard-v2",p=~"[0-9]{2}"}'),
    ],
)
def test_rendered(template: str, expected: str) -> None:
    assert render_query(template, ARM, 90.7) == expected


def test_the_window_is_never_empty() -> None:
    assert render_query("{{window}}", ARM, -3) == "1s"


def test_an_unknown_placeholder_is_a_problem() -> None:
    problem = render_query("{{pod}} {{service}}", ARM, 60)
    assert isinstance(problem, QueryProblem)
    assert problem.message == (
        "The query has a placeholder {{pod}}, which is none of "
        "{{service}}, {{deployment}}, {{namespace}}, {{window}}."
    )
