"""With the defaults, an application is back at OPTIMAL in under two minutes on average.

Measured from the moment at which the dependencies answer again, over the 15 ways in which some of
the four of the reference application can be down, for short and long outages, and for outages that
end at different points of the probes' rhythm.
"""

import itertools
from statistics import mean

import pytest

from resilience_operator.api.v1alpha1.base import Level
from tests.builders import REFERENCE_WEIGHTS, reference_policy
from tests.unit.core.simulation import Simulation

NAMES = tuple(REFERENCE_WEIGHTS)
WAYS = [ways for size in range(1, len(NAMES) + 1) for ways in itertools.combinations(NAMES, size)]
# Lengths of the outage, each with the phases at which it begins in the probes' rhythm.
PHASES = {
    15: (0.0, 3.7, 8.1),
    60: (0.0, 3.7, 8.1, 17.3, 26.9),
    300: (0.0, 8.1, 26.9),
    1800: (3.7, 19.2),
}
LENGTHS = tuple(PHASES)
HEALTHY_BEFORE = 60.0


def recovery_seconds(down: tuple[str, ...], length: float, phase: float) -> tuple[float, Level]:
    """Seconds from the end of the outage to OPTIMAL, and the worst level of the outage."""
    begins = HEALTHY_BEFORE + phase
    ends = begins + length
    simulation = Simulation(
        reference_policy().build(),
        outages={name: [(begins, ends)] for name in down},
        phases={name: 1.3 * index for index, name in enumerate(NAMES)},
    ).run(until=ends + 240)
    back = simulation.first(Level.OPTIMAL, after=ends)
    assert back is not None, f"{down} never recovered"
    assert simulation.level is Level.OPTIMAL
    during = [level for at, level in simulation.history if at >= begins]
    return back - ends, max(during, key=list(Level).index, default=Level.OPTIMAL)


@pytest.fixture(scope="module")
def table() -> dict[tuple[str, ...], dict[int, list[float]]]:
    return {
        down: {
            length: [recovery_seconds(down, length, phase)[0] for phase in PHASES[length]]
            for length in LENGTHS
        }
        for down in WAYS
    }


def test_the_mean_over_all_ways_is_under_two_minutes(
    table: dict[tuple[str, ...], dict[int, list[float]]],
) -> None:
    print(f"\n{'down':<28}{'level':<11}" + "".join(f"{f'{each} s':>9}" for each in LENGTHS))
    for down, by_length in table.items():
        worst = recovery_seconds(down, 300, 0.0)[1]
        cells = "".join(f"{mean(by_length[each]):9.1f}" for each in LENGTHS)
        print(f"{'+'.join(down):<28}{worst:<11}{cells}")
    by_length = {length: mean(mean(row[length]) for row in table.values()) for length in LENGTHS}
    print(f"{'mean':<39}" + "".join(f"{by_length[each]:9.1f}" for each in LENGTHS))
    assert all(seconds < 120 for seconds in by_length.values())


def test_no_way_takes_longer_than_four_steps_and_one_open_time(
    table: dict[tuple[str, ...], dict[int, list[float]]],
) -> None:
    slowest = max(max(times) for row in table.values() for times in row.values())
    # 30 s until the trial, its time-out, two successes; then four steps of 30 s.
    assert slowest <= 30 + 3 + 2 + 4 * 30


def test_an_outage_of_half_an_hour_is_over_as_soon_as_one_of_a_minute(
    table: dict[tuple[str, ...], dict[int, list[float]]],
) -> None:
    for row in table.values():
        assert max(row[1800]) <= max(row[60]) + 35
