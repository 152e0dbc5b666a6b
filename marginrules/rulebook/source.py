# SPDX-License-Identifier: Apache-2.0
"""Bytes to text: size, encoding, and no character that an officer cannot see as the machine reads it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from marginrules.limits import RULEBOOK_BYTES_MAX
from marginrules.rulebook.diagnostic import Place, Sink

# Everything but printable ASCII and line feeds is looked at; format characters include the bidirectional ones.
_SUSPECT = re.compile(r"[^\n\x20-\x7e]")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_REPORTS_MAX = 20
_SPECIAL = {
    "\t": ("tab", "indent with spaces"),
    "\r": ("carriage return", "end lines with a line feed"),
    "\ufeff": ("byte order mark", "save the file as UTF-8 without one"),
}


def read_source(content: bytes, file: str) -> tuple[str, Sink]:
    """
    Decode a rulebook and refuse what must not be in one.

    Returns:
        The text, empty where it cannot be read at all, and the sink with what was found.
    """
    sink = Sink(file, [])
    if len(content) > RULEBOOK_BYTES_MAX:
        message = f"rulebook was {len(content):,} bytes; at most {RULEBOOK_BYTES_MAX:,} are read"
        sink.add("MR-R101", Place(1, 1), message, "split it, or let one override name several accounts")
        return "", sink
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        sink.lines = content.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
        place = _place(content[: error.start].decode("utf-8"), error.start)
        sink.add("MR-R104", place, f"byte 0x{content[error.start]:02x} is not UTF-8", "save the file as UTF-8")
        return "", sink
    text = text.replace("\r\n", "\n")
    sink.lines = text.split("\n")
    for at, name, hint in hidden(text):
        sink.add("MR-R105", _place(text, at), f"{name} is not allowed in a rulebook", hint)
        if len(sink.found) >= _REPORTS_MAX:
            break
    # Text that hides something is not parsed: what would be reported need not be what is seen.
    return ("" if sink.found else text), sink


def hidden(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (index, name, hint) of each character that cannot be seen, or changes how its neighbours are seen."""
    for match in _SUSPECT.finditer(text):
        char = match[0]
        if unicodedata.category(char) in _FORBIDDEN_CATEGORIES:
            name, hint = _SPECIAL.get(char, (unicodedata.name(char, "control character"), "delete it"))
            yield match.start(), f"{name} (U+{ord(char):04X})", hint


def _place(text: str, at: int) -> Place:
    return Place(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
