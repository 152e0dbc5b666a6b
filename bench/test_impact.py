# SPDX-License-Identifier: Apache-2.0
"""
Time whom a change of rulebooks would have hit: 10,000 accounts x 30 days of minute marks, before and after.

    python -m bench.test_impact                     # all of it, on two processes
    python -m bench.test_impact --accounts 500 --minutes 2000 --workers 1 --formula
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor

from bench.impact_workload import make_history, make_population, rulebook
from bench.timing import Row, is_short
from marginrules.authoring.impact import History, Impact, Population, impact
from marginrules.rulebook import load

ACCOUNTS, MINUTES, WORKERS, BAR_S = 10_000, 43_200, 2, 60.0


def run(
    population: Population, history: History, workers: int, formula: bool = False, say: bool = False
) -> tuple[float, float, Impact]:
    """Replay before and after; return the seconds that passed, those that the workers computed, and the impact."""
    before, after = (
        load(rulebook(*given, formula=formula), f"{given[0]}.yaml")
        for given in (("before", "3", "1.5", 125), ("after", "4", "2", 130))
    )
    was = os.times()
    started = time.perf_counter()
    with ProcessPoolExecutor(workers) as executor:
        found = impact(
            population,
            history,
            before,
            after,
            executor,
            (lambda done, of: print(f"{done:,} of {of:,}")) if say else None,
        )
    seconds, now = time.perf_counter() - started, os.times()
    return seconds, now.children_user + now.children_system - was.children_user - was.children_system, found


def measure() -> list[Row]:
    """Measure the bar, or a fiftieth of it in short mode."""
    accounts, minutes = (1_000, 8_640) if is_short() else (ACCOUNTS, MINUTES)
    history = make_history(minutes)
    seconds, computed, _ = run(make_population(accounts, history), history, WORKERS)
    share = accounts * minutes / (ACCOUNTS * MINUTES)
    named = f"the bar, {BAR_S:g} s for {ACCOUNTS:,} accounts x {MINUTES:,} minutes"
    rows: list[Row] = []
    for name, value in (("passed", seconds), ("of each of two cores", computed / WORKERS)):
        rows.append(
            {
                "name": f"plan over {accounts:,} accounts x {minutes:,} minutes, seconds {name}",
                "value": value,
                "unit": "s",
                "rival": named,
                "ratio": value / share / BAR_S,
                "ratio_median": None,
                "bar": 1.0,
            }
        )
    return rows


def test_a_part_of_the_bar() -> None:
    """A small part says the same on one process and on two, hits somebody, and is not far from the bar."""
    history = make_history(1_440)
    population = make_population(600, history)
    seconds, computed, found = run(population, history, 2)
    assert run(population, history, 1)[2] == found
    assert found.after.liquidated > found.before.liquidated > 0
    # Processes have to be started and rulebooks compiled, whatever the size.
    assert min(seconds, computed) < 30.0


def main() -> None:
    """Print what is measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--minutes", type=int, default=MINUTES)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--formula", action="store_true", help="margin by a formula instead of tiers")
    given = parser.parse_args()
    history = make_history(given.minutes)
    population = make_population(given.accounts, history)
    seconds, computed, found = run(population, history, given.workers, given.formula, say=True)
    for name, side in (("before", found.before), ("after", found.after)):
        print(
            f"{name:6} {side.warned:,} warned, {side.called:,} called, {side.cured:,} of them cured by themselves, "
            f"{side.restricted:,} restricted, {side.liquidated:,} liquidated, {side.defaulted:,} defaulted"
        )
    measured = 2 * given.accounts * given.minutes
    print(
        f"{given.accounts:,} accounts x {given.minutes:,} minutes x 2 rulebooks: {seconds:.1f} s passed on "
        f"{given.workers} processes, {computed:.1f} s computed, {computed / measured * 1e9:.1f} ns for an account and "
        f"minute; {found.looks:,} looks of ladders; load {os.getloadavg()[0]:.1f}; {found.digest[:16]}"
    )


if __name__ == "__main__":
    main()
