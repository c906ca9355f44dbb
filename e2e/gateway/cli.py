"""The command line: `python -m e2e.gateway up|down|status`."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from e2e.cluster.cli import existing
from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import DEFAULT_NAME
from e2e.cluster.provider import Provider, remembered
from e2e.demo.kubectl import CommandFailed, Kubectl, cluster_environment
from e2e.gateway.hosted import HostedGateway
from e2e.gateway.quickstart import QuickstartGateway


class Gateway(Protocol):
    """One way to have a gateway in front of a cluster."""

    def url(self) -> str | None:
        """Where it answers, if it is up."""

    def up(self) -> str:
        """Bring it up, over whatever there is of it; where it answers."""

    def down(self) -> None:
        """Remove it, and every Gateway and route with it."""

    def status(self) -> Sequence[str]:
        """What there is of it, a line each."""


_KINDS: dict[str, Callable[[str, Provider, Kubectl], Gateway]] = {
    "source": HostedGateway,
    "kind": QuickstartGateway,
}


def of_cluster(name: str) -> Gateway:
    """The gateway of a cluster that is up."""
    cluster = existing(name)
    return _KINDS[remembered(name) or ""](name, cluster, Kubectl(cluster_environment(name)))


def _up(name: str) -> None:
    started = time.monotonic()
    url = of_cluster(name).up()
    print(f"up after {time.monotonic() - started:.1f} s; {url}")


def _down(name: str) -> None:
    of_cluster(name).down()
    print(f"the gateway of cluster {name} is down")


def _status(name: str) -> None:
    gateway = of_cluster(name)
    print("\n".join(gateway.status()))
    print(f"url: {gateway.url() or 'none'}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m e2e.gateway", description="A gateway (Contour and Envoy) for the cluster."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, text in (
        (_up, "bring the gateway up; prints its URL"),
        (_down, "remove it, with its definitions, every Gateway and every route"),
        (_status, "say what runs"),
    ):
        command = commands.add_parser(run.__name__.strip("_"), help=text, description=text)
        command.add_argument("--name", default=DEFAULT_NAME, help="the cluster's name")
        command.set_defaults(run=run)
    options = parser.parse_args(arguments)
    try:
        options.run(options.name)
    except (ClusterError, CommandFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
