# SPDX-License-Identifier: Apache-2.0
"""
A plan as a file: canonical JSON that holds everything, with the SHA-256 of all the rest of it.

Whoever changes the file by hand is found out; whoever changes the sum too is found out when it is applied, since what
it says is then compared with what its texts say.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from marginrules.authoring.plan.model import Base, Plan, PlannedCount, PlannedImpact
from marginrules.errors import InputError
from marginrules.limits import BULK_REQUEST_BYTES_MAX, REQUEST_BYTES_MAX
from marginrules.rulebook.compare import Change, Comparison, Number, Span

FORMAT = 1
PLAN_BYTES_MAX = BULK_REQUEST_BYTES_MAX - REQUEST_BYTES_MAX  # so that it can be sent
_SUM = "sha256"
_HINT = "make the plan again"


def write_plan(plan: Plan) -> bytes:
    """
    Return the file of a plan; the same bytes for the same plan.

    Raises:
        InputError: it is larger than can be sent.
    """
    data = _data(plan)
    content = _canonical(data | {_SUM: _sum(data)})
    _check_size(content)
    return content


def read_plan(content: bytes) -> Plan:
    """
    Return the plan of a file.

    Raises:
        InputError: it is no plan, is one of another format, or was changed since it was made.
    """
    _check_size(content)
    try:
        data = json.loads(content, parse_constant=_refuse)
        found = data.pop(_SUM)
        if data["format"] != FORMAT:
            raise InputError("MR-I141", f"format of the plan was {data['format']!r}", f"this release reads {FORMAT}")
        if found != _sum(data) or content != _canonical(data | {_SUM: found}):
            raise InputError("MR-I141", "the plan was changed since it was made", _HINT)
        return _plan(data)
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation, RecursionError):
        raise InputError("MR-I141", "the file is no plan", _HINT) from None


def _check_size(content: bytes) -> None:
    if len(content) > PLAN_BYTES_MAX:
        raise InputError("MR-I113", f"the plan was {len(content):,} bytes", f"allowed: at most {PLAN_BYTES_MAX:,}")


def _canonical(data: dict[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def _sum(data: dict[str, Any]) -> str:
    return hashlib.sha256(
        json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    ).hexdigest()


# To plain data and back


def _data(plan: Plan) -> dict[str, Any]:
    base, comparison = plan.base, plan.comparison
    return {
        "format": FORMAT,
        "made_ns": plan.made_ns,
        "base": {
            "name": base.name,
            "revision": base.revision,
            "digest": base.digest,
            "file": base.file,
            "text": base.text.decode(),
        },
        "name": plan.name,
        "file": plan.file,
        "text": plan.text.decode(),
        "digest": plan.digest,
        "verdict": comparison.verdict,
        "changes": [_change_data(one) for one in comparison.changes],
        "text_only": list(comparison.text_only),
        "difference": list(plan.difference),
        "impact": None if plan.impact is None else _impact_data(plan.impact),
    }


def _change_data(one: Change) -> dict[str, Any]:
    return {
        "direction": one.direction,
        "term": one.term,
        "before": one.before,
        "after": one.after,
        "products": list(one.products),
        "profiles": list(one.profiles),
        "ladder": one.ladder,
        "step": one.step,
        "asset": one.asset,
        "spans": [[span.of, number_text(span.low), number_text(span.high)] for span in one.spans],
        "values": [number_text(one.before_value), number_text(one.after_value)],
        "lines": [one.before_line, one.after_line],
    }


def _impact_data(one: PlannedImpact) -> dict[str, Any]:
    return {
        "now": [[count.what, count.before, count.after] for count in one.now],
        "past": [[count.what, count.before, count.after] for count in one.past],
        "largest": list(one.largest),
        "told": list(one.told),
        "since_ns": one.since_ns,
        "until_ns": one.until_ns,
        "digest": one.digest,
    }


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of a plan")


def _typed(kind: type, *values: Any) -> None:
    """Refuse values of another kind: whoever makes a sum over a file may have put anything into it."""
    for value in values:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")


def _plan(data: dict[str, Any]) -> Plan:
    base = data["base"]
    _typed(str, base["name"], base["digest"], base["file"], base["text"])
    _typed(str, data["name"], data["file"], data["text"], data["digest"], data["verdict"])
    _typed(str, *data["text_only"], *data["difference"])
    _typed(int, base["revision"], data["made_ns"])
    comparison = Comparison(
        data["verdict"],
        tuple(_change(one) for one in data["changes"]),
        tuple(data["text_only"]),
        base["digest"],
        data["digest"],
    )
    return Plan(
        base=Base(base["name"], base["revision"], base["digest"], base["file"], base["text"].encode()),
        name=data["name"],
        file=data["file"],
        text=data["text"].encode(),
        digest=data["digest"],
        comparison=comparison,
        difference=tuple(data["difference"]),
        impact=None if data["impact"] is None else _impact(data["impact"]),
        made_ns=data["made_ns"],
    )


def _change(data: dict[str, Any]) -> Change:
    _typed(str, *(data[key] for key in ("direction", "term", "before", "after", "ladder", "step", "asset")))
    _typed(str, *data["products"], *data["profiles"], *(of for of, _, _ in data["spans"]))
    _typed(int, *data["lines"])
    before_value, after_value = (number_of(one) for one in data["values"])
    return Change(
        data["direction"],
        data["term"],
        data["before"],
        data["after"],
        tuple(data["products"]),
        tuple(data["profiles"]),
        data["ladder"],
        data["step"],
        data["asset"],
        tuple(Span(of, number_of(low), number_of(high)) for of, low, high in data["spans"]),
        before_value,
        after_value,
        *data["lines"],
    )


def _impact(data: dict[str, Any]) -> PlannedImpact:
    return PlannedImpact(
        tuple(PlannedCount(*one) for one in data["now"]),
        tuple(PlannedCount(*one) for one in data["past"]),
        tuple(data["largest"]),
        tuple(data["told"]),
        data["since_ns"],
        data["until_ns"],
        data["digest"],
    )


def number_text(value: Number | None) -> str:
    """Write a number exactly: `3600000000000`, `1.2` or `2/3`; "" for none."""
    if value is None:
        return ""
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return format(value, "f") + ("" if "." in format(value, "f") else ".") if isinstance(value, Decimal) else str(value)


def number_of(text: str) -> Number | None:
    """Read what `number_text` writes."""
    if not text:
        return None
    if "/" in text:
        return Fraction(text)
    return Decimal(text) if "." in text else int(text)
