"""The command line: `python -m e2e.prometheus up|down|stop|start|url`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from e2e.cluster.cli import existing
from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import DEFAULT_NAME
from e2e.cluster.provider import Provider, remembered
from e2e.demo.kubectl import CommandFailed, Kubectl, cluster_environment
from e2e.prometheus.deployed import DeployedPrometheus
from e2e.prometheus.hosted import HostedPrometheus


class Prometheus(Protocol):
    """One way to have a Prometheus for a cluster: pods say http://prometheus.retail.svc:9090."""

    def url(self) -> str | None:
        """Where it answers, for this machine, if it runs."""

    def up(self) -> str:
        """Bring it up; where it answers."""

    def start(self) -> str:
        """Start it again after a `stop`."""

    def stop(self) -> None:
        """End the program and nothing else, as an outage would."""

    def down(self) -> None:
        """Remove all of it."""


_KINDS: dict[str, Callable[[str, Provider, Kubectl], Prometheus]] = {
    "source": HostedPrometheus,
    "kind": DeployedPrometheus,
}


def of_cluster(name: str) -> Prometheus:
    """The Prometheus of a cluster that is up."""
    cluster = existing(name)
    return _KINDS[remembered(name) or ""](name, cluster, Kubectl(cluster_environment(name)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m e2e.prometheus", description="A Prometheus for the cluster."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("up", "bring it up; prints its URL for this machine"),
        ("down", "remove it with its data"),
        ("stop", "end the program only, as an outage would"),
        ("start", "start it again, on its old address and data"),
        ("url", "print its URL for this machine"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--name", default=DEFAULT_NAME, help="the cluster's name")
    options = parser.parse_args(arguments)
    try:
        print(_run(of_cluster(options.name), options.command))
    except (ClusterError, CommandFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(prometheus: Prometheus, command: str) -> str:
    match command:
        case "up":
            return prometheus.up()
        case "start":
            return prometheus.start()
        case "stop":
            prometheus.stop()
            return "Prometheus is stopped"
        case "down":
            prometheus.down()
            return "Prometheus is down"
    url = prometheus.url()
    if url is None:
        raise ClusterError("Prometheus does not run; run: python -m e2e.prometheus up")
    return url
