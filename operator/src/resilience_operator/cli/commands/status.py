"""`status`: where policies, levels, dependencies and rollouts stand."""

import click

from resilience_operator.cli.naming import policies
from resilience_operator.cli.options import NAME, global_options, output_option, pass_target
from resilience_operator.cli.session import Session, Target, run


@click.command()
@click.argument("name", required=False, type=NAME, shell_complete=policies)
@click.option("-A", "--all-namespaces", is_flag=True, help="Policies of every namespace.")
@output_option
@global_options
@pass_target
def status(target: Target, name: str | None, all_namespaces: bool, output: str) -> None:
    """Where policies, their dependencies and their levels stand.

    Without NAME: all policies of the namespace.
    """
    if name is not None and all_namespaces:
        raise click.UsageError("NAME is of one namespace: leave out --all-namespaces.")
    from resilience_operator.cli.overview import PolicyOverview, overview_data, read_overviews
    from resilience_operator.cli.overview_text import overviews_text
    from resilience_operator.cli.screen import show, show_data

    async def read(session: Session) -> tuple[list[PolicyOverview], str, float]:
        found = await read_overviews(session, name, all_namespaces)
        return found, session.namespace, session.clock.now()

    overviews, namespace, now = run(target, read)
    if output != "text":
        show_data({"policies": [overview_data(each) for each in overviews]}, output)
    elif overviews:
        show(overviews_text(overviews, now))
    else:
        where = "in any namespace" if all_namespaces else f"in namespace {namespace}"
        click.echo(f"There is no ResiliencePolicy {where}.")
