"""The story of a rollout: a good version is promoted, a bad one taken back, an outage waited out.

Every request of a steady load goes through the gateway meanwhile, and is accounted for.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import DEFAULT_NAME
from e2e.demo.deploy import NAMESPACE
from e2e.demo.kubectl import CommandFailed, Kubectl, cluster_environment
from e2e.demo.rollout_deploy import CANARY, HOST, apply_rollout_policy, deploy_rollout
from e2e.demo.walk import POLICY
from e2e.gateway.cli import of_cluster as gateway_of
from e2e.load.plan import Plan
from e2e.load.result import LoadResult
from e2e.load.run import LoadRun

RATE = 300
LONGEST_SECONDS = 1800
PATH = "/api/stock_levels"


@dataclass(frozen=True)
class Act:
    """What is done to the cluster, and the phases that the rollout must then go through."""

    title: str
    release: tuple[str, ...]  # the canary's environment: NAME=VALUE, or NAME- to take it away
    scale: tuple[tuple[str, int], ...]
    phases: tuple[str, ...]
    within_seconds: int


ACTS = (
    Act("A good version", ("VERSION=v2",), (), ("Progressing", "Succeeded"), 240),
    Act(
        "A version that fails one request in ten",
        ("VERSION=v3", "ERROR_PERCENT=10"),
        (),
        ("Progressing", "RolledBack"),
        120,
    ),
    Act(
        "A good version again, and an outage in the middle of it",
        ("VERSION=v4", "ERROR_PERCENT-"),
        (),
        ("Progressing",),
        60,
    ),
    Act("Redis and PostgreSQL are gone", (), (("redis", 0), ("postgres", 0)), ("Held",), 60),
    Act(
        "Both come back: it goes on by itself",
        (),
        (("redis", 1), ("postgres", 1)),
        ("Progressing", "Succeeded"),
        300,
    ),
)


class RolloutWalk:
    """Runs the acts under load and shows them."""

    def __init__(self, kubectl: Kubectl, url: str, console: Console) -> None:
        self._kubectl = kubectl
        self._console = console
        self._plan = Plan(url + PATH, HOST, RATE, LONGEST_SECONDS)

    def run(self) -> LoadResult:
        """All acts in order, and what came of the load; CommandFailed when one does not hold."""
        with LoadRun(self._plan) as load:
            for number, act in enumerate(ACTS, 1):
                self._console.rule(f"[bold]{number}. {act.title}", align="left")
                self._do(act)
                for phase in act.phases:
                    self._await_phase(phase, act.within_seconds)
                    self._show(load)
            load.stop()
            result = load.wait()
        self._console.print(escape(result.summary()))
        return result

    def _do(self, act: Act) -> None:
        if act.release:
            self._command("set", "env", f"deployment/{CANARY}", *act.release)
        for deployment, replicas in act.scale:
            self._command("scale", f"deployment/{deployment}", f"--replicas={replicas}")

    def _await_phase(self, phase: str, seconds: int) -> None:
        began = time.monotonic()
        self._kubectl.run(
            "-n", NAMESPACE, "wait", f"rp/{POLICY}", f"--timeout={seconds}s",
            f"--for=jsonpath={{.status.rollout.phase}}={phase}", timeout=seconds + 10,
        )  # fmt: skip
        self._console.print(f"  [bold]{phase} after {time.monotonic() - began:.1f} s[/]")

    def _show(self, load: LoadRun) -> None:
        self._console.print(escape(self._kubectl.run("-n", NAMESPACE, "get", "rp").rstrip()))
        recent = load.so_far().between(time.time() - 5)
        shares = ", ".join(f"{one} {recent.share(one):.1f} %" for one in sorted(recent.versions))
        self._console.print(
            f"  of the last {len(recent)} requests: {shares or 'none answered'}; "
            f"{recent.failures} failed"
        )

    def _command(self, *arguments: str) -> None:
        self._console.print(f"  [green]$ kubectl -n {NAMESPACE} {' '.join(arguments)}[/]")
        self._kubectl.run("-n", NAMESPACE, *arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when everything in it held."""
    parser = argparse.ArgumentParser(prog="python -m e2e.demo.rollout_walk", description=__doc__)
    parser.add_argument("command", choices=["up", "walk"], help="with or without the deployment")
    parser.add_argument("--name", default=DEFAULT_NAME, help="the cluster's name")
    parser.add_argument("--provider", choices=["auto", "kind", "source"], default="auto")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        if options.command == "up":
            kubectl, url = deploy_rollout(options.name, options.provider, console.print)
            apply_rollout_policy(kubectl)
        else:
            kubectl = Kubectl(cluster_environment(options.name))
            found = gateway_of(options.name).url()
            if found is None:
                raise CommandFailed("the gateway is not up")
            url = found
        RolloutWalk(kubectl, url, console).run()
    except (CommandFailed, ClusterError) as failure:
        console.print(f"[bold red]failed:[/] {escape(str(failure))}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
