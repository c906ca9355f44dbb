"""`rollout`: watch a release, and say what shall become of it."""

import click

from resilience_operator.cli.errors import ExitCode
from resilience_operator.cli.naming import policies
from resilience_operator.cli.options import (
    DURATION,
    NAME,
    global_options,
    output_option,
    pass_target,
    wait_options,
)
from resilience_operator.cli.outcome import conclude
from resilience_operator.cli.session import Target, run


@click.group()
@global_options
def rollout() -> None:
    """Watch a rollout, and say what shall become of it."""


@rollout.command()
@click.argument("name", type=NAME, shell_complete=policies)
@click.option("-w", "--watch", is_flag=True, help="Go on until no rollout is under way.")
@click.option("--timeout", type=DURATION, help="With --watch: no longer than this, as 2h.")
@output_option
@global_options
@pass_target
def status(target: Target, name: str, watch: bool, timeout: float | None, output: str) -> None:
    """Steps, weights, metrics, verdict and history of the rollout of policy NAME.

    With --watch the exit code says how it ended: 1 after a rollback, a failure, or the timeout.
    """
    if watch and output != "text":
        raise click.UsageError("--watch is for people: leave out --output.")
    if timeout is not None and not watch:
        raise click.UsageError("--timeout goes with --watch.")
    from resilience_operator.cli.rollouts import following
    from resilience_operator.cli.rollouts.data import rollout_data
    from resilience_operator.cli.rollouts.text import rollout_text
    from resilience_operator.cli.screen import show, show_data

    if watch:
        good = run(target, lambda session: following.follow(session, name, timeout))
        raise click.exceptions.Exit(ExitCode.OK if good else ExitCode.FAILED)
    view, now = run(target, lambda session: following.look(session, name))
    if output == "text":
        show(rollout_text(view, now))
    else:
        show_data(rollout_data(view), output)


def _verb(verb: str, what: str) -> click.Command:
    """The command that asks for one verb."""

    @click.command(verb, help=what)
    @click.argument("name", type=NAME, shell_complete=policies)
    @wait_options
    @global_options
    @pass_target
    def ask(target: Target, name: str, wait: bool, timeout: float) -> None:
        from resilience_operator.cli.rollouts.asking import ask as carry_out
        from resilience_operator.core.rollout.model import Verb

        longest = timeout if wait else None
        conclude(run(target, lambda session: carry_out(session, name, Verb(verb), longest)))

    return ask


for _name, _what in (
    (
        "promote",
        "Skip the remaining steps: the canary of policy NAME becomes the stable version. Waits "
        "until it is.",
    ),
    ("pause", "Stop the clock of the rollout of policy NAME; weights stay as they are."),
    ("resume", "Let the rollout of policy NAME go on, or approve its next step."),
    (
        "abort",
        "Give up the rollout of policy NAME: all traffic goes back to stable. Waits until it has.",
    ),
    ("retry", "Try the version of policy NAME again that was rolled back or has failed."),
):
    rollout.add_command(_verb(_name, _what))
