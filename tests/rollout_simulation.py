"""Rollouts by the hundred on a virtual clock: how often is a version blamed, and for what?

    python -m tests.rollout_simulation [--seed N] [--good N] [--bad N] [--workers N]

Drives the pure decision with synthetic traffic (binomial), a dependency that fails at random, and a
Prometheus that now and then has nothing to say. Every decision starts from the status as it comes
off the wire. Half of the versions are bad: 3 % errors where stable has 1 %.

An outage hurts requests at once; the probes find it seconds later, the level follows, and the flags
bring most requests back. In some outages the pods of both arms crash too, not in the same second,
and come up again at the pace of Kubernetes' back-off.
"""

import argparse
import json
import math
import os
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.parse import dump_status
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase, DependencyState
from resilience_operator.api.v1alpha1.rollout import (
    Analysis,
    Arm,
    HttpRouteTraffic,
    Metric,
    PrometheusServer,
    ProportionQuery,
    Rollout,
    Step,
    Traffic,
)
from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    OriginalWeight,
    RolloutPhase,
    RolloutRecord,
    RolloutStatus,
)
from resilience_operator.core.model import DependencyHealth
from resilience_operator.core.rollout import decide
from resilience_operator.core.rollout.model import (
    Counts,
    DeploymentView,
    Effect,
    MetricView,
    RolloutPlan,
    RolloutSnapshot,
    TrafficView,
)
from resilience_operator.core.times import from_rfc3339

START = 1_795_500_000.0
LOOK_SECONDS = 15
FIRST_STEP_REQUESTS = 50_000
GOOD_RATE, BAD_RATE = 0.01, 0.03
STEPS = (
    Step(weight=5, hold_seconds=3600),
    Step(weight=25, hold_seconds=3600),
    Step(weight=100, hold_seconds=3600),
)
REQUESTS_PER_LOOK = FIRST_STEP_REQUESTS * LOOK_SECONDS // STEPS[0].hold_seconds
LONGEST = 12 * 3600

# Outages: one every two hours on average, of ten minutes on average.
SECONDS_TO_NEXT_OUTAGE, OUTAGE_SECONDS = 7200.0, 600.0
DETECTION_SECONDS = (3.0, 20.0)  # until the breaker opens and the level falls
RECOVERY_SECONDS = (5.0, 35.0)  # until the breaker has closed; one level is climbed 30 s later
CLIMB_SECONDS = 30.0
ERRORS_BEFORE_FLAGS = (0.2, 0.6)  # of all requests, in both arms
ERRORS_WITH_FLAGS = (0.0, 0.08)
CRASHING_OUTAGES, CRASH_DELAY = 0.15, (5.0, 40.0)
BACK_OFF_SECONDS = (0.0, 300.0)
PROMETHEUS_GAP, GAP_SECONDS = 0.2, (60.0, 900.0)

SPEC = Rollout(
    stable=Arm(deployment="app", service="app"),
    canary=Arm(deployment="app-canary", service="app-canary"),
    traffic=Traffic(http_route=HttpRouteTraffic(name="app")),
    steps=STEPS,
    analysis=Analysis(
        prometheus=PrometheusServer(url="http://prometheus:9090"),
        interval_seconds=LOOK_SECONDS,
        metrics=(
            Metric(
                name="error-rate",
                proportion=ProportionQuery(
                    failures="errors{{service}}[{{window}}]", total="all{{service}}[{{window}}]"
                ),
                max_percent=5,
                max_increase_percent=1,
            ),
        ),
    ),
)


@dataclass(frozen=True)
class Outage:
    """One failure of the dependency; times in seconds since the start."""

    begins: float
    found: float
    ends: float
    healed: float
    climbed: float
    errors_before_flags: float
    errors_with_flags: float
    # When each arm's pods crash and are back, if they do: (stable, canary).
    crashes: tuple[tuple[float, float], tuple[float, float]] | None

    def errors(self, at: float) -> float:
        """The share of requests that fail for it."""
        if not self.begins <= at < self.ends:
            return 0.0
        return self.errors_before_flags if at < self.found else self.errors_with_flags


@dataclass(frozen=True)
class Outcome:
    """How one rollout ended."""

    bad: bool
    record: RolloutRecord | None
    outages: int
    seconds: float
    message: str

    @property
    def rolled_back(self) -> bool:
        return self.record is not None and self.record.result is RolloutPhase.ROLLED_BACK

    @property
    def at_first_step(self) -> bool:
        return self.rolled_back and self.record is not None and self.record.step == 1


def binomial(dice: random.Random, trials: int, chance: float) -> int:
    """Successes among independent trials, by leaping from one to the next."""
    if chance >= 1.0:
        return trials
    if chance > 0.5:
        return trials - binomial(dice, trials, 1.0 - chance)
    if chance <= 0.0:
        return 0
    successes, position, scale = 0, 0, math.log1p(-chance)
    while True:
        position += int(math.log(1.0 - dice.random()) / scale) + 1
        if position > trials:
            return successes
        successes += 1


def make_outages(dice: random.Random) -> list[Outage]:
    """The outages of one rollout; they do not overlap."""
    outages: list[Outage] = []
    at = dice.expovariate(1 / SECONDS_TO_NEXT_OUTAGE)
    while at < LONGEST:
        found = at + dice.uniform(*DETECTION_SECONDS)
        ends = found + dice.expovariate(1 / OUTAGE_SECONDS)
        healed = ends + dice.uniform(*RECOVERY_SECONDS)
        crashes = None
        if dice.random() < CRASHING_OUTAGES:
            stable, canary = (
                (found + dice.uniform(*CRASH_DELAY), ends + dice.uniform(*BACK_OFF_SECONDS))
                for _ in range(2)
            )
            crashes = (stable, canary)
        outages.append(
            Outage(
                begins=at,
                found=found,
                ends=ends,
                healed=healed,
                climbed=healed + CLIMB_SECONDS,
                errors_before_flags=dice.uniform(*ERRORS_BEFORE_FLAGS),
                errors_with_flags=dice.uniform(*ERRORS_WITH_FLAGS),
                crashes=crashes,
            )
        )
        at = healed + 600.0 + dice.expovariate(1 / SECONDS_TO_NEXT_OUTAGE)
    return outages


@dataclass
class Play:
    """One rollout being played."""

    dice: random.Random
    canary_rate: float
    outages: Sequence[Outage]
    gap: tuple[float, float]
    time: float = 0.0
    status: RolloutStatus = field(default_factory=RolloutStatus)
    weight: int = 0
    promoted: bool = False
    counted: list[float] = field(default_factory=lambda: [0.0] * 4)
    counted_since: str | None = None

    def run(self) -> None:
        """To its end, or for `LONGEST`."""
        while self.time < LONGEST and not self.status.history:
            plan = self._decide()
            if plan.wake_at is not None and plan.wake_at <= START + self.time:
                continue
            self.time += LOOK_SECONDS
            self._serve()

    def _serve(self) -> None:
        """The requests since the last look."""
        errors = sum(outage.errors(self.time) for outage in self.outages)
        to_canary = binomial(self.dice, REQUESTS_PER_LOOK, self.weight / 100)
        to_stable = REQUESTS_PER_LOOK - to_canary
        stable_rate, canary_rate = GOOD_RATE + errors, self.canary_rate + errors
        since = self.status.window_started_at
        if since != self.counted_since:
            self.counted, self.counted_since = [0.0] * 4, since
        for place, amount in enumerate(
            (
                binomial(self.dice, to_stable, stable_rate),
                to_stable,
                binomial(self.dice, to_canary, canary_rate),
                to_canary,
            )
        ):
            self.counted[place] += amount

    def _decide(self) -> RolloutPlan:
        plan = decide(self._snapshot())
        self.status = RolloutStatus.model_validate(json.loads(json.dumps(dump_status(plan.status))))
        if plan.effect is Effect.SET_WEIGHT:
            self.weight = plan.weight
        elif plan.effect is Effect.RESTORE_WEIGHTS:
            self.weight = 0
        self.promoted = self.promoted or plan.effect is Effect.COPY_TEMPLATE
        return plan

    def _snapshot(self) -> RolloutSnapshot:
        level, since = self._level()
        return RolloutSnapshot(
            spec=SPEC,
            status=self.status,
            now=START + self.time,
            stable=self._pods(0),
            canary=self._pods(1),
            traffic=TrafficView(weight=self.weight, originals=self._weights()),
            level=level,
            level_since=since,
            dependencies=(self._dependency(),),
            metrics={"error-rate": self._look()},
            metrics_at=START + self.time,
        )

    def _weights(self) -> tuple[OriginalWeight, ...]:
        return (
            OriginalWeight(path="stable", weight=100 - self.weight),
            OriginalWeight(path="canary", weight=self.weight),
        )

    def _look(self) -> MetricView:
        blind = self.gap[0] <= self.time < self.gap[1]
        began = from_rfc3339(self.status.window_started_at)
        stale = self.counted_since != self.status.window_started_at
        if blind or began is None or stale:
            return MetricView("error-rate", problem="no result")
        failures, total, canary_failures, canary_total = self.counted
        return MetricView(
            "error-rate", Counts(failures, total), Counts(canary_failures, canary_total)
        )

    def _level(self) -> tuple[Level, float | None]:
        level, since = Level.OPTIMAL, None
        for outage in self.outages:
            if self.time >= outage.found:
                level, since = Level.LIMITED, START + outage.found
            if self.time >= outage.healed:
                level, since = Level.DEGRADED, START + outage.healed
            if self.time >= outage.climbed:
                level, since = Level.OPTIMAL, START + outage.climbed
        return level, since

    def _dependency(self) -> DependencyHealth:
        open_ = any(outage.found <= self.time < outage.healed for outage in self.outages)
        trial = open_ and self.time % 30 < LOOK_SECONDS
        return DependencyHealth(
            name="openai",
            weight=50,
            state=DependencyState.DOWN if open_ else DependencyState.HEALTHY,
            health=0 if open_ else 100,
            breaker=(
                BreakerPhase.CLOSED
                if not open_
                else BreakerPhase.HALF_OPEN
                if trial
                else BreakerPhase.OPEN
            ),
        )

    def _pods(self, arm: int) -> DeploymentView:
        count = (20, 2)[arm]
        spells = [outage.crashes[arm] for outage in self.outages if outage.crashes]
        down = any(begins <= self.time < ends for begins, ends in spells)
        version = "2" if arm == 1 or self.promoted else "1"
        ready = count // 2 if down else count
        return replace(
            DeploymentView(("app", "app-canary")[arm]),
            revision=f"revision-{version}",
            content=f"content-{version}",
            desired=count,
            ready=ready,
            updated=count,
            available=ready,
            restarts=sum(3 for begins, _ in spells if self.time >= begins),
            crashing=("pod-0: CrashLoopBackOff",) if down else (),
        )


def play(seed: int, number: int, bad: bool) -> Outcome:
    """One rollout, the same every time for the same seed and number."""
    dice = random.Random(f"{seed}/{number}/{bad}")
    begins = dice.uniform(0, 3 * 3600) if dice.random() < PROMETHEUS_GAP else math.inf
    game = Play(
        dice=dice,
        canary_rate=BAD_RATE if bad else GOOD_RATE,
        outages=make_outages(dice),
        gap=(begins, begins + dice.uniform(*GAP_SECONDS)),
    )
    game.run()
    seen = sum(outage.begins < game.time for outage in game.outages)
    record = game.status.history[-1] if game.status.history else None
    return Outcome(bad, record, seen, game.time, game.status.message)


def simulate(seed: int, good: int, bad: int, workers: int = 1) -> list[Outcome]:
    """So many rollouts of good and of bad versions."""
    cases = [(number, False) for number in range(good)] + [(number, True) for number in range(bad)]
    if workers == 1:
        return [play(seed, number, is_bad) for number, is_bad in cases]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(partial(_play, seed), cases, chunksize=10))


def _play(seed: int, case: tuple[int, bool]) -> Outcome:
    return play(seed, *case)


def share(part: int, whole: int) -> str:
    """As `3 of 250 (1.2 %)`."""
    return f"{part:,} of {whole:,} ({100 * part / whole:.1f} %)" if whole else "none"


@dataclass(frozen=True)
class Summary:
    """What came of all rollouts."""

    outcomes: Sequence[Outcome]

    @property
    def good(self) -> list[Outcome]:
        return [each for each in self.outcomes if not each.bad]

    @property
    def bad(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.bad]

    @property
    def good_rolled_back(self) -> int:
        return sum(each.rolled_back for each in self.good)

    @property
    def good_blamed_for_an_outage(self) -> int:
        """Good versions rolled back for anything but a comparison of both arms' figures."""
        return sum(
            each.record is not None
            and each.rolled_back
            and (each.record.attribution, each.record.reason)
            != (Attribution.VERSION_FAULT, "VersionFault")
            for each in self.good
        )

    @property
    def bad_caught_at_first_step(self) -> int:
        return sum(each.at_first_step for each in self.bad)

    @property
    def bound_kept(self) -> bool:
        return (
            self.good_blamed_for_an_outage == 0
            and self.good_rolled_back <= 0.01 * len(self.good)
            and self.bad_caught_at_first_step >= 0.99 * len(self.bad)
        )

    def table(self) -> str:
        """Markdown."""
        good, bad = self.good, self.bad
        weathered = [each for each in good if each.outages]
        caught = sorted(each.seconds for each in bad if each.at_first_step)
        lost = sum(
            each.record is not None and each.record.attribution is Attribution.LOST_FALLBACK
            for each in bad
        )
        rows = [
            ("good versions rolled back for a dependency's fault", "0",
             share(self.good_blamed_for_an_outage, len(good))),
            ("good versions rolled back in all", "at most 1 %",
             share(self.good_rolled_back, len(good))),
            ("good versions that went through an outage", "", share(len(weathered), len(good))),
            ("good versions that succeeded", "",
             share(sum(e.record is not None and e.record.result is RolloutPhase.SUCCEEDED
                       for e in good), len(good))),
            ("bad versions rolled back at 5 % weight", "at least 99 %",
             share(self.bad_caught_at_first_step, len(bad))),
            ("of those, found in an outage (LostFallback)", "", share(lost, len(bad))),
        ]  # fmt: skip
        lines = ["| | required | found |", "| --- | --- | --- |"]
        lines += [f"| {name} | {required} | {found} |" for name, required, found in rows]
        if caught:
            typical, slow = (
                caught[len(caught) // 2],
                caught[min(len(caught) * 99 // 100, len(caught) - 1)],
            )
            lines.append(
                f"| time until a bad version was rolled back, median and 99 % | | "
                f"{typical / 60:.0f} min, {slow / 60:.0f} min |"
            )
        return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.rollout_simulation")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--good", type=int, default=250, help="rollouts of good versions")
    parser.add_argument("--bad", type=int, default=250, help="rollouts of bad versions")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def main() -> int:
    given = arguments()
    summary = Summary(simulate(given.seed, given.good, given.bad, given.workers))
    print(summary.table())
    return 0 if summary.bound_kept else 1


if __name__ == "__main__":
    sys.exit(main())
