# SPDX-License-Identifier: Apache-2.0
"""A caret stands under the part of a formula that is wrong, in whatever style the YAML is written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.formula.text import FormulaText
from tests.rulebook.formula import reading

STYLES = {
    "plain": ("initial: total(notional) + wrong", Place(1, 28, 5)),
    "single quotes": ("initial: 'total(notional) + wrong'", Place(1, 29, 5)),
    "double quotes": ('initial: "total(notional) + wrong"', Place(1, 29, 5)),
    "flow mapping": ("{maintenance: 0, initial: total(notional) + wrong}", Place(1, 45, 5)),
    "literal block": ("initial: |\n  total(notional)\n    + wrong\n", Place(3, 7, 5)),
    "folded block": ("initial: >-\n\n  total(notional)\n\n  + wrong\n", Place(5, 5, 5)),
    "block with comment": ("initial: >  # why\n  total(notional) + wrong\n", Place(2, 21, 5)),
    "plain over lines": ("initial:\n  total(notional)\n  + wrong\n", Place(3, 5, 5)),
    "quoted over lines": ('initial: "total(notional)\n   + wrong"', Place(2, 6, 5)),
    "escaped line break": ('initial: "total(notional) \\\n   + wrong"', Place(2, 6, 5)),
    "escapes": ('initial: "\\x74otal(\\u006eotional)\\x20+\\ wrong"', Place(1, 41, 5)),
    "tight": ("initial: total(notional)+wrong", Place(1, 26, 5)),
}


@pytest.mark.parametrize("style", STYLES)
def test_caret_stands_under_the_mistake(style: str) -> None:
    """The unknown name is underlined where it stands."""
    text, place = STYLES[style]
    _, found = reading.portfolio(text)
    assert [(one.code, one.place) for one in found] == [("MR-R402", place)]
    if style != "escapes":
        assert found[0].source[place.column - 1 :][: place.width] == "wrong"


def test_doubled_quotes_are_counted() -> None:
    """Quotes that stand twice in single quotes move nothing behind them."""
    _, found = reading.portfolio("initial: '5 USDT '' 3'")
    assert [(one.code, one.place) for one in found] == [("MR-R401", Place(1, 18, 1))]


def test_part_over_two_lines_is_shown_on_the_first() -> None:
    """A part that goes on in the next line is underlined up to the end of its first line."""
    _, found = reading.portfolio("initial: |\n  total(mark +\n    mark)\n")
    assert found[0].place == Place(2, 3, 12)


def test_formula_that_is_nowhere_in_its_line_has_a_place() -> None:
    """A value that the rulebook does not show, such as that of an alias, is reported where it stands."""
    sink, _, values = reading.scalars("initial: x")
    values["initial"].text = "total(notional) + wrong"
    formula = FormulaText(sink, values["initial"])
    assert formula.place(18, 23).line == 1
    assert FormulaText(Sink("x", []), values["initial"]).place(18, 23) == values["initial"].place


STYLED = st.sampled_from(("initial: {}", "initial: '{}'", 'initial: "{}"', "initial: |\n   {}\n", "initial: >\n  {}\n"))


@given(
    STYLED, st.lists(st.sampled_from(("total(value)", "+", "\n  ", " ", "*", "(", ")", "5%", "wrong", "'")), max_size=9)
)
@example("initial: >\n  {}\n", ["wrong", "\n  ", "\n  ", "wrong"])
def test_places_lie_inside_their_lines(style: str, parts: list[str]) -> None:
    """Whatever is wrong, a caret stands under something, or just behind the line."""
    text = style.format(" ".join(parts)) if "'" not in style else style.format("".join(parts).replace("'", "''"))
    try:
        _, found = reading.portfolio(text)
    except (AssertionError, KeyError):
        return  # not YAML
    lines = text.split("\n")
    for one in found:
        assert one.place.column + one.place.width - 1 <= len(lines[one.place.line - 1]) + 1
        assert one.source == lines[one.place.line - 1]
