# SPDX-License-Identifier: Apache-2.0
"""What a page says of a rulebook, in the order in which a reader wants to know it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from marginrules.authoring.document.parts import (
    Bullets,
    Chart,
    Formula,
    Heading,
    LadderDrawing,
    Paragraph,
    Part,
    Rung,
    Table,
)
from marginrules.codes import Restriction
from marginrules.rulebook.collateral import Collateral
from marginrules.rulebook.compile import Analysis
from marginrules.rulebook.fields import percent
from marginrules.rulebook.parse import Mapping, Node, Scalar
from marginrules.rulebook.parse import Sequence as List
from marginrules.rulebook.portfolios import Formulas
from marginrules.rulebook.schema import (
    CallPart,
    LadderPart,
    LiquidatePart,
    Margin,
    Match,
    Override,
    PortfolioMargin,
    Product,
    StepPart,
    Tier,
)
from marginrules.terms import MarginTier
from marginrules.units import format_amount, format_duration, format_number, format_time

_CHART_POINTS = 120
_NONE = "-"
# Sections that formulas are written in, and what a page calls them.
_MODELS = {
    "constants": "Constants",
    "parameters": "Parameters",
    "tables": "Tables",
    "scenarios": "Scenarios",
    "portfolios": "Portfolios",
    "strategies": "Strategies",
    "pool": "The pool's own formulas",
    "figures": "Figures reported on request",
}
_RESTRICTIONS = {Restriction.REDUCE_ONLY: "only orders that reduce", Restriction.BLOCKED: "no orders at all"}
_FIRST = {"largest_loss": "the largest loss first", "largest_margin": "the largest margin first", "pro_rata": ""}


@dataclass(frozen=True, slots=True)
class Act:
    """Carry what somebody did to the rulebook: proposed, approved, activated ... and why."""

    time_ns: int
    what: str
    who: str
    why: str


def describe(analysis: Analysis, history: Sequence[Act] = ()) -> tuple[Part, ...]:
    """
    Describe a rulebook.

    Args:
        history: who did what to it, oldest first; where there is none the page says nothing of it.
    """
    return (
        *_title(analysis),
        *_history(history),
        *_ladders(analysis),
        *_products(analysis),
        *_collateral(analysis),
        *_overrides(analysis),
        *_pools(analysis),
        *_models(analysis),
    )


def _title(analysis: Analysis) -> Iterator[Part]:
    book, program = analysis.book, analysis.program
    yield Heading(1, book.name)
    if book.description:
        yield Paragraph(f"{book.description[0].upper()}{book.description[1:]}.")
    rows = [
        ("currency", f"{book.currency}, demands in steps of {grouped(book.increment)}"),
        ("in force from", format_time(book.effective_ns)),
        ("prices may be", f"at most {format_duration(book.max_age_ns)} old"),
        ("classes of accounts", ", ".join(book.classes)),
        ("digest of its meaning", program.digest),
        ("file", analysis.file),
    ]
    for name, limit in book.limits.items():
        ways = [f"rise by {percent(limit.rise)}"] if limit.rise is not None else []
        ways += [f"fall by {percent(limit.fall)}"] if limit.fall is not None else []
        rows.append((f"{name} in use", f"may {' or '.join(ways)} in {format_duration(limit.per_ns)}"))
    yield Table(("what", "is"), tuple(rows))


def _history(history: Sequence[Act]) -> Iterator[Part]:
    if not history:
        return
    yield Heading(2, "Who did what, and why")
    yield Table(
        ("when", "what", "who", "why"),
        tuple((format_time(one.time_ns), one.what, one.who, one.why or _NONE) for one in history),
    )


# Ladders


def _ladders(analysis: Analysis) -> Iterator[Part]:
    yield Heading(2, "What happens when equity falls")
    yield Paragraph(
        "The margin ratio is equity divided by maintenance margin: it falls as an account gets into trouble. A step is"
        " entered when the ratio is below its threshold, and is left only at its exit."
    )
    if len(analysis.book.ladders) > 1 and analysis.book.ladder:
        yield Paragraph(f"Pools that mix products of several ladders follow '{analysis.book.ladder}'.")
    for variant in analysis.variants:
        if not variant.overrides:
            yield Heading(3, f"Ladder {variant.name}")
            yield from _ladder(variant.name, variant.part)


def _ladder(name: str, part: LadderPart) -> Iterator[Part]:
    places = {step.name: index for index, step in enumerate(part.steps)}
    deadlines = {step.name: step.deadline for step in part.steps}
    rungs = []
    for step in part.steps:
        sources = [one for one in (step.after, step.or_after) if one]
        rungs.append(
            Rung(
                step.name,
                _entry(step),
                "" if step.clear is None and step.below is None else f"clears at {percent(_exit(step))}",
                tuple(_does(step)),
                tuple((places[one], deadlines[one]) for one in sources),
            )
        )
    yield LadderDrawing(name, tuple(rungs))
    yield Bullets(tuple(sentence(step) for step in part.steps))


def _exit(step: StepPart) -> Decimal:
    return step.clear if step.clear is not None else step.below or Decimal(0)


def _entry(step: StepPart) -> str:
    if step.below is None:
        return "after an unmet call"
    waits = f" for {format_duration(step.for_ns)}" if step.for_ns else ""
    return f"below {percent(step.below)}{waits}"


def _does(step: StepPart) -> Iterator[str]:
    if step.call is not None:
        yield f"call up to {restores(step.call)}, due {_due(step.deadline)}"
    if step.restrict is not Restriction.NONE:
        yield _RESTRICTIONS[step.restrict]
    if step.liquidate is not None:
        yield liquidates(step.liquidate)
    if step.waterfall:
        yield f"loss borne by {_then(step.waterfall)}"
    if step.notify:
        yield f"tells {', '.join(step.notify)}"


def _due(deadline: str) -> str:
    return deadline.replace("_", " ") if " " in deadline else f"in {deadline}"


def _then(names: Iterable[str]) -> str:
    return ", then ".join(name.replace("_", " ") for name in names)


def restores(call: CallPart) -> str:
    """Say what a call restores: `initial margin`, or `130%`."""
    return percent(call.ratio) if call.restore == "ratio" else call.restore.replace("_", " ")


def liquidates(part: LiquidatePart) -> str:
    """Say what a liquidation closes."""
    if part.target:
        what = f"closes what restores {percent(part.target)}"
    elif part.fraction == 1:
        return "closes everything"
    else:
        what = f"closes {percent(part.fraction)} of each position"
    rounds = f" every {format_duration(part.every_ns)}" if part.every_ns else ""
    until = f" until {percent(part.until)}" if part.until else ""
    first = f", {_FIRST[part.first]}" if _FIRST[part.first] else ""
    return f"{what}{rounds}{until}{first}"


def sentence(step: StepPart) -> str:
    """Say a step in one sentence."""
    ways = []
    if step.below is not None:
        waits = f" for {format_duration(step.for_ns)}" if step.for_ns else ""
        ways.append(f"when the margin ratio is below {percent(step.below)}{waits}")
    ways += [f"when the call of {one} goes unmet" for one in (step.after, step.or_after) if one]
    does = []
    if step.call is not None:
        call = step.call
        extra = f", at least {grouped(call.minimum_transfer)}" if call.minimum_transfer else ""
        extra += f", in steps of {grouped(call.round_to)}" if call.round_to else ""
        does.append(f"what is missing to {restores(call)} is demanded{extra}, due {_due(step.deadline)}")
    if step.restrict is not Restriction.NONE:
        does.append(f"{_RESTRICTIONS[step.restrict]} are accepted" if step.restrict < 2 else "no orders are accepted")
    if step.liquidate is not None:
        does.append(f"liquidation {liquidates(step.liquidate)}")
        if step.liquidate.cancel_orders_first:
            does.append("open orders are cancelled first")
    if step.waterfall:
        does.append(f"the loss is borne by {_then(step.waterfall)}")
    if step.notify:
        does.append(f"{_and(step.notify)} {'are' if len(step.notify) > 1 else 'is'} told")
    leave = f" It is left at {percent(_exit(step))}." if step.below is not None or step.clear is not None else ""
    reason = f" Because {step.because}." if step.because else ""
    return f"{step.name}: entered {' or '.join(ways)}; {_and(does) or 'nothing else happens'}.{leave}{reason}"


def _and(items: Sequence[str]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


# Products


def _products(analysis: Analysis) -> Iterator[Part]:
    yield Heading(2, "What is traded, and what it needs")
    default = analysis.book.ladder or next(iter(analysis.book.ladders), "")
    for number, compiled in enumerate(analysis.program.products):
        product = analysis.book.products[compiled.name]
        yield Heading(3, compiled.name)
        facts = [f"Is {_matches(product.match)}.", f"Follows the ladder {product.ladder or default}."]
        if product.max_age_ns:
            facts.append(f"Its prices may be at most {format_duration(product.max_age_ns)} old.")
        if product.value_excluded:
            facts.append("Its market value is no part of equity.")
        if product.because:
            facts.append(f"Because {product.because}.")
        yield Paragraph(" ".join(facts))
        profile = min(place for (_, account), place in analysis.program.profiles.items() if not account)
        yield from _margin(product, compiled.name, _own_tiers(analysis, profile, number, product))


def _own_tiers(analysis: Analysis, profile: int, number: int, product: Product) -> tuple[MarginTier, ...]:
    """Return the compiled tiers of a product where no override has changed them for that profile."""
    compiled = analysis.program.margin_tiers[profile][number]
    margin = product.margin
    if not isinstance(margin, Margin) or len(compiled) != len(margin.tiers):
        return ()
    same = all(
        one.initial == float(tier.initial) and one.maintenance == float(tier.maintenance)
        for one, tier in zip(compiled, margin.tiers, strict=True)
    )
    return compiled if same else ()


def _matches(match: Match) -> str:
    parts = [
        *([_or([kind.replace("_", " ") for kind in match.kinds])] if match.kinds else ["anything"]),
        *([f"a {_or(match.rights)}"] if match.rights else []),
        *([f"on {_or(match.underlyings)}"] if match.underlyings else []),
        *([f"settled in {_or(match.settlements)}"] if match.settlements else []),
        *([f"named {_or(match.symbols)}"] if match.symbols else []),
        *(["inverse" if match.inverse else "linear"] if match.inverse is not None else []),
    ]
    return ", ".join(parts)


def _or(items: Sequence[str]) -> str:
    return f"{', '.join(items[:-1])} or {items[-1]}" if len(items) > 1 else "".join(items)


def _margin(product: Product, name: str, compiled: tuple[MarginTier, ...]) -> Iterator[Part]:
    margin = product.margin
    if isinstance(margin, Margin):
        yield tier_table(margin.tiers)
        if margin.initial_from == "leverage":
            yield Paragraph("Initial margin follows the account's leverage setting, never below the tier's own rate.")
        if margin.open_interest is not None:
            lower, upper = margin.open_interest
            yield Paragraph(
                f"Initial margin rises to 100% while open interest grows from {grouped(lower)} to {grouped(upper)}."
            )
        if len(compiled) > 1:
            yield _chart(name, compiled)
    elif isinstance(margin, Formulas):
        yield Formula(tuple(_formula_lines(margin)))
    elif isinstance(margin, PortfolioMargin):
        yield Paragraph(f"Is margined together with others in the portfolio {margin.portfolio}.")


def _formula_lines(formulas: Formulas) -> Iterator[str]:
    for name, node in formulas.define.items():
        yield f"{name} = {node.text}"
    yield f"initial margin = {formulas.initial.text}"
    yield f"maintenance margin = {formulas.maintenance.text}"


def grouped(value: Decimal) -> str:
    """Write a number for a reader, thousands separated by spaces."""
    return format_amount(Decimal(format_number(value)))


def tier_table(tiers: Sequence[Tier]) -> Table:
    """Show tiers as a table: each rate is for the part of the notional inside its tier."""
    rows, floor = [], Decimal(0)
    for tier in tiers:
        upper = "and above" if tier.to is None else grouped(tier.to)
        leverage = f"{grouped((1 / tier.initial).quantize(Decimal('0.1')))} x" if tier.initial else _NONE
        rows.append((grouped(floor), upper, percent(tier.initial), percent(tier.maintenance), leverage))
        floor = tier.to if tier.to is not None else floor
    return Table((">notional from", ">to", ">initial", ">maintenance", ">leverage at most"), tuple(rows))


def _chart(name: str, tiers: tuple[MarginTier, ...]) -> Chart:
    """Draw what a whole position needs, as part of its notional, from below the first edge to beyond the last."""
    edges = [tier.floor for tier in tiers[1:]]
    low, high = math.log(edges[0] / 10), math.log(edges[-1] * 10)
    steps = [math.exp(low + (high - low) * k / (_CHART_POINTS - 1)) for k in range(_CHART_POINTS)]
    across = sorted({*steps, *edges})
    initial = tuple((x, max(tier.initial - tier.initial_deduction / x for tier in tiers)) for x in across)
    maintenance = tuple((x, max(tier.maintenance - tier.maintenance_deduction / x for tier in tiers)) for x in across)
    return Chart(
        f"{name}: margin of a whole position",
        "notional",
        (("initial", initial), ("maintenance", maintenance)),
        tuple(edges),
    )


# Collateral


def _collateral(analysis: Analysis) -> Iterator[Part]:
    yield Heading(2, "What counts as collateral")
    rows = [(name, _haircut(one), _weights(one)) for name, one in analysis.book.collateral.items()]
    yield Table(("asset", "haircut", "besides"), tuple(rows))


def _haircut(one: Collateral) -> str:
    parts: list[str] = []
    floor = Decimal(0)
    for tier in one.haircuts:
        if tier.to is None:
            parts.append(percent(tier.rate) if not parts else f"{percent(tier.rate)} above {grouped(floor)}")
        else:
            parts.append(f"{percent(tier.rate)} up to {grouped(tier.to)}")
            floor = tier.to
    text = ", then ".join(parts)
    return f"{text}; for initial margin {percent(one.initial)}" if one.initial is not None else text


def _weights(one: Collateral) -> str:
    parts = []
    if one.cap is not None:
        parts.append(f"counts at most {grouped(one.cap)}")
    if one.concentration != 1:
        parts.append(f"at most {percent(one.concentration)} of all collateral")
    if one.liability != 1:
        parts.append(f"a debt weighs {percent(one.liability)}")
    if one.volatility is not None:
        horizon = format_duration(one.volatility.horizon_ns)
        parts.append(
            f"haircut at least {grouped(one.volatility.multiple)} x volatility over {horizon}, and"
            f" {percent(one.volatility.floor)}"
        )
    parts += [f"{percent(tenor.rate)} more with {_left(tenor.to_ns)} left to maturity" for tenor in one.tenors]
    if one.matures_ns is not None:
        parts.append(f"matures {format_time(one.matures_ns)}")
    if one.callable is not None:
        parts.append(f"worth at most {grouped(one.callable.price)} from {format_time(one.callable.from_ns)}")
    if one.wrong_way is not None:
        parts.append(f"{percent(one.wrong_way.haircut)} while exposed to {_or(one.wrong_way.underlyings)}")
    if one.utilisation is not None:
        if one.utilisation.deposits is not None:
            parts.append(f"counts less once all hold more than {grouped(one.utilisation.deposits)}")
        if one.utilisation.borrows is not None:
            parts.append(f"a debt weighs more once all owe more than {grouped(one.utilisation.borrows)}")
    return "; ".join(parts) or _NONE


def _left(time_ns: int | None) -> str:
    return "longer" if time_ns is None else f"up to {format_duration(time_ns)}"


# Exceptions


def _overrides(analysis: Analysis) -> Iterator[Part]:
    if not analysis.overrides:
        return
    yield Heading(2, "Exceptions")
    yield Paragraph("The narrowest one wins: for an account over for a class over for a product.")
    for one in analysis.overrides:
        yield Heading(3, f"For {_whom(one)}")
        yield Paragraph(f"Because {one.because}.")
        if one.margin is not None and one.margin.scale is not None:
            yield Paragraph(f"Margin is scaled to {percent(one.margin.scale)}.")
        elif one.margin is not None:
            yield tier_table(one.margin.tiers)
        if one.steps:
            rows = [(step, key, text) for step, change in one.steps.items() for key, text in _changes(change)]
            yield Table(("step", "what", "is"), tuple(rows))


def _whom(one: Override) -> str:
    parts = [
        *([f"account {_or(one.accounts)}"] if one.accounts else []),
        *([f"class {_or(one.classes)}"] if one.classes else []),
        *([f"{_or(one.products)}"] if one.products else []),
    ]
    return ", ".join(parts)


def _changes(change: Mapping) -> Iterator[tuple[str, str]]:
    for key, node in change.entries.items():
        yield key.replace("_", " "), _written(node)


def _pools(analysis: Analysis) -> Iterator[Part]:
    if not analysis.book.pools:
        return
    yield Heading(2, "Pools")
    rows = [
        (name, ", ".join(one.products) or "all products", ", ".join(one.classes) or "all")
        for name, one in analysis.book.pools.items()
    ]
    yield Table(("pool", "may hold", "for classes"), tuple(rows))


# What formulas are written in


def _models(analysis: Analysis) -> Iterator[Part]:
    for key, title in _MODELS.items():
        node = analysis.root.entries.get(key)
        if node is not None:
            yield Heading(2, title)
            yield Formula(tuple(_lines(node)))


def _lines(node: Node, indent: str = "") -> Iterator[str]:
    """Write nodes as they are understood: a name and its value in a line."""
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            if isinstance(value, Scalar) or len(_written(value)) <= 90:
                yield f"{indent}{key}: {_written(value)}"
            else:
                yield f"{indent}{key}:"
                yield from _lines(value, indent + "  ")
    elif isinstance(node, List):
        for item in node.items:
            yield f"{indent}- {_written(item)}"
    else:
        yield f"{indent}{node.text}"


def _written(node: Node) -> str:
    if isinstance(node, Mapping):
        return ", ".join(f"{key}: {_nested(value)}" for key, value in node.entries.items())
    if isinstance(node, List):
        return ", ".join(_nested(item) for item in node.items)
    return node.text


def _nested(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else f"({_written(node)})"
