# SPDX-License-Identifier: Apache-2.0
"""The section `lint`: what a book says of the rules of meaning. It says nothing of margin and is not in the digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Node
from marginrules.rulebook.vocabulary.kinds import Keys
from marginrules.rulebook.vocabulary.linting import LEVELS, LINT, LINT_LIMITS

_NOWHERE = Place(1, 1)


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
    place: Place = field(default=_NOWHERE, compare=False)


def read_lint(sink: Sink, top: Fields) -> dict[str, LintSetting]:
    """Read the section; each key is a rule of `LINT_RULES`."""
    node = top.node("lint")
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        hint = "write each as `MR-L113: {level: off, because: ...}`"
        sink.add("MR-R303", node.place, "lint maps rules to their level and a reason", hint)
        return {}
    part = Fields(sink, node, "lint", LINT)
    if not node.entries and not node.partial:
        sink.add("MR-R327", node.place, "lint names nothing", "give at least one rule, or delete the key")
    return {rule: _setting(sink, one, rule, part) for rule in LINT.names if (one := part.node(rule)) is not None}


def _setting(sink: Sink, node: Node, rule: str, lint: Fields) -> LintSetting:
    keys, at = lint.vocabulary[rule].value.mapping, lint.key_place(rule)
    if not isinstance(keys, Keys):
        raise AssertionError("the setting of a rule is a mapping with known keys")
    part = Fields(sink, node, f"the setting of {rule}", keys, at=at)
    if part.is_readable and rule in LINT_LIMITS and not ("level" in part or "limit" in part):
        sink.add("MR-R302", at, f"the setting of {rule} has neither level nor limit", f"levels: {', '.join(LEVELS)}")
    return LintSetting(
        level=part.word("level", ""),
        because=part.read("because", fields.read_text, ""),
        only=part.read("only", partial(fields.read_list, reader=fields.read_name), ()),
        limit=part.rate("limit", None) if rule in LINT_LIMITS else None,
        place=at,
    )
