# SPDX-License-Identifier: Apache-2.0
"""
Resident memory of a large book, measured in a process of its own.

A million accounts of five positions and one balance in one engine, and the dict from account id to index that the
service keeps beside it. As a script it is that process: it prints the pages gained as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

from bench import workload
from bench.timing import Row, is_short
from marginrules._core.core import Engine
from marginrules.codes import InstrumentKind

ACCOUNT_COUNT = 1_000_000
POSITION_COUNT = 5
RESIDENT_BYTES_MAX = 1_500_000_000


class Gain(TypedDict):
    """Hold the resident bytes gained by accounts, pools and ids, and then by what the pools hold."""

    accounts: int
    holdings: int


def measure() -> list[Row]:
    """Load the book in a child process; in short mode a tenth of it, against a tenth of the bar."""
    count = ACCOUNT_COUNT // 10 if is_short() else ACCOUNT_COUNT
    gain = load_in_child(count)
    total, bar = gain["accounts"] + gain["holdings"], RESIDENT_BYTES_MAX * count // ACCOUNT_COUNT
    title = f"{count:,} accounts x {POSITION_COUNT} positions"
    return [
        _row(f"resident, {title}", total / 1e6, "MB", bar / 1e6),
        _row("resident an account, all in all", total / count, "bytes", None),
        _row("resident an account, without holdings", gain["accounts"] / count, "bytes", None),
        _row("resident a position, balance included", gain["holdings"] / count / POSITION_COUNT, "bytes", None),
    ]


def _row(name: str, value: float, unit: str, bar: float | None) -> Row:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "rival": "the bar" if bar else "",
        "ratio": value / bar if bar else None,
        "ratio_median": None,
        "bar": 1.0 if bar else None,
    }


def load_in_child(count: int) -> Gain:
    """Run this file as a process, so that nothing else counts."""
    command = [sys.executable, "-m", "bench.test_memory", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    gain: Gain = json.loads(done.stdout)
    return gain


def load(count: int) -> Gain:
    """Load the book; return the resident bytes gained."""
    made = workload.make_workload(1)
    engine = Engine()
    cash = engine.add_asset(0)
    instruments = [
        engine.add_instrument(cash, -1, False, InstrumentKind.PERPETUAL, 1.0, 0.0, 0, -1, workload.AGE_NS_MAX)
        for _ in made.products
    ]
    engine.activate(workload.make_tables(made), instruments, [workload.AGE_NS_MAX] * len(instruments), [0], [0], {})
    source = random.Random(1)
    # A few thousand different holdings: what is held does not change how much room it takes.
    holdings = [
        [(source.choice(instruments), source.uniform(-9.0, 9.0), 100.0, 0.0) for _ in range(POSITION_COUNT)]
        for _ in range(4_096)
    ]
    start = resident_bytes()
    ids: dict[str, int] = {}
    for k in range(count):
        account = engine.add_account(0)
        engine.add_pool(account, -1)
        ids[f"account-{k:08d}"] = account
    middle = resident_bytes()
    for pool in ids.values():
        engine.put_pool(pool, 0, 0.0, [(cash, 1_000.0)], holdings[pool % len(holdings)], [])
    end = resident_bytes()
    if len(ids) != count or engine.pool_count != count or len(engine.pool_content(count - 1)[2]) != POSITION_COUNT:
        raise AssertionError("the book is not what was to be measured")
    return {"accounts": middle - start, "holdings": end - middle}


def resident_bytes() -> int:
    """Return the resident set of this process; the second field of statm counts pages."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_a_book_of_a_tenth_fits() -> None:
    """A tenth of the book takes less than a tenth of the bar."""
    gain = load_in_child(ACCOUNT_COUNT // 10)
    assert gain["accounts"] + gain["holdings"] < RESIDENT_BYTES_MAX // 10


if __name__ == "__main__":
    print(json.dumps(load(int(sys.argv[1]))))
