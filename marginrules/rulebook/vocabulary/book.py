# SPDX-License-Identifier: Apache-2.0
"""The keys of a whole rulebook, in the order in which it is written."""

from __future__ import annotations

from marginrules.rulebook.vocabulary import collateral, ladders, linting, models, products
from marginrules.rulebook.vocabulary.kinds import Keys, Value, may, named, needs, single, some

CALENDAR = Keys(
    "calendar",
    (
        needs("exchange", single("name"), "Code of the exchange whose business days count, such as XNYS."),
        may("closed", some(single("date")), "Further days that are no business days."),
    ),
)
BOOK = Keys(
    "rulebook",
    (
        needs("rulebook", single("name"), "Name of the rulebook."),
        may("description", single("text"), "What it is for, in a sentence."),
        needs("currency", single("name", refers="asset"), "Currency in which margin, equity and calls are counted."),
        may("increment", single("amount", collateral.SOME_AMOUNT), "Smallest amount of the currency that is moved."),
        needs("effective", single("moment"), "Moment from which the rulebook is meant to hold, in UTC."),
        may("classes", some(single("name")), "Classes of accounts, such as retail and professional."),
        may("marks", Value(mapping=products.MARKS), "How old prices may be, and how fast other data may move."),
        may(
            "calendars", named(Value(single("name").text, CALENDAR), "calendar"), "Whose business days deadlines count."
        ),
        needs("collateral", collateral.COLLATERAL, "Assets that count as collateral, and for how much."),
        may("constants", models.CONSTANTS, "Values that formulas name."),
        may("parameters", models.PARAMETERS, "Values by symbol or underlying that formulas name."),
        may("tables", models.TABLES, "Rates by size that formulas use with `tiered`."),
        may("scenarios", models.SCENARIOS, "Tables of market moves that formulas value positions under."),
        may(
            "strategies",
            models.STRATEGIES,
            "Books of recognised option strategies, among which the cheapest grouping is sought.",
        ),
        may("portfolios", models.PORTFOLIOS, "Positions that are margined together."),
        may("pool", Value(mapping=models.POOL), "Formulas that have the last word over a pool's margin."),
        may("figures", models.FIGURES, "Further numbers that can be asked for."),
        needs("products", products.PRODUCTS, "What can be held: which instruments, and how they are margined."),
        may("pools", products.POOLS, "Margin pools that an account may have beside its cross pool."),
        may("ladder", single("name", refers="ladder"), "The ladder of pools that mix products of several ladders."),
        needs("ladders", ladders.LADDERS, "What happens as the margin ratio falls."),
        may("overrides", ladders.OVERRIDES, "Exceptions for products, classes and accounts, each with its reason."),
        may(
            "lint",
            Value(mapping=linting.LINT),
            "How much weight rules of lint have in this book, each with its reason.",
        ),
    ),
)
