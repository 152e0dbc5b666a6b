# SPDX-License-Identifier: Apache-2.0
"""
The vocabulary of a rulebook: nodes to records.

Here a key gets its type and its bounds; what keys mean together is checked in `check.py`. Each record keeps the place
it stands at, which is no part of its meaning.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

from marginrules import units
from marginrules.codes import Restriction
from marginrules.limits import CLOSED_DAYS_MAX, STEPS_MAX
from marginrules.rulebook import fields, meant
from marginrules.rulebook.collateral import Collateral, read_collateral
from marginrules.rulebook.diagnostic import Place, Sink, nearest, suggest
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.linting import LintSetting, read_lint
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.rulebook.pools import PoolPart, read_pools
from marginrules.rulebook.portfolios import Formulas, read_formulas, whole
from marginrules.rulebook.sections import Sections, read_sections
from marginrules.rulebook.vocabulary import products
from marginrules.rulebook.vocabulary.book import BOOK, CALENDAR
from marginrules.rulebook.vocabulary.ladders import (
    CALL,
    LADDER,
    LIQUIDATE,
    MARGIN_CHANGE,
    MARGINS,
    OVERRIDE,
    RESTORED,
    STEP,
)
from marginrules.units import SECOND_NS

ONE = Decimal(1)
NOTHING = Decimal(0)
EFFECTIVE = ("2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z")
AGE_DEFAULT_NS = 60 * SECOND_NS
NOWHERE = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Tier:
    """Give the rates for the part of a notional up to `to` (None: the rest)."""

    to: Decimal | None
    initial: Decimal
    maintenance: Decimal
    place: Place = field(default=NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)
    is_sound: bool = field(default=True, compare=False)  # every value could be read


@dataclass(frozen=True, slots=True)
class Margin:
    """Carry the `tiers` model of one product."""

    tiers: tuple[Tier, ...]
    initial_from: str  # "tier" or "leverage"
    open_interest: tuple[Decimal, Decimal] | None  # initial margin scales from 0 % to 100 % between these
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class PortfolioMargin:
    """Say in which portfolio a product is margined."""

    portfolio: str
    place: Place = field(default=NOWHERE, compare=False)
    portfolio_place: Place = field(default=NOWHERE, compare=False)


ProductMargin = Margin | Formulas | PortfolioMargin


@dataclass(frozen=True, slots=True)
class Match:
    """Say which instruments a product is; every condition given must hold."""

    kinds: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    settlements: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    inverse: bool | None = None
    rights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """Carry one product: what it matches and how it is margined."""

    match: Match
    margin: ProductMargin | None
    ladder: str
    max_age_ns: int | None
    value_excluded: bool = False  # the market value of an option is no part of equity
    because: str = ""
    place: Place = field(default=NOWHERE, compare=False)
    ladder_place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class MarginChange:
    """Carry what an override changes in the margin of a product."""

    scale: Decimal | None
    tiers: tuple[Tier, ...]
    place: Place = field(default=NOWHERE, compare=False)
    scale_place: Place = field(default=NOWHERE, compare=False)
    key_place: Place = field(default=NOWHERE, compare=False)  # of `scale` or `tiers`


@dataclass(frozen=True, slots=True)
class Limit:
    """Say how far the value in use of a published field may move in `per_ns`; None: any way."""

    rise: Decimal | None
    fall: Decimal | None
    per_ns: int


@dataclass(frozen=True, slots=True)
class Override:
    """Carry one exception, for products, account classes and accounts, and its reason."""

    products: tuple[str, ...]
    classes: tuple[str, ...]
    accounts: tuple[str, ...]
    because: str
    margin: MarginChange | None
    steps: dict[str, Mapping]
    place: Place = field(default=NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)
    is_known: bool = field(default=True, compare=False)  # which products it selects could be read


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """Carry whose business days count, and which further days do not."""

    exchange: str  # empty where it could not be read
    closed: tuple[dt.date, ...] = ()
    place: Place = field(default=NOWHERE, compare=False)  # of the exchange


@dataclass(frozen=True, slots=True)
class Book:
    """Carry a whole rulebook as written; ladders stay nodes until overrides are merged into them by step name."""

    name: str
    description: str
    currency: str
    increment: Decimal
    effective_ns: int
    max_age_ns: int
    limits: dict[str, Limit]
    classes: tuple[str, ...]
    calendars: dict[str, CalendarPart]
    collateral: dict[str, Collateral]
    products: dict[str, Product]
    ladder: str
    ladders: dict[str, Mapping]
    ladder_names: frozenset[str]  # with those that could not be read
    unread: frozenset[str]  # sections of which not every name is known, so that none is reported as unknown
    overrides: tuple[Override, ...]
    pools: dict[str, PoolPart]
    sections: Sections
    lint: dict[str, LintSetting]  # what is no meaning, and so no part of the digest
    places: dict[str, Place]


def read_book(sink: Sink, root: Mapping) -> Book:
    """Read every section; the sink has what was wrong, and a Book is returned all the same."""
    top = Fields(sink, root, "a rulebook", BOOK)
    age, limits = _marks(sink, top.node("marks"), top.key_place("marks"))
    keys = ("ladder", "currency")
    places = {key: top.place_of(key) for key in keys} | {
        key: top.key_place(key) for key in ("ladders", "calendars", "classes", "overrides")
    }
    calendars = fields.read_named(sink, top, "calendars")
    ladders = fields.read_named(sink, top, "ladders", some=True)
    return Book(
        name=top.read("rulebook", fields.read_name, ""),
        description=top.read("description", fields.read_text, ""),
        currency=top.read("currency", fields.read_name, ""),
        increment=top.number("increment", Decimal("0.01")),
        effective_ns=top.read("effective", _effective, 0),
        max_age_ns=age or AGE_DEFAULT_NS,
        limits=limits,
        classes=top.read("classes", partial(fields.read_list, reader=fields.read_name), ("default",)),
        calendars={name: one for name, node, at in calendars if (one := _calendar(sink, node, at)).exchange},
        collateral={
            name: read_collateral(sink, node, name, at)
            for name, node, at in fields.read_named(sink, top, "collateral", some=True)
        },
        products={
            name: _product(sink, node, name, at, top)
            for name, node, at in fields.read_named(sink, top, "products", some=True)
        },
        ladder=top.read("ladder", fields.read_name, ""),
        ladders=_ladders(sink, ladders),
        ladder_names=frozenset(name for name, _, _ in ladders),
        unread=frozenset(
            key for key in ("products", "ladders", "classes", "calendars", "ladder") if _is_unread(top, key)
        ),
        overrides=_overrides(sink, top.node("overrides")),
        pools=read_pools(sink, top),
        sections=read_sections(sink, top),
        lint=read_lint(sink, top),
        places=places
        | {f"calendars.{name}": node.place for name, node, _ in calendars}
        | {f"ladders.{name}": at for name, _, at in ladders},
    )


def _calendar(sink: Sink, node: Node, at: Place) -> CalendarPart:
    """Read an exchange, or an exchange and the days on which it counts as closed besides its own."""
    if not isinstance(node, Mapping):
        return CalendarPart(fields.read_name(sink, node) or "", place=node.place)
    part = Fields(sink, node, "a calendar", CALENDAR, at=at)
    closed: tuple[dt.date, ...] = part.read("closed", partial(fields.read_list, reader=fields.read_date), ())
    if len(closed) > CLOSED_DAYS_MAX:
        message = f"a calendar had {len(closed):,} closed days"
        sink.add("MR-R308", part.place_of("closed"), message, f"allowed: up to {CLOSED_DAYS_MAX:,}")
    return CalendarPart(part.read("exchange", fields.read_name, ""), tuple(sorted(closed)), part.place_of("exchange"))


def _is_unread(top: Fields, key: str) -> bool:
    """Say whether a section was misspelt, is missing and must not be, or is not what it has to be."""
    node = top.node(key)
    if node is None:
        return key in top or key in ("products", "ladders")
    if key in ("classes", "ladder"):
        return isinstance(node, Mapping)
    return not isinstance(node, Mapping) or node.partial


def _effective(sink: Sink, node: Node) -> int | None:
    moment = fields.read_timestamp(sink, node)
    first, last = (units.parse_timestamp_ns(text) or 0 for text in EFFECTIVE)
    if moment is not None and not first <= moment <= last:
        message = f"effective was {units.format_time(moment)}"
        sink.add("MR-R308", node.place, message, f"allowed: from {EFFECTIVE[0]} to {EFFECTIVE[1]}")
        return None
    return moment


def _ladders(sink: Sink, named: list[tuple[str, Node, Place]]) -> dict[str, Mapping]:
    """Return the ladders that are mappings; they are read once overrides are merged in."""
    ladders = {}
    for name, node, _ in named:
        if isinstance(node, Mapping):
            ladders[name] = node
        else:
            sink.add("MR-R303", node.place, f"ladder '{name}' is a mapping of keys", "keys: measure, calendar, steps")
    return ladders


def _max_age(part: Fields) -> int | None:
    return part.duration("max_age", None)


def _marks(sink: Sink, node: Node | None, at: Place) -> tuple[int | None, dict[str, Limit]]:
    """Return how old prices may be, and how fast what is published beside them may move."""
    if node is None:
        return None, {}
    part = Fields(sink, node, "marks", products.MARKS, at=at)
    limits = part.node("limits")
    return _max_age(part), {} if limits is None else _limits(sink, limits, part.key_place("limits"))


def _limits(sink: Sink, node: Node, at: Place) -> dict[str, Limit]:
    part = Fields(sink, node, "limits", products.LIMITS, at=at)
    if isinstance(node, Mapping) and not node.entries and not node.partial:
        sink.add("MR-R327", node.place, "limits names nothing", "give at least one field, such as `volatility:`")
    return {
        name: _limit(sink, one, name, part.key_place(name)) for name in products.LIMITED if (one := part.node(name))
    }


def _limit(sink: Sink, node: Node, name: str, at: Place) -> Limit:
    part = Fields(sink, node, f"limit of {name}", products.LIMIT, at=at)
    if part.is_readable and not ("rise" in part or "fall" in part):
        sink.add("MR-R302", at, f"limit of {name} has neither rise nor fall", "give at least one of them")
    return Limit(rise=part.rate("rise", None), fall=part.rate("fall", None), per_ns=part.duration("per", 0))


# Products


def _product(sink: Sink, node: Node, name: str, at: Place, top: Fields) -> Product:
    part = Fields(sink, node, f"product '{name}'", products.PRODUCT, at=at)
    match = part.node("match")
    margin = part.node("margin")
    return Product(
        match=_match(sink, match, part.key_place("match")) if match else Match(),
        margin=_margin(sink, margin, part.key_place("margin")) if margin else None,
        ladder=part.read("ladder", fields.read_name, ""),
        max_age_ns=_max_age(part),
        value_excluded=part.word("value", "counted") == "excluded",
        because=part.read("because", fields.read_text, ""),
        place=node.place,
        ladder_place=part.place_of("ladder") if "ladder" in part else top.place_of("ladder"),
    )


def _match(sink: Sink, node: Node, at: Place) -> Match:
    part, keys = Fields(sink, node, "match", products.MATCH, at=at), products.MATCH.names
    if part.is_readable and not any(key in part for key in keys):
        sink.add("MR-R322", node.place, "match names no condition", f"give at least one of {', '.join(keys)}")
    return Match(
        kinds=part.words("kind"),
        underlyings=part.read("underlying", partial(fields.read_list, reader=fields.read_name), ()),
        settlements=part.read("settlement", partial(fields.read_list, reader=fields.read_name), ()),
        symbols=part.read("symbol", partial(fields.read_list, reader=fields.read_pattern), ()),
        inverse=part.yes("inverse", None),
        rights=part.words("right"),
    )


def _margin(sink: Sink, node: Node, at: Place) -> ProductMargin:
    node = whole(sink, node)
    model = _model(node)
    part = Fields(sink, node, "margin", products.MARGIN.of[model], at=at)
    part.word("model", model)
    if model == "formula":
        return replace(read_formulas(sink, part), place=node.place)
    if model == "portfolio":
        portfolio = part.read("portfolio", fields.read_name, "")
        return PortfolioMargin(portfolio, node.place, part.place_of("portfolio"))
    interest = part.node("open_interest")
    return Margin(
        tiers=read_tiers(sink, part.node("tiers")),
        initial_from=part.word("initial_from", "tier"),
        open_interest=_open_interest(sink, interest, part.key_place("open_interest")) if interest else None,
        place=node.place,
    )


def _model(node: Node) -> str:
    """Return the margin model that was meant, by its word or by the keys that only it has."""
    entries = node.entries if isinstance(node, Mapping) else {}
    word = entries.get("model")
    models = products.MARGIN.of
    if isinstance(word, Scalar) and nearest(word.text, models):
        return nearest(word.text, models)
    given = entries.keys() - {"model"}
    return next((model for model, keys in models.items() if given & set(keys.required)), "tiers")


def _open_interest(sink: Sink, node: Node, at: Place) -> tuple[Decimal, Decimal] | None:
    part = Fields(sink, node, "open_interest", products.OPEN_INTEREST, at=at)
    lower = part.number("lower", NOTHING)
    upper = part.number("upper", NOTHING)
    if part.is_sound and upper <= lower:
        message = f"upper was {fields.grouped(upper)}, not above lower {fields.grouped(lower)}"
        sink.add("MR-R308", part.place_of("upper"), message, "initial margin rises from lower to upper")
    return lower, upper


def read_tiers(sink: Sink, node: Node | None) -> tuple[Tier, ...]:
    """Read a list of tiers; their order is checked later."""
    if node is None:
        return ()
    if not isinstance(node, Sequence):
        hint = "write each as `- {to: ..., initial: 10%, maintenance: 5%}`"
        sink.add("MR-R303", node.place, "tiers is a list of {to, initial, maintenance}", hint)
        return ()
    if not fields.is_table(sink, node, "tiers"):
        return ()
    made = []
    for item in node.items:
        part = Fields(sink, item, "a tier", products.TIER)
        initial, maintenance = part.rate("initial", NOTHING), part.rate("maintenance", NOTHING)
        to = part.number("to", None)
        places = {key: part.place_of(key) for key in ("to", "initial", "maintenance")}
        made.append(Tier(to, initial, maintenance, item.place, places, part.is_sound))
    return tuple(made)


# Overrides


def _overrides(sink: Sink, node: Node | None) -> tuple[Override, ...]:
    if node is None:
        return ()
    if not isinstance(node, Sequence):
        hint = "each item: product, class or account; because; margin or ladder"
        sink.add("MR-R303", node.place, "overrides is a list", hint)
        return ()
    return tuple(_override(sink, item) for item in node.items)


def _override(sink: Sink, node: Node) -> Override:
    selectors = ("product", "class", "account")
    part = Fields(sink, node, "an override", OVERRIDE)
    names = partial(fields.read_list, reader=fields.read_name)
    if part.is_readable and not any(key in part for key in selectors):
        sink.add("MR-R321", node.place, "the override selects nothing", "give product, class or account")
    if part.is_readable and not any(key in part for key in ("margin", "ladder")):
        sink.add("MR-R327", node.place, "the override changes nothing", "give margin or ladder")
    margin, ladder = part.node("margin"), part.node("ladder")
    products = part.read("product", names, ())
    return Override(
        products=products,
        classes=part.read("class", names, ()),
        accounts=part.read("account", names, ()),
        because=part.read("because", fields.read_text, ""),
        margin=_margin_change(sink, margin, part.key_place("margin")) if margin else None,
        steps=_step_changes(sink, ladder),
        place=node.place,
        places={f"{key}.{name}": place for key in selectors for name, place in _listed(part.node(key))}
        | {f"step.{name}": place for name, place in (ladder.keys.items() if isinstance(ladder, Mapping) else ())},
        is_known=bool(products) == ("product" in part),
    )


def _listed(node: Node | None) -> list[tuple[str, Place]]:
    items = node.items if isinstance(node, Sequence) else [node]
    return [(item.text, item.place) for item in items if isinstance(item, Scalar)]


def _step_changes(sink: Sink, node: Node | None) -> dict[str, Mapping]:
    """Return what an override changes in each step it names; the keys are read when they are merged into the step."""
    hint = "write `<step>: {below: 110%}`"
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        sink.add("MR-R303", node.place, "the ladder of an override maps step names to what changes", hint)
        return {}
    if not node.entries:
        sink.add("MR-R327", node.place, "the override changes no step", hint)
    steps: dict[str, Mapping] = {}
    for name, step in node.entries.items():
        if not isinstance(step, Mapping):
            sink.add("MR-R303", step.place, f"'{name}' is a mapping of what changes in the step", hint)
        elif "step" in step.entries:
            sink.add("MR-R301", step.keys["step"], "an override cannot rename a step", "delete it")
        elif not step.entries:
            sink.add("MR-R327", step.place, f"nothing changes in '{name}'", hint)
        else:
            steps[name] = step
    return steps


def _margin_change(sink: Sink, node: Node, at: Place) -> MarginChange:
    part = Fields(sink, node, "the margin of an override", MARGIN_CHANGE, at=at)
    if part.is_readable and ("scale" in part) == ("tiers" in part):
        place = part.key_place("tiers") if "tiers" in part else at
        sink.add("MR-R326", place, "the margin of an override is either scale or tiers", "give one of the two")
    scale = part.rate("scale", None)
    key_place = part.key_place("tiers" if "tiers" in part else "scale")
    return MarginChange(scale, read_tiers(sink, part.node("tiers")), node.place, part.place_of("scale"), key_place)


# Ladders


@dataclass(frozen=True, slots=True)
class CallPart:
    """Carry the `call` of a step as written."""

    restore: str
    ratio: Decimal
    minimum_transfer: Decimal
    round_to: Decimal | None


@dataclass(frozen=True, slots=True)
class LiquidatePart:
    """Carry the `liquidate` of a step as written."""

    fraction: Decimal
    target: Decimal
    until: Decimal
    every_ns: int
    cancel_orders_first: bool
    first: str
    places: dict[str, Place] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class StepPart:
    """Carry one step as written."""

    name: str
    below: Decimal | None
    clear: Decimal | None
    for_ns: int
    after: str
    or_after: str
    deadline: str
    call: CallPart | None
    restrict: Restriction
    liquidate: LiquidatePart | None
    waterfall: tuple[str, ...]
    notify: tuple[str, ...]
    because: str = ""
    place: Place = field(default=NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)
    is_readable: bool = field(default=True, compare=False)
    is_sound: bool = field(default=True, compare=False)  # nothing was wrong with a key or a value of its own


Changes = dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class LadderPart:
    """Carry one ladder as written, overrides merged in; `changed` has the keys they changed, by step."""

    calendar: str
    steps: tuple[StepPart, ...]
    place: Place = field(default=NOWHERE, compare=False)
    calendar_place: Place = field(default=NOWHERE, compare=False)
    has_calendar: bool = field(default=False, compare=False)  # given, if perhaps not readable
    changed: Changes = field(default_factory=dict, compare=False)

    def has_changed(self, step: StepPart, key: str) -> bool:
        """Say whether an override gave this key of a step."""
        return key in self.changed.get(step.name, ())


class LadderReader:
    """Read ladders; a step that several variants of a ladder share is read once."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._read: dict[int, tuple[Node, StepPart]] = {}  # holds each node, so that its id is not given away

    def ladder(self, node: Mapping, name: str, at: Place, changed: Changes) -> LadderPart:
        """Read one ladder; `at` is where its name stands."""
        sink = self._sink
        part = Fields(sink, node, f"ladder '{name}'", LADDER, at=at)
        part.word("measure", "margin_ratio")
        steps = part.node("steps")
        items: list[Node] = []
        if isinstance(steps, Sequence) and len(steps.items) > STEPS_MAX:
            message = f"ladder '{name}' had {len(steps.items)} steps"
            sink.add("MR-R308", steps.place, message, f"allowed: from 1 to {STEPS_MAX}")
        elif isinstance(steps, Sequence) and steps.items:
            items = steps.items
        elif steps is not None:
            code = "MR-R327" if isinstance(steps, Sequence) else "MR-R303"
            sink.add(code, steps.place, "steps is a list, mildest step first", "write each as `- step: <name>`")
        return LadderPart(
            calendar=part.read("calendar", fields.read_name, ""),
            steps=tuple(self._step(item) for item in items),
            place=node.place,
            calendar_place=part.place_of("calendar"),
            has_calendar="calendar" in part,
            changed=changed,
        )

    def _step(self, node: Node) -> StepPart:
        found = self._read.get(id(node))
        if found is None:
            found = node, _step(self._sink, node)
            self._read[id(node)] = found
        return found[1]


def _step(sink: Sink, node: Node) -> StepPart:
    name = node.entries.get("step") if isinstance(node, Mapping) else None
    what = f"step '{fields.shorten(name.text)}'" if isinstance(name, Scalar) else "a step"
    part = Fields(sink, node, what, STEP)
    call, liquidate = part.node("call"), part.node("liquidate")
    if "or_after" in part and "after" in part:
        message = "a step is entered `after` a call, or by `or_after` besides a threshold"
        sink.add("MR-R326", part.key_place("or_after"), message, "delete one of the two")
    elif "or_after" in part and "below" not in part:
        message = "`or_after` adds a second way into a step that has `below`"
        sink.add("MR-R326", part.key_place("or_after"), message, "give `below: <ratio>`, or write `after`")
    elif "after" in part and "below" in part:
        message = "a step is entered `below` a ratio or `after` a call; both ways need `or_after`"
        sink.add("MR-R326", part.key_place("after"), message, "write `or_after`, or delete `below`")
    return StepPart(
        name=part.read("step", fields.read_name, ""),
        below=part.rate("below", None, called="ratio"),
        clear=part.rate("clear", None, called="ratio"),
        for_ns=part.duration("for", 0),
        after=part.read("after", _unmet, ""),
        or_after=part.read("or_after", _unmet, ""),
        deadline=part.read("deadline", fields.read_text, ""),
        call=_call(sink, call, part.key_place("call")) if call else None,
        restrict=Restriction[part.word("restrict", "none").upper()],
        liquidate=_liquidate(sink, liquidate) if liquidate else None,
        waterfall=part.words("waterfall"),
        notify=part.words("notify"),
        because=part.read("because", fields.read_text, ""),
        place=node.place,
        places={key: part.key_place(key) if key == "call" else part.place_of(key) for key in STEP.names if key in part},
        is_readable=part.is_readable,
        is_sound=part.is_sound,
    )


def _unmet(sink: Sink, node: Node) -> str | None:
    text = fields.read_text(sink, node)
    words = (text or "").split()
    if text is not None and (len(words) != 2 or words[1] != "unmet"):
        hint = meant.hint(meant.unmet(text), "write `<step> unmet`")
        sink.add("MR-R318", node.place, f"'{fields.shorten(text)}' does not say after what", hint)
        return None
    return words[0] if words else None


def _call(sink: Sink, node: Node, at: Place) -> CallPart:
    part = Fields(sink, node, "call", CALL, at=at)
    restore, ratio = part.read("restore", _restore, ("initial_margin", NOTHING))
    return CallPart(
        restore=restore,
        ratio=ratio,
        minimum_transfer=part.number("minimum_transfer", NOTHING),
        round_to=part.number("round_to", None),
    )


def _restore(sink: Sink, node: Node) -> tuple[str, Decimal] | None:
    """Read what a call restores: a margin by name, or a ratio."""
    text = fields.read_text(sink, node)
    if text is None:
        return None
    if text in MARGINS:
        return text, NOTHING
    if text[0].isalpha():
        hint = f"{suggest(text, MARGINS)} (or a ratio such as 130%)"
        sink.add("MR-R310", node.place, f"'{fields.shorten(text)}' cannot be restored", hint)
        return None
    ratio = fields.read_rate_in(sink, node, "restore", RESTORED)
    return None if ratio is None else ("ratio", ratio)


def _liquidate(sink: Sink, node: Node) -> LiquidatePart:
    if isinstance(node, Scalar):
        if node.text != "all":
            message = f"'{fields.shorten(node.text)}' does not say how to liquidate"
            hint = meant.hint(nearest(node.text, ("all",)), "write `all`, {fraction: 20%} or {target: 120%}")
            sink.add("MR-R310", node.place, message, hint)
        return LiquidatePart(ONE, NOTHING, NOTHING, 0, True, "pro_rata")
    part = Fields(sink, node, "liquidate", LIQUIDATE)
    if part.is_readable and ("fraction" in part) == ("target" in part):
        place = part.key_place("target")
        message = "liquidate is by fraction or to a target ratio"
        sink.add("MR-R326", place, message, "give one of the two")
    return LiquidatePart(
        fraction=part.rate("fraction", NOTHING),
        target=part.rate("target", NOTHING, called="ratio"),
        until=part.rate("until", NOTHING, called="ratio"),
        every_ns=part.duration("every", 0),
        cancel_orders_first=part.yes("cancel_orders_first", True),
        first=part.word("first", "pro_rata"),
        places={key: part.place_of(key) for key in ("target", "until")},
    )
