# SPDX-License-Identifier: Apache-2.0
"""
Random markets with one account, twice: in an engine, and as the plain numbers that formulas read.

Prices, quantities and days are whole eighths, so that most sums and products are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from marginrules._core import core
from marginrules._core.core import Engine, Tables
from marginrules.codes import InstrumentKind
from marginrules.machine import PUBLISHED, Code, Field, Key, Leg, Models, Op, Portfolio, ScenarioTable, StrategyBook
from marginrules.machine import Parameter as MachineParameter
from marginrules.machine import Strategy as MachineStrategy
from marginrules.rulebook.diagnostic import Place, Sink, render_text
from marginrules.rulebook.formula import compile_figure, compile_leg, compile_pool, compile_portfolio
from marginrules.rulebook.formula.compile import IN_PORTFOLIO, Wanted, understand
from marginrules.rulebook.formula.tree import Typed
from marginrules.rulebook.formula.unit import AMOUNT, NUMBER
from marginrules.rulebook.parse import Scalar
from marginrules.units import DAY_NS
from tests.rulebook.formula import formulas as language
from tests.rulebook.formula.executor import ELEMENT, Executor
from tests.rulebook.formula.world import NAN, World, divided

NOW = 1_000 * DAY_NS
AGE = 2_000 * DAY_NS
DOLLAR, COIN = 0, 1
INFINITY = math.inf
EVERYTHING = Key(0)  # one group
ENVIRONMENT = replace(language.ENVIRONMENT, parameters={"factor": (0, NUMBER), "charge_of": (1, AMOUNT)})
PARAMETERS = ["factor", "charge_of"]
WORDS = language.OF_POSITIONS | {
    "number": (*language.OF_POSITIONS["number"], "factor", "rate", "confidence"),
    "amount": (
        *language.OF_POSITIONS["amount"],
        "charge_of",
        "buy_orders_value",
        "sell_orders_value",
        "buy_orders_opening_value",
        "sell_orders_opening_value",
    ),
    "quantity": (*language.OF_POSITIONS["quantity"], "sell_orders"),
}
# Without what a program can read of open orders, which it then margins by itself.
WORDS_WITHOUT_ORDERS = {unit: tuple(word for word in words if "orders" not in word) for unit, words in WORDS.items()}
KEYS = (
    "underlying",
    "expiry",
    "strike",
    "settlement",
    "instrument",
    "right",
    "product",
    "underlying, expiry",
    "strike, right, product",
)
FREE = ((0.0, 0.0, 0.0, 0.0),)


def one_by_one(calculate: Callable[..., Sequence[float]]) -> Callable[..., float]:
    """Return a function of numbers from one of columns."""
    return lambda *args: calculate(*args)[0]


# What the core has its own arithmetic for; everything else is plain Python.
FUNCTIONS = {
    "exp": one_by_one(core.exponential),
    "log": one_by_one(core.logarithm),
    "power": one_by_one(core.power),
    "normal": one_by_one(core.normal_distribution),
    "black_76": one_by_one(core.black76),
    "black_scholes": one_by_one(core.black_scholes),
    "american": one_by_one(core.american),
    "implied_black_76": one_by_one(core.black76_implied),
    "implied_black_scholes": one_by_one(core.black_scholes_implied),
    "implied_american": one_by_one(core.american_implied),
}
OPERATIONS = {
    "exp": Op.EXPONENTIAL,
    "log": Op.LOGARITHM,
    "power": Op.POWER,
    "normal": Op.NORMAL,
    "black_76": Op.BLACK_76,
    "black_scholes": Op.BLACK_SCHOLES,
    "american": Op.AMERICAN,
    "implied_black_76": Op.IMPLIED_BLACK_76,
    "implied_black_scholes": Op.IMPLIED_BLACK_SCHOLES,
    "implied_american": Op.IMPLIED_AMERICAN,
}
ELEMENTS = ELEMENT | {OPERATIONS[name]: function for name, function in FUNCTIONS.items()}


@dataclass(frozen=True)
class Instrument:
    """Carry one instrument and what the account has in it."""

    kind: InstrumentKind
    settlement: int = DOLLAR
    family: int = 0
    inverse: bool = False
    multiplier: float = 1.0
    strike: float = 0.0
    right: int = 0
    days: int = 0  # to expiry; 0: never
    product: int = 0
    mark: float = 100.0
    quotes: dict[Field, float] = field(default_factory=dict)
    parameters: tuple[float, ...] = (NAN, NAN)
    quantity: float = 0.0
    entry_price: float = 100.0
    leverage: float = 0.0
    orders: tuple[tuple[float, float], ...] = ()  # (signed quantity, price or 0)

    def cost_of(self, quantity: float, price: float) -> float:
        """Return what a quantity costs in the settlement asset."""
        if self.inverse:
            return divided(-quantity * self.multiplier, price)
        return quantity * self.multiplier * price


@dataclass(frozen=True)
class Market:
    """Carry a whole market; `series` are the moves of each family in the historical scenarios."""

    instruments: tuple[Instrument, ...]
    grid: tuple[tuple[float, ...], ...]
    history: tuple[float, ...]
    series: dict[int, tuple[float, ...]]
    coin: float = 2.0
    cash: float = 1e6

    # For the engine

    def models(self, codes: Sequence[Code], by: Key = EVERYTHING, pool: int = -1) -> Models:
        """Return programs; the first is that of the only portfolio."""
        at = len(codes)
        return Models(
            codes=(*codes, *STRATEGY_CODES),
            scenarios=(
                ScenarioTable("grid", ("weight", "price", "volatility"), self.grid),
                ScenarioTable("history", ("weight",), (self.history,), is_historical=True),
            ),
            tiers=(((0.0, 1.0, 0.0), (2.0, 0.5, 2.0), (10.0, 3.0, 6.0)),),
            portfolios=(Portfolio("book", 1, by, 0),),
            strategies=(strategy_book(at),),
            parameters=tuple(MachineParameter(name, NAN, {}) for name in PARAMETERS),
            pool=pool,
        )

    def engine(self, models: Models, *, is_excluded: bool = False) -> Engine:
        """
        Return an engine with this market; pool 0 is the account.

        Args:
            is_excluded: the value of options and all else is no part of equity.
        """
        engine = Engine()
        engine.add_asset(0)
        engine.add_asset(0)
        for one in self.instruments:
            engine.add_instrument(
                one.settlement,
                -1,
                one.inverse,
                one.kind,
                one.multiplier,
                0.125,
                NOW + one.days * DAY_NS if one.days else 0,
                -1,
                AGE,
                one.strike,
                one.right,
                one.family,
            )
        engine.add_pool(engine.add_account(0), -1)
        self.activate(engine, models, is_excluded=is_excluded)
        self.publish(engine)
        self.put(engine)
        return engine

    def activate(self, engine: Engine, models: Models, *, is_excluded: bool = False) -> None:
        """Switch to a program."""
        series = [(1, family, moves) for family, moves in self.series.items()]
        parameters = [one.parameters for one in self.instruments]
        products, ages = [one.product for one in self.instruments], [AGE] * len(self.instruments)
        engine.activate(tables_of(models, is_excluded), products, ages, [0, 0], [0], {}, series, parameters)

    def publish(self, engine: Engine) -> None:
        """Publish all prices."""
        marks: list[tuple[int, float, int, float, list[tuple[int, float]]]] = [
            (k, one.mark, NOW, 0.0, [(Field.OPEN_INTEREST, NAN), *one.quotes.items()])
            for k, one in enumerate(self.instruments)
        ]
        engine.set_prices([(DOLLAR, 1.0, NOW, AGE), (COIN, self.coin, NOW, AGE)], marks)

    def put(self, engine: Engine, pool: int = 0) -> None:
        """Write what the account holds."""
        held = [(k, one) for k, one in enumerate(self.instruments) if one.quantity]
        positions = [(k, one.quantity, one.entry_price, one.leverage) for k, one in held]
        orders = [(k, *order, 0.0) for k, one in enumerate(self.instruments) for order in one.orders]
        engine.put_pool(pool, 0, 0.0, [(DOLLAR, self.cash)], positions, orders)

    # For the reference

    def world(self, with_orders_alone: bool = False) -> World:
        """Return the numbers that formulas read of all positions, strategies not included."""
        held = [
            (k, one) for k, one in enumerate(self.instruments) if one.quantity or (with_orders_alone and one.orders)
        ]
        # Positions come first, then what has nothing but orders.
        held.sort(key=lambda row: row[1].quantity == 0.0)
        return World(
            positions=[self._read(one) for _, one in held],
            marks=[
                {
                    "underlying": str(one.family),
                    "expiry": str(one.days),
                    "strike": str(one.strike),
                    "settlement": str(one.settlement),
                    "instrument": str(k),
                    "right": str(one.right),
                    "product": str(one.product),
                }
                for k, one in held
            ],
            columns=[[list(column) for column in self.grid], [list(self.history)]],
            moves={1: [list(self.series.get(one.family, (NAN,) * len(self.history))) for _, one in held]},
            tiers=[[(0.0, 1.0), (2.0, 0.5), (10.0, 3.0)]],
            parameters=PARAMETERS,
        )

    def _read(self, one: Instrument) -> dict[str, float]:
        fx = self.coin if one.settlement == COIN else 1.0
        outright = one.kind in (InstrumentKind.SPOT, InstrumentKind.OPTION)
        bought = [order for order in one.orders if order[0] > 0]
        sold = [order for order in one.orders if order[0] < 0]
        return {
            **{published.name: one.quotes.get(published, NAN) for published in PUBLISHED},
            "MARK": one.mark,
            "STRIKE": one.strike,
            "RIGHT": float(one.right),
            "DAYS": float(one.days),
            "MULTIPLIER": one.multiplier,
            "INVERSE": float(one.inverse),
            "FX": fx,
            "UNIT_VALUE": one.cost_of(1.0, one.mark) * fx,
            "KIND": float(one.kind),
            "QUANTITY": one.quantity,
            "COST": 0.0 if outright or not one.quantity else one.cost_of(one.quantity, one.entry_price) * fx,
            "LEVERAGE": one.leverage or NAN,
            "BUY_ORDERS": sum(quantity for quantity, _ in bought),
            "SELL_ORDERS": -sum(quantity for quantity, _ in sold),
            "BUY_ORDERS_VALUE": sum(one.cost_of(quantity, price or one.mark) for quantity, price in bought) * fx,
            "SELL_ORDERS_VALUE": -sum(one.cost_of(quantity, price or one.mark) for quantity, price in sold) * fx,
            "BUY_ORDERS_OPENING_VALUE": self._opening(one, bought, is_buy=True) * fx,
            "SELL_ORDERS_OPENING_VALUE": self._opening(one, sold, is_buy=False) * fx,
            **dict(zip(PARAMETERS, one.parameters, strict=True)),
        }

    @staticmethod
    def _opening(one: Instrument, orders: list[tuple[float, float]], *, is_buy: bool) -> float:
        """Return the value of what opens: the best priced fill first, and close what is held."""
        auction = one.quotes.get(Field.AUCTION_PRICE, NAN)
        free, value = max(0.0, -one.quantity if is_buy else one.quantity), 0.0
        priced = sorted(((price or one.mark, abs(quantity)) for quantity, price in orders), key=lambda row: row[0])
        # Best first, the earlier first among equals.
        for price, quantity in sorted(priced, key=lambda row: -row[0] if is_buy else row[0]):
            used = min(quantity, free)
            free -= used
            value += (quantity - used) * abs(one.cost_of(1.0, max(price, auction)))
        return value


def tables_of(models: Models | None, is_excluded: bool = False) -> Tables:
    """Return tables in which products 0 and 1 belong to the first portfolio, and product 2 is free."""
    rules = [(0, 1, 0, 0, 0.0, 0.0, portfolio, int(is_excluded)) for portfolio in (0, 0, -1)]
    return Tables(list(FREE), [rules], [(1.0, 0.0)], [(0, 1, INFINITY, 1.0)], [[1.0]], [0], models)


# Programs


def scalars(**texts: str) -> dict[str, Scalar]:
    """Return formulas as they are read from a rulebook."""
    return {name: Scalar(text, Place(1, 1)) for name, text in texts.items()}


def code_of(initial: str, maintenance: str = "0", **define: str) -> Code:
    """Compile a portfolio's formulas."""
    sink = Sink("formula", [initial])
    both = scalars(initial=initial, maintenance=maintenance)
    code = compile_portfolio(
        sink, ENVIRONMENT, scalars(**define), both["initial"], both["maintenance"], per_position=True
    )
    assert code is not None, f"{initial}\n{maintenance}\n{render_text(sink.ordered())}"
    return code


def tree_of(text: str) -> Typed:
    """Return the typed tree of a formula."""
    sink = Sink("formula", [text])
    wanted = [(Wanted("initial", (AMOUNT,), True), scalars(text=text)["text"])]
    return understand(sink, ENVIRONMENT, IN_PORTFOLIO, {}, wanted).results[0]


def figure_code_of(value: str, *, of: str, given: dict[str, str]) -> Code:
    """Compile a figure."""
    sink = Sink("formula", [value])
    code = compile_figure(sink, ENVIRONMENT, {}, scalars(value=value)["value"], of=of, given=given)
    assert code is not None, f"{value}\n{render_text(sink.ordered())}"
    return code


def pool_code_of(initial: str, maintenance: str) -> Code:
    """Compile the formulas of a pool."""
    sink = Sink("formula", [initial])
    both = scalars(initial=initial, maintenance=maintenance)
    code = compile_pool(sink, ENVIRONMENT, {}, both["initial"], both["maintenance"])
    assert code is not None, f"{initial}\n{maintenance}\n{render_text(sink.ordered())}"
    return code


def _leg_code(text: str) -> Code:
    sink = Sink("formula", [text])
    code = compile_leg(sink, ENVIRONMENT, scalars(text=text)["text"], ("leg",), wants="amount")
    assert code is not None, render_text(sink.ordered())
    return code


# Every leg by itself: how legs are grouped has its own tests.
_ALONE = {
    (1, 1): "leg.mark * 50%",
    (1, -1): "max(leg.index * 10%, leg.mark)",
    (-1, 1): "0 USDT",
    (-1, -1): "leg.strike * 20%",
    (0, 1): "leg.mark",
    (0, -1): "leg.mark * 150%",
}
STRATEGY_CODES = tuple(_leg_code(text) for text in _ALONE.values())


def strategy_book(first: int) -> StrategyBook:
    """Return a book of which the programs begin at a number."""
    return StrategyBook(
        "us",
        tuple(
            MachineStrategy(f"alone-{k}", 1, (Leg("leg", right, side, 1),), -1, first + k, first + k)
            for k, (right, side) in enumerate(_ALONE)
        ),
    )


def subset(world: World, wanted: Sequence[int]) -> World:
    """Return a world with some of its positions."""
    return replace(
        world,
        positions=[world.positions[p] for p in wanted],
        marks=[world.marks[p] for p in wanted],
        moves={table: [rows[p] for p in wanted] for table, rows in world.moves.items()},
    )


def groups_of(world: World, by: Key) -> list[World]:
    """Return the groups of a portfolio, each a world of its own."""
    members, count = world.groups(int(by))
    return [subset(world, [p for p, group in enumerate(members) if group == g]) for g in range(count)]


def run(code: Code, world: World) -> list[float]:
    """Return the outputs of code in plain Python."""
    return Executor(code, world, ELEMENTS).run()


MARKET = Market((), ((1.0, 1.0), (-0.125, 0.25), (0.5, -0.25)), (1.0, 1.0, 1.0), {0: (0.25, -0.25, 0.0)})

# Random ones

NUMBERS = st.integers(-64, 64).map(lambda k: k / 8) | st.sampled_from((0.0, 1.0, NAN))
POSITIVE = st.integers(1, 800).map(lambda k: k / 8)
QUANTITIES = st.integers(-24, 24).filter(bool).map(lambda k: k / 8)


@st.composite
def instruments(draw: st.DrawFn, *, is_whole: bool, with_orders: bool) -> Instrument:
    """Draw an instrument; where it is whole, nothing is missing."""
    kind = draw(st.sampled_from((*InstrumentKind, InstrumentKind.OPTION)))
    is_option = kind is InstrumentKind.OPTION
    orders = st.tuples(QUANTITIES, st.sampled_from((0.0, 0.0, 50.0, 100.0, 125.0)))
    numbers = NUMBERS.map(lambda x: 1.5 if is_whole and math.isnan(x) else x)
    quotes = {one: draw(numbers) for one in PUBLISHED}
    quotes |= {Field.INDEX: draw(POSITIVE), Field.VOLATILITY: draw(st.sampled_from((0.25, 0.5, 1.0)))}
    missing = [] if is_whole else draw(st.lists(st.sampled_from(PUBLISHED), max_size=2))
    return Instrument(
        kind=kind,
        settlement=draw(st.sampled_from((DOLLAR, COIN))),
        family=draw(st.integers(0, 2)),
        inverse=kind in (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE) and draw(st.booleans()),
        multiplier=draw(st.sampled_from((1.0, 0.5, 10.0))),
        strike=draw(st.sampled_from((90.0, 100.0, 110.0))) if is_option else 0.0,
        right=draw(st.sampled_from((1, -1))) if is_option else 0,
        days=draw(st.sampled_from((1, 30, 90))) if kind.expires else 0,
        product=draw(st.integers(0, 1)),
        mark=draw(POSITIVE),
        quotes={one: NAN if one in missing else value for one, value in quotes.items()},
        parameters=(draw(numbers), draw(numbers)),
        quantity=draw(QUANTITIES | st.just(0.0)) if with_orders else draw(QUANTITIES),
        entry_price=draw(st.sampled_from((64.0, 100.0, 128.0))),
        leverage=draw(st.sampled_from((1.0, 2.0, 4.0) if is_whole else (0.0, 2.0, 4.0))),
        orders=tuple(draw(st.lists(orders, max_size=3))) if with_orders else (),
    )


@st.composite
def markets(draw: st.DrawFn, *, most: int = 5, with_orders: bool = False, is_whole: bool | None = None) -> Market:
    """Draw a market with up to some instruments."""
    whole = draw(st.booleans()) if is_whole is None else is_whole
    numbers = NUMBERS.map(lambda x: 0.5 if math.isnan(x) else x / 8)
    count, length = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    weights = draw(st.sampled_from(((1.0,), (0.25,), (1.0, 0.5, 0.25, 0.0))))
    grid = [
        [draw(st.sampled_from(weights)) for _ in range(count)],
        *([draw(numbers) for _ in range(count)] for _ in "pv"),
    ]
    if not any(grid[0]):
        grid[0][0] = 1.0
    families = (0, 1, 2) if whole else draw(st.lists(st.integers(0, 2), unique=True))
    return Market(
        tuple(draw(st.lists(instruments(is_whole=whole, with_orders=with_orders), max_size=most))),
        tuple(tuple(column) for column in grid),
        tuple(draw(st.sampled_from((1.0, 0.5))) for _ in range(length)),
        {family: tuple(draw(numbers) for _ in range(length)) for family in families},
        coin=draw(st.sampled_from((0.5, 1.0, 20.0))),
    )
