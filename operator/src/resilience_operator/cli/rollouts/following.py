"""Follows a rollout: a live view on a terminal, a line for each change anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

import click
from rich.live import Live

from resilience_operator.cli.errors import CliError
from resilience_operator.cli.rollouts.text import rollout_line, rollout_text
from resilience_operator.cli.rollouts.view import GONE_WRONG, RolloutView, rollout_view
from resilience_operator.cli.screen import console, line, on_terminal, plain
from resilience_operator.cli.session import Object, Session
from resilience_operator.core.errors import ApiError, TransientError
from resilience_operator.core.resources import DEPLOYMENTS, POLICIES

_LOOK_SECONDS = 1.0
# An API server that is being upgraded does not end the watch.
_PATIENCE_SECONDS = 60.0


class Display(Protocol):
    """Where views are shown."""

    def show(self, view: RolloutView, now: float) -> None:
        """This is how it stands."""
        ...


async def look(session: Session, name: str) -> tuple[RolloutView, float]:
    """The rollout of that policy, and when that was; raises CliError where it has none."""
    body = await session.need(POLICIES, name)
    now = session.clock.now()
    return needed_view(body, now), now


def needed_view(body: Object, now: float) -> RolloutView:
    """The rollout of that policy; raises CliError where it has none."""
    view = rollout_view(body, now)
    if view is None:
        raise CliError(
            f"ResiliencePolicy {body['metadata']['name']} has no spec.rollout: add one to have "
            "the operator drive its releases."
        )
    return view


async def follow(session: Session, name: str, longest: float | None) -> bool:
    """Show it until it is over, or nothing is to come; whether it has ended well."""
    ends = None if longest is None else session.clock.now() + longest
    view, now = await look(session, name)
    seen_at, begun = now, not view.at_rest
    with _display() as display:
        while True:
            display.show(view, now)
            begun = begun or not view.at_rest
            if view.at_rest and (begun or not await _is_due(session, view)):
                return view.status.phase not in GONE_WRONG
            if ends is not None and now >= ends:
                raise CliError(
                    f"The rollout of {name} is not over in that time: it is "
                    f"{view.status.phase}, and goes on."
                )
            await session.clock.sleep(_LOOK_SECONDS)
            now = session.clock.now()
            try:
                view, seen_at = await look(session, name)
            except TransientError as error:
                if error.status == 401 or now - seen_at > _PATIENCE_SECONDS:
                    raise


async def _is_due(session: Session, view: RolloutView) -> bool:
    """Whether the operator has yet to begin a rollout of the canary as it now is."""
    from resilience_operator.core.rollout.workloads import content_of, revision_of

    if view.spec is None or view.observing:
        return False
    names = view.spec.canary.deployment, view.spec.stable.deployment
    try:
        canary, stable = [
            await session.cluster.get(DEPLOYMENTS, session.namespace, each) for each in names
        ]
    except ApiError:  # who may not read Deployments follows what has begun
        return False
    if canary is None or stable is None or content_of(canary) == content_of(stable):
        return False
    return revision_of(canary) != view.status.finished_revision


@contextmanager
def _display() -> Iterator[Display]:
    if not on_terminal():
        yield _Lines()
        return
    with Live(console=console(), auto_refresh=False) as live:
        yield _Picture(live)


class _Lines:
    """A line when something has changed."""

    def __init__(self) -> None:
        self._last: object = None

    def show(self, view: RolloutView, now: float) -> None:
        """This is how it stands."""
        status = view.status
        state = (status.phase, status.step, status.weight, status.reason, status.message)
        if state == self._last:
            return
        self._last = state
        time = datetime.fromtimestamp(now, UTC).strftime("%H:%M:%SZ")
        click.echo(plain(line(time, rollout_line(view, now))))


class _Picture:
    """The whole view, drawn again in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, view: RolloutView, now: float) -> None:
        """This is how it stands."""
        self._live.update(rollout_text(view, now), refresh=True)
