# SPDX-License-Identifier: Apache-2.0
"""The shorthand of series: each form, exact arithmetic, and everything else refused at its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginrules.authoring.cases.series import read_series
from marginrules.limits import CASE_POINTS_MAX
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.parse import Scalar, Sequence

PLACE = Place(3, 11, 5)


def expand(text: str) -> list[float | None]:
    """Read a series that is written without a mistake."""
    sink = Sink("cases.yaml", [])
    values = read_series(sink, Scalar(text, PLACE))
    assert not sink.found
    return list(values or ())


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("100", [100]),
        ("100x2", [100, 100, 100]),
        ("100+10x3", [100, 110, 120, 130]),
        ("50_000-500x2", [50_000, 49_500, 49_000]),
        ("100*0.9x2", [100, 90, 81]),
        ("100*90%x2", [100, 90, 81]),
        ("160%-5%x2", [1.6, 1.55, 1.5]),
        ("-5+2x3", [-5, -3, -1, 1]),
        ("1 2  3", [1, 2, 3]),
        ("5 _ 6", [5, None, 6]),
        ("_x2", [None, None, None]),
        ("0.1+0.1x9", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
    ],
)
def test_forms(text: str, values: list[float | None]) -> None:
    """Each form gives what its line in the module says; ten tenths are one."""
    assert expand(text) == values


def test_lists_and_words_mix() -> None:
    """A list is the same as its words with spaces between them."""
    sink = Sink("cases.yaml", [])
    nodes = Sequence([Scalar("1+1x2", PLACE), Scalar("_", PLACE), Scalar("7 8", PLACE)], PLACE)
    assert read_series(sink, nodes) == (1.0, 2.0, 3.0, None, 7.0, 8.0)


@pytest.mark.parametrize(
    "text", ["x3", "1+2", "1-x3", "1e5", "nan", "1+1x-3", "1**2x3", "_+1x2", "1/2x3", "1x", "٣", "--1"]
)
def test_what_is_no_series_is_refused(text: str) -> None:
    """What has no such form is reported with how to write it, at the word itself."""
    sink = Sink("cases.yaml", [])
    assert read_series(sink, Scalar(f"100 {text}", PLACE)) is None
    (found,) = sink.found
    assert found.code == "MR-R350"
    assert found.place.column == PLACE.column + 4
    assert "100+10x5" in found.hint


def test_length_is_bounded() -> None:
    """A series has so many points and no more, however it is written."""
    for text in (f"1x{CASE_POINTS_MAX}", "1+1x99999", "_x99999", "1x5000 1x5000"):
        sink = Sink("cases.yaml", [])
        read_series(sink, Scalar(text, PLACE))
        assert [one.code for one in sink.found] == ["MR-R308"]
    assert len(expand(f"1x{CASE_POINTS_MAX - 1}")) == CASE_POINTS_MAX


@given(st.decimals(-(10**9), 10**9, places=4), st.decimals(0, 10**6, places=4), st.integers(0, 50))
def test_steps_are_exact(first: object, change: object, more: int) -> None:
    """The last value is the first and so many changes, without a double's noise on the way."""
    up = expand(f"{first:f}+{change:f}x{more}")
    down = expand(f"{first:f}-{change:f}x{more}")
    assert up[-1] == float(first + more * change)  # type: ignore[operator]
    assert down[-1] == float(first - more * change)  # type: ignore[operator]
    assert len(up) == len(down) == more + 1
