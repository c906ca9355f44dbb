"""The command line: `python -m e2e.load --rate 500 --seconds 20 --url … --host …`."""

import argparse
import sys
import time
from collections.abc import Sequence

from e2e.load.plan import Plan, PlanError
from e2e.load.run import LoadRun


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the load and print what came of it; 1 when a request failed."""
    options = _parser().parse_args(arguments)
    try:
        plan = Plan(options.url, options.host, options.rate, options.seconds, options.workers)
    except PlanError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with LoadRun(plan) as load:
        try:
            _show_progress(load, plan)
        except KeyboardInterrupt:
            load.stop()
        result = load.wait()
    print(result.summary())
    return 1 if result.failures else 0


def _show_progress(load: LoadRun, plan: Plan) -> None:
    """A line every five seconds, until the last request is due."""
    end = load.started + plan.seconds
    while (left := end - time.time()) > 0:
        time.sleep(min(left, 5.0))
        recent = load.so_far().between(time.time() - 5.0)
        shares = ", ".join(
            f"{version} {recent.share(version):.1f} %" for version in recent.versions
        )
        seconds = time.time() - load.started
        print(f"  {seconds:.0f} s: {shares}; failures {load.so_far().failures}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.load", description="Steady load on a gateway of this machine."
    )
    parser.add_argument("--url", required=True, help="http URL with a loopback address")
    parser.add_argument("--host", required=True, help="the Host header")
    parser.add_argument("--rate", type=float, default=500, help="requests a second (500)")
    parser.add_argument("--seconds", type=float, default=20, help="how long (20)")
    parser.add_argument("--workers", type=int, default=1, help="processes (1)")
    return parser
