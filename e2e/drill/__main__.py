"""Command line of the drill: `python -m e2e.drill export|restore|run`."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.drill import exporting, report
from e2e.drill.objects import PARTS
from e2e.drill.restoring import Restoration, Restored


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 when everything is as it was."""
    arguments = _parser().parse_args(argv)
    try:
        done: int = arguments.run(arguments)
    except CommandFailed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    return done


def _export(arguments: argparse.Namespace) -> int:
    taken = exporting.export(Kubectl({}), arguments.folder.resolve(), arguments.namespace)
    count = sum(len(taken.objects(part)) for part in PARTS)
    seconds = time.time() - taken.taken_at
    print(f"{count} objects in {arguments.folder}, in {seconds:.1f} s")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    taken = exporting.read(arguments.folder.resolve())
    age = time.time() - taken.taken_at

    def install() -> None:
        if arguments.install and _shell(arguments.install) != 0:
            raise CommandFailed(f"{arguments.install}: it failed, see above")

    done = Restored()
    files = tuple(arguments.manifest)
    Restoration(Kubectl({}), taken, install, files, arguments.patience).run(done)
    return _tell(done, {}, age, arguments.report)


def _shell(command: str) -> int:
    """Run it; its exit code. What it says goes to the person."""
    return subprocess.run(command, shell=True, check=False).returncode


def _run(arguments: argparse.Namespace) -> int:
    from e2e.drill.rebuilding import rebuild

    done, before, age = rebuild(arguments.name, arguments.provider, arguments.folder.resolve())
    return _tell(done, before, age, arguments.report)


def _tell(done: Restored, before: Mapping[str, float], age: float, file: Path | None) -> int:
    print(report.text_of(done, before, age))
    if file is not None:
        file.write_text(json.dumps(report.data_of(done, before, age), indent=1) + "\n")
    return 0 if done.good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.drill", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    export = commands.add_parser("export", help="from the cluster that kubectl points to")
    export.add_argument(
        "--namespace", action="append", default=[], help="besides those of policies"
    )
    export.set_defaults(run=_export)

    restore = commands.add_parser("restore", help="into the cluster that kubectl points to")
    restore.add_argument(
        "--install", metavar="COMMAND", help="the shell's, to install the operator"
    )
    restore.add_argument(
        "--manifest", metavar="FILE", type=Path, action="append", default=[],
        help="of your own to apply first: Secrets above all",
    )  # fmt: skip
    restore.add_argument("--patience", metavar="SECONDS", type=float, default=600.0)
    restore.set_defaults(run=_restore)

    run = commands.add_parser("run", help="lose and rebuild the demo's own cluster")
    run.add_argument("--name", default="resilience-operator", help="the cluster's name")
    run.add_argument("--provider", choices=["auto", "kind", "source"], default="auto")
    run.set_defaults(run=_run)

    for command in (export, restore, run):
        command.add_argument("--folder", type=Path, default=Path("backup"), help="the export")
    for command in (restore, run):
        command.add_argument("--report", type=Path, metavar="JSON", help="write it there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
