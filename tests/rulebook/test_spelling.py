# SPDX-License-Identifier: Apache-2.0
"""
Misspellings: each key, name, word and unit of the language, wherever it stands in the good books, misspelt in turn.

The checker must report each at its line and column, with the right suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from marginrules.rulebook import meant, validate
from marginrules.rulebook.diagnostic import nearest
from marginrules.rulebook.vocabulary.book import BOOK
from tests.rulebook.spelling import Met, every_key, every_word, is_code, shapes, walk

ROOT = Path(__file__).parents[2]
GOOD = sorted((ROOT / "tests/rulebooks/good").glob("*.yaml"))


def slips(word: str) -> list[str]:
    """Return a word with two letters swapped, one missing, one doubled, one wrong, and in the other case."""
    if is_code(word):
        return [word.lower(), word.capitalize()]
    at = next((index for index in range(len(word) // 2, len(word) - 1) if word[index] != word[index + 1]), 0)
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    made = [swapped, word[:at] + word[at + 1 :], word[: at + 1] + word[at:], word.capitalize(), word.upper()]
    if len(word) > 2:
        made.append(word[:at] + ("x" if word[at] != "x" else "y") + word[at + 1 :])
    return [one for one in dict.fromkeys(made) if one not in ("", word)]


def put(content: bytes, met: Met, text: str) -> bytes:
    """Return a book with another text at a place."""
    lines = content.decode().split("\n")
    line, at = lines[met.place.line - 1], met.place.column - 1
    lines[met.place.line - 1] = line[:at] + text + line[at + met.place.width :]
    return "\n".join(lines).encode()


def test_good_books_have_every_key_and_word() -> None:
    """No key and no word of the vocabulary is missing from the books whose keys and words are misspelt below."""
    keys, words = set(), set()
    for path in GOOD:
        last = ""
        for one in walk(path.read_bytes()):
            if one.keys is not None:
                keys.add((one.keys.name, one.text))
                last = one.text
            elif one.value is not None and one.value.words:
                words.add((last, one.text))
    assert {one for one in keys if not is_code(one[1])} == every_key()
    assert words >= {(key, word) for _, key, word in every_word()}


def failures(content: bytes, met: Met, wrong: str, right: str, *, shift: int = 0) -> Iterator[str]:
    """Yield what is wrong with what is reported of a misspelling."""
    place = (met.place.line, met.place.column + shift)
    everything = validate(put(content, met, wrong), "book.yaml")
    found = [one for one in everything if (one.place.line, one.place.column) == place]
    if not any(f"did you mean '{right}'?" in one.hint for one in found):
        said = [f"{one.place.line}:{one.place.column} {one.code} {one.message} ({one.hint})" for one in everything]
        yield f"{'.'.join(map(str, met.path))} at {place}: '{wrong}' for '{right}': {said}"


def in_turn(texts: list[str], turn: int, count: int = 1) -> list[str]:
    """Return some of the misspellings, others each time."""
    return [texts[(turn + one) % len(texts)] for one in range(min(count, len(texts)))]


def test_every_slip_of_every_key_has_the_right_suggestion() -> None:
    """Whatever the slip: among the keys of its mapping, the one that was meant is the nearest."""
    for keys in shapes(BOOK):
        for key in keys.names:
            for wrong in slips(key):
                if wrong not in keys:
                    assert nearest(wrong, keys.names) == key, (keys.name, wrong)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_misspelt_key_is_found_with_the_right_suggestion(path: Path) -> None:
    """Each key at each place, in one way of misspelling after the other."""
    content = path.read_bytes()
    wrong: list[str] = []
    seen: set[tuple[str, str]] = set()
    for turn, met in enumerate(one for one in walk(content) if one.keys is not None):
        assert met.keys is not None
        every = [one for one in slips(met.text) if one not in met.keys]
        count = 1 if (met.keys.name, met.text) in seen else 2
        seen.add((met.keys.name, met.text))
        for one in in_turn(every, turn, count):
            wrong += failures(content, met, one, met.text)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_misspelt_word_is_found_with_the_right_suggestion(path: Path) -> None:
    """Each word of a closed list, wherever it stands."""
    content = path.read_bytes()
    wrong: list[str] = []
    for turn, met in enumerate(one for one in walk(content) if one.value is not None and one.text in one.value.words):
        assert met.value is not None
        every = [one for one in slips(met.text) if one not in met.value.words]
        for one in in_turn(every, turn):
            wrong += failures(content, met, one, met.text)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_misspelt_name_is_found_with_the_right_suggestion(path: Path) -> None:
    """Each product, class, step, ladder, calendar, portfolio and currency, wherever a name of one is asked for."""
    content = path.read_bytes()
    wrong: list[str] = []
    seen: set[str] = set()
    for turn, met in enumerate(walk(content)):
        refers = (met.value.refers if met.value is not None else "") or (
            met.names.refers if met.names is not None else ""
        )
        if not refers:
            continue
        seen.add(refers)
        form = met.value.form if met.value is not None else "name"
        for part in met.text.split() if form in ("unmet", "holder") else [met.text]:
            for one in in_turn(slips(part), turn):
                text = met.text.replace(part, one)
                is_whole = part in ("unmet", "portfolio") and form != "name"
                wrong += failures(content, met, text, met.text if is_whole else part)
    assert not wrong, "\n".join(wrong)
    assert seen <= {"product", "class", "step", "ladder", "calendar", "portfolio", "asset"}


UNITS = {
    "%": ["%%", " %%", "pct", " percent", " per cent", "procent"],
    "bps": ["bp", "bsp", "bpss", "BPS", " basis points", "bips"],
    "s": ["sec", " s", "S", "seconds", "ss", "secs"],
    "m": ["min", " m", "M", "minutes", "mm", "mins"],
    "h": ["hr", " h", "H", "hours", "hh", "hrs"],
    "d": ["day", " d", "D", "days", "dd"],
}


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_misspelt_unit_is_found_with_the_right_suggestion(path: Path) -> None:
    """Each unit of each rate, duration and deadline."""
    content = path.read_bytes()
    wrong: list[str] = []
    for turn, met in enumerate(walk(content)):
        found = re.fullmatch(r"([0-9._]+) ?(%|bps|[smhd])", met.text)
        if met.value is None or met.value.form not in ("rate", "duration", "deadline") or found is None:
            continue
        number, unit = found.groups()
        right = number + {"bps": " bps"}.get(unit, unit)
        for one in in_turn(UNITS[unit], turn):
            wrong += failures(content, met, number + one, right)
    assert not wrong, "\n".join(wrong)


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_misspelt_name_in_a_formula_is_found_with_the_right_suggestion(path: Path) -> None:
    """Each function, field, definition, constant, table, column, leg, key and unit that a formula names."""
    content = path.read_bytes()
    wrong: list[str] = []
    turn = 0
    for met in walk(content):
        if met.value is None or met.value.form not in ("formula", "constant"):
            continue
        quoted = content.decode().split("\n")[met.place.line - 1][met.place.column - 1] in "\"'"
        for found in _IDENTIFIER.finditer(met.text):
            if found.start() and met.text[found.start() - 1].isdigit():
                continue  # a unit written to its number
            turn += 1
            every = [one for one in slips(found[0]) if one not in met.text]
            for one in in_turn(every, turn):
                text = met.text[: found.start()] + one + met.text[found.end() :]
                wrong += failures(content, met, f'"{text}"' if quoted else text, found[0], shift=found.start() + quoted)
    assert not wrong, "\n".join(wrong)


def _uses(content: bytes) -> set[tuple[str, str]]:
    """Return (kind, name) of every name that something refers to; of a step, with its ladder before it."""
    found = set()
    for met in walk(content):
        if met.value is None:
            continue
        words = _IDENTIFIER.findall(met.text)
        if met.value.form == "formula":
            found |= {("formula", one) for one in words}
        elif met.value.form == "unmet" and met.path[0] == "ladders":
            found.add(("step", f"{met.path[1]}.{words[0]}"))
        elif met.value.refers:
            found |= {(met.value.refers, one) for one in (met.text, met.text.split()[-1])}
    return found


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_name_misspelt_where_it_is_given_is_found_where_it_is_used(path: Path) -> None:
    """A product, step, ladder or definition that has a misspelt name is the suggestion at the places that use it."""
    content = path.read_bytes()
    used = _uses(content)
    wrong: list[str] = []
    seen: set[str] = set()
    for turn, met in enumerate(walk(content)):
        kind = met.names.named if met.names is not None else "step" if met.path[-1] == "step" else ""
        name = f"{met.path[1]}.{met.text}" if kind == "step" else met.text
        is_used = (kind, name) in used or (kind not in _REFERRED and kind and ("formula", name) in used)
        if not is_used or met.keys is not None or met.text in _AMBIGUOUS:
            continue
        seen.add(kind)
        for one in in_turn([one for one in slips(met.text) if one.islower() == met.text.islower()], turn):
            found = validate(put(content, met, one), "book.yaml")
            if not any(f"did you mean '{one}'?" in problem.hint for problem in found):
                wrong.append(f"{met.path}: {one}: {[(problem.message, problem.hint) for problem in found]}")
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 5


_REFERRED = ("product", "pool", "ladder", "calendar", "portfolio", "asset", "step", "figure")
_AMBIGUOUS = ("change", "charge", "price", "volatility")  # near each other, or fields as well


def value_at(content: bytes, *path: str | int) -> Met:
    """Return the single value at a path."""
    return next(one for one in walk(content) if one.path == path and one.value is not None)


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("17:00 next busines day", "17:00 next business day"),
        ("17:00 next bussiness days", "17:00 next business day"),
        ("17:00 Next Business Day", "17:00 next business day"),
        ("9:00 next business day", "09:00 next business day"),
        ("17:00 in 3 busines days", "17:00 in 3 business days"),
        ("17:00 in 3 business day", "17:00 in 3 business days"),
        ("4hr", "4h"),
        ("1d 12h", "1d12h"),
        ("1 day, 12 hours", "1d12h"),
        ("h4", "4h"),
        ("4huors", "4h"),
    ],
)
def test_misspelt_deadline_has_the_right_suggestion(written: str, right: str) -> None:
    """A deadline in business days or in hours that is nearly one says which."""
    content = (ROOT / "tests/rulebooks/good/every-key.yaml").read_bytes()
    met = value_at(content, "ladders", "main", "steps", 0, "deadline")
    assert not list(failures(content, met, written, right))


@pytest.mark.parametrize(
    ("written", "right", "shift"),
    [
        ("250 bp", "bps", 4),
        ("5%%", "%", 2),
        ("5 percent", "%", 2),
        ("30dd", "30d", 0),
        ("12hrs", "12h", 0),
        ("100 UDS", "USD", 4),
        ("2 contracs", "contracts", 2),
    ],
)
def test_misspelt_unit_in_a_formula_has_the_right_suggestion(written: str, right: str, shift: int) -> None:
    """Numbers of formulas have units too."""
    content = (ROOT / "tests/rulebooks/good/every-key.yaml").read_bytes()
    met = value_at(content, "constants", "rate_floor")
    assert not list(failures(content, met, written, right, shift=shift))


@pytest.mark.parametrize("written", ["5% + 1%", "five", "5 apples", "10 mo", "1w", "", "%", "next week"])
def test_nothing_is_suggested_where_nothing_is_near(written: str) -> None:
    """What is no misspelling of a unit has no suggestion."""
    assert meant.rate(written) == meant.duration(written) == meant.deadline(written) == meant.unmet(written) == ""
