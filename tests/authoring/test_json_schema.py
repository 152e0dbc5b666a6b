# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of rulebooks: it accepts what the reader accepts, and says of a mistake one thing, at its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from marginrules import units
from marginrules.authoring.json_schema import modeline, rulebook_schema, schema_text
from marginrules.rulebook import validate
from tests.rulebook import trees
from tests.rulebook.spelling import every_key, walk

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "rules").glob("*/rulebook.yaml"))
GOOD = sorted((ROOT / "tests/rulebooks/good").glob("*.yaml"))
BAD = sorted((ROOT / "tests/rulebooks/bad").glob("*.yaml"))
SCHEMA = rulebook_schema()
VALIDATOR = Draft7Validator(SCHEMA)
MESSAGE_MAX = 400
_ONLY_THE_READER = {"MR-R305-exponent", "MR-R306-horizon-in-hours"}  # an exponent is a number to an editor
# What a schema cannot tell: these keys are known ones at places that only the reader knows.
_FREE_NAMES = {"MR-R301-misspelt-default", "MR-R301-weight-in-combine"}


def typed(tree: trees.Tree) -> Any:
    """Return a tree with plain values as an editor reads them: numbers, truth values and nothing are no texts."""
    if isinstance(tree, dict):
        return {key: typed(one) for key, one in tree.items()}
    if isinstance(tree, list):
        return [typed(one) for one in tree]
    if re.fullmatch(r"[-+]?[0-9]+", tree):
        return int(tree)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", tree):
        return float(tree)
    words = {"true": True, "false": False, "null": None, "~": None, "": None}
    return words.get(tree.lower(), tree)


def errors_of(text: str) -> list[ValidationError]:
    """Return what the schema says of a text as an editor reads it."""
    return sorted(VALIDATOR.iter_errors(typed(trees.read_tree(text))), key=lambda one: list(map(str, one.path)))


def _subschemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _subschemas(one)


def test_schema_is_a_schema_without_branches() -> None:
    """It is valid draft 7, names no alternatives, refers to nothing, and leaves no mapping open by accident."""
    Draft7Validator.check_schema(SCHEMA)
    keywords = {key for one in _subschemas(SCHEMA) for key in one}
    assert not keywords & {"anyOf", "oneOf", "not", "$ref", "allOf"}
    for one in _subschemas(SCHEMA):
        if one.get("type") == "object" or "object" in (one.get("type") or ()):
            is_chosen = "if" in one
            assert is_chosen or one["additionalProperties"] is False or "propertyNames" in one


def test_every_key_is_described() -> None:
    """Hover has a sentence for every key, and completion knows every key."""
    described = [
        (name, one)
        for part in _subschemas(SCHEMA)
        for name, one in part.get("properties", {}).items()
        if one.keys() != {"const"}
    ]
    assert {name for name, _ in described} == {key for _, key in every_key()}
    for name, one in described:
        assert re.fullmatch(r"[A-Z].*[.]", one["description"]), name


@pytest.mark.parametrize("path", SHIPPED + GOOD, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_good_book_validates(path: Path) -> None:
    """What the reader accepts, the schema accepts, read as texts and as an editor reads it."""
    text = path.read_text(encoding="utf-8")
    assert not errors_of(text)
    assert not list(VALIDATOR.iter_errors(trees.read_tree(text)))


@pytest.mark.parametrize(
    "path",
    [path for path in BAD if path.stem.startswith("MR-R301") and path.stem not in _FREE_NAMES],
    ids=lambda path: path.stem,
)
def test_unknown_key_is_one_short_error_at_its_place(path: Path) -> None:
    """An unknown key is one error of its mapping; besides it stands at most that the key that was meant is missing."""
    text = path.read_text(encoding="utf-8")
    (problem,) = [one for one in validate(path.read_bytes(), path.name) if one.code == "MR-R301"]
    found = errors_of(text)
    (unknown,) = [one for one in found if one.validator == "additionalProperties"]
    missing = [one for one in found if one.validator == "required"]
    assert len(found) == 1 + len(missing) <= 2
    key = problem.source[problem.place.column - 1 :][: problem.place.width]
    assert f"'{key.strip(chr(34))}'" in unknown.message
    assert all(one.path == unknown.path and len(one.message) < MESSAGE_MAX for one in found)


@pytest.mark.parametrize(
    "path",
    [path for path in BAD if path.stem[3:7] in ("R302", "R303", "R304", "R305", "R306", "R310", "R323")],
    ids=lambda path: path.stem,
)
def test_wrong_value_is_at_most_one_error(path: Path) -> None:
    """A missing key, a wrong kind, form or word is one error; what only the reader can tell is none."""
    found = errors_of(path.read_text(encoding="utf-8"))
    assert len(found) <= 1
    if path.stem[3:7] in ("R304", "R305", "R306", "R310") and path.stem not in _ONLY_THE_READER:
        assert len(found) == 1


def test_every_misspelt_key_is_an_error() -> None:
    """Each key of the vocabulary, misspelt wherever it stands in the good books, is an unknown key at its place."""
    met: set[tuple[str, str]] = set()
    for path in GOOD:
        tree = trees.read_tree(path.read_text(encoding="utf-8"))
        for one in walk(path.read_bytes()):
            if one.keys is None:
                continue
            met.add((one.keys.name, one.text))
            if one.keys.others is not None:
                continue  # beside free names, a misspelt key is a name
            mapping: Any = tree
            for part in one.path[:-1]:
                mapping = mapping[part]
            misspelt = {(f"{key}x" if key == one.text else key): value for key, value in mapping.items()}
            part_of = trees.replaced(tree, one.path[:-1], misspelt)
            found = [error for error in VALIDATOR.iter_errors(part_of) if error.validator == "additionalProperties"]
            if one.text == "model":
                found += [error for error in VALIDATOR.iter_errors(part_of) if error.validator == "required"]
            assert [list(error.path) for error in found] == [list(one.path[:-1])], one.path
    assert met == every_key()


@pytest.mark.parametrize(
    ("form", "reads"),
    [
        ("rate", units.parse_rate),
        ("amount", units.parse_number),
        ("duration", units.parse_duration_ns),
        ("moment", units.parse_timestamp_ns),
        ("date", units.parse_date_ns),
    ],
)
def test_forms_are_those_of_the_reader(form: str, reads: Any) -> None:
    """What a pattern accepts the reader reads, and the other way round."""
    from marginrules.authoring.json_schema import _PATTERNS  # noqa: PLC0415 - the only test that looks inside

    pattern = re.compile(_PATTERNS[form][0])  # type: ignore[index]
    rates = ["5%", "5 %", "5  %", "5%%", "250 bps", "250bps", "250 bp", "0.05", "-5%", "+5", " 5%", "", "bps"]
    numbers = ["1_000_000", "1_00", "1e5", ".5", "5.", "1,5", "0"]
    durations = ["4h", "1d12h", "12h1d", "4", "4hr", "h", "30s", "15m"]
    times = ["2026-12-01T00:00:00Z", "2026-12-01", "2026-12-01T00:00:00", "12:00"]
    for text in rates + numbers + durations + times:
        assert bool(pattern.fullmatch(text)) == (reads(text) is not None), text


def test_shipped_schema_is_fresh() -> None:
    """The file in `rules/` is what the vocabulary gives now; `marginrules schema` writes it."""
    kept = (ROOT / "rules/rulebook.schema.json").read_text(encoding="utf-8")
    assert kept == schema_text()
    assert json.loads(kept) == SCHEMA


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_book_names_its_schema(path: Path) -> None:
    """The first line of every book that ships leads an editor to the schema."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert first == modeline("../rulebook.schema.json")
    assert (path.parent / first.partition("=")[2]).resolve() == (ROOT / "rules/rulebook.schema.json").resolve()
