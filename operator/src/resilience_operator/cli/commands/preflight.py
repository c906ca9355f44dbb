"""`preflight`: whether everything that a policy needs is there."""

from pathlib import Path

import click

from resilience_operator.cli.errors import ExitCode
from resilience_operator.cli.naming import policies
from resilience_operator.cli.options import NAME, global_options, output_option, pass_target
from resilience_operator.cli.session import Target, run


@click.command()
@click.argument("name", required=False, type=NAME, shell_complete=policies)
@click.option("-A", "--all-namespaces", is_flag=True, help="Policies of every namespace.")
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Policies in a file, applied or not; - is the standard input.",
)
@click.option(
    "--exec/--no-exec",
    "execute",
    default=True,
    help="Have the operator's pod ask what its status does not tell, by pods/exec; default: yes, "
    "if you may.",
)
@click.option(
    "--operator-namespace",
    metavar="NAME",
    type=NAME,
    help="Where the operator is; default: wherever its Deployment's label is found.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 also for warnings and skipped checks.")
@output_option
@global_options
@pass_target
def preflight(
    target: Target,
    name: str | None,
    all_namespaces: bool,
    files: tuple[Path, ...],
    execute: bool,
    operator_namespace: str | None,
    strict: bool,
    output: str,
) -> None:
    """Check that everything is there for policies to work, with the remedy where it is not.

    Definitions, operator, rights, Secrets, whether the operator reaches each dependency, flags and
    who reads them, rollout, route and queries. Nothing is changed.

    Without NAME and -f: all policies of the namespace. Exits with 1 if a check failed.
    """
    if sum((name is not None, all_namespaces, bool(files))) > 1:
        raise click.UsageError("Give one of NAME, --all-namespaces and --filename.")
    from resilience_operator.cli.preflight import text
    from resilience_operator.cli.preflight.running import Wanted
    from resilience_operator.cli.preflight.running import preflight as carry_out
    from resilience_operator.cli.program import own_version
    from resilience_operator.cli.screen import show, show_data

    wanted = Wanted(name, all_namespaces, files, execute, operator_namespace, own_version())
    sections = run(target, lambda session: carry_out(session, wanted))
    if output == "text":
        show(text.text_of(sections))
    else:
        show_data(text.data_of(sections), output)
    fine = text.good(sections, strict)
    raise click.exceptions.Exit(ExitCode.OK if fine else ExitCode.FAILED)
