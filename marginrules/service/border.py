# SPDX-License-Identifier: Apache-2.0
"""
Where plain data becomes records: every number finite and in range, every identifier well-formed, every name known.

Each reader raises InputError naming the field; nothing has changed by then.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from marginrules import limits
from marginrules.codes import RIGHTS, InstrumentKind
from marginrules.errors import InputError
from marginrules.model import ASSET_FIELDS, PRICE_FIELDS, Account, CloseSeries, Instrument, Order, Pool, Position, Price
from marginrules.rulebook.diagnostic import suggest
from marginrules.units import format_time, parse_date_ns

Data = Mapping[str, Any]
_ANY, _ABOVE_ZERO = (0.0, limits.MAGNITUDE_MAX, False), (0.0, limits.MAGNITUDE_MAX, True)
_SHARE, _YIELD = (0.0, 1.0, False), (-1.0, 10.0, False)
# For each field of a price (lowest, greatest, whether the lowest is excluded).
_FIELD_RANGES = {
    "index": _ABOVE_ZERO,
    "forward": _ABOVE_ZERO,
    "volatility": (0.0, 10_000.0, True),
    "rate": _YIELD,
    "dividend_yield": _YIELD,
    "confidence": _SHARE,
    "volume": _ANY,
    "funding": (-limits.MAGNITUDE_MAX, limits.MAGNITUDE_MAX, False),
    "auction_price": _ANY,
    "long_factor": (0.0, 1_000.0, False),
    "short_factor": (0.0, 1_000.0, False),
    "price_range": _ANY,
    "delta": (-10.0, 10.0, False),
    "forward_confidence": _SHARE,
    "volatility_confidence": _SHARE,
    "index_confidence": _SHARE,
    "stable_price": _ABOVE_ZERO,
    "deposits": _ANY,
    "borrows": _ANY,
}
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}")


def number(field: str, value: float, low: float, high: float = limits.MAGNITUDE_MAX, low_open: bool = False) -> float:
    """Return a finite number inside its range."""
    if not math.isfinite(value):
        raise InputError("MR-I101", f"{field} was {value}", "give a finite number")
    if not (low < value if low_open else low <= value) or not value <= high:
        bound = "above" if low_open else "from"
        raise InputError("MR-I102", f"{field} was {value:g}", f"allowed: {bound} {low:g} to {high:g}")
    if 0.0 < abs(value) < limits.MAGNITUDE_MIN:
        raise InputError("MR-I102", f"{field} was {value:g}", f"allowed: 0, or at least {limits.MAGNITUDE_MIN:g}")
    return float(value)


def quantity(field: str, value: float) -> float:
    """Return a signed number that is not zero."""
    if number(field, value, -limits.MAGNITUDE_MAX) == 0.0:
        raise InputError("MR-I102", f"{field} was 0", "give a quantity; negative is short or a sale")
    return float(value)


def time_ns(field: str, value: int) -> int:
    """Return a moment in nanoseconds since 1970."""
    if not 0 <= value <= limits.TIME_NS_MAX:
        raise InputError("MR-I102", f"{field} was {value}", "nanoseconds since 1970, in UTC")
    return value


def identifier(field: str, value: str) -> str:
    """Return an identifier: letters, digits and `_ . : / @ -`, at most 128 characters."""
    if not value:
        raise InputError("MR-I103", f"{field} was missing", f"give {field}")
    if len(value) > limits.IDENTIFIER_BYTES_MAX or not _is_identifier(value):
        raise InputError("MR-I110", f"{field} was {value[:40]!r}", "letters, digits and _ . : / @ -, at most 128")
    return value


@functools.lru_cache(16_384)  # most are symbols and come again with each check
def _is_identifier(value: str) -> bool:
    return _IDENTIFIER.fullmatch(value) is not None


def text(field: str, value: str) -> str:
    """Return a sentence of a person: not empty, printable, not too long."""
    if not value.strip():
        raise InputError("MR-I103", f"{field} was missing", "every act of a person says who and why")
    if len(value.encode()) > limits.TEXT_BYTES_MAX or not value.isprintable():
        raise InputError("MR-I110", f"{field} was not printable or too long", f"at most {limits.TEXT_BYTES_MAX} bytes")
    return value


def file(field: str, value: str) -> str:
    """Return the name of a file as messages show it; it may be empty."""
    return text(field, value) if value else ""


def bounded(field: str, items: Sequence[Any], most: int) -> Sequence[Any]:
    """Return a list that is not too long."""
    if len(items) > most:
        raise InputError("MR-I113", f"{field} had {len(items)} items", f"allowed: at most {most:,}")
    return items


def unique(field: str, names: Sequence[str]) -> None:
    """Check that no name is given twice."""
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("MR-I120", f"{field} {twice!r} was given twice", "give each once")


def instrument(data: Data) -> Instrument:
    """Read one instrument."""
    symbol = identifier("symbol", data["symbol"])
    if data["kind"] not in iter(InstrumentKind):
        raise InputError("MR-I103", f"kind of {symbol} was missing", "spot, perpetual, future or option")
    kind = InstrumentKind(data["kind"])
    inverse = bool(data.get("inverse", False))
    if inverse and kind.is_outright:
        raise InputError("MR-I102", f"{symbol} was an inverse {kind.word}", "only perpetuals and futures are inverse")
    expires = time_ns("expires_ns", data.get("expires_ns", 0))
    if kind.expires != (expires > 0):
        hint = "futures and options expire, nothing else does"
        raise InputError("MR-I103", f"expires_ns of {symbol} was {expires}", hint)
    strike, right = _option_terms(symbol, kind, data)
    return Instrument(
        symbol=symbol,
        kind=kind,
        underlying=identifier("underlying", data["underlying"]),
        settlement=identifier("settlement", data["settlement"]),
        multiplier=number("multiplier", data.get("multiplier", 1.0), 0.0, low_open=True),
        inverse=inverse,
        quantity_step=number("quantity_step", data.get("quantity_step", 0.0), 0.0),
        expires_ns=expires,
        strike=strike,
        right=right,
    )


def _option_terms(symbol: str, kind: InstrumentKind, data: Data) -> tuple[float, str]:
    """Return strike and right; an option has both, nothing else has one of them."""
    right = data.get("right", "")
    is_option = kind is InstrumentKind.OPTION
    strike = number(f"strike of {symbol}", data.get("strike", 0.0), 0.0, low_open=is_option)
    if is_option and right not in RIGHTS:
        raise InputError("MR-I103", f"right of {symbol} was {right[:40]!r}", "an option is a call or a put")
    if not is_option and (strike or right):
        was = f"strike of {symbol} was {strike:g}" if strike else f"right of {symbol} was {right[:40]!r}"
        raise InputError("MR-I102", was, "only options have a strike and a right")
    return strike, right


def price(data: Data, instruments: Mapping[str, Instrument]) -> Price:
    """Read one price, with what may stand beside it; an option may be worthless, nothing else may."""
    name = identifier("name", data["name"])
    known = instruments.get(name)
    is_option = known is not None and known.kind is InstrumentKind.OPTION
    interest, fields = data.get("open_interest"), data.get("fields", {})
    allowed = tuple(PRICE_FIELDS) if known is not None else ASSET_FIELDS
    return Price(
        name=name,
        price=number(f"price of {name}", data["price"], 0.0, low_open=not is_option),
        time_ns=time_ns(f"time_ns of {name}", data["time_ns"]),
        open_interest=None if interest is None else number(f"open_interest of {name}", interest, 0.0),
        fields=tuple((key, _field(key, name, fields[key], allowed)) for key in sorted(fields)),
    )


def _field(key: str, name: str, value: float, allowed: Sequence[str]) -> float:
    if key not in allowed:
        raise InputError("MR-I122", f"price of {name} had a field {key[:40]!r}", suggest(key, allowed))
    low, high, low_open = _FIELD_RANGES[key]
    return number(f"{key} of {name}", value, low, high, low_open)


def close_series(data: Data) -> CloseSeries:
    """Read closes of one name, oldest first; each has a date or a time."""
    name = identifier("name", data["name"])
    items = data["closes"]
    if not items:
        raise InputError("MR-I103", f"closes of {name} were missing", "give at least one")
    times = tuple(_close_time_ns(name, item) for item in items)
    for before, after in itertools.pairwise(times):
        if after <= before:
            message = f"close of {name} at {format_time(after)} was not after the one before"
            raise InputError("MR-I119", message, "send closes in order, one for each time")
    closes = tuple(number(f"close of {name}", item["close"], 0.0, low_open=True) for item in items)
    return CloseSeries(name, times, closes)


def _close_time_ns(name: str, item: Data) -> int:
    if "time_ns" in item:
        return time_ns(f"time_ns of a close of {name}", item["time_ns"])
    if not item.get("date"):
        raise InputError("MR-I103", f"a close of {name} had neither date nor time", "give one of them")
    moment = parse_date_ns(item["date"])
    if moment is None or moment < 0:
        message = f"date of a close of {name} was {item['date'][:40]!r}"
        raise InputError("MR-I110", message, "write 2020-02-19, from 1970-01-01 on")
    return moment


def order(data: Data) -> Order:
    """Read one order."""
    return order_of(
        data["client_order_id"],
        data["symbol"],
        data["quantity"],
        data.get("price", 0.0),
        data.get("leverage", 0.0),
        data.get("reduce_only", False),
        data.get("expires_ns", 0),
    )


def order_of(  # the way of every check: without a mapping in between
    client_order_id: str,
    symbol: str,
    size: float,
    price: float,
    leverage: float,
    reduce_only: bool,
    expires_ns: int,
) -> Order:
    """Make one order of its parts; a price or leverage of 0 is none."""
    return Order(
        identifier("client_order_id", client_order_id),
        identifier("symbol", symbol),
        quantity("quantity", size),
        number("price", price, 0.0) if price else 0.0,
        _leverage("order", leverage) if leverage else 0.0,
        bool(reduce_only),
        time_ns("expires_ns", expires_ns) if expires_ns else 0,
    )


def position(data: Data, is_outright: bool) -> Position:
    """Read one position; spot and options have no entry price, everything else has one."""
    symbol = data["symbol"]
    entry = number(f"entry_price of {symbol}", data.get("entry_price", 0.0), 0.0, low_open=not is_outright)
    return Position(
        symbol=symbol,
        quantity=quantity(f"quantity of {symbol}", data["quantity"]),
        entry_price=0.0 if is_outright else entry,
        leverage=_leverage(symbol, data.get("leverage", 0.0)),
    )


def _leverage(who: str, value: float) -> float:
    if number(f"leverage of {who}", value, 0.0, limits.LEVERAGE_MAX) and value < 1.0:
        raise InputError("MR-I102", f"leverage of {who} was {value:g}", f"0 for none, or 1 to {limits.LEVERAGE_MAX:g}")
    return float(value)


def pool(data: Data, instruments: Mapping[str, Instrument], named: Collection[str] = ()) -> Pool:
    """
    Read one pool; every instrument in it must be known.

    Args:
        named: the pools that the rulebook names.
    """
    name = data.get("name", "")
    for item in (*data.get("positions", ()), *data.get("orders", ())):
        symbol = identifier("symbol", item["symbol"])
        if symbol not in instruments:
            raise InputError("MR-I106", f"instrument {symbol} is not known", "define it first")
        if name and symbol != name and name not in named:
            raise InputError("MR-I105", f"isolated pool {name} held {symbol}", "an isolated pool holds one instrument")
    if name and name not in instruments and name not in named:
        hint = "empty for the cross pool, a known symbol, or a pool of the rulebook"
        raise InputError("MR-I105", f"pool was {name!r}", hint)
    positions = bounded("positions", data.get("positions", ()), limits.POSITIONS_PER_POOL_MAX)
    balances = bounded("balances", data.get("balances", ()), limits.BALANCES_PER_POOL_MAX)
    orders = bounded("orders", data.get("orders", ()), limits.ORDERS_PER_POOL_MAX)
    unique("position", [item["symbol"] for item in positions])
    unique("balance", [item["asset"] for item in balances])
    unique("client_order_id", [item["client_order_id"] for item in orders])
    magnitude = limits.MAGNITUDE_MAX
    return Pool(
        name=name,
        balances=tuple(
            (identifier("asset", item["asset"]), number(f"amount of {item['asset']}", item["amount"], -magnitude))
            for item in balances
        ),
        positions=tuple(position(item, instruments[item["symbol"]].kind.is_outright) for item in positions),
        orders=tuple(order(item) for item in orders),
        fees_due=number("fees_due", data.get("fees_due", 0.0), 0.0),
        funding_due=number("funding_due", data.get("funding_due", 0.0), 0.0),
    )


def account(data: Data, instruments: Mapping[str, Instrument], named: Collection[str] = ()) -> Account:
    """Read one account snapshot."""
    name = identifier("account_id", data["account_id"])
    pools = bounded(f"pools of {name}", data.get("pools", ()), limits.POOLS_PER_ACCOUNT_MAX)
    unique("client_order_id", [one["client_order_id"] for item in pools for one in item.get("orders", ())])
    unique(f"pool of {name}", [item.get("name", "") for item in pools])
    sequence = data["sequence"]
    if not 0 < sequence <= limits.TIME_NS_MAX:
        raise InputError("MR-I102", f"sequence of {name} was {sequence}", "give a number above 0")
    return Account(
        account_id=name,
        account_class=identifier(f"account_class of {name}", data["account_class"]),
        sequence=sequence,
        pools=tuple(pool(item, instruments, named) for item in pools),
    )
