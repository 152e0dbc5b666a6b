# SPDX-License-Identifier: Apache-2.0
"""Definitions in an order in which each comes after those it uses; circles are reported."""

from __future__ import annotations

from dataclasses import dataclass

from marginrules.rulebook.diagnostic import Sink
from marginrules.rulebook.formula.text import FormulaText
from marginrules.rulebook.formula.tree import Call, Name, Tree


@dataclass(frozen=True, slots=True)
class Definition:
    """Carry one named formula; without a tree where it could not be read."""

    name: str
    formula: FormulaText
    tree: Tree | None


def in_order(sink: Sink, definitions: dict[str, Definition]) -> tuple[list[Definition], set[str]]:
    """Return the definitions in the order of their use, and the names of those that cannot be understood."""
    uses = {name: _uses(one.tree, definitions) for name, one in definitions.items()}
    ordered: list[Definition] = []
    broken = {name for name, one in definitions.items() if one.tree is None}
    state: dict[str, int] = {}  # 1 while what it uses is looked at, 2 afterwards
    for first in definitions:
        path: list[tuple[str, list[Name]]] = []
        if first not in state:
            path.append((first, list(reversed(uses[first]))))
            state[first] = 1
        while path:
            name, left = path[-1]
            if not left:
                path.pop()
                state[name] = 2
                ordered.append(definitions[name])
                continue
            used = left.pop()
            if used.text not in state:
                state[used.text] = 1
                path.append((used.text, list(reversed(uses[used.text]))))
            elif state[used.text] == 1:
                circle = [step for step, _ in path]
                circle = [*circle[circle.index(used.text) :], used.text]
                broken.update(circle)
                place = definitions[name].formula.place(used.start, used.end)
                way = " -> ".join(circle) if len(circle) <= 8 else " -> ".join([*circle[:7], "..."])
                sink.add("MR-R406", place, f"'{used.text}' depends on itself: {way}", "define one without the other")
    return ordered, broken


def _uses(tree: Tree | None, definitions: dict[str, Definition]) -> list[Name]:
    """Return where a formula names definitions, from left to right."""
    found: dict[str, Name] = {}
    waiting = [tree] if tree is not None else []
    while waiting:
        one = waiting.pop()
        if isinstance(one, Name) and one.text in definitions:
            found.setdefault(one.text, one)
        elif isinstance(one, Call):
            waiting += reversed(one.args)
    return list(found.values())
