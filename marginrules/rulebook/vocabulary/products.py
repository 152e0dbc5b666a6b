# SPDX-License-Identifier: Apache-2.0
"""The keys of the sections `products`, `pools` and `marks`."""

from __future__ import annotations

from decimal import Decimal

from marginrules.codes import RIGHTS, InstrumentKind
from marginrules.model import PRICE_FIELDS, SIGNED_FIELDS
from marginrules.rulebook.vocabulary.collateral import AMOUNT, SHARE
from marginrules.rulebook.vocabulary.kinds import (
    FORMULA,
    YES_NO,
    Key,
    Keys,
    Range,
    Value,
    Variants,
    many,
    may,
    named,
    needs,
    single,
    some,
    word,
)
from marginrules.units import DAY_NS, SECOND_NS

_RISE = Range(0, 100, low_open=True)
_FALL = Range(0, Decimal("0.9999"), low_open=True)
_PERIOD = Range(SECOND_NS, 366 * DAY_NS)
_AGE = Range(0, 7 * DAY_NS, low_open=True)
LIMITED = tuple(name for name in PRICE_FIELDS if name not in SIGNED_FIELDS)

MAX_AGE = single("duration", _AGE)
NAMES = some(single("name"))
DEFINE = named(FORMULA, "definition", form="variable")

LIMIT = Keys(
    "limit of a field",
    (
        may("rise", single("rate", _RISE), "Most that it may rise in this time."),
        may("fall", single("rate", _FALL), "Most that it may fall in this time."),
        needs("per", single("duration", _PERIOD), "Time in which it may move this far."),
    ),
)
LIMITS = Keys(
    "limits",
    tuple(may(name, Value(mapping=LIMIT), f"How fast the {name} in use may move.") for name in LIMITED),
)
MARKS = Keys(
    "marks",
    (
        needs("max_age", MAX_AGE, "Age above which a price is stale and nothing is decided by it."),
        may("limits", Value(mapping=LIMITS), "How fast what is published beside prices may move."),
    ),
)

TIER = Keys(
    "tier",
    (
        may("to", single("amount", AMOUNT), "Notional up to which these rates hold; the last tier has none."),
        needs("initial", single("rate", SHARE), "Initial margin of the part of the notional inside this tier."),
        needs("maintenance", single("rate", SHARE), "Maintenance margin of the part of the notional inside this tier."),
    ),
)
OPEN_INTEREST = Keys(
    "open_interest",
    (
        needs("lower", single("amount", AMOUNT), "Open interest from which on initial margin rises."),
        needs("upper", single("amount", AMOUNT), "Open interest at which initial margin is the whole notional."),
    ),
)
TIERS = many(TIER)
_MODEL = word("tiers", "formula", "portfolio")


def _model(*keys: Key) -> tuple[Key, ...]:
    return (
        needs("model", _MODEL, "How margin is found: tiers by notional, a formula of its own, or a portfolio."),
        *keys,
    )


# Margin models, each with its keys.
MARGIN = Variants(
    "model",
    {
        "tiers": Keys(
            "margin by tiers",
            _model(
                may(
                    "initial_from",
                    word("tier", "leverage"),
                    "Whether the account's leverage may ask for more initial margin.",
                ),
                needs("tiers", TIERS, "Rates by notional, smallest first; neither rate ever falls."),
                may("open_interest", Value(mapping=OPEN_INTEREST), "Initial margin that rises with open interest."),
            ),
        ),
        "formula": Keys(
            "margin by formula",
            _model(
                may("define", DEFINE, "Names for parts of the formulas."),
                needs("initial", FORMULA, "Initial margin of one position."),
                needs("maintenance", FORMULA, "Maintenance margin of one position."),
            ),
        ),
        "portfolio": Keys(
            "margin in a portfolio",
            _model(
                needs(
                    "portfolio",
                    single("name", refers="portfolio"),
                    "The portfolio in which positions are margined together.",
                )
            ),
        ),
    },
)
MATCH = Keys(
    "match",
    (
        may("kind", some(word(*(kind.word for kind in InstrumentKind))), "Kinds of instruments."),
        may("underlying", NAMES, "Underlyings of the instruments."),
        may("settlement", NAMES, "Assets in which the instruments settle."),
        may("symbol", some(single("pattern")), "Symbols, with * for any characters and ? for any one."),
        may("inverse", YES_NO, "Whether the instruments settle in what they are on."),
        may("right", some(word(*RIGHTS)), "Calls, puts, or both."),
    ),
)
PRODUCT = Keys(
    "product",
    (
        needs("match", Value(mapping=MATCH), "Which instruments this product is; every condition given must hold."),
        may("value", word("counted", "excluded"), "Whether the market value of options is part of equity."),
        needs("margin", Value(mapping=MARGIN), "How positions in this product are margined."),
        may("max_age", MAX_AGE, "Age above which a price of this product is stale."),
        may("ladder", single("name", refers="ladder"), "The ladder that pools with this product follow."),
        may("because", single("text"), "Why its margin is as it is; it is shown with every decision that it makes."),
    ),
)
PRODUCTS = named(Value(mapping=PRODUCT), "product")

POOL_OF_PRODUCTS = Keys(
    "pool of products",
    (
        needs("products", some(single("name", refers="product")), "Products that the pool may hold."),
        may(
            "classes",
            some(single("name", refers="class")),
            "Classes of accounts that may have the pool; without it, all.",
        ),
    ),
)
POOLS = named(Value(mapping=POOL_OF_PRODUCTS), "pool")
