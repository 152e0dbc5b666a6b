# SPDX-License-Identifier: Apache-2.0
"""A page as Markdown: ladders drawn with characters, charts left out because their tables say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from marginrules.authoring.document.parts import (
    Bullets,
    Chart,
    Formula,
    Heading,
    LadderDrawing,
    Paragraph,
    Part,
    Table,
)

_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*[]<>|#"})


def as_markdown(parts: Iterable[Part]) -> str:
    """Write a page; text of the rulebook is escaped and can make no markup of its own."""
    return "\n\n".join(text for one in parts if (text := _part(one))) + "\n"


def _part(one: Part) -> str:
    match one:
        case Heading(level, text):
            found = f"{'#' * level} {_escaped(text)}"
        case Paragraph(text):
            found = _escaped(text)
        case Bullets(items):
            found = "\n".join(f"* {_escaped(item)}" for item in items)
        case Table():
            found = "\n".join(_table(one))
        case Formula(lines):
            found = _code(lines)
        case LadderDrawing():
            found = _code(drawn(one))
        case Chart():
            found = ""
    return found


def _table(one: Table) -> Iterator[str]:
    yield f"| {' | '.join(_escaped(name.removeprefix('>')) for name in one.columns)} |"
    yield f"| {' | '.join('---:' if name.startswith('>') else '---' for name in one.columns)} |"
    for row in one.rows:
        yield f"| {' | '.join(_escaped(cell) for cell in row)} |"


def _code(lines: Iterable[str]) -> str:
    shown = list(lines)
    fence = "```"
    while any(fence in line for line in shown):
        fence += "`"
    return "\n".join([fence, *shown, fence])


def drawn(one: LadderDrawing) -> Iterator[str]:
    """Draw a ladder with characters, mildest step on top."""
    width = max((len(rung.entry) for rung in one.rungs), default=0)
    for number, rung in enumerate(one.rungs):
        head = f"{rung.entry:>{width}} ╠══ {rung.name}"
        yield f"{head}  ({rung.leave})" if rung.leave else head
        for text in rung.does:
            yield f"{'':>{width}} ║     {text}"
        followers = [(after.name, due) for after in one.rungs for at, due in after.follows if at == number]
        if followers:
            names = ", ".join(name for name, _ in followers)
            yield f"{'':>{width}} ║     unmet, {followers[0][1]} later: {names}"
        if number < len(one.rungs) - 1:
            yield f"{'':>{width}} ║"


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL).replace("\n", " ")
