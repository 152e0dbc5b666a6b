# SPDX-License-Identifier: Apache-2.0
"""Edits of rulebook texts: a change of one value changes one line, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from marginrules.authoring.edit import set_value, spell, values
from marginrules.errors import InputError, RulebookError
from marginrules.rulebook import load
from tests.rulebook.trees import read_tree, replaced, scalars

ROOT = Path(__file__).parents[2]
BOOKS = sorted((ROOT / "rules").glob("*/rulebook.yaml")) + sorted((ROOT / "tests/rulebooks/good").glob("*.yaml"))
BOOK = (ROOT / "rules/crypto-derivatives/rulebook.yaml").read_bytes()
READ_AGAIN = 5  # values of each book after whose change the whole text is read again


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.parametrize("text", ["12.34%", "a, b: [c] # d"], ids=["plain", "quoted"])
def test_change_of_one_value_changes_one_line(path: Path, text: str) -> None:
    """Whatever value is changed: one line differs, the value is the new one, and every other value is as it was."""
    content = path.read_bytes()
    lines = content.decode().split("\n")
    tree = read_tree(content.decode())
    known = list(scalars(tree))
    for index, ((at, old), (place, same)) in enumerate(zip(values(content), known, strict=True)):
        assert old == same
        made = set_value(content, at, text)
        changed = made.decode().split("\n")
        if len(changed) == len(lines):
            assert sum(one != other for one, other in zip(lines, changed, strict=True)) == 1
        else:
            # A value on several lines becomes one on one line; those around it stay.
            gone = len(lines) - len(changed)
            first = next(at for at, one in enumerate(lines) if one != changed[at])
            assert gone >= 1
            assert lines[first + gone + 1 :] == changed[first + 1 :]
            assert " " in old
        if index % max(1, len(known) // READ_AGAIN) == 0:
            assert read_tree(made.decode()) == replaced(tree, place, text)


def test_value_is_addressed_by_names_and_numbers() -> None:
    """Steps are found by their names, tiers by their numbers; both give what an officer would point at."""
    made = set_value(BOOK, ("ladders", "perpetuals", "steps", "warning", "below"), "145%")
    assert b"- {step: warning, below: 145%, clear: 155%, notify: [client]}" in made
    made = set_value(made, ("products", "btc_perpetual", "margin", "tiers", 1, "to"), "2_500_000")
    assert b"- {to: 2_500_000, initial: 1.0%, maintenance: 0.5%}" in made
    made = set_value(made, ("overrides", 1, "ladder", "initial_call", "deadline"), "12h")
    assert b"initial_call: {deadline: 12h}" in made
    assert made.count(b"\n") == BOOK.count(b"\n")
    assert load(made, "x").digest != load(BOOK, "x").digest


def test_same_value_changes_nothing() -> None:
    """A value that is given as it already is leaves the text byte by byte, whatever its quotes."""
    for at, text in values(BOOK):
        assert set_value(BOOK, at, text) is BOOK


def test_line_ends_stay() -> None:
    """A text with carriage returns keeps them."""
    content = BOOK.replace(b"\n", b"\r\n")
    made = set_value(content, ("currency",), "USDC")
    assert made == BOOK.replace(b"currency: USDT", b"currency: USDC").replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("content", "path", "text", "made"),
    [
        (b"a:\nb: 1\n", ("a",), "5%", b"a: 5%\nb: 1\n"),
        (b"a: |\n  x\n  y\n\nb: 1\n", ("a",), "5%", b"a: 5%\n\nb: 1\n"),
        (b"a: x\n  y # why\nb: 1\n", ("a",), "5%", b"a: 5% # why\nb: 1\n"),
        (b"a: 'x' # why\n", ("a",), 'it\'s "so"', b'a: it\'s "so" # why\n'),
        (b"a: [1, 2]\n", ("a", 1), "*", b'a: [1, "*"]\n'),
        (b"a: 1\n", ("a",), "two\nlines", b'a: "two\\nlines"\n'),
        (b"a: 1\n", ("a",), "", b'a: ""\n'),
    ],
)
def test_value_is_quoted_where_it_must_be(content: bytes, path: tuple[str | int, ...], text: str, made: bytes) -> None:
    """What is written reads as what was meant: in a line, in brackets, over several lines, where nothing was."""
    assert set_value(content, path, text) == made
    assert dict(values(made))[path] == text


@pytest.mark.parametrize(
    "text", ["5%", "yes", "17:00 next business day", "*-PERP", "a: b", "- a", "#", "'", '"', "a b "]
)
def test_spelling_reads_as_the_value(text: str) -> None:
    """Plain where that is possible, in quotes where not; either way the same value in a line and in brackets."""
    tree = read_tree(f"a: {spell(text, is_flow=False)}\nb: [{spell(text, is_flow=True)}, x]\n")
    assert tree == {"a": text, "b": [text, "x"]}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("ladders", "perpetual"), "did you mean 'perpetuals'?"),
        (("ladders", "perpetuals", "steps", "warnin", "below"), "did you mean 'warning'?"),
        (("ladders", "perpetuals"), "is a mapping, not a single value"),
        (("classes",), "is a list, not a single value"),
        (("classes", 7), "classes has no 7"),
        (("currency", "x"), "currency is a single value and has no 'x'"),
    ],
)
def test_unknown_path_is_refused_with_a_suggestion(path: tuple[str | int, ...], words: str) -> None:
    """A path that leads nowhere, or not to a single value, is refused and says where it went wrong."""
    with pytest.raises(InputError) as refused:
        set_value(BOOK, path, "1")
    assert refused.value.code == "MR-I161"
    assert words in str(refused.value)


def test_text_that_cannot_be_read_is_refused() -> None:
    """What is not YAML is refused with its places, as everywhere."""
    with pytest.raises(RulebookError) as refused:
        set_value(b"a: [1\n", ("a",), "1")
    assert refused.value.diagnostics[0].code == "MR-R201"
