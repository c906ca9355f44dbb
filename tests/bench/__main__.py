"""Runs the benchmarks and prints their tables; nothing passes or fails by a time.

python -m tests.bench [--only chain|idle|start|rollouts] [--policies N] [--rounds N] [--json FILE]
"""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import (
    measure_chain,
    measure_idle,
    measure_rollouts,
    measure_start,
    report_start,
)
from tests.bench.rounds import machine


def main() -> None:
    """Measure what is asked for."""
    options = _options()
    line = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}"
    print(line, flush=True)
    found: dict[str, Any] = {"machine": line}
    if options.only in (None, "chain"):
        results = measure_chain.measure(options.rounds)
        print("\nProbes through the whole chain\n")
        print(measure_chain.report(results), flush=True)
        found["chain"] = measure_chain.as_json(results)
    if options.only in (None, "idle"):
        little = measure_idle.measure()
        print("\nMemory with little to do\n")
        print(measure_idle.report(little), flush=True)
        found["idle"] = asdict(little)
    if options.only in (None, "start"):
        figures = measure_start.measure(options.policies)
        print("\nMemory and start-up\n")
        print(report_start.report(figures), flush=True)
        found["start"] = asdict(figures)
    if options.only in (None, "rollouts"):
        print("\nRollouts at once", flush=True)
        for name, spread in (("rollouts", options.hold), ("rollouts_in_one_moment", 0)):
            many = measure_rollouts.measure(options.rollouts, options.hold, spread)
            print(f"\n{measure_rollouts.report(many)}", flush=True)
            found[name] = asdict(many)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", choices=("chain", "idle", "start", "rollouts"), help="one figure alone"
    )
    parser.add_argument("--policies", type=int, default=1000, help="policies of `start`")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of `chain`")
    parser.add_argument("--rollouts", type=int, default=300, help="how many at once")
    parser.add_argument("--hold", type=int, default=30, help="seconds of each step of `rollouts`")
    parser.add_argument("--json", type=Path, help="where to write the figures as well")
    return parser.parse_args()


if __name__ == "__main__":
    main()
