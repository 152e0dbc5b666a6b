# SPDX-License-Identifier: Apache-2.0
"""The keys of the sections that margin models are written in."""

from __future__ import annotations

from marginrules.limits import HISTORY_HORIZON_DAYS_MAX, LEG_RATIO_MAX, SCENARIOS_MAX
from marginrules.machine import Key as By
from marginrules.rulebook.formula.unit import GIVEN
from marginrules.rulebook.vocabulary.kinds import (
    FORMULA,
    Keys,
    Names,
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
from marginrules.rulebook.vocabulary.products import DEFINE
from marginrules.units import DAY_NS

GROUPS = tuple((key.name or "").lower() for key in By)
WEIGHT, LABEL, DEFAULT = "weight", "name", "default"
_RATE = Range(-1000, 1000)
_SIZE = Range(0, 10**15)
SHOCK = Range(-(10**15), 10**15)
WEIGHTS = Range(0, 10**15)
_WINDOW = Range(1, SCENARIOS_MAX)
_HALF_LIFE = Range(0, 10**6, low_open=True)
_HORIZON = Range(DAY_NS, HISTORY_HORIZON_DAYS_MAX * DAY_NS)
_RATIO = Range(-LEG_RATIO_MAX, LEG_RATIO_MAX)

CONSTANTS = named(single("constant"), "constant", form="variable")
PARAMETER = Keys(
    "parameter",
    (may(DEFAULT, single("constant"), "Value for every symbol and underlying that is not listed."),),
    others=Names("name", single("constant")),
)
PARAMETERS = named(Value(mapping=PARAMETER), "parameter", form="variable")

TABLE_TIER = Keys(
    "tier of a table",
    (
        may("to", single("amount", _SIZE), "Size up to which this rate holds; the last tier has none."),
        needs("rate", single("rate", _RATE), "Rate of the part of the size inside this tier."),
    ),
)
TABLES = named(many(TABLE_TIER), "table", form="variable")

_SHOCK = single("rate", SHOCK)
ROW = Keys(
    "row",
    (
        may(WEIGHT, single("rate", WEIGHTS), "Share of the loss that counts."),
        may(LABEL, single("text"), "Name under which the scenario is shown."),
    ),
    others=Names("variable", _SHOCK, "column"),
    others_first=True,
)
HALF_LIFE = Keys(
    "half_life",
    (needs("half_life", single("amount", _HALF_LIFE), "Scenarios after which the weight has halved."),),
)
HISTORY = Keys(
    "history",
    (
        needs("window", single("whole", _WINDOW), "How many past moves there are."),
        needs("horizon", single("duration", _HORIZON), "Days that one move spans."),
        may("weights", Value(single("word", words=("equal",)).text, HALF_LIFE), "Whether older moves weigh less."),
        may(
            "scaled",
            Value(single("word", words=("no",)).text, HALF_LIFE),
            "Whether moves are scaled to present volatility.",
        ),
    ),
)
SCENARIO = Keys(
    "scenarios",
    (
        may(
            "combine",
            named(some(_SHOCK), "column", form="variable"),
            "Columns whose values are combined with each other.",
        ),
        may("rows", many(ROW), "Scenarios, each with what it does to the columns."),
        may("history", Value(mapping=HISTORY), "Scenarios that are past moves of each underlying."),
    ),
)
SCENARIOS = named(Value(mapping=SCENARIO), "scenario", form="variable")

LEG = Keys(
    "leg",
    (
        may("call", single("whole", _RATIO), "Calls for one unit of the strategy; a negative number is short."),
        may("put", single("whole", _RATIO), "Puts for one unit of the strategy; a negative number is short."),
        may("stock", single("whole", _RATIO), "Units of what the options are on; a negative number is short."),
    ),
)
STRATEGY = Keys(
    "strategy",
    (
        needs("strategy", single("name"), "Name of the strategy."),
        needs(
            "legs",
            named(Value(mapping=LEG), "leg", form="variable"),
            "What is held or owed, each under a name for the formulas.",
        ),
        may("where", FORMULA, "Condition on the legs."),
        needs("initial", FORMULA, "Initial margin of one unit."),
        needs("maintenance", FORMULA, "Maintenance margin of one unit."),
    ),
)
STRATEGIES = named(many(STRATEGY), "strategies", form="variable")

PORTFOLIO = Keys(
    "portfolio",
    (
        may("by", some(word(*GROUPS)), "What positions fall into groups by; each is margined by itself."),
        may("define", DEFINE, "Names for parts of the formulas."),
        needs("initial", FORMULA, "Initial margin of one group."),
        needs("maintenance", FORMULA, "Maintenance margin of one group."),
    ),
)
PORTFOLIOS = named(Value(mapping=PORTFOLIO), "portfolio")

POOL = Keys(
    "pool",
    (
        may("define", DEFINE, "Names for parts of the formulas."),
        may("initial", FORMULA, "Initial margin of a pool; `initial` in it is the sum of its parts."),
        may("maintenance", FORMULA, "Maintenance margin of a pool; `maintenance` in it is the sum of its parts."),
    ),
)

FIGURE = Keys(
    "figure",
    (
        needs(
            "of", single("holder", refers="portfolio"), "What it is a number of: position, pool or `portfolio <name>`."
        ),
        may("given", named(word(*GIVEN), "input", form="variable"), "What the caller gives, each with its kind."),
        may("define", DEFINE, "Names for parts of the formula."),
        needs("value", FORMULA, "The number."),
    ),
)
FIGURES = named(Value(mapping=FIGURE), "figure")
