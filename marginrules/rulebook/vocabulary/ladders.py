# SPDX-License-Identifier: Apache-2.0
"""The keys of the sections `ladders` and `overrides`."""

from __future__ import annotations

from decimal import Decimal

from marginrules.rulebook.vocabulary.collateral import AMOUNT, SOME_AMOUNT, SOME_SHARE
from marginrules.rulebook.vocabulary.kinds import (
    YES_NO,
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
from marginrules.rulebook.vocabulary.products import NAMES, TIERS
from marginrules.units import DAY_NS

RATIO = Range(0, 1000)
TARGET = Range(Decimal(1) / 100, 1000)
RESTORED = Range(1, 1000)
SCALE = Range(0, 100, low_open=True)
WAIT = Range(0, 366 * DAY_NS)
DEADLINE = Range(0, 366 * DAY_NS, low_open=True)
MARGINS = ("initial_margin", "maintenance_margin")
RECIPIENTS = ("client", "desk", "risk", "compliance", "operations")
LAYERS = ("insurance_fund", "auto_deleveraging", "loss_socialisation", "guarantee_fund", "house_capital")

CALL = Keys(
    "call",
    (
        needs(
            "restore",
            single("rate", RESTORED, words=MARGINS),
            "What the deposit restores: a margin, or a ratio such as 130%.",
        ),
        may("minimum_transfer", single("amount", AMOUNT), "Amount below which nothing is called."),
        may("round_to", single("amount", SOME_AMOUNT), "Amount to whose multiples a call is rounded up."),
    ),
)
LIQUIDATE = Keys(
    "liquidate",
    (
        may("fraction", single("rate", SOME_SHARE), "Share of the positions that is closed each time."),
        may("target", single("rate", TARGET), "Margin ratio that is restored at once."),
        may("every", single("duration", WAIT), "Time between two liquidations."),
        may("until", single("rate", TARGET), "Margin ratio at which liquidation stops."),
        may("first", word("largest_loss", "largest_margin", "pro_rata"), "Which positions are closed first."),
        may("cancel_orders_first", YES_NO, "Whether open orders go before positions do."),
    ),
)
_UNMET = single("unmet", refers="step")
_CHANGEABLE = (
    may("below", single("rate", RATIO), "Margin ratio below which the step is entered."),
    may("clear", single("rate", RATIO), "Margin ratio at which the step is left; at least that of its entry."),
    may("for", single("duration", WAIT), "How long the ratio must stay below before the step is entered."),
    may("after", _UNMET, "The call that must go unmet before this step is entered."),
    may("or_after", _UNMET, "A call that enters this step as well when it goes unmet."),
    may("call", Value(mapping=CALL), "The demand for collateral that this step makes."),
    may("deadline", single("deadline", DEADLINE), "Time to meet the call: 4h, or `17:00 in 3 business days`."),
    may("restrict", word("reduce_only", "blocked"), "What the account may still do."),
    may(
        "liquidate",
        Value(single("word", words=("all",)).text, LIQUIDATE),
        "What is closed out: all, a fraction, or up to a target.",
    ),
    may("waterfall", some(word(*LAYERS)), "Who bears the loss, in this order."),
    may("notify", some(word(*RECIPIENTS)), "Who is told."),
)
STEP = Keys(
    "step",
    (
        needs("step", single("name"), "Name of the step."),
        *_CHANGEABLE,
        may("because", single("text"), "Why the step is as it is; it is shown with every decision that it makes."),
    ),
)
STEP_CHANGE = Keys("change of a step", _CHANGEABLE)
LADDER = Keys(
    "ladder",
    (
        may("measure", word("margin_ratio"), "What thresholds are of: equity / maintenance margin."),
        may("calendar", single("name", refers="calendar"), "Whose business days deadlines count."),
        needs("steps", many(STEP), "Steps, mildest first; each threshold is lower than the one before."),
    ),
)
LADDERS = named(Value(mapping=LADDER), "ladder")

MARGIN_CHANGE = Keys(
    "margin of an override",
    (
        may("scale", single("rate", SCALE), "Factor on both margins."),
        may("tiers", TIERS, "Tiers in the place of those of the product."),
    ),
)
OVERRIDE = Keys(
    "override",
    (
        may("product", some(single("name", refers="product")), "Products for which it holds."),
        may("class", some(single("name", refers="class")), "Classes of accounts for which it holds."),
        may("account", NAMES, "Accounts for which it holds."),
        needs("because", single("text"), "The reason; it is shown with every decision that it makes."),
        may("margin", Value(mapping=MARGIN_CHANGE), "What changes in the margin."),
        may(
            "ladder", Value(mapping=Names("name", Value(mapping=STEP_CHANGE), refers="step")), "What changes, by step."
        ),
    ),
)
OVERRIDES = many(OVERRIDE)
