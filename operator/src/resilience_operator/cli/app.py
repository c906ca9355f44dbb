"""The command line: `kubectl resilience`, once `kubectl-resilience` is on the PATH.

A command's module imports only what its options need; what it works with is imported when it is
called, so that help and completion answer at once.
"""

import os
import sys

import click

from resilience_operator.cli.commands.completion import completion
from resilience_operator.cli.commands.level import level
from resilience_operator.cli.commands.preflight import preflight
from resilience_operator.cli.commands.rollout import rollout
from resilience_operator.cli.commands.status import status
from resilience_operator.cli.commands.version import version
from resilience_operator.cli.errors import ExitCode
from resilience_operator.cli.options import global_options
from resilience_operator.cli.program import COMPLETE_VARIABLE


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@global_options
def cli() -> None:
    """Where applications stand when their dependencies fail, and the levers on them.

    \b
    Exit codes: 0 it is so; 1 it is not, was refused, or did not come in time;
    2 wrong usage; 3 not found; 4 no connection or no right to it.
    """


for command in (status, rollout, level, preflight, version, completion):
    cli.add_command(command)


def main(program: str | None = None) -> None:
    """Run the command line; exits with the code of what was asked."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    if program is None:
        name = os.path.basename(sys.argv[0]).removesuffix(".exe")
        program = name.replace("kubectl-", "kubectl ", 1)
    try:
        cli(prog_name=program, complete_var=COMPLETE_VARIABLE)
    except Exception as error:  # noqa: BLE001 - a mistake of this program's own
        said = next(iter(str(error).splitlines()), "")
        click.echo(
            f"Error: This should not have happened ({type(error).__name__}: {said}): please "
            "report it with the command that you gave.",
            err=True,
        )
        sys.exit(ExitCode.FAILED)
