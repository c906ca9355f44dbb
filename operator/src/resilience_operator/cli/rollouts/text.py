"""A rollout for people: steps, weights, both arms' figures, the verdict, and the past."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from resilience_operator.api.v1alpha1.rollout_status import (
    MetricStatus,
    RolloutRecord,
    RolloutStatus,
)
from resilience_operator.cli.colours import coloured, style_of
from resilience_operator.cli.durations import ago, spoken
from resilience_operator.cli.rollouts.view import RolloutView, StepState, StepView
from resilience_operator.cli.rollouts.words import (
    advice,
    metric_verdict,
    step_of,
    verdict,
    version,
)
from resilience_operator.cli.screen import facts, indented, line, said, table
from resilience_operator.core.times import from_rfc3339

_MARKS = {
    StepState.DONE: "x",
    StepState.NOW: ">",
    StepState.NEXT: "-",
    StepState.SKIPPED: "-",
    StepState.STOPPED: "!",
}


def rollout_text(view: RolloutView, now: float) -> RenderableType:
    """All of it."""
    return Group(*_parts(view, now))


def rollout_line(view: RolloutView, now: float) -> Text:
    """The whole rollout in one line."""
    status = view.status
    since = "" if view.at_rest else ago(status.held_since or status.step_started_at, now)
    return line(
        coloured(status.phase),
        step_of(view),
        "" if view.at_rest and not status.weight else _canary(status),
        since and f"for {since}",
        coloured(status.attribution) if status.attribution != "None" else "",
        said(status.message),
    )


def _parts(view: RolloutView, now: float) -> Iterator[RenderableType]:
    yield _heading(view, now)
    yield from _remarks(view)
    if view.steps:
        yield Text("\nSteps", style="bold")
        yield indented(table(_STEP_HEADERS, (_step_row(each) for each in view.steps)))
    if view.status.metrics and not view.at_rest:
        yield Text("\nMetrics", style="bold")
        alone = view.status.weight == 100
        rows = (_metric_row(each, alone) for each in view.status.metrics)
        yield indented(table(_METRIC_HEADERS, rows))
    yield from _judgement(view, now)
    if view.status.history:
        yield Text("\nHistory", style="bold")
        rows = (_record_row(each, now) for each in reversed(view.status.history))
        yield indented(table(_RECORD_HEADERS, rows))


def _heading(view: RolloutView, now: float) -> Text:
    status = view.status
    name = said(f"{view.namespace}/{view.name}", "bold")
    weights = f"stable {100 - status.share} %, {_canary(status)}"
    started = ago(status.started_at, now) if not view.at_rest else ""
    return line(
        name,
        coloured(status.phase),
        step_of(view),
        weights,
        f"version {version(status.revision)}" if status.revision else "",
        started and f"started {started} ago",
    )


def _canary(status: RolloutStatus) -> str:
    weight = "" if status.share == status.weight else f" (weight {status.weight} %)"
    return f"canary {status.share} %{weight}"


def _remarks(view: RolloutView) -> Iterator[Text]:
    if view.observing:
        yield said("Mode Observe: the operator does not drive this rollout.", "yellow")
    if view.spec is None:
        yield said("spec.rollout was written for another version and cannot be read.", "yellow")
    if view.pending is not None:
        yield said(f"Asked for and not taken by the operator yet: {view.pending}", "yellow")


_STEP_HEADERS = ("", "STEP", "CANARY", "HOLD", "SERVED", "REMAINING")


def _step_row(step: StepView) -> tuple[Any, ...]:
    style = style_of(step.state)
    return (
        said(_MARKS[step.state], style),
        said(f"{step.number} {step.state}", style),
        f"{step.weight} %",
        spoken(step.hold_seconds),
        "" if step.served is None else spoken(step.served),
        "" if step.remaining is None else spoken(step.remaining),
    )


_METRIC_HEADERS = ("METRIC", "STABLE", "CANARY", "VERDICT", "MEANING", "EVIDENCE")


def _metric_row(metric: MetricStatus, alone: bool) -> tuple[Any, ...]:
    return (
        metric.name,
        metric.stable or "-",
        metric.canary or "-",
        coloured(metric.verdict),
        metric_verdict(metric.verdict, alone),
        metric.evidence,
    )


def _judgement(view: RolloutView, now: float) -> Iterator[RenderableType]:
    status = view.status
    blame = coloured(status.attribution) if status.attribution != "None" else ""
    told = facts(
        (
            ("Verdict", line(blame, verdict(status))),
            ("Why", line(status.reason, status.message)),
            ("Held", said(_held(view, now))),
            ("Next", said(advice(view))),
        )
    )
    if told.row_count:
        yield Text("")
        yield told


def _held(view: RolloutView, now: float) -> str:
    since = view.status.held_since
    if since is None or view.at_rest:
        return ""
    ends = from_rfc3339(view.hold_ends_at)
    end = "" if ends is None else f"; rolled back in {spoken(ends - now)} if it lasts"
    return f"for {ago(since, now)}, since {since}{end}"


_RECORD_HEADERS = ("VERSION", "RESULT", "FAULT", "REASON", "STEP", "LASTED", "ENDED")


def _record_row(record: RolloutRecord, now: float) -> tuple[Any, ...]:
    began, ended = from_rfc3339(record.started_at), from_rfc3339(record.ended_at)
    lasted = "" if began is None or ended is None else spoken(ended - began)
    return (
        version(record.revision),
        coloured(record.result),
        coloured(record.attribution) if record.attribution != "None" else "",
        record.reason,
        record.step or "-",
        lasted,
        "" if ended is None else f"{spoken(now - ended)} ago",
    )
