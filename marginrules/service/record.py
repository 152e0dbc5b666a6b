# SPDX-License-Identifier: Apache-2.0
"""
One decision with everything it was made from, as plain data: to be explained, replayed or made a test case elsewhere.

A record restores into a shard of its own that holds one pool and the market it saw. What is asked of that shard is
answered as it was answered then, to the last bit: numbers are doubles written so that they read back the same, and
positions carry their cost besides an entry price, which has fewer digits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, TypeVar

from marginrules._core.core import Assessment
from marginrules.codes import CallStatus, InstrumentKind, Restriction
from marginrules.errors import InputError, MarginRulesError
from marginrules.escalation.state import ActiveStep, Call, LadderState, Liquidation
from marginrules.machine import Field
from marginrules.model import CROSS, PRICE_FIELDS, Instrument, Order, OrderDecision, Pool
from marginrules.rulebook import Program, load
from marginrules.service import border
from marginrules.service.book import Book, OpenOrder
from marginrules.service.decide import decide, decision_data
from marginrules.service.shard import Shard

T = TypeVar("T")
Data = dict[str, Any]
VERSION = 1


@dataclass(frozen=True, slots=True)
class Restored:
    """Carry what a record restored: a shard with one pool, the moment, and the order that was decided if one was."""

    shard: Shard
    account: str
    pool: int
    pool_name: str
    time_ns: int
    order: Order | None


def record(
    shard: Shard,
    account: str,
    pool: str,
    now_ns: int,
    order: Order | None = None,
    decision: OrderDecision | None = None,
) -> Data:
    """
    Record how a pool stands, and the decision on an order where one is given.

    To be called while nothing changes the shard.

    Args:
        decision: on the order, where it was made already, at that time and in this state.

    Returns:
        Plain data for JSON; the texts of the rulebooks are in it.

    Raises:
        InputError: the account or the pool is unknown, or no rulebook is active.
    """
    number, program = shard.book.pool_id(account, pool), shard.program
    book, state = shard.book, shard.states.get(number)
    content = book.pool(number)
    symbols = {one.symbol for one in content.positions} | {one.symbol for one in content.orders}
    symbols |= {pool, order.symbol if order else ""}
    instruments = [book.instruments[symbol] for symbol in book.instrument_names if symbol in symbols]
    assets = {one.settlement for one in instruments} | {asset for asset, _ in content.balances}
    assets |= {one.underlying for one in instruments} & program.assets.keys()
    exposures = {name for one in instruments for name in (one.symbol, one.underlying)}
    class_id, sequence = book.engine.account_state(book.account_ids[account])
    pinned = shard.programs[state.digest] if state and state.digest not in ("", program.digest) else None
    held = [one.order.client_order_id for one in book.orders.get(number, {}).values() if one.is_held]
    if order is not None and decision is None:
        decision = decide(shard, account, pool, order, now_ns)
    return {
        "record": VERSION,
        "time_ns": now_ns,
        "rulebook": _rulebook(shard, program.digest),
        "pinned": None if pinned is None else _rulebook(shard, pinned.digest),
        "instruments": [_instrument(one) for one in instruments],
        "prices": [*_prices(book, instruments), *_asset_prices(book, sorted(assets))],
        "closes": _closes(book, exposures | assets),
        "account": {
            "account_id": account,
            "account_class": book.class_names[class_id],
            "sequence": sequence,
            "pools": [_pool(content)],
        },
        "pool": pool,
        "costs": [list(row) for row in book.engine.costs_of(number)],
        "held": held,
        "ladder": None if state is None else _plain(asdict(state)),
        "order": None if order is None else order._asdict(),
        "decision": None if decision is None else decision_data(decision),
        "assessment": figures(book.engine.assess(number, now_ns)),
    }


def figures(one: Assessment) -> Data:
    """Return what an assessment found; ratios that are not finite are left out, so that JSON can carry the rest."""
    found = {
        "flags": int(one.flags),
        "equity": one.equity,
        "initial_margin": one.initial_margin,
        "maintenance_margin": one.maintenance_margin,
        "collateral_value": one.collateral_value,
        "unrealized_pnl": one.unrealized_pnl,
        "ladder": one.ladder,
        "level": one.level,
    }
    return {name: value for name, value in found.items() if not isinstance(value, float) or math.isfinite(value)}


def _rulebook(shard: Shard, digest: str) -> Data:
    revision = next((one for one in reversed(shard.revisions) if one.program.digest == digest), None)
    program = shard.programs[digest]
    return {
        "name": program.name,
        "digest": digest,
        "file": revision.file if revision else program.name,
        "revision": revision.number if revision else 0,
        "text": program.text.decode(),
    }


def _instrument(one: Instrument) -> Data:
    return asdict(one) | {"kind": one.kind.word}


def _prices(book: Book, instruments: Iterable[Instrument]) -> Iterable[Data]:
    """Yield what is in use of each instrument that has a mark; limits on moves have had their say already."""
    for one in instruments:
        number = book.instrument_ids[one.symbol]
        mark, time_ns = book.engine.price_of(number)[:2]
        if one.symbol not in book.price_times:
            continue
        quotes = book.engine.quotes_of(number)
        fields = {name: quotes[int(field)] for name, field in PRICE_FIELDS.items() if int(field) in quotes}
        price = {"name": one.symbol, "price": mark, "time_ns": time_ns, "fields": fields}
        interest = quotes.get(int(Field.OPEN_INTEREST))
        yield price if interest is None else price | {"open_interest": interest}


def _asset_prices(book: Book, names: Iterable[str]) -> Iterable[Data]:
    for name in names:
        one = book.asset_quote(name)
        if one is not None:
            yield {"name": name, "price": one.price, "time_ns": one.time_ns, "fields": dict(one.fields)}


def _closes(book: Book, names: Iterable[str]) -> list[Data]:
    rows = []
    for name in sorted(names):
        known = book.closes.get(name)
        if known is not None:
            pairs = zip(known.times_ns, known.closes, strict=True)
            rows.append({"name": name, "closes": [{"time_ns": time_ns, "close": close} for time_ns, close in pairs]})
    return rows


def _pool(content: Pool) -> Data:
    return {
        "name": content.name,
        "balances": [{"asset": asset, "amount": amount} for asset, amount in content.balances],
        "positions": [asdict(one) for one in content.positions],
        "orders": [one._asdict() for one in content.orders],
        "fees_due": content.fees_due,
    }


def _plain(value: Any) -> Any:
    """Return plain data: decimals as text, enumerations by their value."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (Restriction, CallStatus)):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isinf(value) else value


# And back


def restore(data: Data, texts: Mapping[str, str] | None = None) -> Restored:
    """
    Make a shard that stands as the recorded one did, as far as the pool's decisions go.

    Args:
        texts: digest -> text of rulebooks, for records that name one without carrying it.

    Raises:
        InputError, RulebookError: the record is not whole, or carries what no server would have taken.
    """
    try:
        return _restore(data, texts or {})
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        message = f"a decision record lacked or misspelt something: {type(error).__name__}: {error}"
        raise InputError("MR-I103", message, "give a record as `marginrules explain --record` writes it") from None


def _restore(data: Data, texts: Mapping[str, str]) -> Restored:
    if data["record"] != VERSION:
        raise InputError("MR-I102", f"record was of version {data['record']!r}", f"this release reads {VERSION}")
    shard, now_ns = Shard(), border.time_ns("time_ns", data["time_ns"])
    if data["pinned"] is not None:
        _know(shard, data["pinned"], texts)
    program = _program(data["rulebook"], texts)
    shard.adopt(program, data["rulebook"]["file"], "record", "a recorded decision", now_ns)
    kinds = {one.word: one for one in InstrumentKind}
    instruments = [one | {"kind": kinds[one["kind"]]} for one in data["instruments"]]
    shard.apply("instruments", {"instruments": instruments}, now_ns)
    if data["closes"]:
        shard.apply("closes", {"series": data["closes"], "replace": True}, now_ns)
    if data["prices"]:
        shard.apply("prices", {"sequence": 1, "prices": data["prices"]}, now_ns)
    account = border.account(data["account"], shard.book.instruments, shard.program.pools)
    if shard.program.profile_of(account.account_class, account.account_id) < 0:
        raise InputError("MR-I108", f"class of {account.account_id} was {account.account_class!r}")
    shard.book.put_account(account)
    pool = shard.book.pool_id(account.account_id, data["pool"])
    rows = [(_finite("cost", cost), _finite("rate of the leverage setting", rate)) for cost, rate in data["costs"]]
    if len(rows) != len(shard.book.engine.costs_of(pool)):
        raise InputError("MR-I103", f"costs were {len(rows)}", "each position has one")
    shard.book.engine.set_costs(pool, rows)
    held = set(data["held"])
    orders = shard.book.orders.get(pool, {})
    shard.book.orders |= {pool: {k: OpenOrder(one.order, k in held) for k, one in orders.items()}} if orders else {}
    if data["ladder"] is not None:
        state = _state(data["ladder"])
        steps = len(shard.programs[state.digest].ladders[state.ladder].steps) if state.digest else 0
        numbers = [one.step for one in state.active] + [one.step for one in state.calls]
        numbers += [step for step, _ in state.pending]
        if state.ladder < 0 <= steps - 1 or not all(0 <= one < steps for one in numbers):
            raise InputError("MR-I102", "the recorded ladder has steps that the rulebook does not have")
        shard.states[pool] = state
        shard.calls |= {call.call_id: call for call in state.calls}
        shard.book.engine.set_restriction(pool, state.restriction)
    order = None if data["order"] is None else border.order(data["order"])
    return Restored(shard, account.account_id, pool, data["pool"], now_ns, order)


def _finite(field: str, value: float) -> float:
    if not math.isfinite(value):
        raise InputError("MR-I101", f"{field} was {value}")
    return float(value)


def _know(shard: Shard, given: Data, texts: Mapping[str, str]) -> None:
    """Let a shard know a rulebook that an open call keeps."""
    program = _program(given, texts)
    shard.programs[program.digest] = program


def _program(given: Data, texts: Mapping[str, str]) -> Program:
    program = _compiled(_text(given, texts), given["file"])
    if program.digest != given["digest"]:
        message = f"the text of rulebook {program.name} is not the one that decided"
        raise InputError(
            "MR-I102", message, f"its digest is {program.digest[:12]}, recorded was {given['digest'][:12]}"
        )
    return program


@functools.lru_cache(64)  # a file of decisions names few rulebooks, many times
def _compiled(text: str, file: str) -> Program:
    return load(text.encode(), file)


def _text(given: Data, texts: Mapping[str, str]) -> str:
    text = given.get("text") or texts.get(given["digest"])
    if text is None:
        message = f"the text of rulebook {given['digest'][:12]} is missing"
        raise InputError("MR-I103", message, "the first record of a file that names a rulebook carries its text")
    return str(text)


def _state(data: Data) -> LadderState:
    liquidation = data["liquidation"]
    parts = {
        "active": tuple(_made(ActiveStep, one) for one in data["active"]),
        "pending": tuple((_whole(step), _whole(since)) for step, since in data["pending"]),
        "calls": tuple(_made(Call, {**one, "status": CallStatus(one["status"])}) for one in data["calls"]),
        "liquidation": None if liquidation is None else _liquidation(liquidation),
        "restriction": Restriction(data["restriction"]),
    }
    return _made(LadderState, {**data, **parts})


def _liquidation(data: Data) -> Liquidation:
    return _made(Liquidation, {**data, "until": math.inf if data["until"] is None else _finite("until", data["until"])})


_KINDS: dict[str, type] = {"int": int, "str": str, "bool": bool}


def _made(record: type[T], data: Data) -> T:
    """Make a record of plain data; TypeError or ValueError where a plain field has another kind of value."""
    values = dict(data)
    for one in fields(record):  # type: ignore[arg-type]
        value = values[one.name]
        if one.type == "Decimal":
            values[one.name] = amount = Decimal(value)
            if not amount.is_finite():
                raise ValueError(f"{one.name} was {value}")
        elif one.type in _KINDS and type(value) is not _KINDS[str(one.type)]:
            raise TypeError(f"{one.name} was {value!r}")
    return record(**values)


def _whole(value: int) -> int:
    if type(value) is not int:
        raise TypeError(f"a number was {value!r}")
    return value


# Again


def redecide(data: Data, texts: Mapping[str, str] | None = None) -> str:
    """
    Decide a recorded case again, and compare bit by bit.

    Returns:
        What differs; "" where nothing does.
    """
    try:
        now = restore(data, texts)
    except MarginRulesError as error:
        return f"was decided, and is refused now: {error}"
    found = figures(now.shard.book.engine.assess(now.pool, now.time_ns))
    # A restored shard numbers its ladders as the recorded one did: both come from the same text.
    for name in sorted(found.keys() | data["assessment"].keys()):
        before, after = data["assessment"].get(name), found.get(name)
        if before != after:
            return f"{name} was {before}, now {after}"
    if now.order is None:
        return ""
    decision = _comparable(decide(now.shard, now.account, now.pool_name or CROSS, now.order, now.time_ns))
    recorded = {**data["decision"], "held": False}
    for name, value in decision.items():
        if recorded[name] != value:
            return f"{name} was {recorded[name]}, now {value}"
    return ""


def _comparable(decision: OrderDecision) -> Data:
    return {**decision_data(decision), "held": False}
