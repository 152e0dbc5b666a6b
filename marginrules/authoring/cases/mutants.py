# SPDX-License-Identifier: Apache-2.0
"""
Mutants of a rulebook: the same text with one threshold moved a little, to see whether any case notices.

What is moved, and how far:

* A number, rate, ratio or amount moves by one percent of itself, up and down; zero has no percent and moves up by one
  unit of its last written digit. A minimum transfer moves by no less than the call is rounded to. A period of time
  moves by one percent too, and by a second at least.
* A deadline in business days moves by a day and by a minute of its time of day; a date by a day.
* A switch is turned over: a constant, parameter or scenario column whose every value is a plain whole number and, of
  the first two, 0 or 1. 0 becomes 1, and anything else 0.
* A word becomes the next one of its list: what a call restores, what a step restricts, what is liquidated first.
* Inside formulas literals move as other numbers do, whole numbers without a unit by one; plain 0, 1, 2 and powers of
  ten are arithmetic and stay.

A move that `check` refuses is made smaller, down to an eighth, and is left out where even that is refused. Names,
matches, legs of strategies, notices, dates from which a book holds and days on which an exchange is closed are no
thresholds.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Context, Decimal

from marginrules import units
from marginrules.errors import RulebookError
from marginrules.rulebook.calendar import parse_business_deadline
from marginrules.rulebook.compile import Program, load
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence, parse
from marginrules.units import SECOND_NS

SECTIONS = (
    "marks",
    "collateral",
    "constants",
    "parameters",
    "tables",
    "scenarios",
    "portfolios",
    "strategies",
    "pool",
    "figures",
    "products",
    "ladders",
    "ladder",
    "overrides",
)
# Keys whose values are no thresholds, wherever they stand.
_NAMES = frozenset(
    ("match", "because", "legs", "name", "underlying", "notify", "step", "strategy", "given", "of", "by")
)
_NAMED = frozenset(("collateral", "tables", "scenarios", "portfolios", "strategies", "figures", "products", "ladders"))
_WORDS: dict[str, tuple[str, ...]] = {
    "restore": ("initial_margin", "maintenance_margin"),
    "restrict": ("reduce_only", "blocked"),
    "first": ("largest_loss", "largest_margin", "pro_rata"),
}
_FORMULAS = frozenset(("initial", "maintenance", "value", "where"))
_NUMBER = re.compile(r"([+-]?\d+(?:_\d{3})*(?:\.\d+)?)(.*)", re.ASCII)
_LITERAL = re.compile(r"(?<![A-Za-z0-9_.])\d[\d_]*(?:\.\d+)?(?: ?%| ?bps\b|[dhms]\b)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAYS = re.compile(r"(?<=in )\d+(?= business)")
_CLOCK = re.compile(r"\d{2}:\d{2}")
_SHARES = (Decimal("0.01"), Decimal("0.005"), Decimal("0.0025"), Decimal("0.00125"))
_EXACT = Context(prec=60)
_ARITHMETIC = frozenset(("0", "1", "2"))


@dataclass(frozen=True, slots=True)
class Mutant:
    """
    Carry one edit of a rulebook.

    Args:
        file: as it is named in messages.
        place: of the text that is replaced.
        path: the keys that lead to it, such as ("ladders", "main", "margin_call", "below").
        old, new: the text before and after.
        fainter: smaller moves, to be tried where `check` refuses this one.
        why: it is not counted, for this reason; empty where it is.
    """

    file: str
    place: Place
    path: tuple[str, ...]
    old: str
    new: str
    fainter: tuple[str, ...] = ()
    why: str = ""

    @property
    def where(self) -> str:
        """Return `file:line`."""
        return f"{self.file}:{self.place.line}"

    @property
    def title(self) -> str:
        """Say the edit in one line."""
        return f"{self.where}  {' '.join(self.path)}  {self.old} -> {self.new}"

    def applied_to(self, content: bytes) -> bytes:
        """Return the text of the book with this one value replaced."""
        lines = content.decode().split("\n")
        line, start = lines[self.place.line - 1], self.place.column - 1
        if line[start : start + len(self.old)] != self.old:
            raise AssertionError(f"{self.where}: {self.old} does not stand at column {self.place.column}")
        lines[self.place.line - 1] = line[:start] + self.new + line[start + len(self.old) :]
        return "\n".join(lines).encode()


def moves(content: bytes, file: str) -> Iterator[Mutant]:
    """
    Yield every edit in the order of the text, whether or not `check` accepts it; a book that cannot be read has none.

    Args:
        content: the text of a book that `check` accepts.
    """
    text = content.decode()
    lines = text.split("\n")
    root = parse(text, Sink(file, lines))
    if root is None:
        return
    found = [one for section in SECTIONS if section in root.entries for one in _section(section, root, file, lines)]
    found += _increment(root, file)
    yield from sorted(found, key=lambda one: one.place)


def mutants(content: bytes, file: str) -> Iterator[Mutant]:
    """
    Yield every mutant in the order of the text; those that do not count have their reason in `why`.

    Raises:
        RulebookError: where `check` refuses the book itself.
    """
    before = load(content, file)
    for move in moves(content, file):
        yield compiled(move, content, before)[0]


def compiled(move: Mutant, content: bytes, before: Program) -> tuple[Mutant, Program | None]:
    """Return a move as it can be made and its program; None, and the reason in `why`, where it does not count."""
    refusal = ""
    for new in (move.new, *move.fainter):
        tried = replace(move, new=new, fainter=())
        try:
            program = load(tried.applied_to(content), move.file)
        except RulebookError as error:
            refusal = refusal or f"check refuses it: {error.diagnostics[0].message}"
            continue
        if program.digest == before.digest or (move.path[-1] == "restore" and _is_one_requirement(before)):
            return replace(tried, why="it means the same"), None
        return tried, program
    return replace(move, why=refusal, fainter=()), None


def _is_one_requirement(program: Program) -> bool:
    """Say whether initial and maintenance margin are the same figure throughout, so that either word means both."""
    codes = [program.models.codes[one.code] for one in program.models.portfolios]
    return (
        len(codes) > 0
        and all(product.portfolio >= 0 for product in program.products)
        and all(one.outputs[0] == one.outputs[1] for one in codes)
    )


# What is moved


def _section(section: str, root: Mapping, file: str, lines: list[str]) -> Iterator[Mutant]:
    node = root.entries[section]
    if section in ("constants", "parameters", "scenarios") and isinstance(node, Mapping):
        switches = _switches(section, node)
    else:
        switches = frozenset()
    steps = dict(_round_to(node, (section,)))
    for path, scalar, key in _scalars(node, (section,), section):
        if switches and _group(section, path) in switches:
            yield from _made(file, path, scalar.place, scalar.text, _turned(scalar.text))
        else:
            yield from _of_scalar(file, lines, path, scalar, key, steps.get(path[:-1]))


def _scalars(node: Node, path: tuple[str, ...], key: str) -> Iterator[tuple[tuple[str, ...], Scalar, str]]:
    """Yield each value that may be a threshold with its path and the key that it stands under."""
    if isinstance(node, Scalar):
        yield path, node, key
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items, start=1):
            yield from _scalars(item, (*path, _title(item, index)), key)
    else:
        for name, one in node.entries.items():
            if name not in _NAMES or _is_free(path):
                yield from _scalars(one, (*path, name), name)


def _is_free(path: tuple[str, ...]) -> bool:
    """Say whether the keys below a path are names that the officer chose, such as those of constants."""
    return path[0] in ("constants", "parameters") or path[-1] == "define" or (len(path) == 1 and path[0] in _NAMED)


def _round_to(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Decimal]]:
    """Yield for each call that is rounded its path and to what."""
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items, start=1):
            yield from _round_to(item, (*path, _title(item, index)))
    elif isinstance(node, Mapping):
        unit = node.entries.get("round_to")
        value = units.parse_number(unit.text) if isinstance(unit, Scalar) else None
        if value:
            yield path, value
        for name, one in node.entries.items():
            yield from _round_to(one, (*path, name))


def _title(item: Node, index: int) -> str:
    """Return what an item of a list is called: by the name that it has, or by its place."""
    if isinstance(item, Mapping):
        for key in ("step", "strategy", "name", "because"):
            named = item.entries.get(key)
            if isinstance(named, Scalar):
                return named.text
    return f"#{index}"


def _of_scalar(
    file: str, lines: list[str], path: tuple[str, ...], scalar: Scalar, key: str, step: Decimal | None
) -> Iterator[Mutant]:
    text, place = scalar.text, scalar.place
    if key in _WORDS and text in _WORDS[key]:
        words = _WORDS[key]
        yield from _made(file, path, place, text, [(words[(words.index(text) + 1) % len(words)],)])
    elif parse_business_deadline(text) is not None:
        yield from _of_deadline(file, path, place, text)
    elif _DATE.fullmatch(text):
        day = dt.date.fromisoformat(text)
        yield from _made(file, path, place, text, [((day + dt.timedelta(days=by)).isoformat(),) for by in (1, -1)])
    elif key == "minimum_transfer" and step and units.parse_number(text):
        yield from _made(file, path, place, text, _moved_by(text, step))
    elif _is_value(text, path):
        start = Place(place.line, place.column + int(scalar.quoted), place.width)
        yield from _made(file, path, start, text, _moved(text))
    elif key in _FORMULAS or "define" in path:
        for literal, at in _literals(scalar, lines):
            if _is_threshold(literal):
                yield from _made(file, path, at, literal, _moved_literal(literal))


def _is_value(text: str, path: tuple[str, ...]) -> bool:
    """Say whether a text is one number with or without a unit, rather than a formula that begins with a number."""
    match = _NUMBER.fullmatch(text)
    if units.parse_rate(text) is not None or units.parse_duration_ns(text) is not None:
        return not ("define" in path or path[0] in ("figures", "strategies", "pool")) or _is_threshold(text)
    return match is not None and path[0] in ("constants", "parameters")


def _increment(root: Mapping, file: str) -> Iterator[Mutant]:
    """Yield moves of the currency's increment where a call is rounded to it."""
    node = root.entries.get("increment")
    if not isinstance(node, Scalar):
        return
    calls = [one for section in ("ladders", "overrides") for one in _calls(root.entries.get(section))]
    if any("round_to" not in one.entries for one in calls):
        yield from _made(file, ("increment",), node.place, node.text, _moved(node.text))


def _calls(node: Node | None) -> Iterator[Mapping]:
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _calls(item)
    elif isinstance(node, Mapping):
        for key, one in node.entries.items():
            if key == "call" and isinstance(one, Mapping):
                yield one
            yield from _calls(one)


def _switches(section: str, node: Mapping) -> frozenset[str]:
    """Return the names of what is on or off: constants and parameters of 0 and 1, scenario columns of whole numbers."""
    values: dict[str, list[str]] = {}
    for path, scalar, _ in _scalars(node, (section,), section):
        values.setdefault(_group(section, path), []).append(scalar.text)
    is_one: Callable[[str], bool] = _is_whole if section == "scenarios" else lambda text: text in ("0", "1")
    return frozenset(name for name, texts in values.items() if name and all(is_one(text) for text in texts))


def _group(section: str, path: tuple[str, ...]) -> str:
    """Return under which name values are alike: a constant, a parameter, a column of a scenario table."""
    if section != "scenarios":
        return path[1]
    return "" if "history" in path else f"{path[1]}.{path[3] if path[2] == 'combine' else path[-1]}"


def _is_whole(text: str) -> bool:
    return text.lstrip("+-").isdecimal()


# How far


def _made(
    file: str, path: tuple[str, ...], place: Place, old: str, news: Iterable[tuple[str, ...]]
) -> Iterator[Mutant]:
    for new, *fainter in news:
        yield Mutant(file, Place(place.line, place.column, len(old)), path, old, new, tuple(fainter))


def _turned(text: str) -> list[tuple[str, ...]]:
    return [("1" if text == "0" else "0",)]


def _moved(text: str) -> list[tuple[str, ...]]:
    """Return the moves of one value up and down, each with fainter ones behind it."""
    duration = units.parse_duration_ns(text) if text[-1:] in "dhms" else None
    if duration is not None:
        step = max(SECOND_NS, duration // 100 // SECOND_NS * SECOND_NS)
        return [(units.format_duration(duration + by),) for by in (step, -step) if duration + by >= 0]
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise AssertionError(f"'{text}' is not a number")
    value, unit = Decimal(match[1].replace("_", "")), match[2]
    digit = Decimal(1).scaleb(int(value.as_tuple().exponent))
    if not value:
        return [(_written(digit) + unit,)]
    both = []
    for sign in (1, -1):
        moved = [_written(_EXACT.add(value, _EXACT.multiply(abs(value), sign * share))) for share in _SHARES]
        # Where only whole numbers are read.
        moved += [_written(value + sign)] if not unit and value == value.to_integral_value() else []
        both.append(tuple(one + unit for one in moved))
    return both


def _moved_literal(text: str) -> list[tuple[str, ...]]:
    """Return the moves of a literal of a formula: a plain whole number counts something, and moves by one."""
    plain = text.replace("_", "")
    return [(str(int(plain) + by),) for by in (1, -1)] if plain.isdecimal() else _moved(text)


def _moved_by(text: str, step: Decimal) -> list[tuple[str, ...]]:
    """Return the moves of a minimum transfer: a percent, or what is demanded at a time where that is more."""
    value = units.parse_number(text) or Decimal(0)
    by = max(step, _EXACT.multiply(value, _SHARES[0]))
    return [(_written(value + one),) for one in (by, -by) if value + one >= 0]


def _written(value: Decimal) -> str:
    return units.format_number(value)


def _of_deadline(file: str, path: tuple[str, ...], place: Place, text: str) -> Iterator[Mutant]:
    clock, days = _CLOCK.search(text), _DAYS.search(text)
    if clock is not None:
        hour, minute = (int(part) for part in clock[0].split(":"))
        news = []
        for by in (1, -1):
            hours, minutes = divmod(hour * 60 + minute + by, 60)
            news.append((f"{hours % 24:02d}:{minutes:02d}",))
        yield from _made(file, path, Place(place.line, place.column + clock.start()), clock[0], news)
    if days is not None:
        count = int(days[0])
        news = [(f"{count + by}",) for by in (1, -1)]
        yield from _made(file, path, Place(place.line, place.column + days.start()), days[0], news)
    elif "next business day" in text:
        start = text.index("next business day")
        at = Place(place.line, place.column + start)
        yield from _made(file, path, at, "next business day", [("in 2 business days",)])


# Literals of formulas


def _literals(scalar: Scalar, lines: list[str]) -> Iterator[tuple[str, Place]]:
    """Yield each literal of a formula and where it stands, also where the formula is folded over several lines."""
    left = len(_LITERAL.findall(scalar.text))
    number, start = scalar.place.line, scalar.place.column - 1
    while left and number <= len(lines):
        for match in _LITERAL.finditer(lines[number - 1], start):
            yield match[0], Place(number, match.start() + 1, len(match[0]))
            left -= 1
            if not left:
                break
        number, start = number + 1, 0


def _is_threshold(literal: str) -> bool:
    """Say whether a literal is more than arithmetic."""
    if not literal.replace("_", "").isdecimal():
        return True
    digits = literal.replace("_", "").lstrip("0") or "0"
    return digits not in _ARITHMETIC and digits.rstrip("0") != "1"
