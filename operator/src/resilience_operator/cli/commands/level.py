"""`level`: a person's levers on a DegradationLevel."""

from collections.abc import Callable
from typing import Any

import click

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.cli.naming import levels
from resilience_operator.cli.options import (
    DURATION,
    NAME,
    global_options,
    pass_target,
    wait_options,
)
from resilience_operator.cli.outcome import Outcome, conclude
from resilience_operator.cli.session import Session, Target, run

_reason = click.option(
    "--reason", required=True, metavar="TEXT", help="Why, for those who see it later."
)


def _for(what: str) -> Callable[[Any], Any]:
    return click.option(
        "--for", "seconds", type=DURATION, required=True, help=f"{what}: 30m, 2h, 1h30m, 1d."
    )


@click.group()
@global_options
def level() -> None:
    """Force, freeze or release a DegradationLevel."""


@level.command()
@click.argument("name", type=NAME, shell_complete=levels)
@click.option(
    "--level",
    "wanted",
    required=True,
    type=click.Choice([each.value for each in Level], case_sensitive=False),
    metavar="LEVEL",
    help=f"The level to hold: {', '.join(Level)}.",
)
@_for("How long")
@_reason
@click.option("--requested-by", metavar="WHO", help="Default: the kubeconfig's user, else $USER.")
@wait_options
@global_options
@pass_target
def override(
    target: Target,
    name: str,
    wanted: str,
    seconds: float,
    reason: str,
    requested_by: str | None,
    wait: bool,
    timeout: float,
) -> None:
    """Force the level NAME for a time; then it goes back to the computed one by itself.

    Waits until it is in force.
    """
    from resilience_operator.cli import levers
    from resilience_operator.cli.kubeconfig import author

    async def work(session: Session) -> Outcome:
        who, longest = author(requested_by, session.user), timeout if wait else None
        return await levers.override(session, name, Level(wanted), seconds, reason, who, longest)

    conclude(run(target, work))


@level.command()
@click.argument("name", type=NAME, shell_complete=levels)
@_for("How long")
@_reason
@wait_options
@global_options
@pass_target
def freeze(
    target: Target, name: str, seconds: float, reason: str, wait: bool, timeout: float
) -> None:
    """Keep the level NAME as it is for a time, whatever the probes say. Waits until it counts."""
    from resilience_operator.cli import levers

    longest = timeout if wait else None
    conclude(run(target, lambda session: levers.freeze(session, name, seconds, reason, longest)))


@level.command()
@click.argument("name", type=NAME, shell_complete=levels)
@wait_options
@global_options
@pass_target
def release(target: Target, name: str, wait: bool, timeout: float) -> None:
    """Take override and freeze off the level NAME. Waits until they are gone."""
    from resilience_operator.cli import levers

    longest = timeout if wait else None
    conclude(run(target, lambda session: levers.release(session, name, longest)))
