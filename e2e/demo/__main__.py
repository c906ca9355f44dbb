"""Command line of the demo: `python -m e2e.demo up|walk|rollout|down`."""

import argparse
import re
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from e2e.cluster.errors import ClusterError
from e2e.demo.deploy import NAMESPACE, apply_policy, deploy, remove
from e2e.demo.helm import OPERATOR_NAMESPACE, RELEASE
from e2e.demo.kubectl import CommandFailed, Kubectl, cluster_environment
from e2e.demo.rollout_deploy import apply_rollout_policy, deploy_rollout
from e2e.demo.rollout_walk import RolloutWalk
from e2e.demo.walk import POLICY, Walk
from e2e.demo.watch import wait_for_level

NEXT = """\
[bold]It is all still running.[/] To use kubectl with it in this shell:

  eval "$(.venv/bin/python -m e2e.cluster env)"

Then try:

  kubectl -n {namespace} get rp,dl
  kubectl -n {namespace} describe dl {policy}
  kubectl -n {namespace} scale deployment/openai --replicas=0     # health 50: LIMITED
  kubectl -n {namespace} get dl {policy} --watch
  kubectl -n {namespace} port-forward service/dashboard 8080:80   # then open 127.0.0.1:8080
  kubectl explain resiliencepolicy.spec.dependencies
  helm -n {operator_namespace} get values {release}   # what the chart was given

`make demo-down` removes it all."""

INTERRUPTED = 130

NAMES = {
    "namespace": NAMESPACE,
    "policy": POLICY,
    "operator_namespace": OPERATOR_NAMESPACE,
    "release": RELEASE,
}


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 when everything in it held."""
    arguments = _parser().parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    recorder = (
        Console(record=True, width=122, force_terminal=True, file=sys.stderr)
        if getattr(arguments, "record", None)
        else None
    )
    try:
        if arguments.command == "down":
            remove(arguments.name)
            return 0
        began = time.monotonic()
        _show(arguments, console, recorder or console)
    except (ClusterError, CommandFailed) as failure:
        console.print(f"[bold red]failed:[/] {escape(str(failure))}")
        return 1
    except KeyboardInterrupt:
        console.print(
            "interrupted; the same command goes on from here, `make demo-down` removes all"
        )
        return INTERRUPTED
    if recorder is not None:
        # Without the fonts that rich would have fetched from elsewhere.
        title = "make demo-rollout" if arguments.command == "rollout" else "make demo"
        drawing = recorder.export_svg(title=title)
        drawing = re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.S)
        arguments.record.write_text(drawing)
    console.print(NEXT.format(**NAMES))
    console.print(f"\nDone in {time.monotonic() - began:.0f} s.")
    return 0


def _show(arguments: argparse.Namespace, console: Console, screen: Console) -> None:
    """Deploy what the command is about, and walk through it."""
    name = arguments.name
    if arguments.command == "rollout":
        kubectl, url = deploy_rollout(name, arguments.provider, console.print)
        apply_rollout_policy(kubectl)
        wait_for_level(kubectl, NAMESPACE, POLICY, "OPTIMAL", 120)
        RolloutWalk(kubectl, url, screen).run()
        return
    if arguments.command == "up":
        kubectl = deploy(name, arguments.provider, console.print)
        apply_policy(kubectl)
    else:
        kubectl = Kubectl(cluster_environment(name))
    Walk(kubectl, screen).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="build, start, deploy and walk")
    walk = commands.add_parser("walk", help="walk again on the running demo")
    rollout = commands.add_parser("rollout", help="the same with a gateway: three rollouts")
    down = commands.add_parser("down", help="remove the cluster and everything on it")
    for command in (up, rollout):
        command.add_argument("--provider", choices=["auto", "kind", "source"], default="auto")
    for command in (up, walk, rollout, down):
        command.add_argument("--name", default="resilience-operator", help="the cluster's name")
    for command in (up, walk, rollout):
        command.add_argument("--record", type=Path, metavar="SVG", help="draw the walk there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
