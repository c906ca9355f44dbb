"""`completion`: the script by which a shell completes this program's words."""

import click

from resilience_operator.cli.program import COMPLETE_VARIABLE, EXECUTABLE


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a completion script for a shell to source.

    It is for `kubectl-resilience` as a command of its own.

    `kubectl resilience` itself is completed by kubectl's own script, which asks
    `kubectl_complete-resilience`; that is installed beside this program.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    click.echo(kind(ctx.find_root().command, {}, EXECUTABLE, COMPLETE_VARIABLE).source())
