# SPDX-License-Identifier: Apache-2.0
"""The keys of the section `collateral`."""

from __future__ import annotations

from marginrules.rulebook.vocabulary.kinds import Keys, Range, Value, many, may, named, needs, single, some
from marginrules.units import DAY_NS

SHARE = Range(0, 1)
SOME_SHARE = Range(0, 1, low_open=True)
AMOUNT = Range(0, 10**15)
SOME_AMOUNT = Range(0, 10**15, low_open=True)
_LIABILITY = Range(1, 10)
_MULTIPLE = Range(0, 100, low_open=True)
_HORIZON = Range(0, 366 * DAY_NS, low_open=True)
_TIME_LEFT = Range(0, 100 * 366 * DAY_NS, low_open=True)

_RATE = single("rate", SHARE)

HAIRCUT_TIER = Keys(
    "haircut tier",
    (
        may(
            "to",
            single("amount", AMOUNT),
            "Value up to which this rate cuts; the last tier has none and covers the rest.",
        ),
        needs("rate", _RATE, "Share cut from the part of the value inside this tier."),
    ),
)
TWO_HAIRCUTS = Keys(
    "haircut",
    (
        needs("initial", _RATE, "Share cut where initial margin is compared; at least that of maintenance."),
        needs("maintenance", _RATE, "Share cut where maintenance margin is compared."),
    ),
)
VOLATILITY = Keys(
    "volatility",
    (
        needs("multiple", single("amount", _MULTIPLE), "Multiple of the volatility over the horizon that is cut."),
        may("floor", _RATE, "Least share cut, however calm the market is."),
        needs("horizon", single("duration", _HORIZON), "Time over which the volatility is taken."),
    ),
)
TENOR_TIER = Keys(
    "tenor tier",
    (
        may("to", single("duration", _TIME_LEFT), "Longest time to maturity of this tier; the last one has none."),
        needs("rate", _RATE, "Further share cut where no more time than this is left."),
    ),
)
CALLABLE = Keys(
    "callable",
    (
        needs("price", single("amount", SOME_AMOUNT), "Price at which the issuer may redeem one unit."),
        needs("from", single("date"), "First day on which the issuer may redeem."),
    ),
)
WRONG_WAY = Keys(
    "wrong_way",
    (
        needs("underlying", some(single("name")), "Underlyings whose fall hurts the pool while it holds this asset."),
        needs("haircut", _RATE, "Least share cut while the pool loses when one of these underlyings falls."),
    ),
)
UTILISATION = Keys(
    "utilisation",
    (
        may("deposits", single("amount", SOME_AMOUNT), "What all accounts together may deposit before it counts less."),
        may("borrows", single("amount", SOME_AMOUNT), "What all accounts together may borrow before debts weigh more."),
    ),
)
ASSET = Keys(
    "collateral asset",
    (
        needs(
            "haircut",
            Value(_RATE.text, TWO_HAIRCUTS, Value(mapping=HAIRCUT_TIER)),
            "Share of the value that does not count: one rate, tiers by value held, or one for IM and one for MM.",
        ),
        may(
            "cap", single("amount", AMOUNT), "Most that this asset counts for in one pool, in the rulebook's currency."
        ),
        may(
            "concentration", single("rate", SOME_SHARE), "Largest share of a pool's collateral that this asset may be."
        ),
        may("liability", single("rate", _LIABILITY), "Weight of a debt in this asset."),
        may("volatility", Value(mapping=VOLATILITY), "Haircut that grows with the asset's volatility."),
        may("matures", single("date"), "Day on which the asset is paid back; from then on it counts for nothing."),
        may("tenor", many(TENOR_TIER), "Further haircut by the time left to maturity, shortest first."),
        may("callable", Value(mapping=CALLABLE), "When and at what price the issuer may redeem."),
        may("utilisation", Value(mapping=UTILISATION), "Limits on what all accounts together deposit and borrow."),
        may("wrong_way", Value(mapping=WRONG_WAY), "Haircut while the account already bears the same risk."),
    ),
)
COLLATERAL = named(Value(mapping=ASSET), "asset")
