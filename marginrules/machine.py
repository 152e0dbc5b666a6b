# SPDX-License-Identifier: Apache-2.0
"""
What compiled formulas are made of: fields, operations, operands and stages of the core's register machine.

The rulebook's compiler writes these numbers and `_core/machine.pyx` reads them; a test compares both. A program is a
list of stages that run one after the other. A stage runs its instructions once, or once for each position or
subgroup, and each instruction works on *lanes*: all positions, all subgroups, or all scenarios of a table.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

PARAMETER_FIRST = 64  # a field number from here on is a parameter that the rulebook itself sets for each instrument


class Field(enum.IntEnum):
    """Number what can be read of an instrument, a position and a pool; `rulebook/formula` has units and meanings."""

    # Of an instrument; what is published and missing is not a number.
    MARK = 0
    STRIKE = 1
    RIGHT = 2  # +1 call, -1 put, 0 for what is no option
    DAYS = 3  # from the time of the mark to expiry; 0 where nothing expires
    MULTIPLIER = 4
    INVERSE = 5  # 1 or 0
    FX = 6  # price of the settlement asset in the rulebook's currency
    UNIT_VALUE = 7  # of +1, in the rulebook's currency
    INDEX = 8
    FORWARD = 9
    VOLATILITY = 10
    RATE = 11
    DIVIDEND_YIELD = 12
    CONFIDENCE = 13
    OPEN_INTEREST = 14
    VOLUME = 15
    FUNDING = 16
    AUCTION_PRICE = 17
    LONG_FACTOR = 18
    SHORT_FACTOR = 19
    PRICE_RANGE = 20
    DELTA = 21
    REALIZED_VOLATILITY = 22
    FORWARD_CONFIDENCE = 23
    VOLATILITY_CONFIDENCE = 24
    KIND = 25  # InstrumentKind
    INDEX_CONFIDENCE = 26
    STABLE_PRICE = 27
    # Of a position
    QUANTITY = 32
    COST = 33  # in the rulebook's currency
    LEVERAGE = 34  # the account's setting; not a number where there is none
    BUY_ORDERS = 35  # quantity of open buy orders
    SELL_ORDERS = 36
    BUY_ORDERS_VALUE = 37  # sum of quantity x price of open buy orders, in price x quantity
    SELL_ORDERS_VALUE = 38
    BUY_ORDERS_OPENING_VALUE = 39  # the part that does not reduce the position, best price first
    SELL_ORDERS_OPENING_VALUE = 40
    # Of a pool
    COLLATERAL = 48
    EQUITY = 49
    DUE = 50
    BORROWED = 51  # value of negative balances, not signed
    INITIAL = 52  # sum over positions and portfolios
    MAINTENANCE = 53
    UNREALIZED_PNL = 54


PUBLISHED = (
    Field.INDEX,
    Field.FORWARD,
    Field.VOLATILITY,
    Field.RATE,
    Field.DIVIDEND_YIELD,
    Field.CONFIDENCE,
    Field.OPEN_INTEREST,
    Field.VOLUME,
    Field.FUNDING,
    Field.AUCTION_PRICE,
    Field.LONG_FACTOR,
    Field.SHORT_FACTOR,
    Field.PRICE_RANGE,
    Field.DELTA,
    Field.REALIZED_VOLATILITY,
    Field.FORWARD_CONFIDENCE,
    Field.VOLATILITY_CONFIDENCE,
    Field.INDEX_CONFIDENCE,
    Field.STABLE_PRICE,
)


class Op(enum.IntEnum):
    """
    Number the operations; operands are lanes. Not-a-number goes through all of them.

    Division by zero, and every function whose value would be infinite, is not a number.
    """

    COPY = 0
    ADD = 1
    SUBTRACT = 2
    MULTIPLY = 3
    DIVIDE = 4
    NEGATE = 5
    LEAST = 6
    GREATEST = 7
    ABSOLUTE = 8
    LESS = 9  # comparisons give 1 or 0, and not-a-number where one side is
    LESS_EQUAL = 10
    EQUAL = 11
    UNEQUAL = 12
    AND = 13  # 0 where one side is 0, whatever the other
    OR = 14  # 1 where one side is 1, whatever the other
    NOT = 15
    SELECT = 16  # condition, where it holds, where not
    FLOOR = 17  # the three roundings do nothing where a price is searched: a staircase has no root
    CEILING = 18
    ROUND = 19  # half away from zero
    SQUARE_ROOT = 20
    EXPONENTIAL = 21
    LOGARITHM = 22
    POWER = 23
    NORMAL = 24  # cumulative normal distribution
    TIERED = 25  # extra: number of the tier table
    FLOOR_SHARE = 26  # a * b / c to a whole number, nothing rounded on the way; where FLOOR does nothing: a * b / c
    CEILING_SHARE = 27
    BLACK_76 = 32  # right, forward, strike, years, volatility
    BLACK_SCHOLES = 33  # right, spot, strike, years, volatility, rate, dividend yield
    AMERICAN = 34  # the same
    IMPLIED_BLACK_76 = 35  # right, price, forward, strike, years
    IMPLIED_BLACK_SCHOLES = 36  # right, price, spot, strike, years, rate, dividend yield
    IMPLIED_AMERICAN = 37  # the same
    LOAD = 48  # extra: Field
    GATHER_GROUP = 49  # subgroup value -> its positions; extra: key
    GATHER_INSTRUMENT = 50  # instrument value -> positions
    # Over positions or subgroups: into a scalar, a subgroup, or lane by lane into scenarios.
    TOTAL = 64
    SMALLEST = 65
    LARGEST = 66
    TOTAL_PRODUCT = 67  # adds first x second
    # Over scenarios
    LOWEST = 72
    HIGHEST = 73
    QUANTILE = 74  # second operand: probability of the tail
    TAIL_MEAN = 75
    AVERAGE = 76  # by the table's weights
    # Of a whole group
    LOWEST_PAYOFF = 80  # over price 0 and each strike, at expiry; extra: key, or -1
    STRATEGY = 81  # extra: 2 x strategy book + (0 initial, 1 maintenance)


class Place(enum.IntEnum):
    """Number where an operand lies; an operand is `place << 20 | index`."""

    CONSTANT = 0
    SCALAR = 1
    POSITION = 2
    INSTRUMENT = 3  # prepared once per market change
    GROUP = 4  # index: 256 x key + register
    SCENARIO = 5  # the table's columns first, weight at 0, then registers
    GROUP_SCENARIO = 6  # index: 256 x key + register
    ARRAY = 7  # instrument x scenario, prepared once per market change
    SERIES = 8  # move of the instrument's underlying in a historical scenario
    LANES = 9  # of this stage only
    INPUT = 10  # given by the caller


class StageKind(enum.IntEnum):
    """Number what a stage loops over and what its lanes are."""

    INSTRUMENT = 0  # prepared: one lane
    INSTRUMENT_SCENARIO = 1  # prepared: lanes are scenarios
    SCALAR = 2
    POSITION = 3
    GROUP = 4
    SCENARIO = 5
    POSITION_SCENARIO = 6  # for each position; lanes are scenarios
    GROUP_SCENARIO = 7  # for each subgroup; lanes are scenarios


class Key(enum.IntFlag):
    """Say by what positions are told apart."""

    UNDERLYING = 1
    EXPIRY = 2
    STRIKE = 4
    SETTLEMENT = 8
    INSTRUMENT = 16
    RIGHT = 32
    PRODUCT = 64


@dataclass(frozen=True, slots=True)
class Stage:
    """
    Carry one stage.

    Args:
        key: index into the program's keys, for kinds with GROUP; else -1.
        table: scenario table, for kinds with SCENARIO; else -1.
        instructions: rows (operation, destination, operands, extra).
    """

    kind: StageKind
    key: int
    table: int
    instructions: tuple[tuple[int, int, tuple[int, ...], int], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """
    Carry one compiled program.

    Args:
        keys: what tells subgroups apart, one mask for each key that stages and operands name.
        registers: how many of each place: Place -> count (of GROUP and GROUP_SCENARIO: per key, the greatest).
        arrays: for each ARRAY register, its scenario table.
        fields: what it reads; a missing one makes its result not a number.
        outputs: operands, all scalars: initial, maintenance; of a figure: its value.
        uses_orders: reads open orders by itself, so that nobody else adds them.
    """

    constants: tuple[float, ...]
    keys: tuple[int, ...]
    registers: dict[int, int]
    arrays: tuple[int, ...]
    stages: tuple[Stage, ...]
    fields: tuple[int, ...]
    outputs: tuple[int, ...]
    uses_orders: bool = False
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScenarioTable:
    """
    Carry the shocks of one scenario set.

    Args:
        columns: one tuple a column, each as long as there are scenarios; the first is the weight.
        names: of the columns; the first is "weight".
        is_historical: SERIES holds moves of underlyings, published as history.
    """

    name: str
    names: tuple[str, ...]
    columns: tuple[tuple[float, ...], ...]
    is_historical: bool = False

    @property
    def count(self) -> int:
        """Return how many scenarios there are."""
        return len(self.columns[0])


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    Carry one number that the rulebook sets for each instrument, such as a haircut or a risk factor.

    Args:
        default: not a number where every instrument needs a value of its own.
        values: by symbol, else by underlying.
    """

    name: str
    default: float
    values: dict[str, float]

    def of(self, symbol: str, underlying: str) -> float:
        """Return the value for an instrument."""
        return self.values.get(symbol, self.values.get(underlying, self.default))


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Carry positions margined together: which program, and by what they fall into groups."""

    name: str
    line: int
    by: Key
    code: int


@dataclass(frozen=True, slots=True)
class Leg:
    """
    Carry one leg of a strategy.

    Args:
        right: +1 call, -1 put, 0 stock.
        side: +1 long, -1 short.
        ratio: contracts of this leg per unit of the strategy (stock: in units of the options' multiplier).
    """

    name: str
    right: int
    side: int
    ratio: int


@dataclass(frozen=True, slots=True)
class Strategy:
    """
    Carry one recognised strategy; each code has one INPUT for each leg and field, `leg.field`, in `inputs`.

    Args:
        condition: code whose output is 1 where these legs form the strategy; -1: always.
        initial, maintenance: codes, amount per unit of the strategy.
        joins: what follows from the condition about two legs, so that fewer combinations are looked at: rows (first
            leg, second leg, Field, 0 equal, 1 less, 2 less or equal). The condition means it already.
    """

    name: str
    line: int
    legs: tuple[Leg, ...]
    condition: int
    initial: int
    maintenance: int
    joins: tuple[tuple[int, int, int, int], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class StrategyBook:
    """Carry the strategies among which the cheapest grouping is sought."""

    name: str
    strategies: tuple[Strategy, ...]


@dataclass(frozen=True, slots=True)
class Models:
    """Carry everything about formulas that a compiled rulebook hands to the core; numbers are places in these lists."""

    codes: tuple[Code, ...] = ()
    scenarios: tuple[ScenarioTable, ...] = ()
    tiers: tuple[tuple[tuple[float, float, float], ...], ...] = ()  # rows (floor, rate, value at the floor)
    portfolios: tuple[Portfolio, ...] = ()
    strategies: tuple[StrategyBook, ...] = ()
    parameters: tuple[Parameter, ...] = ()  # field numbers from PARAMETER_FIRST on
    pool: int = -1  # code of the pool's own formulas, or -1
