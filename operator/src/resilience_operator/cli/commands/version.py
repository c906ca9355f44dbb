"""`version`: of this program, and of the API that it speaks."""

import click

from resilience_operator.api.v1alpha1.base import API_VERSION


@click.command()
def version() -> None:
    """The version of this program and of the API it speaks."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        number = installed("resilience-operator")
    except PackageNotFoundError:
        number = "of a source tree"
    click.echo(f"kubectl-resilience {number}, API {API_VERSION}")
