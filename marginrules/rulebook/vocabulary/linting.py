# SPDX-License-Identifier: Apache-2.0
"""
The keys of the section `lint`: how much weight the rules of meaning have in a book, and why.

What the rules find is judged in `authoring.lint`; here is the closed list of them, so that a book that names one that
does not exist is refused where it stands.
"""

from __future__ import annotations

from decimal import Decimal

from marginrules.rulebook.vocabulary.kinds import Keys, Range, Value, may, needs, single, some, word

LEVELS = ("off", "note", "warning", "error")
LINT_RULES: dict[str, str] = {
    "MR-L101": "step or call that never comes",
    "MR-L102": "shadowed by a milder step",
    "MR-L103": "exit equal to entry",
    "MR-L104": "overtaken in time",
    "MR-L105": "product that nothing can match",
    "MR-L106": "equal to what it overrides",
    "MR-L107": "step that does nothing",
    "MR-L108": "restriction weaker than one in force",
    "MR-L109": "liquidation slower than one in force",
    "MR-L111": "tiers that could be one",
    "MR-L112": "rate of a table falls with size",
    "MR-L113": "jump at an edge",
    "MR-L114": "two products match equally narrowly",
    "MR-L115": "override that narrower ones replace",
    "MR-L116": "nothing uses it",
    "MR-L117": "says what holds without it",
    "MR-L118": "initial equal to maintenance",
    "MR-L119": "nothing is required",
    "MR-L120": "liquidation that no call precedes",
    "MR-L121": "call that can repeat without end",
    "MR-L122": "calls that lead to nothing",
    "MR-L123": "paying the call does not clear the step",
    "MR-L124": "client is not told of the call",
    "MR-L125": "minimum transfer without effect",
    "MR-L126": "amount that cannot be paid",
    "MR-L127": "liquidation ends before the step does",
    "MR-L128": "orders go on during liquidation",
    "MR-L129": "nobody bears the loss",
    "MR-L130": "moved far from the former book",
    "MR-L131": "waterfall that is never drawn",
    "MR-L132": "exit without effect",
    "MR-L133": "a single price decides",
    "MR-L134": "gone from the former book",
    "MR-L150": "collateral that counts for nothing",
    "MR-L151": "haircut without effect",
    "MR-L152": "tier that is never reached",
    "MR-L190": "lint setting without effect",
}
# Rules that compare with a set amount, which a book may set: what it is otherwise, and what it may be.
LINT_LIMITS: dict[str, tuple[Decimal, Range]] = {
    "MR-L113": (Decimal(5), Range(1, 1000, low_open=True)),  # times the rate of the tier before
    "MR-L130": (Decimal("0.1"), Range(0, 10, low_open=True)),  # of equity / MM, or of a rate, relative to what it was
}
_LEVEL = word(*LEVELS), "How much a finding weighs in this book."
_BECAUSE = needs("because", single("text"), "Why.")
_ONLY = may("only", some(single("name")), "What the setting is for: ladders, steps, products, assets; else everything.")
LINT_SETTING = Keys("lint setting", (needs("level", *_LEVEL), _ONLY, _BECAUSE))


def _setting(rule: str) -> Keys:
    if rule not in LINT_LIMITS:
        return LINT_SETTING
    limit = may("limit", single("rate", LINT_LIMITS[rule][1]), "The amount the rule compares with.")
    return Keys(f"lint setting of {rule}", (may("level", *_LEVEL), limit, _ONLY, _BECAUSE))


LINT = Keys("lint", tuple(may(rule, Value(mapping=_setting(rule)), f"{what}.") for rule, what in LINT_RULES.items()))
