# SPDX-License-Identifier: Apache-2.0
"""Histories: what rows hold of series that have times of their own, how they are moved, and how they are read."""

from __future__ import annotations

import json
import math
from array import array
from pathlib import Path

import pytest

from marginrules.authoring.impact import History, history_of, history_of_journal, moved_to, read_history
from marginrules.authoring.impact.history import limited
from marginrules.errors import InputError
from marginrules.journal import Entry
from marginrules.rulebook import load
from marginrules.units import DAY_NS, SECOND_NS, parse_date_ns
from tests.authoring.impact.worlds import MINUTE_NS, program_of

NAN = math.nan


def columns_of(history: History) -> dict[str, list[float | None]]:
    """Return the values of each column, None where there is none."""
    return {
        f"{name} {field}".strip(): [None if math.isnan(one) else one for one in history.column(name, field)]
        for name, field in history.columns
    }


def test_values_stand_for_later_rows_for_a_while() -> None:
    """Four times the usual distance, or as long as was said; what was before the first value is unknown."""
    series = {("A", ""): ([10, 20, 30, 100], [1.0, 2.0, 3.0, 4.0]), ("B", ""): ([5, 65], [8.0, 9.0])}
    found = history_of(series)
    assert list(found.times_ns) == [5, 10, 20, 30, 65, 100]
    assert columns_of(found) == {"A": [None, 1.0, 2.0, 3.0, 3.0, 4.0], "B": [8.0, 8.0, 8.0, 8.0, 9.0, 9.0]}
    held = history_of(series, hold_ns=0)
    assert columns_of(held) == {"A": [None, 1.0, 2.0, 3.0, None, 4.0], "B": [8.0, None, None, None, 9.0, None]}
    grid = history_of(series, times_ns=[20, 40, 80])
    assert columns_of(grid) == {"A": [2.0, 3.0, None], "B": [8.0, 8.0, 9.0]}


def test_moves_begin_where_the_market_is() -> None:
    """Each price begins at its present mark; what has no history follows its underlying; fields that are prices too."""
    columns = (("A-PERP", ""), ("A-PERP", "index"), ("A-PERP", "volatility"), ("BTC", ""))
    history = History(array("q", [1, 2]), columns, array("d", [100.0, 101.0, 0.5, NAN, 110.0, 99.0, 0.6, 20.0]))
    moved = moved_to(history, {"A-PERP": 50.0, "BTC-FUT": 6.0, "C": 1.0}, {"BTC-FUT": "BTC", "C": "C"})
    assert columns_of(moved) == {
        "A-PERP": [50.0, 55.0],
        "A-PERP index": [50.5, 49.5],
        "A-PERP volatility": [0.5, 0.6],
        "BTC-FUT": [None, 6.0],
    }


def test_fields_move_no_faster_than_the_rulebook_lets_them() -> None:
    """The value in use follows what is published, as in the service."""
    text = program_of().text.decode()
    limits = "{max_age: 10s, limits: {volatility: {rise: 10%, fall: 10%, per: 1m}}}"
    program = load(text.replace("{max_age: 10s}", limits).encode(), "limited.yaml")
    columns = (("A-PERP", ""), ("A-PERP", "volatility"))
    times = array("q", [MINUTE_NS * row for row in range(1, 5)])
    history = History(times, columns, array("d", [100.0, 0.5, 100.0, 0.7, 100.0, NAN, 100.0, 0.1]))
    assert limited(history, program_of()) is history
    used = columns_of(limited(history, program))["A-PERP volatility"]
    assert used == [0.5, pytest.approx(0.55), None, pytest.approx(0.55 * 0.81)]


def test_digest_is_of_everything() -> None:
    """Times, names and values all count."""
    base = History(array("q", [1]), (("A", ""),), array("d", [1.0]))
    others = [
        History(array("q", [2]), (("A", ""),), array("d", [1.0])),
        History(array("q", [1]), (("B", ""),), array("d", [1.0])),
        History(array("q", [1]), (("A", ""),), array("d", [2.0])),
    ]
    assert base.digest not in {one.digest for one in others}
    assert base.digest == History(array("q", [1]), (("A", ""),), array("d", [1.0])).digest


def test_files_are_read_in_three_ways(tmp_path: Path) -> None:
    """Bars, long tables and wide tables, each with its own way to write time."""
    bars, long, wide = tmp_path / "spy.csv", tmp_path / "long.csv", tmp_path / "wide.csv"
    bars.write_text("date,open,high,low,close,volume\n2020-03-12,1,3,1,2,99\n2020-03-13,2,4,2,3,99\n")
    long.write_text(
        "timestamp,symbol,price,volatility\n2020-03-12T00:00:00Z,A-PERP,10,0.5\n"
        "2020-03-12 00:00:00,B-PERP,20,\n\n2020-03-13T00:00:00+00:00,A-PERP,11,0.6\n"
    )
    wide.write_text(f"time_ns,C,D\n{parse_date_ns('2020-03-12')},5,\n{parse_date_ns('2020-03-13')},6,7\n")
    found = read_history([f"SPY={bars}", long, wide], hold_ns=0)
    assert list(found.times_ns) == [parse_date_ns("2020-03-12"), parse_date_ns("2020-03-13")]
    assert columns_of(found) == {
        "A-PERP": [10.0, 11.0],
        "A-PERP volatility": [0.5, 0.6],
        "B-PERP": [20.0, None],
        "C": [5.0, 6.0],
        "D": [None, 7.0],
        "SPY": [2.0, 3.0],
    }
    assert read_history([bars]).names == {"spy"}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("open,close\n1,2\n", "MR-I103", "no column of times"),
        ("date,close\n2020-03-12,1,2\n", "MR-I110", ":2 had 3 cells"),
        ("date,close\n12.3.2020,1\n", "MR-I110", ":2: time was '12.3.2020'"),
        ("date,close\n2020-03-12,x\n", "MR-I110", ":2 close was 'x'"),
        ("date,close\n2020-03-12,nan\n", "MR-I102", ":2 close was nan"),
        ("date,close\n2020-03-12,-1\n", "MR-I102", ":2 close was -1"),
        ("date,close\n2020-03-12,1\n2020-03-12,1\n", "MR-I119", "did not rise"),
        ("date,close\n", "MR-I103", "no prices"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(text: str, code: str, said: str, tmp_path: Path) -> None:
    """The line and what stands there."""
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as refused:
        read_history([path])
    assert refused.value.code == code
    with pytest.raises(InputError, match="could not be read"):
        read_history([tmp_path / "missing.csv"])


def entry(seq: int, time_ns: int, kind: str, prices: list[dict[str, object]]) -> Entry:
    """Return a journal's entry as the service writes it."""
    body = json.dumps({"do": {"sequence": seq, "prices": prices}}).encode()
    return Entry(seq, time_ns, kind, "", 0, body, b"")


def test_a_journal_gives_the_prices_it_recorded() -> None:
    """By the minute, the last of each; or every update; within the times that are asked for."""
    entries = [
        entry(1, 10 * SECOND_NS, "prices", [{"name": "A", "price": 1.0, "time_ns": 9 * SECOND_NS}]),
        entry(
            2, 50 * SECOND_NS, "prices", [{"name": "A", "price": 2, "time_ns": 50 * SECOND_NS, "open_interest": 7.0}]
        ),
        entry(3, 51 * SECOND_NS, "accounts", []),
        entry(
            4,
            65 * SECOND_NS,
            "prices",
            [{"name": "B", "price": 3.0, "time_ns": 65 * SECOND_NS, "fields": {"index": 4.0}}],
        ),
        entry(5, 130 * SECOND_NS, "prices", [{"name": "A", "price": 5.0, "time_ns": 130 * SECOND_NS}]),
    ]
    found = history_of_journal(entries, hold_ns=MINUTE_NS)
    assert [one // SECOND_NS for one in found.times_ns] == [60, 120, 180]
    assert columns_of(found) == {
        "A": [2.0, 2.0, 5.0],
        "A open_interest": [7.0, 7.0, None],
        "B": [None, 3.0, 3.0],
        "B index": [None, 4.0, 4.0],
    }
    assert len(history_of_journal(entries, every_ns=0)) == 4
    assert list(history_of_journal(entries, 0, from_ns=60 * SECOND_NS, to_ns=100 * SECOND_NS).names) == ["B"]
    with pytest.raises(InputError, match="no price updates"):
        history_of_journal(entries, from_ns=DAY_NS)
