# SPDX-License-Identifier: Apache-2.0
"""What a page is made of, whatever it is written as."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """Begin a section; level 1 is the page's own title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Carry running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """Carry a list without an order."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Carry rows of text; a column whose heading begins with `>` is aligned to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """Carry lines of formulas as they are written."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rung:
    """
    Carry one step of a ladder as it is drawn.

    Args:
        entry: "below 120%", or "after an unmet call".
        leave: "clears at 125%".
        does: what happens there, in a few words each.
        follows: places of the steps whose unmet call leads here, each with its deadline.
    """

    name: str
    entry: str
    leave: str
    does: tuple[str, ...]
    follows: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class LadderDrawing:
    """Carry a ladder, mildest step on top."""

    name: str
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """
    Carry lines over one axis with a logarithmic scale.

    Args:
        across: what the axis counts.
        lines: (name, points of (x, y)); x above 0, y as a fraction.
        marks: values of x that are marked on the axis.
    """

    title: str
    across: str
    lines: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    marks: tuple[float, ...]


Part = Heading | Paragraph | Bullets | Table | Formula | LadderDrawing | Chart
