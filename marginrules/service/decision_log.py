# SPDX-License-Identifier: Apache-2.0
"""
A file of decisions, one JSON object a line, each with everything it was made from.

The text of a rulebook stands in the first line that names it after the file was opened. What was acknowledged is in the
journal; this file is for those who want to see, replay or explain every answer that was given from memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from marginrules.errors import InputError

Data = dict[str, Any]


class DecisionLog:
    """Append decisions to a file; one writer at a time."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8")
        self._known: set[str] = set()

    def write(self, record: Data) -> None:
        """Append one record as a line."""
        for name in ("rulebook", "pinned"):
            given = record[name]
            if given is not None and given["digest"] in self._known:
                record = record | {name: {key: value for key, value in given.items() if key != "text"}}
            elif given is not None:
                self._known.add(given["digest"])
        self._file.write(json.dumps(record, allow_nan=False, separators=(",", ":"), ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _decoded(lines: Iterable[str]) -> Iterator[str]:
    try:
        yield from lines
    except UnicodeDecodeError:
        raise InputError("MR-I102", "the file is not UTF-8", "give a file that `serve --decisions` wrote") from None


def read_decisions(lines: Iterable[str], texts: dict[str, str]) -> Iterator[tuple[int, Data]]:
    """
    Yield (line number, record) of a file of decisions.

    Args:
        texts: takes the text of each rulebook by its digest, as it is met.

    Raises:
        InputError: a line is no record; a last line without its end is one that was being written, and is left out.
    """
    for number, line in enumerate(_decoded(lines), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            if not line.endswith("\n"):
                return
            raise InputError("MR-I102", f"line {number} is not JSON", "each line is one decision") from None
        if not isinstance(record, dict) or "record" not in record:
            raise InputError("MR-I103", f"line {number} is no decision", "each line is one, with the key `record`")
        for name in ("rulebook", "pinned"):
            given = record.get(name)
            if isinstance(given, dict) and "text" in given and "digest" in given:
                texts[given["digest"]] = given["text"]
        yield number, record
