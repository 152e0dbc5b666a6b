# SPDX-License-Identifier: Apache-2.0
"""The words of formulas: fields and functions, each with its unit and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from marginrules.machine import Field, Key
from marginrules.rulebook.formula.unit import AMOUNT, DURATION, NUMBER, PRICE, QUANTITY, YES_NO, Unit


@dataclass(frozen=True, slots=True)
class FieldWord:
    """
    Carry one field.

    Args:
        reads: the field of the machine; None for what is derived, see `lower`.
    """

    unit: Unit
    doc: str
    reads: Field | None = None


INSTRUMENT_FIELDS: dict[str, FieldWord] = {
    "mark": FieldWord(PRICE, "Mark price.", Field.MARK),
    "index": FieldWord(PRICE, "Index price of the underlying, as published.", Field.INDEX),
    "forward": FieldWord(PRICE, "Forward price of the underlying to expiry, as published.", Field.FORWARD),
    "strike": FieldWord(PRICE, "Strike price of an option.", Field.STRIKE),
    "auction_price": FieldWord(PRICE, "Price of the last auction, as published.", Field.AUCTION_PRICE),
    "price_range": FieldWord(PRICE, "Range within which the price may move, as published.", Field.PRICE_RANGE),
    "funding": FieldWord(PRICE, "Funding due for a quantity of one, as published.", Field.FUNDING),
    "unit_value": FieldWord(PRICE, "Value of a quantity of one, in the rulebook's currency.", Field.UNIT_VALUE),
    "right": FieldWord(NUMBER, "1 for a call, -1 for a put, 0 for what is no option.", Field.RIGHT),
    "inverse": FieldWord(NUMBER, "1 for an inverse contract, else 0.", Field.INVERSE),
    "multiplier": FieldWord(NUMBER, "Units of the underlying in one contract.", Field.MULTIPLIER),
    "fx": FieldWord(NUMBER, "Price of the settlement asset in the rulebook's currency.", Field.FX),
    "volatility": FieldWord(NUMBER, "Implied volatility of a year, as published.", Field.VOLATILITY),
    "realized_volatility": FieldWord(
        NUMBER, "Volatility of a year in past prices, as published.", Field.REALIZED_VOLATILITY
    ),
    "rate": FieldWord(NUMBER, "Interest rate of a year, as published.", Field.RATE),
    "dividend_yield": FieldWord(NUMBER, "Dividend yield of a year, as published.", Field.DIVIDEND_YIELD),
    "delta": FieldWord(NUMBER, "Change of the price with that of the underlying, as published.", Field.DELTA),
    "confidence": FieldWord(NUMBER, "How far the price can be relied on, as published.", Field.CONFIDENCE),
    "forward_confidence": FieldWord(
        NUMBER, "How far the forward price can be relied on, as published.", Field.FORWARD_CONFIDENCE
    ),
    "volatility_confidence": FieldWord(
        NUMBER, "How far the volatility can be relied on, as published.", Field.VOLATILITY_CONFIDENCE
    ),
    "index_confidence": FieldWord(NUMBER, "How far the index can be relied on, as published.", Field.INDEX_CONFIDENCE),
    "stable_price": FieldWord(
        NUMBER, "Price of the stablecoin that stands for the rulebook's currency, as published.", Field.STABLE_PRICE
    ),
    "long_factor": FieldWord(NUMBER, "Factor for long positions, as published.", Field.LONG_FACTOR),
    "short_factor": FieldWord(NUMBER, "Factor for short positions, as published.", Field.SHORT_FACTOR),
    "open_interest": FieldWord(AMOUNT, "Open interest, as published.", Field.OPEN_INTEREST),
    "volume": FieldWord(AMOUNT, "Volume of a day, as published.", Field.VOLUME),
    "days": FieldWord(DURATION, "Time to expiry; 0 where nothing expires.", Field.DAYS),
    "years": FieldWord(NUMBER, "days / 365 days."),
    "is_option": FieldWord(YES_NO, "Whether it is an option."),
    "is_perpetual": FieldWord(YES_NO, "Whether it is a perpetual."),
    "is_future": FieldWord(YES_NO, "Whether it is a future that expires."),
    "is_spot": FieldWord(YES_NO, "Whether it is an asset held outright."),
    "otm": FieldWord(PRICE, "How far an option is out of the money: max(-right * (index - strike), 0)."),
    "intrinsic": FieldWord(PRICE, "payoff(index)."),
}
POSITION_FIELDS: dict[str, FieldWord] = {
    "quantity": FieldWord(QUANTITY, "Contracts held; negative where sold.", Field.QUANTITY),
    "size": FieldWord(QUANTITY, "quantity * multiplier."),
    "value": FieldWord(AMOUNT, "quantity * unit_value; negative where sold."),
    "notional": FieldWord(
        AMOUNT, "abs(value); of an option abs(quantity) * multiplier * fx * index: what the underlying is worth."
    ),
    "cost": FieldWord(AMOUNT, "What the position cost to open; negative where sold.", Field.COST),
    "entry_price": FieldWord(PRICE, "Average price at which the position was opened."),
    "unrealized_pnl": FieldWord(AMOUNT, "value - cost."),
    "leverage": FieldWord(NUMBER, "Leverage set by the account.", Field.LEVERAGE),
    "buy_orders": FieldWord(QUANTITY, "Contracts in open buy orders.", Field.BUY_ORDERS),
    "sell_orders": FieldWord(QUANTITY, "Contracts in open sell orders.", Field.SELL_ORDERS),
    "buy_orders_value": FieldWord(AMOUNT, "Contracts times price of open buy orders.", Field.BUY_ORDERS_VALUE),
    "sell_orders_value": FieldWord(AMOUNT, "Contracts times price of open sell orders.", Field.SELL_ORDERS_VALUE),
    "buy_orders_opening_value": FieldWord(
        AMOUNT, "The part of buy_orders_value that does not reduce the position.", Field.BUY_ORDERS_OPENING_VALUE
    ),
    "sell_orders_opening_value": FieldWord(
        AMOUNT, "The part of sell_orders_value that does not reduce the position.", Field.SELL_ORDERS_OPENING_VALUE
    ),
}
POOL_FIELDS: dict[str, FieldWord] = {
    "collateral": FieldWord(AMOUNT, "Collateral of the pool after haircuts.", Field.COLLATERAL),
    "equity": FieldWord(AMOUNT, "Equity of the pool.", Field.EQUITY),
    "due": FieldWord(AMOUNT, "What the pool owes in fees and funding.", Field.DUE),
    "borrowed": FieldWord(AMOUNT, "Value of the pool's negative balances, not signed.", Field.BORROWED),
    "initial": FieldWord(AMOUNT, "Initial margin of all positions and portfolios.", Field.INITIAL),
    "maintenance": FieldWord(AMOUNT, "Maintenance margin of all positions and portfolios.", Field.MAINTENANCE),
    "unrealized_pnl": FieldWord(AMOUNT, "Unrealised profit and loss of the pool.", Field.UNREALIZED_PNL),
}
LEG_FIELDS = ("strike", "mark", "index", "unit_value", "days", "years", "right", "multiplier", "volatility", "fx")
OF_GROUP = INSTRUMENT_FIELDS | POSITION_FIELDS
EVERY_FIELD = OF_GROUP | POOL_FIELDS
ORDER_FIELDS = frozenset(word.reads for name, word in POSITION_FIELDS.items() if "_orders" in name)

KEYS: dict[str, Key] = {key.name.lower(): key for key in Key if key.name}


@dataclass(frozen=True, slots=True)
class Function:
    """
    Carry one function.

    Args:
        parameters: names of the arguments; "..." after the last where there may be more.
        is_by: may end in `by KEY`.
        needs_group: is about positions or scenarios, so that it has no place in a strategy.
    """

    parameters: tuple[str, ...]
    doc: str
    is_by: bool = False
    needs_group: bool = False

    @property
    def least(self) -> int:
        """Return the smallest number of arguments."""
        return len([one for one in self.parameters if one != "..."])

    @property
    def most(self) -> int:
        """Return the greatest number of arguments."""
        return 64 if "..." in self.parameters else len(self.parameters)

    def signature(self, name: str) -> str:
        """Return how it is written: "clamp(x, low, high)"."""
        by = "by KEY" if not self.parameters else " by KEY"
        return f"{name}({', '.join(self.parameters)}{by if self.is_by else ''})"


_PRICING = ("years", "volatility")
_SPOT_PRICING = ("spot", "years", "volatility", "rate", "dividend_yield")
_IMPLIED = ("price", "spot", "years", "rate", "dividend_yield")


def _of_group(parameters: tuple[str, ...], doc: str, *, is_by: bool = False) -> Function:
    return Function(parameters, doc, is_by=is_by, needs_group=True)


FUNCTIONS: dict[str, Function] = {
    # Of each value by itself
    "if": Function(("condition", "a", "b"), "a where the condition holds, else b."),
    "min": Function(("a", "b", "..."), "The least of all."),
    "max": Function(("a", "b", "..."), "The greatest of all."),
    "abs": Function(("x",), "x without its sign."),
    "clamp": Function(("x", "low", "high"), "min(max(x, low), high)."),
    "floor": Function(("x",), "The greatest whole number that is not above x."),
    "ceil": Function(("x",), "The least whole number that is not below x."),
    "round": Function(("x",), "The nearest whole number; halves away from zero."),
    "floor_share": Function(
        ("x", "part", "whole"),
        "x * part / whole, down to a whole number; exact for whole numbers below 2^53, whatever x * part is.",
    ),
    "ceil_share": Function(("x", "part", "whole"), "x * part / whole, up to a whole number; as exact as floor_share."),
    "sqrt": Function(("x",), "Square root."),
    "exp": Function(("x",), "Exponential."),
    "log": Function(("x",), "Natural logarithm."),
    "power": Function(("a", "b"), "a to the power of b."),
    "normal": Function(("x",), "Cumulative distribution of the standard normal."),
    "sign": Function(("x",), "1 above zero, -1 below, 0 at zero."),
    "tiered": Function(
        ("table", "x"),
        "Sum over the tiers of a table: rate times the part of x, without its sign, inside the tier.",
    ),
    # Of an instrument
    "payoff": _of_group(("price",), "max(right * (price - strike), 0) of an option; else the price."),
    "value_at": _of_group(
        ("price",), "What unit_value is at another price; of an option, payoff(price) * multiplier * fx."
    ),
    "black_76": _of_group(("forward", *_PRICING), "Price of the European option by Black 1976, not discounted."),
    "black_scholes": _of_group(_SPOT_PRICING, "Price of the European option by Black, Scholes and Merton."),
    "american": _of_group(_SPOT_PRICING, "Price of the American option."),
    "implied_black_76": _of_group(("price", "forward", "years"), "Volatility at which black_76 gives the price."),
    "implied_black_scholes": _of_group(_IMPLIED, "Volatility at which black_scholes gives the price."),
    "implied_american": _of_group(_IMPLIED, "Volatility at which american gives the price."),
    # Over positions or subgroups
    "total": _of_group(("x",), "Sum over positions, or over subgroups of what has a `by`.", is_by=True),
    "smallest": _of_group(("x",), "The least over positions or subgroups.", is_by=True),
    "largest": _of_group(("x",), "The greatest over positions or subgroups.", is_by=True),
    "count": _of_group(("condition",), "How many positions or subgroups fulfil the condition.", is_by=True),
    "lowest_payoff": _of_group(
        (),
        "Least value at expiry of all options together, over price 0 and every strike; not beyond the greatest.",
        is_by=True,
    ),
    "strategy_margin": _of_group(
        ("book", "requirement"), "Requirement of the cheapest grouping into the strategies of a book."
    ),
    # Over scenarios
    "lowest": _of_group(("x",), "The least over the scenarios."),
    "highest": _of_group(("x",), "The greatest over the scenarios."),
    "average": _of_group(("x",), "Mean over the scenarios, by their weights."),
    "quantile": _of_group(("x", "tail"), "The least value with this share of the weight at or below it."),
    "tail_mean": _of_group(("x", "tail"), "Mean of the lowest values that have this share of the weight."),
    "worst_loss": _of_group(("x",), "max(-lowest(x), 0)."),
    "value_at_risk": _of_group(("x", "confidence"), "max(-quantile(x, 100% - confidence), 0)."),
    "expected_shortfall": _of_group(("x", "confidence"), "max(-tail_mean(x, 100% - confidence), 0)."),
}
OVER_POSITIONS = ("total", "smallest", "largest", "count")
OVER_SCENARIOS = (
    "lowest",
    "highest",
    "average",
    "quantile",
    "tail_mean",
    "worst_loss",
    "value_at_risk",
    "expected_shortfall",
)
