"""What came of a request, and how a command says so."""

from dataclasses import dataclass
from typing import NoReturn

import click

from resilience_operator.cli.errors import ExitCode, printable


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request."""

    good: bool
    message: str


def conclude(outcome: Outcome) -> NoReturn:
    """Say it, what is good on stdout, and end with the exit code that scripts go by."""
    click.echo(printable(outcome.message), err=not outcome.good)
    raise click.exceptions.Exit(ExitCode.OK if outcome.good else ExitCode.FAILED)
