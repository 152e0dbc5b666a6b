# SPDX-License-Identifier: Apache-2.0
"""Where each character of a formula stands in the rulebook, whatever the YAML style it is written in."""

from __future__ import annotations

from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.parse import Scalar

_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}
_SPACES = " \tntrvfN_LP"  # the letters of escapes that stand for white space


class FormulaText:
    """
    Carry the text of one formula and find places in it.

    YAML folds line breaks, indentation and escapes, but never reorders: the characters of the value that are no white
    space stand in the rulebook in the same order. They are found one after the other.
    """

    def __init__(self, sink: Sink, node: Scalar) -> None:
        self.text = node.text
        self.whole = node.place
        self._lines = sink.lines
        self._found: list[tuple[int, int]] | None = None

    def place(self, start: int, end: int) -> Place:
        """Return where the characters from `start` up to `end` stand; of several lines, the first."""
        if self._found is None:
            self._found = _align(self.text, self._lines, self.whole)
        if not self._found:
            return self.whole
        line, column = self._found[min(start, len(self._found) - 1)]
        if start >= len(self._found):
            return Place(line, column + 1)
        shown = zip(self.text[start:end], self._found[start:end], strict=False)
        last = max((at for char, (row, at) in shown if row == line and not char.isspace()), default=column)
        return Place(line, column, last - column + 1)


def _align(text: str, lines: list[str], at: Place) -> list[tuple[int, int]]:
    """Return (line, column) of each character; white space stands behind what precedes it."""
    row, column = at.line - 1, at.column - 1
    opening = lines[row][column : column + 1] if row < len(lines) else ""
    if opening in ("|", ">"):
        row, column = row + 1, 0  # behind the header of a block
    elif opening in ("'", '"'):
        column += 1
    found: list[tuple[int, int]] = []
    for char in text:
        if char.isspace():
            line, before = found[-1] if found else (row + 1, column)
            found.append((line, before + 1))
            continue
        row, column = _next(lines, row, column, opening)
        if row >= len(lines):
            break
        found.append((row + 1, column + 1))
        column += _width(lines[row], column, opening)
    return found


def _next(lines: list[str], row: int, column: int, opening: str) -> tuple[int, int]:
    """Return where the next character that is no white space begins."""
    while row < len(lines):
        line = lines[row]
        if column >= len(line) or (opening == '"' and line[column:] == "\\"):
            row, column = row + 1, 0
        elif line[column].isspace():
            column += 1
        elif opening == '"' and line[column] == "\\" and _is_space(line, column):
            column += _width(line, column, opening)
        else:
            break
    return row, column


def _is_space(line: str, column: int) -> bool:
    """Say whether an escape stands for white space."""
    letter = line[column + 1]
    digits = line[column + 2 : column + 2 + _ESCAPE_DIGITS.get(letter, 0)]
    return chr(int(digits, 16)).isspace() if digits else letter in _SPACES


def _width(line: str, column: int, opening: str) -> int:
    """Return how many characters of the rulebook make one of the value."""
    if opening == "'" and line.startswith("''", column):
        return 2
    if opening == '"' and line[column] == "\\":
        return 2 + _ESCAPE_DIGITS.get(line[column + 1 : column + 2], 0)
    return 1
