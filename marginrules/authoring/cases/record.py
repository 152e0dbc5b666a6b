# SPDX-License-Identifier: Apache-2.0
"""
A case made of a real decision: everything it was made from, and what was decided as what is expected.

The case is run before it is handed out, and what it cannot show, such as an open call under an older rulebook, is left
out and said in a comment. Times are cut to the second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marginrules.authoring.cases.read import read_cases
from marginrules.authoring.cases.run import run_case
from marginrules.codes import Reason, Restriction
from marginrules.errors import InputError
from marginrules.escalation.state import ActiveStep, Call, LadderState
from marginrules.rulebook import Program
from marginrules.service.record import Data, restore
from marginrules.terms import Ladder
from marginrules.units import SECOND_NS, format_duration, format_number, format_time

_PLAIN = re.compile(
    r"[A-Za-z][A-Za-z0-9_./-]*|-?[0-9][0-9_.]*|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z|[0-9]+[dhms][0-9dhms]*"
)
_WORDS = {"yes", "no", "true", "false", "null", "on", "off"}
_DIGITS_MAX = 30
_HEAD = "# Recorded; only the fields that are named are compared.\ncases:\n"


def record_case(record: Data, texts: Mapping[str, str] | None = None, name: str = "") -> str:
    """
    Make a case of a decision record.

    Args:
        record: as `service.record` makes it.
        texts: digest -> text of rulebooks, for records that name one without carrying it.
        name: of the case; "" for one made of account and time.

    Returns:
        The case as an item of `cases`, indented; it passes against the rulebook that decided.

    Raises:
        InputError, RulebookError: the record is not whole.
    """
    restored = restore(record, texts)
    program = restored.shard.program
    state = restored.shard.states.get(restored.pool)
    title = name or f"{restored.account} as it stood at {format_time(restored.time_ns)}"
    left_out: list[str] = []
    for rounded in (0, SECOND_NS - 1):  # ages cut to the second, or else up to it
        made = _Writer(record, title, program, state, rounded)
        text = made.case(left_out)
        failures = _failures(text, program)
        if not failures:
            return text
    left_out += [f"{one} was {got}" for one, got in failures.items()]
    text = _Writer(record, title, program, state, 0).case(left_out, frozenset(failures))
    if _failures(text, program):
        raise InputError("MR-I102", f"the decision about {restored.account} cannot be shown as a case", left_out[0])
    return text


def _failures(text: str, program: Program) -> dict[str, str]:
    """Return which fields of a case do not come out, and what came instead."""
    case = read_cases((_HEAD + text).encode(), "recorded").cases[0]
    found = run_case(program.text, program.name, case, program, with_coverage=False)
    return {one.field: one.got for one in found.failures}


@dataclass(slots=True)
class _Writer:
    """Write one case; `rounded` is added to ages before they are cut to the second."""

    record: Data
    title: str
    program: Program
    state: LadderState | None
    rounded: int

    def case(self, left_out: list[str], without: frozenset[str] = frozenset()) -> str:
        """Write the case, without fields that cannot be shown."""
        record, start_ns = self.record, self._start_ns
        account = record["account"]
        pool = next(one for one in account["pools"] if one["name"] == record["pool"])
        lines = [f"  - case: {_text(self.title)}", f"    start: {format_time(start_ns)}"]
        lines += _block("instruments", {one["symbol"]: _instrument(one) for one in record["instruments"]}, 4)
        lines += _block("prices", {one["name"]: self._price(one) for one in record["prices"]}, 4)
        closes = {one["name"]: _closes(one) for one in record["closes"]}
        lines += _block("closes", closes, 4)
        lines += [
            "    accounts:",
            f"      {_text(account['account_id'])}:",
            f"        class: {account['account_class']}",
        ]
        if record["pool"]:
            lines.append(f"        pool: {_text(record['pool'])}")
        lines += _block("balances", {one["asset"]: _number(one["amount"]) for one in pool["balances"]}, 8)
        lines += _block("positions", {one["symbol"]: _position(one) for one in pool["positions"]}, 8)
        lines += _items("orders", [_order(one) for one in pool["orders"]], 8)
        if pool["fees_due"]:
            lines.append(f"        fees_due: {_number(pool['fees_due'])}")
        ladder, entered = self._entered(left_out)
        if entered and ladder is not None and self.state is not None:
            is_its_own = self.state.ladder == self.record["assessment"]["ladder"]
            lines += [] if is_its_own else [f"        ladder: {_text(ladder.name)}"]
        lines += _items("entered", entered, 8)
        lines += self._steps(ladder, without)
        return "\n".join([*(f"  # {one}" for one in dict.fromkeys(left_out)), *lines]) + "\n"

    @property
    def _start_ns(self) -> int:
        return int(self.record["time_ns"]) // SECOND_NS * SECOND_NS

    def _price(self, one: Data) -> str:
        interest, fields = one.get("open_interest"), one["fields"]
        row = {"mark": _number(one["price"])}
        row |= {} if interest is None else {"open_interest": _number(interest)}
        row |= {name: _number(value) for name, value in fields.items()}
        age_ns = max(0, self.record["time_ns"] - one["time_ns"] + self.rounded) // SECOND_NS * SECOND_NS
        row |= {"age": format_duration(age_ns)} if age_ns else {}
        return _flow(row)

    def _entered(self, left_out: list[str]) -> tuple[Ladder | None, list[str]]:
        """Return the ladder and what is entered; None where a case cannot say it."""
        state = self.state
        if state is None:
            return self.program.ladders[self.record["assessment"]["ladder"]], []
        if state.digest != self.program.digest:
            left_out.append("the ladder followed an older rulebook, which an open call kept")
            return None, []
        ladder = self.program.ladders[state.ladder]
        rows = []
        for one in state.active:
            row = {"step": ladder.steps[one.step].name, "ago": self._ago(one.since_ns)}
            row |= {"by_unmet": "yes"} if one.by_unmet else {}
            row |= {"exhausted": "yes"} if one.is_exhausted else {}
            row |= self._liquidation(state, one)
            calls = [_call(call) for call in state.calls if call.step == one.step]
            row |= {"call": calls[0] if len(calls) == 1 else f"[{', '.join(calls)}]"} if calls else {}
            rows.append(_flow(row))
        waiting = [(ladder.steps[step].name, self._ago(since)) for step, since in state.pending]
        rows += [_flow({"step": step, "ago": ago, "waiting": "yes"}) for step, ago in waiting]
        return ladder, rows

    def _liquidation(self, state: LadderState, one: ActiveStep) -> dict[str, str]:
        row = {"done": "yes"} if one.is_done else {}
        under_way = state.liquidation
        if under_way is not None and under_way.step == one.step and under_way.awaiting:
            row["ordered"] = "yes"
        elif one.next_round_ns > self._start_ns:
            row["next_round"] = format_time(one.next_round_ns)
        return row | ({"shortfall": _number(float(state.shortfall))} if one.is_declared and state.shortfall else {})

    def _ago(self, since_ns: int) -> str:
        return format_duration(max(0, self._start_ns - since_ns) // SECOND_NS * SECOND_NS)

    def _steps(self, ladder: Ladder | None, without: frozenset[str]) -> list[str]:
        found, state = self.record["assessment"], self.state
        flags = Reason(found["flags"])
        expected: dict[str, str] = {}
        if flags:
            expected["reasons"] = _text(", ".join(flags.names).lower())
        else:
            figures = ("equity", "initial_margin", "maintenance_margin")
            expected |= {name: _number(found[name]) for name in figures if name in found}
        if ladder is not None:
            active = state is not None and bool(state.active)
            expected["step"] = ladder.steps[state.severity].name if state is not None and active else "none"
            expected["restriction"] = (state.restriction if state is not None else Restriction.NONE).word
        kept = {name: value for name, value in expected.items() if name not in without}
        lines = ["    steps:", f"      - expect: {_flow(kept)}"]
        order, decision = self.record["order"], self.record["decision"]
        if order is not None and decision is not None:
            reasons = ", ".join(Reason(decision["reasons"]).names).lower()
            answer = {"accepted": "yes" if decision["accepted"] else "no", "reasons": _text(reasons or "none")}
            kept = {name: value for name, value in answer.items() if name not in without}
            lines += [f"      - order: {_order(order)}", f"        expect: {_flow(kept)}"]
        return lines


# Writing


def _call(one: Call) -> str:
    asked = {"amount": _number(float(one.amount)), "due": format_time(one.falls_due_ns)}
    return _flow(asked | ({"paid": _number(float(one.deposited))} if one.deposited else {}))


def _instrument(one: Data) -> str:
    row: dict[str, str] = {"kind": one["kind"], "underlying": one["underlying"], "settlement": one["settlement"]}
    row |= {"multiplier": _number(one["multiplier"])} if one["multiplier"] != 1.0 else {}
    row |= {"inverse": "yes"} if one["inverse"] else {}
    row |= {"quantity_step": _number(one["quantity_step"])} if one["quantity_step"] else {}
    row |= {"expires": format_time(one["expires_ns"])} if one["expires_ns"] else {}
    row |= {"strike": _number(one["strike"])} if one["strike"] else {}
    row |= {"right": one["right"]} if one["right"] else {}
    return _flow({name: value if name == "expires" else _text(value) for name, value in row.items()})


def _closes(one: Data) -> str:
    return _flow({format_time(row["time_ns"]): _number(row["close"]) for row in one["closes"]})


def _position(one: Data) -> str:
    row = {"quantity": _number(one["quantity"])}
    row |= {"entry_price": _number(one["entry_price"])} if one["entry_price"] else {}
    row |= {"leverage": _number(one["leverage"])} if one["leverage"] else {}
    return _flow(row)


def _order(one: Data) -> str:
    row = {"symbol": _text(one["symbol"]), "quantity": _number(one["quantity"])}
    row |= {"price": _number(one["price"])} if one["price"] else {}
    row |= {"leverage": _number(one["leverage"])} if one["leverage"] else {}
    row |= {"reduce_only": "yes"} if one["reduce_only"] else {}
    row |= {"client_order_id": _text(one["client_order_id"])}
    return _flow(row)


def _block(key: str, rows: dict[str, str], indent: int) -> list[str]:
    if not rows:
        return []
    return [f"{' ' * indent}{key}:", *(f"{' ' * indent}  {_text(name)}: {value}" for name, value in rows.items())]


def _items(key: str, rows: Iterable[str], indent: int) -> list[str]:
    lines = [f"{' ' * indent}  - {one}" for one in rows]
    return [f"{' ' * indent}{key}:", *lines] if lines else []


def _flow(row: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{_key(name)}: {value}" for name, value in row.items()) + "}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else json.dumps(name)


def _text(value: str) -> str:
    """Write a text so that it is read as itself: plain where nothing could mean anything else, else in quotes."""
    return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else json.dumps(value)


def _number(value: float) -> str:
    """Write a double without an exponent, as exactly as a case can hold it."""
    return format_number(Decimal(repr(value)))[:_DIGITS_MAX]
