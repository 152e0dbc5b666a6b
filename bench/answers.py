# SPDX-License-Identifier: Apache-2.0
"""
How long answers for people take: python -m bench.answers [pools].

Linear pools are those of the workload. Portfolio pools hold ten options on two underlyings, margined by fourteen
scenarios; everything is in one process, without gRPC.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

from bench import workload
from marginrules._core.core import Scratch, rank
from marginrules.service.distance import measure_distance
from marginrules.service.resilience import measure_resilience
from marginrules.service.shard import Shard
from marginrules.service.stress import Move, Stress
from marginrules.service.vulnerable import Exposure, list_vulnerable
from marginrules.service.ways_out import find_ways_out
from tests.service.answering import NOW, account, instruments, shard_with

SEED = 20_261_124
CRASH = Stress("crash", (Move("*", -0.2, 0.5),))
BATCH = 1_000


def timed(what: str, call: Callable[[], object], rounds: int = 5) -> None:
    """Print the best time of some rounds."""
    best = min(_once(call) for _ in range(rounds))
    print(f"{what:<64} {best * 1e3:10.2f} ms")


def _once(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def rank_linear(count: int) -> None:
    """Rank pools of ten linear positions after all marks fell by a fifth."""
    engine = workload.make_engine(workload.make_workload(count))

    def run() -> None:
        market = Scratch(engine, None)
        market.place_underlying(list(range(engine.instrument_count)), -1, 0.8)
        assert rank(engine, market, 0, workload.NOW_NS, float("-inf"), -1, 100) is not None

    timed(f"first 100 of {count:,} linear pools under a stress", run)


def portfolios(count: int) -> Shard:
    """Return a shard whose pools hold ten options each."""
    source = random.Random(SEED)
    listed = [one["symbol"] for one in instruments() if "strike" in one]
    shard = shard_with({})
    for first in range(0, count, BATCH):
        batch = []
        for number in range(first, min(first + BATCH, count)):
            held = {name: source.choice((-1, 1)) * source.randint(1, 100) / 10 for name in source.sample(listed, 10)}
            batch.append(account(f"p{number}", {"USD": source.uniform(200.0, 5_000.0)}, held))
        shard.apply("accounts", {"accounts": batch}, NOW)
    return shard


def main(count: int) -> None:
    """Print all figures."""
    rank_linear(count)
    options = max(count // 5, 1)
    shard = portfolios(options)
    timed(
        f"first 100 of {options:,} portfolio pools under a stress",
        lambda: list_vulnerable(shard, NOW, CRASH, Exposure.MARGIN_RATIO, 100),
    )
    pools = range(min(options, 20))
    shown = f"of {len(pools)} portfolio pools"
    timed(f"distance {shown}", lambda: [measure_distance(shard, one, NOW) for one in pools], 2)
    timed(
        f"resilience to one stress {shown}", lambda: [measure_resilience(shard, one, NOW, [CRASH]) for one in pools], 2
    )
    timed(f"ways out {shown}", lambda: [find_ways_out(shard, one, NOW, "ratio", 5.0) for one in pools], 1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
