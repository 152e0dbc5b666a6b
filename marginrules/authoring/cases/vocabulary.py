# SPDX-License-Identifier: Apache-2.0
"""The language of cases as data: every mapping, its keys, and what they take. `FILE` is all of it."""

from __future__ import annotations

from marginrules.codes import RIGHTS, InstrumentKind, Reason, Restriction
from marginrules.model import ASSET_FIELDS, PRICE_FIELDS
from marginrules.rulebook.vocabulary.kinds import (
    YES_NO,
    Keys,
    Range,
    Value,
    many,
    may,
    named,
    needs,
    single,
    some,
    word,
)
from marginrules.units import DAY_NS, SECOND_NS

_NUMBER, _MOMENT, _SERIES = single("amount"), single("moment"), some(single("text"))
_AT = single("text")  # a moment, 4h after the start, or +4h after the step before
FIELDS = tuple(dict.fromkeys((*PRICE_FIELDS, *ASSET_FIELDS)))
REASONS = tuple(str(one.name).lower() for one in Reason)

QUOTE = Keys(
    "price",
    (
        needs("mark", _NUMBER, "The price."),
        may("open_interest", _NUMBER, "Open interest, as notional in the rulebook's currency."),
        may("age", single("duration", Range(0, 366 * DAY_NS)), "How long ago it was published."),
        *(may(name, single("rate"), f"The {name} that is published beside it.") for name in FIELDS),
    ),
)
PRICES = named(Value(_NUMBER.text, QUOTE))
INSTRUMENT = Keys(
    "instrument",
    (
        needs("kind", word(*(one.word for one in InstrumentKind)), "What it is."),
        needs("underlying", single("name"), "What it is on."),
        needs("settlement", single("name"), "Asset in which profit and loss is paid."),
        may("multiplier", _NUMBER, "Units of the underlying in one contract; 1 where it is left out."),
        may("inverse", YES_NO, "Whether it settles in what it is on."),
        may("quantity_step", _NUMBER, "Smallest quantity that is traded."),
        may("expires", _MOMENT, "When it expires."),
        may("strike", _NUMBER, "Strike of an option."),
        may("right", word(*RIGHTS), "Whether an option is a call or a put."),
    ),
)
INSTRUMENTS = named(Value(mapping=INSTRUMENT))
CLOSES = Keys(
    "closes",
    (
        needs("first", _NUMBER, "The first close."),
        needs("moves", some(single("rate")), "Daily moves from there on."),
        needs("times", single("whole", Range(1, 10_000)), "How often the moves come, one after another."),
    ),
)
POSITION = Keys(
    "position",
    (
        needs("quantity", _NUMBER, "Signed quantity."),
        may("entry_price", _NUMBER, "Average price at which it was opened; the first mark where it is left out."),
        may("leverage", _NUMBER, "The account's setting for the instrument."),
    ),
)
ORDER = Keys(
    "order",
    (
        needs("symbol", single("name"), "The instrument."),
        needs("quantity", _NUMBER, "Signed quantity; negative sells."),
        may("price", _NUMBER, "Limit price; at the mark where it is left out."),
        may("leverage", _NUMBER, "Setting that the order has."),
        may("reduce_only", YES_NO, "Whether it may only reduce."),
        may("client_order_id", single("text"), "Name of the order."),
    ),
)
CALL = Keys(
    "open call",
    (
        needs("amount", _NUMBER, "What was demanded."),
        may("paid", _NUMBER, "What came in since."),
        needs("due", _AT, "By when."),
    ),
)
ENTERED = Keys(
    "entered step",
    (
        needs("step", single("name"), "A step of the pool's ladder."),
        may("ago", single("duration"), "How long ago it was entered."),
        may("waiting", YES_NO, "Whether it is only breached yet, for less than its `for`."),
        may("by_unmet", YES_NO, "Whether an unmet call entered it."),
        may("exhausted", YES_NO, "Whether its own call went unmet."),
        may("done", YES_NO, "Whether its liquidation has done its work."),
        may("ordered", YES_NO, "Whether a round of its liquidation is ordered and not reported."),
        may("next_round", _AT, "Before when there is no round of its liquidation."),
        may("shortfall", _NUMBER, "What is not covered of the default that it declared."),
        may("call", Value(None, CALL, Value(mapping=CALL)), "The call that is open, or several."),
    ),
)
_HOLDING = (
    may("balances", named(_NUMBER), "Collateral by asset; negative is borrowed."),
    may("positions", named(Value(_NUMBER.text, POSITION)), "Positions by symbol."),
    may("orders", many(ORDER), "Open orders."),
    may("equity", _NUMBER, "The balance in the currency is whatever makes equity this."),
    may("fees_due", _NUMBER, "Fees that are due."),
    may("funding_due", _NUMBER, "Funding that is due."),
    may("ladder", single("name"), "The ladder that it follows, where it has no positions any more."),
    may("entered", many(ENTERED), "Where the ladder stands as the case begins, mildest step first."),
)
OF_POOL = tuple(key.name for key in _HOLDING)
POOL = Keys("pool", _HOLDING)
_CLASS = may("class", single("name"), "Class of the account.")
ACCOUNT = Keys(
    "account",
    (
        _CLASS,
        may("pool", single("name"), "Name of the one pool, where that is not the cross pool."),
        *_HOLDING,
        may("pools", named(Value(mapping=POOL)), "Several pools by name; `cross` is the cross pool."),
    ),
)

EXPECTED = Keys(
    "what is expected",
    (
        may("equity", _NUMBER, "Equity."),
        may("initial_margin", _NUMBER, "Initial margin."),
        may("maintenance_margin", _NUMBER, "Maintenance margin."),
        may("collateral_value", _NUMBER, "Collateral after haircuts."),
        may("unrealized_pnl", _NUMBER, "Unrealised profit and loss."),
        may("margin_ratio", single("rate"), "Equity / maintenance margin, as exactly as it is written."),
        may("step", single("text"), "The most severe step that is active; none."),
        may("active", some(single("text")), "Every active step, mildest first; none."),
        may("restriction", word(*(one.word for one in Restriction)), "What the pool may still do."),
        may("call", single("amount", words=("none",)), "What open calls demand that was not paid."),
        may("deadline", single("text"), "When the next open call falls due; none."),
        may("liquidating", YES_NO, "Whether a liquidation is under way."),
        may("shortfall", _NUMBER, "What of a declared default is not covered yet."),
        may("reasons", single("text"), "Why the pool cannot be assessed, with commas between; none."),
    ),
)
ANSWER = Keys(
    "what an order is answered",
    (
        may("accepted", YES_NO, "Whether it is accepted."),
        may("reasons", single("text"), "Why, with commas between; none."),
        may("quantity_max", _NUMBER, "The largest quantity that would pass."),
        may("equity_after", _NUMBER, "Equity after its fill."),
        may("initial_margin_after", _NUMBER, "Initial margin after its fill."),
        may("maintenance_margin_after", _NUMBER, "Maintenance margin after its fill."),
    ),
)
MEASURED = Keys(
    "what a figure is", (may("values", some(_NUMBER), "Its value; one for each position, group or scenario."),)
)
FIGURE = Keys(
    "figure",
    (
        needs("name", single("name"), "A figure of the rulebook."),
        may("symbol", single("name"), "Of this position, or of the group that it is in; of all where it is left out."),
        may("given", named(single("rate"), form="variable"), "What its formula is given, by name."),
    ),
)
_WHEN = (
    may("at", _AT, "A moment, `4h` after the start, or `+4h` after the step before."),
    may("account", single("name"), "The account looked at; the first where it is left out."),
    may("pool", single("name"), "The pool looked at; the account's first where it is left out."),
)
_EVENTS = may("events", some(single("text")), "Everything the ladder did since the last look, in order.")
EXPECTATION = Keys("expectation", (*_WHEN, *EXPECTED.keys, _EVENTS))
STEP = Keys(
    "step",
    (
        *_WHEN,
        may("prices", PRICES, "Prices that are published."),
        may("deposit", named(_NUMBER), "What is paid in, by asset."),
        may("execute", Value(word("marks").text, named(_NUMBER).mapping), "At what the ordered liquidation is traded."),
        may("filled", single("rate"), "Which part of each of its orders is traded; all of it where it is left out."),
        may("equity", _NUMBER, "The balance in the currency is set to what makes equity this."),
        may("order", Value(mapping=ORDER), "An order that is checked."),
        may("figure", Value(single("name").text, FIGURE), "A figure of the rulebook that is measured."),
        may("expect", Value(mapping=EXPECTED), "What is compared; the order's answer where there is an order."),
        _EVENTS,
    ),
)
_SHARED = (
    may("start", _MOMENT, "When it begins."),
    _CLASS,
    may("instruments", INSTRUMENTS, "What can be held, by symbol."),
    may("prices", PRICES, "Prices at the start, of instruments and assets."),
    may("every", single("duration", Range(SECOND_NS, 366 * DAY_NS)), "Time from one value of a series to the next."),
)
CASE = Keys(
    "case",
    (
        needs("case", single("text"), "What it shows, in a sentence."),
        *_SHARED,
        *ACCOUNT.keys[1:-1],
        may("accounts", named(Value(mapping=ACCOUNT)), "Several accounts by name."),
        may("closes", named(Value(mapping=CLOSES)), "Daily closes up to the day before the start, or closes by time."),
        may("series", named(_SERIES), "Prices, equity or margin ratio over time, in the shorthand of series."),
        may("quotes", word("held", "once"), "Whether prices are quoted all the time, as they are with series."),
        may("steps", many(STEP), "What happens, and what is expected."),
        may("expect", many(EXPECTATION), "What is expected at given times, where nothing is done."),
    ),
)
FILE = Keys(
    "file of cases",
    (
        may("rulebook", single("text"), "The rulebook's file, where it is not the one beside this."),
        *_SHARED,
        needs("cases", many(CASE), "The cases."),
    ),
)
