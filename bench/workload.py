# SPDX-License-Identifier: Apache-2.0
"""
One workload for every contestant: 10,000 pools to be margined and placed on a ladder.

Eight linear products have five brackets each, with an initial and a maintenance rate. A pool holds one cash balance and
ten positions, each in a random product. Equity is cash + unrealised profit and loss; a requirement is summed over the
positions, bracket by bracket; the ladder has five falling thresholds on margin_ratio = equity / maintenance margin, and
a threshold is breached when not (equity >= threshold x maintenance margin). The cash is drawn so that each of the six
outcomes gets between about 7 % and 27 % of the pools: a predictor cannot learn them.

Rules engines are usually measured with a second condition on the ladder, the hours since a call was made. Here a core
only says what a pool is worth, and time belongs to the state machine above it, so that condition is left out for all.
"""

from __future__ import annotations

import dataclasses
import random

from marginrules._core.core import Assessment, Batch, Engine, Tables
from marginrules.codes import InstrumentKind

PRODUCT_COUNT = 8
TIER_COUNT = 5
POOL_COUNT = 10_000
POSITION_COUNT = 10
THRESHOLDS = [1.5, 1.25, 1.1, 1.0, 0.8]
OUTCOME_WEIGHTS = [25, 20, 18, 15, 13, 9]
NOW_NS = 1_800_000_000_000_000_000
AGE_NS_MAX = 60_000_000_000

_MARKS = [64_250.5, 3_120.25, 148.75, 0.6125, 1.0875, 2_345.5, 78.4, 5_410.0]
# A ratio is drawn between these edges, the healthy outcome first and the worst last.
_EDGES = [3.0, *THRESHOLDS, -0.2]


@dataclasses.dataclass(frozen=True, slots=True)
class Product:
    """
    Hold one product as an exchange publishes it.

    Attributes:
        caps: greatest notional of each bracket; the last is infinite.
        initial_rates, maintenance_rates: rising; each applies to the part of the notional inside its bracket.
    """

    mark: float
    caps: list[float]
    initial_rates: list[float]
    maintenance_rates: list[float]

    def lines(self) -> list[tuple[float, float, float, float]]:
        """Return rows (initial rate, deduction, maintenance rate, deduction): brackets as lines from the origin."""
        rows = [(self.initial_rates[0], 0.0, self.maintenance_rates[0], 0.0)]
        for k in range(1, TIER_COUNT):
            _, initial, _, maintenance = rows[-1]
            initial += self.caps[k - 1] * (self.initial_rates[k] - self.initial_rates[k - 1])
            maintenance += self.caps[k - 1] * (self.maintenance_rates[k] - self.maintenance_rates[k - 1])
            rows.append((self.initial_rates[k], initial, self.maintenance_rates[k], maintenance))
        return rows


@dataclasses.dataclass(frozen=True, slots=True)
class Holding:
    """Hold one position."""

    product: int
    quantity: float
    entry_price: float


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Hold one pool as a caller has it: cash and positions."""

    cash: float
    holdings: list[Holding]


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """Say what one contestant found for one pool."""

    equity: float
    initial_margin: float
    maintenance_margin: float
    level: int


@dataclasses.dataclass(frozen=True, slots=True)
class Workload:
    """Hold products and pools; the same seed gives the same ones."""

    products: list[Product]
    holders: list[Holder]


def make_workload(pool_count: int = POOL_COUNT, seed: int = 20_261_124) -> Workload:
    """Draw the products and the pools."""
    source = random.Random(seed)
    products = [_draw_product(source, mark) for mark in _MARKS]
    return Workload(products, [_draw_holder(source, products) for _ in range(pool_count)])


def _draw_product(source: random.Random, mark: float) -> Product:
    caps = [source.uniform(20_000.0, 60_000.0)]
    rates = [source.uniform(0.004, 0.01)]
    for _ in range(TIER_COUNT - 1):
        caps.append(caps[-1] * source.uniform(2.0, 5.0))
        rates.append(rates[-1] * source.uniform(1.3, 2.0))
    return Product(mark, [*caps[:-1], float("inf")], [rate * 1.6 for rate in rates], rates)


def _draw_holder(source: random.Random, products: list[Product]) -> Holder:
    holdings = []
    for _ in range(POSITION_COUNT):
        product = source.randrange(PRODUCT_COUNT)
        mark = products[product].mark
        notional = 10.0 ** source.uniform(3.5, 6.8) * source.choice((-1.0, 1.0))
        holdings.append(Holding(product, notional / mark, mark * source.uniform(0.97, 1.03)))
    outcome = source.choices(range(len(OUTCOME_WEIGHTS)), OUTCOME_WEIGHTS)[0]
    ratio = source.uniform(_EDGES[outcome], _EDGES[outcome + 1])
    bare = assess(products, Holder(0.0, holdings))
    return Holder(ratio * bare.maintenance_margin - bare.equity, holdings)


def assess(products: list[Product], holder: Holder) -> Answer:
    """Assess one pool slice by slice, as the brackets are written: the reference of every contestant."""
    equity, initial, maintenance = holder.cash, 0.0, 0.0
    for holding in holder.holdings:
        product = products[holding.product]
        notional = abs(holding.quantity * product.mark)
        equity += holding.quantity * (product.mark - holding.entry_price)
        floor = 0.0
        for cap, initial_rate, maintenance_rate in zip(
            product.caps, product.initial_rates, product.maintenance_rates, strict=True
        ):
            part = max(min(notional, cap) - floor, 0.0)
            initial += part * initial_rate
            maintenance += part * maintenance_rate
            floor = cap
    level = sum(not (equity >= threshold * maintenance) for threshold in THRESHOLDS)
    return Answer(equity, initial, maintenance, level)


def make_engine(workload: Workload) -> Engine:
    """Load the workload into a core; pool k of the engine is holder k."""
    engine = Engine()
    cash = engine.add_asset(0)
    instruments = [
        engine.add_instrument(cash, -1, False, InstrumentKind.PERPETUAL, 1.0, 0.0, 0, -1, AGE_NS_MAX)
        for _ in workload.products
    ]
    engine.activate(make_tables(workload), instruments, [AGE_NS_MAX] * len(instruments), [0], [0], {})
    marks = [(k, product.mark, NOW_NS, 0.0) for k, product in zip(instruments, workload.products, strict=True)]
    engine.set_prices([(cash, 1.0, NOW_NS, AGE_NS_MAX)], marks)
    for holder in workload.holders:
        pool = engine.add_pool(engine.add_account(0), -1)
        positions = [(held.product, held.quantity, held.entry_price, 0.0) for held in holder.holdings]
        engine.put_pool(pool, 0, 0.0, [(cash, holder.cash)], positions, [])
    return engine


def make_tables(workload: Workload) -> Tables:
    """Compile the products and the ladder to program tables."""
    lines = [line for product in workload.products for line in product.lines()]
    rules = [(TIER_COUNT * k, TIER_COUNT, 0, 0, 0.0, 0.0) for k in range(len(workload.products))]
    return Tables(lines, [rules], [(1.0, 0.0)], [(0, 1, float("inf"), 1.0)], [THRESHOLDS], [0])


def answers_of(batch: Batch) -> list[Answer]:
    """Return the answers in a batch; an assessment that cannot be trusted stops the benchmark."""
    return [_answer_of(batch[k]) for k in range(batch.count)]


def answers_one_by_one(engine: Engine, count: int) -> list[Answer]:
    """Return the answers of a core asked for one pool at a time."""
    return [_answer_of(engine.assess(pool, NOW_NS)) for pool in range(count)]


def _answer_of(found: Assessment) -> Answer:
    if not found.is_valid:
        raise AssertionError(f"the reason bits are {found.flags}")
    return Answer(found.equity, found.initial_margin, found.maintenance_margin, found.level)


def assert_equal(found: list[Answer], expected: list[Answer]) -> None:
    """Demand equal levels, and amounts equal to 1e-9 of the pool's maintenance margin or of themselves."""
    if len(found) != len(expected):
        raise AssertionError(f"{len(found)} answers of {len(expected)}")
    for k, (one, other) in enumerate(zip(found, expected, strict=True)):
        # Equity is a difference of large amounts and may be near nothing, so it is compared on the pool's own scale.
        slack = 1e-9 * max(abs(other.equity), other.maintenance_margin)
        same = (
            one.level == other.level
            and abs(one.equity - other.equity) <= slack
            and abs(one.initial_margin - other.initial_margin) <= 1e-9 * other.initial_margin
            and abs(one.maintenance_margin - other.maintenance_margin) <= 1e-9 * other.maintenance_margin
        )
        if not same:
            raise AssertionError(f"pool {k}: {one} is not {other}")
