# SPDX-License-Identifier: Apache-2.0
"""
The section `lint`: how much weight the rules of meaning have in one book, and why.

It says nothing about margin, so it is no part of the digest. What the rules find is judged in `authoring.lint`; their
closed list is part of the vocabulary, so that a book that names one that does not exist is refused where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink, suggest
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Node
from marginrules.rulebook.vocabulary.linting import LEVELS, LINT_LIMITS, LINT_RULES, SETTINGS


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
    part = Fields(sink, node, f"the setting of {rule}", SETTINGS[rule], at=at)
    if part.is_readable and not any(key in part for key in ("level", "limit")):
        sink.add("MR-R302", at, f"the setting of {rule} lacks the key 'level'", f"add `level:`, {', '.join(LEVELS)}")
    return LintSetting(
        level=part.read("level", partial(fields.read_word, words=LEVELS), ""),
        because=part.read("because", fields.read_text, ""),
        only=part.read("only", partial(fields.read_list, reader=fields.read_name), ()),
        limit=part.rate("limit", None) if rule in LINT_LIMITS else None,
        place=at,
    )
