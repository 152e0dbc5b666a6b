# SPDX-License-Identifier: Apache-2.0
"""The canonical layout: the same rulebook, every comment where it belongs, and written once it stays."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from marginrules.authoring.edit import read_tree, set_value, values
from marginrules.authoring.layout import WIDTH, format_text
from marginrules.errors import InputError, RulebookError
from tests.rulebook import trees

ROOT = Path(__file__).parents[2]
BOOKS = sorted((ROOT / "rules").glob("*/rulebook.yaml")) + sorted((ROOT / "tests/rulebooks/good").glob("*.yaml"))
BAD = [
    path
    for path in sorted((ROOT / "tests/rulebooks/bad").glob("*.yaml"))
    if not path.stem.startswith(("MR-R1", "MR-R2", "MR-R303-root", "many")) or path.stem.startswith("MR-R107")
]


def _comments(content: bytes) -> list[str]:
    return read_tree(content.decode())[1]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_rulebook_is_in_the_canonical_layout(path: Path) -> None:
    """The books in `rules/` and the good ones are written as the formatter writes them."""
    content = path.read_bytes()
    assert format_text(content, path.name) == content


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_any_layout_becomes_one_that_stays(path: Path) -> None:
    """However a book is written: formatted, it means the same, keeps its comments, and formatted again it stays."""
    tree = trees.read_tree(path.read_text(encoding="utf-8"))
    content = trees.rewrite_tree(tree, random.Random(path.parent.name))  # noqa: S311 - not a secret
    made = format_text(content, "x")
    assert format_text(made, "x") == made
    assert trees.read_tree(made.decode()) == trees.read_tree(content.decode())
    assert sorted(_comments(made)) == sorted(_comments(content))
    assert b"# a remark" in made


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_comments_stay_in_order(path: Path) -> None:
    """Remarks above and behind every line of a book in canonical layout stay where they are."""
    content = path.read_bytes()
    lines: list[str] = []
    is_block, indent = False, 0
    for index, line in enumerate(content.decode().split("\n")):
        depth = len(line) - len(line.lstrip())
        is_block = is_block and (not line or depth > indent)
        if line and not is_block and not line.lstrip().startswith("#"):
            lines.append(f"{' ' * depth}# above {index}")
            indent = depth + 2 * line.lstrip().startswith("- ")
            is_block = bool(re.search(r"[:-] [|>]-?( #.*)?$", line))
            lines.append(line if " # " in line or is_block else f"{line} # behind {index}")
        else:
            lines.append(line)
    remarked = "\n".join(lines).encode()
    assert format_text(remarked, "x") == remarked


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_rulebook_with_mistakes_can_be_formatted(path: Path) -> None:
    """What is YAML but no sound rulebook is laid out all the same: same values, same comments, and it stays."""
    content = path.read_bytes()
    made = format_text(content, path.name)
    assert format_text(made, path.name) == made
    assert sorted(text for _, text in values(made)) == sorted(text for _, text in values(content))
    assert sorted(_comments(made)) == sorted(_comments(content))


def test_change_of_a_value_changes_one_line_of_the_canonical_text() -> None:
    """A value that is changed and a book that is formatted again differ from the old text in that one line."""
    content = (ROOT / "rules/crypto-derivatives/rulebook.yaml").read_bytes()
    before = content.split(b"\n")
    for at, text in list(values(content))[::7]:
        made = format_text(set_value(content, at, "12.34%" if "%" in text else "abc"), "x").split(b"\n")
        assert len(made) == len(before)
        assert sum(one != other for one, other in zip(before, made, strict=True)) == 1


UNTIDY = """\


# The head of the file.
currency: "USD"     # of everything
rulebook:   'tidy'


# Why this date.
effective: 2026-01-01T00:00:00Z
products:
    # above
    perpetual: {margin: {tiers: [{maintenance: 5%, initial: 10%,
      to: 1_000}, # small
       {initial: 20%, maintenance: 10%}], model: tiers}, match: {kind: perpetual}}
    # at the end of products

collateral: {USD: {haircut: 0%}}
ladders:
  main:
    # mildest first
    steps:
    -  # the only one
       liquidate: all # at once
       below: 100%

       step: "*"
    -
     step: default
     notify: [client,
        desk] # both


     below: 0%
     # below default
    # below steps
# the end
"""

TIDY = """\
# The head of the file.
rulebook: tidy
currency: USD # of everything
# Why this date.
effective: 2026-01-01T00:00:00Z

collateral: {USD: {haircut: 0%}}

products:
  # above
  perpetual:
    match: {kind: perpetual}
    margin:
      model: tiers
      tiers:
        - {to: 1_000, initial: 10%, maintenance: 5%} # small
        - {initial: 20%, maintenance: 10%}
  # at the end of products

ladders:
  main:
    # mildest first
    steps:
      # the only one
      - step: "*"
        below: 100%
        liquidate: all # at once
      - step: default
        below: 0%
        notify: [client, desk] # both
        # below default
      # below steps
# the end
"""


def test_untidy_text_becomes_tidy() -> None:
    """Order, indentation, quotes, blank lines and comments come out as the page of the layout says."""
    assert format_text(UNTIDY.encode(), "x").decode() == TIDY


def test_line_that_does_not_fit_is_written_out() -> None:
    """A mapping in braces stays on its line up to the width, and is written line by line beyond it."""
    fits = "ladders:\n  main: {steps: [" + "x" * (WIDTH - 19) + "]}\n"
    assert len(fits.split("\n")[1]) == WIDTH
    assert format_text(fits.encode(), "x").decode() == fits
    longer = format_text(fits.replace("xx", "xxx", 1).encode(), "x").decode()
    assert longer == f"ladders:\n  main:\n    steps: [{'x' * (WIDTH - 18)}]\n"


def test_line_ends_become_line_feeds() -> None:
    """A text with carriage returns is written with line feeds, as rulebooks are read."""
    content = BOOKS[0].read_bytes()
    assert format_text(content.replace(b"\n", b"\r\n"), "x") == content


@pytest.mark.parametrize("text", ["a: [1\n", "a: &b 1\nc: *b\n", "a: 1\na: 2\n", "- 1\n", "", "a: 1\n--- \nb: 1\n"])
def test_text_that_is_no_rulebook_is_refused(text: str) -> None:
    """What cannot be read is not written."""
    with pytest.raises(RulebookError):
        format_text(text.encode(), "x")


def _outcome(content: bytes) -> bytes | None:
    try:
        return format_text(content, "x")
    except (RulebookError, InputError):
        return None


def test_mutated_text_is_formatted_or_refused() -> None:
    """Whatever is done to a text: it is laid out to stay, or refused; it never comes out as another one."""
    chance = random.Random(2026)  # noqa: S311 - not a secret
    junk = ["", " ", "\n", ":", "- ", "#", "{", "}", "[", "]", '"', "'", "|", ">", "? ", "%", ",", "é", "\n\n", " # x"]
    done = 0
    for path in BOOKS * 3:
        text = path.read_text(encoding="utf-8")[:1_500]
        for _ in range(2):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(junk) + text[at + chance.randrange(3) :]
        made = _outcome(text.encode())
        if made is not None:
            assert format_text(made, "x") == made
            done += 1
    assert done > 20
