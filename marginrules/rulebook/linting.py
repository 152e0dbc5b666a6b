# SPDX-License-Identifier: Apache-2.0
"""
The section `lint`: how much weight the rules of meaning have in one book, and why.

It says nothing about margin, so it is no part of the digest. What the rules find is judged in `authoring.lint`; here is
the closed list of them, so that a book that names one that does not exist is refused where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink, suggest
from marginrules.rulebook.fields import Fields, Range
from marginrules.rulebook.parse import Mapping, Node

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
# Rules that compare with a set amount, which a book may set: what it is without, and what it may be.
LINT_LIMITS: dict[str, tuple[Decimal, Range]] = {
    "MR-L113": (Decimal(5), Range(1, 1000, low_open=True)),  # times the rate of the tier before
    "MR-L130": (Decimal("0.1"), Range(0, 10, low_open=True)),  # of equity / MM, or of a rate, relative to what it was
}


@dataclass(frozen=True, slots=True)
class LintSetting:
    """
    Carry how much weight one rule has in a book.

    Args:
        level: one of `LEVELS`; empty where only a limit is set.
        only: names the setting is for: a ladder, a step, a product, an asset; none: everything.
        limit: the amount the rule compares with, for rules in `LINT_LIMITS`.
    """

    level: str
    because: str
    only: tuple[str, ...] = ()
    limit: Decimal | None = None
    place: Place = field(default=Place(1, 1), compare=False)


def read_lint(sink: Sink, top: Fields) -> dict[str, LintSetting]:
    """Read the section; each entry names a rule of `LINT_RULES`."""
    node = top.node("lint")
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        hint = "write each as `MR-L113: {level: off, because: ...}`"
        sink.add("MR-R303", node.place, "lint maps rules to their level and a reason", hint)
        return {}
    if not node.entries and not node.partial:
        sink.add("MR-R327", node.place, "lint names nothing", "give at least one rule, or delete the key")
    settings = {}
    for rule, one in node.entries.items():
        if rule in LINT_RULES:
            settings[rule] = _setting(sink, one, rule, node.keys[rule])
        elif rule.startswith("MR-R"):
            hint = "what `check` reports is refused by the engine; only rules of lint have a level"
            sink.add("MR-R309", node.keys[rule], f"'{fields.shorten(rule)}' is no rule of lint", hint)
        else:
            hint = suggest(rule, LINT_RULES) or "`marginrules rule` lists them"
            sink.add("MR-R309", node.keys[rule], f"no rule of lint is named '{fields.shorten(rule)}'", hint)
    return settings


def _setting(sink: Sink, node: Node, rule: str, at: Place) -> LintSetting:
    optional = ("level", "only", *(("limit",) if rule in LINT_LIMITS else ()))
    part = Fields(sink, node, f"the setting of {rule}", required=("because",), optional=optional, at=at)
    if part.is_readable and not any(key in part for key in ("level", "limit")):
        sink.add("MR-R302", at, f"the setting of {rule} lacks the key 'level'", f"add `level:`, {', '.join(LEVELS)}")
    return LintSetting(
        level=part.read("level", partial(fields.read_word, words=LEVELS), ""),
        because=part.read("because", fields.read_text, ""),
        only=part.read("only", partial(fields.read_list, reader=fields.read_name), ()),
        limit=part.rate("limit", LINT_LIMITS[rule][1], None) if rule in LINT_LIMITS else None,
        place=at,
    )
