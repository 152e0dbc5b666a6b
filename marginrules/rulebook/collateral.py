# SPDX-License-Identifier: Apache-2.0
"""
The section `collateral`: what an asset counts for, read, checked and brought into the form of the core.

A haircut by value may be joined by haircuts that grow with volatility and with the time left, by a call price that caps
what a unit is worth, by limits on what all accounts deposit and borrow, and by a weight of debts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import pairwise

from marginrules import units
from marginrules.limits import WRONG_WAY_ASSETS_MAX
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.fields import Fields, percent
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.rulebook.vocabulary import collateral as known
from marginrules.terms import LAST_NS, CollateralTerms
from marginrules.units import DAY_NS

_ONE, _NOTHING = Decimal(1), Decimal(0)
_DATES = ("2000-01-01", "2199-12-31")
_NOWHERE = Place(1, 1)
YEAR_DAYS = 365
# What follows from published prices or their time; the rulebook's own currency has no such thing.
PRICED_KEYS = ("volatility", "tenor", "matures", "callable", "utilisation")


@dataclass(frozen=True, slots=True)
class Haircut:
    """Cut `rate` from the part of a holding's value up to `to` (None: the rest)."""

    to: Decimal | None
    rate: Decimal
    place: Place = field(default=_NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)
    is_sound: bool = field(default=True, compare=False)  # every value could be read


@dataclass(frozen=True, slots=True)
class Tenor:
    """Cut a further `rate` where no more than `to_ns` are left to maturity (None: any longer time)."""

    to_ns: int | None
    rate: Decimal
    place: Place = field(default=_NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)
    is_sound: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Volatility:
    """Cut at least multiple x volatility x square root of the horizon in years, and at least the floor."""

    multiple: Decimal
    floor: Decimal
    horizon_ns: int


@dataclass(frozen=True, slots=True)
class Callable:
    """Say from when on, and at what price, the issuer may redeem."""

    price: Decimal
    from_ns: int


@dataclass(frozen=True, slots=True)
class WrongWay:
    """Cut at least `haircut` while the pool holds what loses when one of the underlyings falls."""

    underlyings: tuple[str, ...]
    haircut: Decimal


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Limit what all accounts deposit and borrow, in the rulebook's currency; None: no limit."""

    deposits: Decimal | None
    borrows: Decimal | None


@dataclass(frozen=True, slots=True)
class Collateral:
    """Say how much of an asset counts."""

    haircuts: tuple[Haircut, ...]
    cap: Decimal | None
    concentration: Decimal
    initial: Decimal | None = None  # the haircut for IM, where it is another one
    liability: Decimal = _ONE
    volatility: Volatility | None = None
    tenors: tuple[Tenor, ...] = ()
    matures_ns: int | None = None
    callable: Callable | None = None
    wrong_way: WrongWay | None = None
    utilisation: Utilisation | None = None
    place: Place = field(default=_NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)  # of the keys that were given


# Reading


def read_collateral(sink: Sink, node: Node, name: str, at: Place) -> Collateral:
    """Read what is said of one asset."""
    part = Fields(sink, node, f"collateral '{name}'", known.ASSET, at=at)
    haircuts, initial = _haircuts(sink, part.node("haircut"))
    if part.is_readable and "tenor" in part and "matures" not in part:
        sink.add("MR-R302", part.key_place("tenor"), "a tenor needs the key 'matures'", "add `matures: 2030-06-15`")
    volatility, tenor, called = part.node("volatility"), part.node("tenor"), part.node("callable")
    wrong_way, utilisation = part.node("wrong_way"), part.node("utilisation")
    return Collateral(
        haircuts=haircuts,
        cap=part.number("cap", None),
        concentration=part.rate("concentration", _ONE),
        initial=initial,
        liability=part.rate("liability", _ONE),
        volatility=_volatility(sink, volatility, part.key_place("volatility")) if volatility else None,
        tenors=_tenors(sink, tenor) if tenor else (),
        matures_ns=part.read("matures", _moment, None),
        callable=_callable(sink, called, part.key_place("callable")) if called else None,
        wrong_way=_wrong_way(sink, wrong_way, part.key_place("wrong_way")) if wrong_way else None,
        utilisation=_utilisation(sink, utilisation, part.key_place("utilisation")) if utilisation else None,
        place=node.place,
        places={key: part.key_place(key) for key in known.ASSET.optional if part.node(key) is not None}
        | {"matures value": part.place_of("matures")}
        | ({"from": called.entries["from"].place} if isinstance(called, Mapping) and "from" in called.entries else {}),
    )


def _moment(sink: Sink, node: Node) -> int | None:
    """Read a day as its first moment in UTC, in nanoseconds since 1970, and check its range."""
    day = fields.read_date(sink, node)
    if day is None:
        return None
    first, last = _DATES
    if not first <= day.isoformat() <= last:
        sink.add("MR-R308", node.place, f"date was {day.isoformat()}", f"allowed: from {first} to {last}")
        return None
    return units.parse_date_ns(day.isoformat())


def _haircuts(sink: Sink, node: Node | None) -> tuple[tuple[Haircut, ...], Decimal | None]:
    """Return the haircuts by value and, where there is another for IM, that one."""
    if node is None:
        return (), None
    if isinstance(node, Scalar):
        rate = fields.read_rate_in(sink, node, "haircut", known.SHARE)
        return (Haircut(None, rate or _NOTHING, node.place, is_sound=rate is not None),), None
    if isinstance(node, Mapping):
        return _two_haircuts(sink, node)
    if not fields.is_table(sink, node, "haircut"):
        return (), None
    made = []
    for item in node.items:
        part = Fields(sink, item, "a haircut tier", known.HAIRCUT_TIER)
        rate, to = part.rate("rate", _NOTHING), part.number("to", None)
        places = {key: part.place_of(key) for key in ("to", "rate")}
        made.append(Haircut(to, rate, item.place, places, part.is_sound))
    return tuple(made), None


def _two_haircuts(sink: Sink, node: Mapping) -> tuple[tuple[Haircut, ...], Decimal | None]:
    """Read a haircut for equity and a greater one for IM."""
    part = Fields(sink, node, "haircut", known.TWO_HAIRCUTS)
    initial = part.rate("initial", _NOTHING)
    maintenance = part.rate("maintenance", _NOTHING)
    if part.is_sound and initial < maintenance:
        message = f"initial was {percent(initial)}, under maintenance {percent(maintenance)}"
        sink.add("MR-R313", part.place_of("initial"), message, "for initial margin, collateral never counts for more")
    places = {"rate": part.place_of("maintenance")}
    return (Haircut(None, maintenance, node.place, places, part.is_sound),), initial


def _volatility(sink: Sink, node: Node, at: Place) -> Volatility:
    part = Fields(sink, node, "volatility", known.VOLATILITY, at=at)
    return Volatility(
        multiple=part.number("multiple", _NOTHING),
        floor=part.rate("floor", _NOTHING),
        horizon_ns=part.duration("horizon", 0),
    )


def _tenors(sink: Sink, node: Node) -> tuple[Tenor, ...]:
    if not isinstance(node, Sequence):
        hint = "write each as `- {to: 365d, rate: 1%}`"
        sink.add("MR-R303", node.place, "tenor is a list of {to, rate}", hint)
        return ()
    if not fields.is_table(sink, node, "tenor"):
        return ()
    made = []
    for item in node.items:
        part = Fields(sink, item, "a tenor tier", known.TENOR_TIER)
        rate, to = part.rate("rate", _NOTHING), part.duration("to", None)
        places = {key: part.place_of(key) for key in ("to", "rate")}
        made.append(Tenor(to, rate, item.place, places, part.is_sound))
    return tuple(made)


def _callable(sink: Sink, node: Node, at: Place) -> Callable:
    part = Fields(sink, node, "callable", known.CALLABLE, at=at)
    return Callable(part.number("price", _NOTHING), part.read("from", _moment, 0))


def _wrong_way(sink: Sink, node: Node, at: Place) -> WrongWay:
    part = Fields(sink, node, "wrong_way", known.WRONG_WAY, at=at)
    names = part.read("underlying", partial(fields.read_list, reader=fields.read_name), ())
    return WrongWay(names, part.rate("haircut", _ONE))


def _utilisation(sink: Sink, node: Node, at: Place) -> Utilisation:
    part = Fields(sink, node, "utilisation", known.UTILISATION, at=at)
    if part.is_readable and not ("deposits" in part or "borrows" in part):
        sink.add("MR-R302", at, "utilisation has neither deposits nor borrows", "give at least one of them")
    return Utilisation(part.number("deposits", None), part.number("borrows", None))


# Checking


def check_collateral(sink: Sink, assets: dict[str, Collateral], currency: str, effective_ns: int) -> None:
    """Check what is said of assets against each other, the rulebook's currency and its effective date."""
    for name, asset in assets.items():
        for small, large in pairwise(asset.haircuts):
            if small.is_sound and large.is_sound and large.rate < small.rate:
                falls(sink, large.places["rate"], "haircut", small.rate, large.rate)
        _check_tenors(sink, asset.tenors)
        _check_dates(sink, asset, effective_ns)
        for key in PRICED_KEYS if name == currency else ():
            if key in asset.places:
                message = f"{currency} is the rulebook's currency and has no {key}: its price is 1, always"
                sink.add("MR-R340", asset.places[key], message, "delete it, or give it to another asset")
    wrong_way = [one for one in assets.values() if one.wrong_way is not None]
    if len(wrong_way) > WRONG_WAY_ASSETS_MAX:
        message = f"{len(wrong_way)} assets with wrong-way rules; at most {WRONG_WAY_ASSETS_MAX} are read"
        sink.add("MR-R107", wrong_way[WRONG_WAY_ASSETS_MAX].places["wrong_way"], message)


def _check_tenors(sink: Sink, tenors: tuple[Tenor, ...]) -> None:
    last = 0
    for index, tenor in enumerate(tenors):
        is_last = index == len(tenors) - 1
        if not tenor.is_sound:
            continue
        if tenor.to_ns is None and not is_last:
            message = "a tenor tier without `to` covers the rest and was not the last"
            sink.add("MR-R311", tenor.place, message, "give it `to`, or move it to the end")
        elif tenor.to_ns is not None and is_last:
            hint = "leave out `to`: the last one covers every longer time"
            message = f"the last tenor tier ends at {fields.span(tenor.to_ns)}"
            sink.add("MR-R311", tenor.places["to"], message, hint)
        elif tenor.to_ns is not None:
            if tenor.to_ns <= last:
                message = f"`to` was {fields.span(tenor.to_ns)}, not above {fields.span(last)}"
                sink.add("MR-R311", tenor.places["to"], message, "each tenor tier ends above the one before")
            last = max(last, tenor.to_ns)
    for short, long in pairwise(tenors):
        if short.is_sound and long.is_sound and long.rate < short.rate:
            message = f"rate falls from {percent(short.rate)} to {percent(long.rate)} as the time left grows"
            sink.add("MR-R312", long.places["rate"], message, "what matures later never has a smaller rate")


def _check_dates(sink: Sink, asset: Collateral, effective_ns: int) -> None:
    if asset.matures_ns is None:
        return
    matures = units.format_time(asset.matures_ns)[:10]
    if effective_ns and asset.matures_ns <= effective_ns:
        message = f"matures was {matures}, not after the rulebook's effective date"
        sink.add("MR-R308", asset.places["matures value"], message, "what has matured is refused: delete the asset")
    if asset.callable is not None and asset.callable.from_ns >= asset.matures_ns:
        message = f"from was {units.format_time(asset.callable.from_ns)[:10]}, not before maturity on {matures}"
        place = asset.places.get("from", asset.place)
        sink.add("MR-R308", place, message, "a call comes before maturity")


def falls(sink: Sink, place: Place, what: str, before: Decimal, after: Decimal) -> None:
    """Report a rate that falls with size."""
    message = f"{what} falls from {percent(before)} to {percent(after)} as size grows"
    sink.add("MR-R312", place, message, "a larger holding never has a smaller rate")


# Compiling


def credits_of(collateral: Collateral) -> list[tuple[float, float]]:
    """Return each haircut tier as a line: counted value = value x rate + constant, continuous at the edges."""
    rows, constant, floor = [], _NOTHING, _NOTHING
    last = None
    for tier in collateral.haircuts:
        if last is not None and last.to is not None:
            floor = last.to
            constant += floor * (tier.rate - last.rate)
        rows.append((float(1 - tier.rate), float(constant)))
        last = tier
    return rows


def wrong_way_bits(assets: dict[str, Collateral]) -> dict[str, int]:
    """Return the bit of each asset that has a wrong-way rule."""
    names = sorted(name for name, one in assets.items() if one.wrong_way is not None)
    return {name: 1 << index for index, name in enumerate(names)}


def wrong_way_of(assets: dict[str, Collateral]) -> dict[str, int]:
    """Return, for each underlying that a wrong-way rule names, the bits of the assets that name it."""
    bits = wrong_way_bits(assets)
    found: dict[str, int] = {}
    for name, bit in bits.items():
        rule = assets[name].wrong_way
        for underlying in rule.underlyings if rule is not None else ():
            found[underlying] = found.get(underlying, 0) | bit
    return found


def terms_of(one: Collateral, wrong_way: int) -> CollateralTerms | None:
    """Return what the core reads beside haircuts by value; None where that is all there is."""
    terms = CollateralTerms(
        liability=float(one.liability),
        volatility_rate=_volatility_rate(one.volatility),
        volatility_floor=float(one.volatility.floor) if one.volatility else 0.0,
        tenors=tuple((LAST_NS if tier.to_ns is None else tier.to_ns, float(tier.rate)) for tier in one.tenors),
        matures_ns=LAST_NS if one.matures_ns is None else one.matures_ns,
        call_ns=one.callable.from_ns if one.callable else LAST_NS,
        call_price=float(one.callable.price) if one.callable else math.inf,
        deposits=_limit(one.utilisation.deposits if one.utilisation else None),
        borrows=_limit(one.utilisation.borrows if one.utilisation else None),
        wrong_way=wrong_way,
        wrong_way_share=float(1 - one.wrong_way.haircut) if one.wrong_way else 1.0,
        initial_share=1.0 if one.initial is None else float(1 - one.initial),
    )
    return None if terms == CollateralTerms() else terms


def _volatility_rate(one: Volatility | None) -> float:
    if one is None:
        return -1.0
    return float(one.multiple) * math.sqrt(one.horizon_ns / (YEAR_DAYS * DAY_NS))


def _limit(value: Decimal | None) -> float:
    return math.inf if value is None else float(value)


def later(asset: Collateral) -> Iterable[str]:
    """Yield the fields that books may lack, and whose absence leaves a digest as it was before there were any."""
    plain = Collateral(asset.haircuts, asset.cap, asset.concentration)
    for name in Collateral.__slots__:
        if name not in ("place", "places") and getattr(asset, name) != getattr(plain, name):
            yield name
