"""`version`: of this program, and of the API that it speaks."""

import click

from resilience_operator.api.v1alpha1.base import API_VERSION
from resilience_operator.cli.program import own_version


@click.command()
def version() -> None:
    """The version of this program and of the API it speaks."""
    number = own_version() or "of a source tree"
    click.echo(f"kubectl-resilience {number}, API {API_VERSION}")
