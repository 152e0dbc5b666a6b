# SPDX-License-Identifier: Apache-2.0
"""What was wrong in a rulebook, where, and what to write instead. One collection, two printings: text and JSON."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from marginrules.limits import RULEBOOK_PROBLEMS_MAX

PROBLEMS: dict[str, str] = {
    "MR-R101": "text is too large",
    "MR-R102": "nesting is too deep",
    "MR-R103": "too many nodes",
    "MR-R104": "text is not UTF-8",
    "MR-R105": "character that cannot be seen or changes direction",
    "MR-R106": "too many problems",
    "MR-R107": "too large to compile",
    "MR-R201": "not YAML",
    "MR-R202": "anchor or alias",
    "MR-R203": "tag or directive",
    "MR-R204": "key given twice",
    "MR-R205": "merge key",
    "MR-R206": "more than one document",
    "MR-R207": "empty document",
    "MR-R208": "key is not plain ASCII text",
    "MR-R301": "unknown key",
    "MR-R302": "missing key",
    "MR-R303": "wrong kind of value",
    "MR-R304": "not a rate",
    "MR-R305": "not a number",
    "MR-R306": "not a duration",
    "MR-R307": "not a timestamp",
    "MR-R308": "out of range",
    "MR-R309": "unknown name",
    "MR-R310": "unknown word",
    "MR-R311": "tiers out of order",
    "MR-R312": "rate falls with size",
    "MR-R313": "initial below maintenance",
    "MR-R314": "thresholds do not fall",
    "MR-R315": "exit inside entry",
    "MR-R316": "step is never entered",
    "MR-R317": "call without an end",
    "MR-R318": "step cannot follow",
    "MR-R320": "overrides conflict",
    "MR-R321": "override selects nothing",
    "MR-R322": "match is empty",
    "MR-R323": "not an identifier",
    "MR-R324": "not a deadline",
    "MR-R325": "unknown calendar",
    "MR-R326": "keys exclude each other",
    "MR-R327": "nothing given",
    "MR-R328": "nothing names it",
    "MR-R329": "no strategy covers a leg",
    "MR-R330": "margin cannot be overridden",
    "MR-R331": "comma ended a formula",
    "MR-R340": "currency has no such terms",
    "MR-R350": "not a series",
    "MR-R401": "not a formula",
    "MR-R402": "unknown name in a formula",
    "MR-R403": "wrong number of arguments",
    "MR-R404": "units do not fit",
    "MR-R405": "dimensions do not fit",
    "MR-R406": "definitions form a circle",
    "MR-R407": "formula is too large",
    "MR-R408": "not available here",
    "MR-R409": "name is taken",
    "MR-R410": "division by zero",
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Point at a stretch of one line; lines and columns count from 1, columns in characters."""

    line: int
    column: int
    width: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Carry one problem of a rulebook."""

    file: str
    place: Place
    code: str
    message: str
    hint: str = ""
    source: str = ""  # the line it stands on

    def as_json(self) -> dict[str, Any]:
        """Return the problem as plain data; the API carries the same fields."""
        return {
            "file": self.file,
            "line": self.place.line,
            "column": self.place.column,
            "width": self.place.width,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "source": self.source,
        }


class StopReading(Exception):  # noqa: N818 - ends the reading of a text, is not an error of ours
    """End the reading of a text; why is in the sink."""


@dataclass(slots=True)
class Sink:
    """
    Collect the problems of one text.

    Args:
        unread: places whose value was refused before it got a meaning; what its absence would cause is not reported.
        muted: codes that are not reported for now, because something they depend on could not be read.
    """

    file: str
    lines: list[str]
    found: list[Diagnostic] = field(default_factory=list)
    unread: set[Place] = field(default_factory=set)
    muted: frozenset[str] = frozenset()

    def add(self, code: str, place: Place, message: str, hint: str = "") -> None:
        """
        Record a problem; `code` is one of `PROBLEMS`.

        Raises:
            StopReading: when the text has too many.
        """
        if code not in PROBLEMS:
            raise AssertionError(f"diagnostic code {code} is not in PROBLEMS")
        if place in self.unread or code in self.muted:
            return
        diagnostic = Diagnostic(self.file, place, code, printable(message), printable(hint), self._line(place))
        if diagnostic in self.found:
            return
        if len(self.found) == RULEBOOK_PROBLEMS_MAX:
            last = max(one.place for one in self.found)
            message = f"more than {RULEBOOK_PROBLEMS_MAX} problems; reading stopped"
            self.found.append(Diagnostic(self.file, last, "MR-R106", message, "", self._line(last)))
            raise StopReading
        self.found.append(diagnostic)

    def refuse(self, code: str, place: Place, message: str, hint: str = "") -> None:
        """Record a problem that leaves nothing to read at its place."""
        self.add(code, place, message, hint)
        self.unread.add(place)

    def ordered(self) -> tuple[Diagnostic, ...]:
        """Return the problems in the order of the text."""
        return tuple(sorted(self.found, key=lambda one: (one.code == "MR-R106", one.place, one.code, one.message)))

    def _line(self, place: Place) -> str:
        return self.lines[place.line - 1] if 0 < place.line <= len(self.lines) else ""


_CHOICES_SHOWN = 20
_CHOICES_MAX = 1_000
_WORD_MAX = 64


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, whatever its case; empty where none is near."""
    choices = {name.lower(): name for name in sorted(known)}
    if len(word) > _WORD_MAX or len(choices) > _CHOICES_MAX:
        return ""
    near = difflib.get_close_matches(word.lower(), choices, n=_CHOICES_MAX, cutoff=0.6)
    return choices[max(near, key=lambda one: _likeness(word.lower(), one))] if near else ""


def _likeness(word: str, choice: str) -> tuple[float, int]:
    """Return how like a word is to a choice; of two that are equally like it, by characters at their places."""
    at_their_place = sum(one == other for one, other in zip(word, choice, strict=False))
    return difflib.SequenceMatcher(None, choice, word).ratio(), at_their_place


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the nearest known word, the list of a short choice, or nothing."""
    choices = sorted(known)
    near = nearest(word, choices)
    if near:
        return f"did you mean '{near}'?"
    return f"one of: {', '.join(choices)}" if 0 < len(choices) <= _CHOICES_SHOWN else ""


def printable(text: str) -> str:
    """Return text of a rulebook as it may be printed: on one line, and no character that moves a terminal's cursor."""
    shown = text.rstrip("\n").replace("\n", " ")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)


_SOURCE_WIDTH = 160


def render_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Print problems for a terminal: the place, the message, the line with a caret, the hint."""
    return "\n".join(render_one(one) for one in diagnostics)


def render_one(one: Diagnostic, level: str = "error") -> str:
    """Print one problem, or what weighs less than one."""
    head = f"{one.file}:{one.place.line}:{one.place.column}: {level}[{one.code}]: {one.message}"
    # A long line is shown from a little before the place.
    start = max(0, one.place.column - 1 - _SOURCE_WIDTH // 2) if len(one.source) > _SOURCE_WIDTH else 0
    shown = printable(one.source[start : start + _SOURCE_WIDTH])
    width = max(1, min(one.place.width, start + _SOURCE_WIDTH - one.place.column + 1))
    gutter = f"{one.place.line:5d} | "
    caret = " " * (len(gutter) - 2) + "| " + " " * (one.place.column - 1 - start) + "^" * width
    lines = [head, gutter + shown, caret] if one.source else [head]
    return "\n".join([*lines, " " * (len(gutter) - 2) + "= " + one.hint] if one.hint else lines)


def render_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return problems as plain data."""
    return [one.as_json() for one in diagnostics]
