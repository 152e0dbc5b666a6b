# SPDX-License-Identifier: Apache-2.0
"""
A market that crashes and accounts with too much leverage, to be replayed minute by minute.

Twenty perpetuals follow one market factor each in its own measure, plus noise of their own. Two thirds through, the
market loses 35 % within two days and comes back by half of that. An account holds five of them; its leverage lies
between a half and ten.
"""

from __future__ import annotations

import math
import random
from array import array

from marginrules.authoring.impact import History, Population
from marginrules.codes import InstrumentKind
from marginrules.model import Account, Instrument, Pool, Position

MINUTE_NS = 60_000_000_000
START_NS = 1_769_904_000_000_000_000  # 2026-02-01
INSTRUMENTS = 20
HELD = 5
CRASH = math.log(0.65)

_HEAD = """\
rulebook: {name}
currency: USDT
increment: 0.01
effective: 2026-01-01T00:00:00Z
marks: {{max_age: 10s}}
collateral:
  USDT: {{haircut: 0%}}
products:
  perpetual:
    match: {{kind: perpetual}}
    margin:
{margin}ladders:
  perpetuals:
    measure: margin_ratio
    steps:
      - {{step: warning, below: 160%, clear: 170%, notify: [client]}}
      - step: initial_call
        below: {call}%
        clear: 135%
        call: {{restore: initial_margin, minimum_transfer: 500, round_to: 100}}
        deadline: 4h
        restrict: reduce_only
      - step: partial_liquidation
        below: 105%
        or_after: initial_call unmet
        liquidate: {{fraction: 20%, every: 30s, until: 110%, cancel_orders_first: yes}}
      - {{step: full_liquidation, below: 100%, liquidate: all}}
      - {{step: default, below: 0%, waterfall: [insurance_fund, auto_deleveraging]}}
"""


_TIERS = """\
      model: tiers
      tiers:
        - {{to: 100_000, initial: {initial}%, maintenance: {maintenance}%}}
        - {{to: 1_000_000, initial: 4%, maintenance: 2%}}
        - {{to: 5_000_000, initial: 5%, maintenance: 2.5%}}
        - {{initial: 10%, maintenance: 5%}}
"""
_FORMULA = """\
      model: formula
      define: {{held_value: "abs(quantity) * multiplier * mark * fx"}}
      initial: held_value * {initial}% + max(held_value - 1_000_000 USDT, 0) * 3%
      maintenance: held_value * {maintenance}% + max(held_value - 1_000_000 USDT, 0) * 1.5%
"""


def rulebook(
    name: str = "before", initial: str = "3", maintenance: str = "1.5", call: int = 125, formula: bool = False
) -> bytes:
    """Return the text of a rulebook."""
    margin = (_FORMULA if formula else _TIERS).format(initial=initial, maintenance=maintenance)
    return _HEAD.format(name=name, margin=margin, call=call).encode()


def make_history(minutes: int, seed: int = 20_200_312) -> History:
    """Draw the marks of every minute."""
    source = random.Random(seed)
    columns = tuple((f"C{k:02}-PERP", "") for k in range(INSTRUMENTS))
    betas = [source.uniform(0.6, 1.6) for _ in columns]
    logs = [math.log(10.0 ** source.uniform(-1.0, 4.5)) for _ in columns]
    values = array("d", bytes(8 * minutes * INSTRUMENTS))
    crash, length = minutes * 2 // 3, max(minutes // 15, 1)
    for row in range(minutes):
        drift = 0.0
        if crash <= row < crash + length:
            drift = CRASH / length
        elif crash + length <= row < crash + 4 * length:
            drift = -CRASH / length / 6
        factor = source.gauss(drift, 0.0006)
        for k, beta in enumerate(betas):
            logs[k] += beta * factor + source.gauss(0.0, 0.0004)
            values[row * INSTRUMENTS + k] = math.exp(logs[k])
    times = array("q", [START_NS + row * MINUTE_NS for row in range(minutes)])
    return History(times, columns, values)


def make_population(accounts: int, history: History, seed: int = 7) -> Population:
    """Draw the accounts; each opened its positions near the first marks."""
    source = random.Random(seed)
    names = [name for name, _ in history.columns]
    first = dict(zip(names, history.values[: len(names)], strict=True))
    instruments = tuple(Instrument(name, InstrumentKind.PERPETUAL, name[:3], "USDT") for name in names)
    return Population(instruments, tuple(_draw_account(source, k, first) for k in range(accounts)))


def _draw_account(source: random.Random, number: int, marks: dict[str, float]) -> Account:
    size = 10.0 ** source.uniform(4.0, 6.5)
    long = source.random() < 0.7
    positions = []
    for name in sorted(source.sample(sorted(marks), HELD)):
        notional = size / HELD * source.uniform(0.3, 1.7) * (1.0 if long or source.random() < 0.3 else -1.0)
        quantity = float(f"{notional / marks[name]:.6g}")
        entry = float(f"{marks[name] * source.uniform(0.98, 1.02):.8g}")
        positions.append(Position(name, quantity, entry))
    leverage = 0.5 * 20.0 ** source.uniform(0.0, 1.0)
    cash = float(f"{size / leverage:.8g}")
    pool = Pool("", (("USDT", cash),), tuple(positions))
    return Account(f"A{number:06}", "default", 1, (pool,))
