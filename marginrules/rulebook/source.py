# SPDX-License-Identifier: Apache-2.0
"""Bytes to text: size, encoding, and no character that an officer cannot see as the machine reads it."""

from __future__ import annotations

import re
import unicodedata

from marginrules.limits import RULEBOOK_BYTES_MAX
from marginrules.rulebook.diagnostic import Place, Sink

# Everything but printable text, line feed and carriage return before it; format characters include the bidirectional ones.
_SUSPECT = re.compile(r"[^\n\x20-\x7e]")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_REPORTS_MAX = 20


def read_source(content: bytes, file: str) -> tuple[str, Sink]:
    """
    Decode a rulebook and refuse what must not be in one.

    Returns:
        The text, empty where it cannot be read at all, and the sink with what was found.
    """
    sink = Sink(file, [])
    if len(content) > RULEBOOK_BYTES_MAX:
        sink.add(
            "MR-R101", Place(1, 1), f"rulebook was {len(content):,} bytes; at most {RULEBOOK_BYTES_MAX:,} are read"
        )
        return "", sink
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        sink.add(
            "MR-R104", Place(line, column), f"byte 0x{content[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        )
        return "", sink
    text = text.replace("\r\n", "\n")
    sink.lines = text.split("\n")
    for match in _SUSPECT.finditer(text):
        char = match[0]
        if unicodedata.category(char) not in _FORBIDDEN_CATEGORIES:
            continue
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        name = "tab" if char == "\t" else unicodedata.name(char, f"control character 0x{ord(char):02x}")
        sink.add(
            "MR-R105", Place(line, column), f"{name} (U+{ord(char):04X}) is not allowed in a rulebook", "delete it"
        )
        if len(sink.found) >= _REPORTS_MAX:
            break
    # Text that hides something is not parsed: what would be reported need not be what is seen.
    return ("" if sink.found else text), sink
