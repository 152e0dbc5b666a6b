# SPDX-License-Identifier: Apache-2.0
"""
The JSON Schema of rulebooks, made from the vocabulary: completion and hover in any editor with a YAML language server.

Draft 7, which those servers know best. Where a value may be of several kinds, `type` lists them and each kind has its
keywords; there is no `anyOf`, whose messages name every branch but the one that was meant. Editors read plain values
before they see the schema, so that `0.05` is a number to them and `5%` a text. Everything is written out, since a
description beside a `$ref` is not shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marginrules.rulebook.fields import grouped, percent, span
from marginrules.rulebook.vocabulary.book import BOOK
from marginrules.rulebook.vocabulary.kinds import Form, Keys, Names, Range, Shape, Text, Value, Variants

FILE = "rulebook.schema.json"
_NUMBER = r"[+-]?[0-9]+(_[0-9]{3})*(\.[0-9]+)?"
_DURATION = r"(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}"
_VARIABLE = r"[A-Za-z][A-Za-z0-9_]{0,63}"
_ANY = r"[\s\S]*\S[\s\S]*"
# How each form is written, and what an editor says where it is not.
_PATTERNS: Mapping[Form, tuple[str, str]] = {
    "text": (_ANY, "write a text"),
    "name": (_NAME, "letters, digits and _ . : / -, at most 64"),
    "variable": (_VARIABLE, "letters, digits and _, a letter first, at most 64"),
    "pattern": (r"[A-Za-z0-9_.:/*?-]{1,64}", "letters, digits and _ . : / -, with * and ?"),
    "formula": (_ANY, "write a formula"),
    "constant": (_ANY, "write a value, such as 5%, 30d, 100 USD or 0.25"),
    "rate": (f"{_NUMBER} ?(%|bps)?", "write 5%, 250 bps or 0.05"),
    "amount": (_NUMBER, "write 1_000_000 or 0.25"),
    "whole": (r"[+-]?[0-9]+(_[0-9]{3})*(\.0+)?", "write a whole number"),
    "duration": (_DURATION, "write 30s, 15m, 4h or 2d"),
    "moment": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", "write 2026-12-01T00:00:00Z, in UTC"),
    "date": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "write 2026-11-26"),
    "deadline": (
        rf"{_DURATION}|{_CLOCK} (next business day|in [0-9]{{1,2}} business days)",
        "write 4h, `17:00 next business day` or `17:00 in 3 business days`",
    ),
    "unmet": (r"\S+ +unmet", "write `<step> unmet`"),
    "holder": (r"position|pool|portfolio +\S+", "write position, pool or `portfolio <name>`"),
}
_NUMERIC: frozenset[Form] = frozenset(("rate", "amount", "whole", "formula", "constant"))
_TEXTUAL: frozenset[Form] = frozenset(("duration", "moment", "date", "deadline", "unmet", "holder"))


def rulebook_schema() -> dict[str, Any]:
    """Return the schema as plain data."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Rulebook",
        "description": "Margin models and the escalation ladder of a venue, broker or prime broker.",
        **_mapping(BOOK),
    }


def schema_text() -> str:
    """Return the schema as it is written to a file."""
    return json.dumps(rulebook_schema(), indent=1) + "\n"


def modeline(path: str) -> str:
    """Return the line that names the schema to editors; it is the first of a rulebook. Relative to the rulebook."""
    return f"# yaml-language-server: $schema={path}"


def _value(value: Value) -> dict[str, Any]:
    """Return what may stand behind a key; each keyword applies to values of its own type alone."""
    types: list[str] = []
    made: dict[str, Any] = {}
    is_alone = value.mapping is None and value.items is None
    if value.text is not None:
        made |= _text(value.text, is_alone=is_alone)
        types += made.pop("type", [])
    if value.mapping is not None:
        made |= _mapping(value.mapping)
        types.append(made.pop("type"))
    if value.items is not None:
        made["items"] = _value(value.items)
        types.append("array")
    return {**({"type": types[0] if len(types) == 1 else types} if types else {}), **made}


def _text(text: Text, *, is_alone: bool) -> dict[str, Any]:
    if text.form == "word":
        if is_alone:
            return {"enum": list(text.words)}  # with a type beside it, `true` would be wrong twice
        # An enumeration would hold for mappings and lists as well; a pattern is for texts alone.
        return {
            "type": ["string"],
            "pattern": f"^({'|'.join(text.words)})$",
            "patternErrorMessage": f"one of: {', '.join(text.words)}",
            "examples": list(text.words),
        }
    pattern, message = _PATTERNS[text.form]
    made: dict[str, Any] = {"type": _types(text.form)}
    if text.words:
        pattern, message = "|".join((*text.words, pattern)), f"one of {', '.join(text.words)}, or {message}"
        made["examples"] = list(text.words)
    made |= {"pattern": f"^({pattern})$", "patternErrorMessage": message}
    if text.allowed is not None and text.form in _NUMERIC:
        made["exclusiveMinimum" if text.allowed.low_open else "minimum"] = _number(text.allowed.low)
        made["maximum"] = _number(text.allowed.high)
    return made


def _types(form: Form) -> list[str]:
    if form in _TEXTUAL:
        return ["string"]
    if form == "whole":
        return ["string", "integer"]
    # To an editor, a name such as 2026 is a number and one such as true a truth value.
    return ["string", "number"] if form in _NUMERIC else ["string", "number", "boolean"]


def _number(value: Decimal | int) -> float | int:
    return int(value) if value == int(value) else float(value)


def _mapping(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, Names):
        return {"type": "object", "propertyNames": _name_of(shape), "additionalProperties": _value(shape.value)}
    if isinstance(shape, Keys):
        return {"type": "object", **_keys(shape)}
    return {"type": "object", **_variants(shape)}


def _name_of(shape: Names) -> dict[str, Any]:
    pattern, message = _PATTERNS[shape.form]
    return {"pattern": f"^({pattern})$", "patternErrorMessage": message}


def _keys(keys: Keys) -> dict[str, Any]:
    made: dict[str, Any] = {
        "properties": {
            key.name: {"description": _described(key.about, key.value), **_value(key.value)} for key in keys.keys
        },
        "additionalProperties": False,
    }
    if keys.others is not None:
        made["propertyNames"] = _name_of(keys.others)
        made["additionalProperties"] = _value(keys.others.value)
    if keys.required:
        made["required"] = list(keys.required)
    return made


def _variants(shape: Variants) -> dict[str, Any]:
    """Return one schema for each word, so that a mapping is judged by the one it chose and by no other."""
    keys = next(iter(shape.of.values()))[shape.by]
    made: dict[str, Any] = {
        "properties": {shape.by: {"description": keys.about, "enum": list(shape.of)}},
        "required": [shape.by],
    }
    for word, one in reversed(list(shape.of.items())):
        chosen = {"required": [shape.by], "properties": {shape.by: {"const": word}}}
        made = {"if": chosen, "then": _keys(one), "else": made}
    return made


def _described(about: str, value: Value) -> str:
    """Return what is shown on hover: what the key means, and which values it takes."""
    text = value.text
    if text is None:
        return about
    if text.form == "word":
        return f"{about} One of: {', '.join(text.words)}."
    return f"{about} {_range_words(text.form, text.allowed)}".rstrip()


def _range_words(form: Form, allowed: Range | None) -> str:
    if allowed is None:
        return ""
    write = {"rate": percent, "duration": span, "deadline": span}.get(form, grouped)
    words = allowed.words(write)
    return f"{words[0].upper()}{words[1:]}."
