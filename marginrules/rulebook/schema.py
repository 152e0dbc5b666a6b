# SPDX-License-Identifier: Apache-2.0
"""
The vocabulary of a rulebook: nodes to records.

Here a key gets its type and its bounds; what keys mean together is checked in `check.py`. Each record keeps the place
it stands at, which is no part of its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from marginrules.codes import InstrumentKind, Restriction
from marginrules.limits import STEPS_MAX, TIERS_MAX
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink, suggest
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.units import DAY_NS, SECOND_NS

ONE = Decimal(1)
NOTHING = Decimal(0)
AMOUNT_MAX = Decimal(10) ** 15
RATIO_MAX = Decimal(1000)
AGE_MAX_NS = 7 * DAY_NS
AGE_DEFAULT_NS = 60 * SECOND_NS
DURATION_MAX_NS = 366 * DAY_NS
NOWHERE = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Haircut:
    """Cut `rate` from the part of a holding's value up to `to` (None: the rest)."""

    to: Decimal | None
    rate: Decimal
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Collateral:
    """Say how much of an asset counts."""

    haircuts: tuple[Haircut, ...]
    cap: Decimal | None
    concentration: Decimal
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Tier:
    """Give the rates for the part of a notional up to `to` (None: the rest)."""

    to: Decimal | None
    initial: Decimal
    maintenance: Decimal
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Margin:
    """Carry the `tiers` model of one product."""

    tiers: tuple[Tier, ...]
    initial_from: str  # "tier" or "leverage"
    open_interest: tuple[Decimal, Decimal] | None  # initial margin scales from 0 % to 100 % between these
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Match:
    """Say which instruments a product is; every condition given must hold."""

    kinds: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    settlements: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    inverse: bool | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """Carry one product: what it matches and how it is margined."""

    match: Match
    margin: Margin | None
    ladder: str
    max_age_ns: int | None
    place: Place = field(default=NOWHERE, compare=False)
    ladder_place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class MarginChange:
    """Carry what an override changes in the margin of a product."""

    scale: Decimal | None
    tiers: tuple[Tier, ...]
    place: Place = field(default=NOWHERE, compare=False)


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


@dataclass(frozen=True, slots=True)
class Book:
    """Carry a whole rulebook as written; ladders stay nodes until overrides are merged into them by step name."""

    name: str
    description: str
    currency: str
    increment: Decimal
    effective_ns: int
    max_age_ns: int
    classes: tuple[str, ...]
    calendars: dict[str, str]
    collateral: dict[str, Collateral]
    products: dict[str, Product]
    ladder: str
    ladders: dict[str, Mapping]
    overrides: tuple[Override, ...]
    places: dict[str, Place]


def read_book(sink: Sink, root: Mapping) -> Book:
    """Read every section; the sink has what was wrong, and a Book is returned all the same."""
    top = Fields(
        sink,
        root,
        "a rulebook",
        required=("rulebook", "currency", "effective", "collateral", "products", "ladders"),
        optional=("description", "increment", "marks", "classes", "calendars", "ladder", "overrides"),
    )
    increment = top.read("increment", fields.read_number, Decimal("0.01"))
    if not fields.in_range(sink, top.place_of("increment"), "increment", increment, NOTHING, AMOUNT_MAX, low_open=True):
        increment = Decimal("0.01")
    marks = top.node("marks")
    return Book(
        name=top.read("rulebook", fields.read_name, ""),
        description=top.read("description", fields.read_text, ""),
        currency=top.read("currency", fields.read_name, ""),
        increment=increment,
        effective_ns=top.read("effective", fields.read_timestamp, 0),
        max_age_ns=_max_age(Fields(sink, marks, "marks", required=("max_age",))) or AGE_DEFAULT_NS
        if marks
        else AGE_DEFAULT_NS,
        classes=top.read("classes", partial(fields.read_list, reader=fields.read_name), ("default",)),
        calendars={
            name: code for name, node in _named(sink, top, "calendars") if (code := fields.read_name(sink, node))
        },
        collateral={name: _collateral(sink, node) for name, node in _named(sink, top, "collateral", some=True)},
        products={name: _product(sink, node, top) for name, node in _named(sink, top, "products", some=True)},
        ladder=top.read("ladder", fields.read_name, ""),
        ladders={
            n: node
            for n, node in _named(sink, top, "ladders", some=True)
            if isinstance(node, Mapping) or _not_mapping(sink, node)
        },
        overrides=_overrides(sink, top.node("overrides")),
        places={
            key: top.place_of(key) for key in ("ladder", "ladders", "effective", "calendars", "classes", "currency")
        }
        | {f"calendars.{name}": node.place for name, node in _entries(top.node("calendars"))},
    )


def _entries(node: Node | None) -> list[tuple[str, Node]]:
    return list(node.entries.items()) if isinstance(node, Mapping) else []


def _named(sink: Sink, top: Fields, key: str, some: bool = False) -> list[tuple[str, Node]]:
    node = top.node(key)
    if node is None:
        return []
    if not isinstance(node, Mapping):
        sink.add("MR-R303", node.place, f"{key} maps names to their rules")
        return []
    if some and not node.entries:
        sink.add("MR-R327", node.place, f"{key} names nothing")
    return list(node.entries.items())


def _not_mapping(sink: Sink, node: Node) -> bool:
    sink.add("MR-R303", node.place, "a ladder is a mapping of keys", "keys: measure, calendar, steps")
    return False


def _max_age(part: Fields) -> int | None:
    age = part.read("max_age", fields.read_duration, 0)
    if not age and "max_age" not in part:
        return None
    seconds = Decimal(age) / SECOND_NS
    fields.in_range(
        part.sink, part.place_of("max_age"), "max_age in seconds", seconds, 0, AGE_MAX_NS // SECOND_NS, low_open=True
    )
    return age or None


# Collateral


def _collateral(sink: Sink, node: Node) -> Collateral:
    part = Fields(sink, node, "collateral of an asset", required=("haircut",), optional=("cap", "concentration"))
    cap = part.read("cap", fields.read_number, None)
    if cap is not None:
        fields.in_range(sink, part.place_of("cap"), "cap", cap, NOTHING, AMOUNT_MAX)
    concentration = part.read("concentration", fields.read_rate, ONE)
    fields.in_range(sink, part.place_of("concentration"), "concentration", concentration, NOTHING, ONE, low_open=True)
    return Collateral(_haircuts(sink, part.node("haircut")), cap, concentration, node.place)


def _haircuts(sink: Sink, node: Node | None) -> tuple[Haircut, ...]:
    if node is None:
        return ()
    if isinstance(node, Scalar):
        rate = fields.read_rate(sink, node)
        if rate is not None:
            fields.in_range(sink, node.place, "haircut", rate, NOTHING, ONE)
        return (Haircut(None, rate or NOTHING, node.place),)
    if not isinstance(node, Sequence):
        sink.add("MR-R303", node.place, "a haircut is a rate, or a list of {to, rate}")
        return ()
    made = []
    for item in node.items:
        part = Fields(sink, item, "a haircut tier", required=("rate",), optional=("to",))
        rate = part.read("rate", fields.read_rate, NOTHING)
        fields.in_range(sink, part.place_of("rate"), "haircut", rate, NOTHING, ONE)
        made.append(Haircut(part.read("to", fields.read_number, None), rate, item.place))
    return tuple(made)


# Products


def _product(sink: Sink, node: Node, top: Fields) -> Product:
    part = Fields(sink, node, "a product", required=("match", "margin"), optional=("ladder", "max_age"))
    match = part.node("match")
    margin = part.node("margin")
    return Product(
        match=_match(sink, match) if match else Match(),
        margin=_margin(sink, margin) if margin else None,
        ladder=part.read("ladder", fields.read_name, ""),
        max_age_ns=_max_age(part),
        place=node.place,
        ladder_place=part.place_of("ladder") if "ladder" in part else top.place_of("ladder"),
    )


def _match(sink: Sink, node: Node) -> Match:
    keys = ("kind", "underlying", "settlement", "symbol", "inverse")
    part = Fields(sink, node, "match", optional=keys)
    if part.is_readable and not any(key in part for key in keys):
        sink.add("MR-R322", node.place, "match names no condition", f"give at least one of {', '.join(keys)}")
    kind = partial(fields.read_word, words=[kind.word for kind in InstrumentKind])
    return Match(
        kinds=part.read("kind", partial(fields.read_list, reader=kind), ()),
        underlyings=part.read("underlying", partial(fields.read_list, reader=fields.read_name), ()),
        settlements=part.read("settlement", partial(fields.read_list, reader=fields.read_name), ()),
        symbols=part.read("symbol", partial(fields.read_list, reader=fields.read_pattern), ()),
        inverse=part.read("inverse", fields.read_yes, None),
    )


def _margin(sink: Sink, node: Node) -> Margin:
    part = Fields(sink, node, "margin", required=("model", "tiers"), optional=("initial_from", "open_interest"))
    part.read("model", partial(fields.read_word, words=("tiers",)), "tiers")
    interest = part.node("open_interest")
    return Margin(
        tiers=read_tiers(sink, part.node("tiers")),
        initial_from=part.read("initial_from", partial(fields.read_word, words=("tier", "leverage")), "tier"),
        open_interest=_open_interest(sink, interest) if interest else None,
        place=node.place,
    )


def _open_interest(sink: Sink, node: Node) -> tuple[Decimal, Decimal] | None:
    part = Fields(sink, node, "open_interest", required=("lower", "upper"))
    lower = part.read("lower", fields.read_number, NOTHING)
    upper = part.read("upper", fields.read_number, NOTHING)
    if "lower" in part and "upper" in part:
        fields.in_range(sink, part.place_of("lower"), "lower", lower, NOTHING, AMOUNT_MAX)
        fields.in_range(sink, part.place_of("upper"), "upper", upper, lower, AMOUNT_MAX, low_open=True)
    return lower, upper


def read_tiers(sink: Sink, node: Node | None) -> tuple[Tier, ...]:
    """Read a list of tiers; their order is checked later."""
    if node is None:
        return ()
    if not isinstance(node, Sequence) or not node.items:
        sink.add("MR-R303", node.place, "tiers is a list of {to, initial, maintenance}")
        return ()
    if len(node.items) > TIERS_MAX:
        sink.add("MR-R308", node.place, f"tiers had {len(node.items)} lines", f"allowed: 1 to {TIERS_MAX}")
    made = []
    for item in node.items[:TIERS_MAX]:
        part = Fields(sink, item, "a tier", required=("initial", "maintenance"), optional=("to",))
        rates = [part.read(key, fields.read_rate, NOTHING) for key in ("initial", "maintenance")]
        for key, rate in zip(("initial", "maintenance"), rates, strict=True):
            if key in part:
                fields.in_range(sink, part.place_of(key), key, rate, NOTHING, ONE)
        made.append(Tier(part.read("to", fields.read_number, None), rates[0], rates[1], item.place))
    return tuple(made)


# Overrides


def _overrides(sink: Sink, node: Node | None) -> tuple[Override, ...]:
    if node is None:
        return ()
    if not isinstance(node, Sequence):
        sink.add(
            "MR-R303",
            node.place,
            "overrides is a list",
            "each item: product, class or account; because; margin or ladder",
        )
        return ()
    return tuple(_override(sink, item) for item in node.items)


def _override(sink: Sink, node: Node) -> Override:
    part = Fields(
        sink, node, "an override", required=("because",), optional=("product", "class", "account", "margin", "ladder")
    )
    names = partial(fields.read_list, reader=fields.read_name)
    if part.is_readable and not any(key in part for key in ("product", "class", "account")):
        sink.add("MR-R321", node.place, "the override selects nothing", "give product, class or account")
    if part.is_readable and not any(key in part for key in ("margin", "ladder")):
        sink.add("MR-R327", node.place, "the override changes nothing", "give margin or ladder")
    margin, ladder = part.node("margin"), part.node("ladder")
    steps: dict[str, Mapping] = {}
    if ladder is not None and not isinstance(ladder, Mapping):
        sink.add("MR-R303", ladder.place, "the ladder of an override maps step names to what changes")
    for name, step in _entries(ladder):
        if isinstance(step, Mapping):
            steps[name] = step
        else:
            sink.add("MR-R303", step.place, "a step of an override is a mapping of what changes")
    return Override(
        products=part.read("product", names, ()),
        classes=part.read("class", names, ()),
        accounts=part.read("account", names, ()),
        because=part.read("because", fields.read_text, ""),
        margin=_margin_change(sink, margin) if margin else None,
        steps=steps,
        place=node.place,
        places={key: part.place_of(key) for key in ("product", "class", "account")}
        | {f"step.{name}": place for name, place in (ladder.keys.items() if isinstance(ladder, Mapping) else ())},
    )


def _margin_change(sink: Sink, node: Node) -> MarginChange:
    part = Fields(sink, node, "the margin of an override", optional=("scale", "tiers"))
    if part.is_readable and ("scale" in part) == ("tiers" in part):
        sink.add("MR-R326", node.place, "the margin of an override is either scale or tiers")
    scale = part.read("scale", fields.read_rate, None)
    if scale is not None:
        fields.in_range(sink, part.place_of("scale"), "scale", scale, NOTHING, Decimal(100), low_open=True)
    return MarginChange(scale, read_tiers(sink, part.node("tiers")), node.place)


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
    place: Place = field(default=NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class LadderPart:
    """Carry one ladder as written, overrides merged in."""

    calendar: str
    steps: tuple[StepPart, ...]
    place: Place = field(default=NOWHERE, compare=False)
    calendar_place: Place = field(default=NOWHERE, compare=False)


STEP_KEYS = (
    "below",
    "clear",
    "for",
    "after",
    "or_after",
    "deadline",
    "call",
    "restrict",
    "liquidate",
    "waterfall",
    "notify",
)
RECIPIENTS = ("client", "desk", "risk", "compliance", "operations")
LAYERS = ("insurance_fund", "auto_deleveraging", "loss_socialisation", "guarantee_fund", "house_capital")


def read_ladder(sink: Sink, node: Mapping) -> LadderPart:
    """Read one ladder."""
    part = Fields(sink, node, "a ladder", required=("steps",), optional=("measure", "calendar"))
    part.read("measure", partial(fields.read_word, words=("margin_ratio",)), "margin_ratio")
    steps = part.node("steps")
    items: list[Node] = []
    if isinstance(steps, Sequence) and steps.items:
        items = steps.items
    elif steps is not None:
        sink.add("MR-R303", steps.place, "steps is a list, mildest step first")
    if len(items) > STEPS_MAX:
        sink.add(
            "MR-R308",
            steps.place if steps else node.place,
            f"the ladder had {len(items)} steps",
            f"allowed: 1 to {STEPS_MAX}",
        )
    return LadderPart(
        calendar=part.read("calendar", fields.read_name, ""),
        steps=tuple(_step(sink, item) for item in items[:STEPS_MAX]),
        place=node.place,
        calendar_place=part.place_of("calendar"),
    )


def _step(sink: Sink, node: Node) -> StepPart:
    part = Fields(sink, node, "a step", required=("step",), optional=STEP_KEYS)
    ratio = partial(_ratio, low=Decimal(-10))
    call, liquidate = part.node("call"), part.node("liquidate")
    duration = part.read("for", fields.read_duration, 0)
    if duration > DURATION_MAX_NS:
        sink.add("MR-R308", part.place_of("for"), "for was longer than 366d", "allowed: 0s to 366d")
    after, or_after = (part.read(key, _unmet, "") for key in ("after", "or_after"))
    if "after" in part and "or_after" in part:
        sink.add("MR-R326", part.key_place("or_after"), "a step has `after` or `or_after`, not both")
    word = part.read("restrict", partial(fields.read_word, words=("reduce_only", "blocked")), "none")
    return StepPart(
        name=part.read("step", fields.read_name, ""),
        below=part.read("below", ratio, None),
        clear=part.read("clear", ratio, None),
        for_ns=duration,
        after=after,
        or_after=or_after,
        deadline=part.read("deadline", fields.read_text, ""),
        call=_call(sink, call) if call else None,
        restrict=Restriction[word.upper()],
        liquidate=_liquidate(sink, liquidate) if liquidate else None,
        waterfall=part.read("waterfall", partial(fields.read_list, reader=partial(fields.read_word, words=LAYERS)), ()),
        notify=part.read("notify", partial(fields.read_list, reader=partial(fields.read_word, words=RECIPIENTS)), ()),
        place=node.place,
        places={key: part.place_of(key) for key in ("step", *STEP_KEYS) if key in part},
    )


def _ratio(sink: Sink, node: Node, low: Decimal) -> Decimal | None:
    value = fields.read_rate(sink, node)
    if value is None or not fields.in_range(sink, node.place, "ratio", value, low, RATIO_MAX):
        return None
    return value


def _unmet(sink: Sink, node: Node) -> str | None:
    text = fields.read_text(sink, node)
    words = (text or "").split()
    if text is not None and (len(words) != 2 or words[1] != "unmet"):
        sink.add("MR-R318", node.place, f"'{text}' does not say after what", "write `<step> unmet`")
        return None
    return words[0] if words else None


def _call(sink: Sink, node: Node) -> CallPart:
    part = Fields(sink, node, "a call", required=("restore",), optional=("minimum_transfer", "round_to"))
    restore, ratio = "initial_margin", NOTHING
    target = part.node("restore")
    if target is not None:
        text = fields.read_text(sink, target) or ""
        if text[:1].isdigit():
            restore, ratio = "ratio", _ratio(sink, target, ONE) or ONE
        elif text in ("initial_margin", "maintenance_margin"):
            restore = text
        elif text:
            hint = suggest(text, ("initial_margin", "maintenance_margin"))
            sink.add("MR-R310", target.place, f"'{text}' cannot be restored", f"{hint} (or a ratio such as 130%)")
    minimum = part.read("minimum_transfer", fields.read_number, NOTHING)
    fields.in_range(sink, part.place_of("minimum_transfer"), "minimum_transfer", minimum, NOTHING, AMOUNT_MAX)
    rounding = part.read("round_to", fields.read_number, None)
    if rounding is not None:
        fields.in_range(sink, part.place_of("round_to"), "round_to", rounding, NOTHING, AMOUNT_MAX, low_open=True)
    return CallPart(restore, ratio, minimum, rounding)


def _liquidate(sink: Sink, node: Node) -> LiquidatePart:
    if isinstance(node, Scalar):
        fields.read_word(sink, node, ("all",))
        return LiquidatePart(ONE, NOTHING, NOTHING, 0, True, "pro_rata")
    part = Fields(
        sink, node, "liquidate", optional=("fraction", "target", "until", "every", "cancel_orders_first", "first")
    )
    if part.is_readable and ("fraction" in part) == ("target" in part):
        sink.add("MR-R326", node.place, "liquidate is by fraction or to a target ratio: give one of the two")
    fraction = part.read("fraction", fields.read_rate, NOTHING)
    if "fraction" in part:
        fields.in_range(sink, part.place_of("fraction"), "fraction", fraction, NOTHING, ONE, low_open=True)
    ratio = partial(_ratio, low=ONE / 100)
    every = part.read("every", fields.read_duration, 0)
    if every > DURATION_MAX_NS:
        sink.add("MR-R308", part.place_of("every"), "every was longer than 366d", "allowed: 0s to 366d")
    return LiquidatePart(
        fraction=fraction,
        target=part.read("target", ratio, NOTHING),
        until=part.read("until", ratio, NOTHING),
        every_ns=every,
        cancel_orders_first=part.read("cancel_orders_first", fields.read_yes, True),
        first=part.read(
            "first", partial(fields.read_word, words=("largest_loss", "largest_margin", "pro_rata")), "pro_rata"
        ),
    )
