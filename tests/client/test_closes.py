# SPDX-License-Identifier: Apache-2.0
"""Closing prices from CSV: what is read, and that nothing that cannot be read is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marginrules.client.closes import in_batches, read_closes
from marginrules.errors import InputError
from marginrules.limits import BATCH_ITEMS_MAX
from marginrules.model import CloseSeries
from marginrules.units import DAY_NS


def read(text: str, column: str = "close") -> CloseSeries:
    """Read CSV."""
    return read_closes(text.splitlines(keepends=True), "SPY", column)


def test_columns_and_rows_in_any_order() -> None:
    """Columns are found by name, whatever their case and place; rows are sorted by time."""
    expected = CloseSeries("SPY", (DAY_NS, 2 * DAY_NS), (97.36, 97.75))
    assert read("date,open,close\n1970-01-02,1,97.36\n1970-01-03,1,97.75\n") == expected
    assert read(' Close ,DATE\r\n"97.75",1970-01-03\r\n97.36, 1970-01-02\r\n\r\n') == expected
    assert read("date,settle,close\n1970-01-02T00:00:00Z,97.36,0\n1970-01-03,97.75,0\n", "Settle") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "column 'date' was missing"),
        ("date,open\n1970-01-02,1\n", "column 'close' was missing"),
        ("date,close\n", "closes were missing"),
        ("date,close\n1970-01-02\n", "line 2 had 1 columns"),
        ("date,close\n1970-01-02,1\n02/01/1970,1\n", "line 3: date was '02/01/1970'"),
        ("date,close\n1970-01-02,1\n1970-01-02,1\n", "line 3 had the time of a line before"),
        *(
            (f"date,close\n1970-01-02,{text}\n", f"line 2: close was '{text}'")
            for text in ("", "nan", "inf", "-1", "0", "1_000", "1e999", "x")
        ),
    ],
)
def test_what_cannot_be_read_is_told(text: str, said: str) -> None:
    """A column, row, date or close that is missing or wrong refuses the file, naming the line."""
    with pytest.raises(InputError, match=said):
        read(text)


def test_bytes_that_are_no_text_are_told() -> None:
    """A file in another encoding, or with a quote that never ends, is refused and not half read."""

    def lines() -> Iterator[str]:
        yield "date,close\n"
        yield b"\xff".decode()

    with pytest.raises(InputError, match="could not be read"):
        read_closes(lines(), "SPY")
    with pytest.raises(InputError):
        read('date,close\n"' + "x" * 200_000)


def test_long_series_come_in_batches() -> None:
    """A series is cut into parts of one request each, and nothing is lost."""
    count = 2 * BATCH_ITEMS_MAX + 1
    series = CloseSeries("SPY", tuple(range(count)), tuple(float(k + 1) for k in range(count)))
    parts = list(in_batches(series))
    assert [len(one.closes) for one in parts] == [BATCH_ITEMS_MAX, BATCH_ITEMS_MAX, 1]
    assert sum((one.closes for one in parts), ()) == series.closes
    assert sum((one.times_ns for one in parts), ()) == series.times_ns
