# SPDX-License-Identifier: Apache-2.0
"""Overrides that change nothing: equal to what they override, or replaced by narrower ones wherever they apply."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from marginrules.authoring.lint.finding import Findings
from marginrules.rulebook.compile import Chain
from marginrules.rulebook.diagnostic import Place
from marginrules.rulebook.fields import span
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.rulebook.schema import Margin, Override, Tier
from marginrules.units import parse_duration_ns, parse_number, parse_rate

_WHOLE = ("fraction", "target")  # of a liquidation: another size brings its own end with it


@dataclass(slots=True)
class _Fate:
    """Count where one thing that an override says applies, equals what is there, and is replaced."""

    place: Place
    what: str
    applies: int = 0
    equals: int = 0
    replaced: int = 0
    by: set[int] = field(default_factory=set)


def judge_overrides(findings: Findings) -> None:
    """Report what overrides say in vain, each at its key."""
    _judge_ages(findings)
    fates: dict[tuple[int, str, str], _Fate] = {}
    for chain in findings.analysis.chains:
        if chain.overrides:
            _follow_margin(findings, chain, fates)
            _follow_steps(findings, chain, fates)
    for (number, step, _), fate in sorted(fates.items(), key=lambda one: one[1].place):
        names = (*findings.analysis.overrides[number].products, step)
        if fate.equals == fate.applies:
            message = f"{fate.what} is equal to what it overrides, wherever it applies"
            findings.add("MR-L106", fate.place, message, "delete it, or write what was meant", names)
        elif fate.replaced == fate.applies:
            lines = ", ".join(str(findings.analysis.overrides[one].place.line) for one in sorted(fate.by))
            message = f"{fate.what} never applies: narrower overrides replace it everywhere, on line {lines}"
            findings.add("MR-L115", fate.place, message, "delete it, or make the narrower ones narrower", names)


def _judge_ages(findings: Findings) -> None:
    """Report a product whose prices may be as old as those of every other, written once more."""
    book, products = findings.analysis.book, findings.analysis.root.entries["products"]
    for name, one in book.products.items():
        node = products.entries[name] if isinstance(products, Mapping) else None
        if one.max_age_ns == book.max_age_ns and isinstance(node, Mapping):
            message = f"max_age {span(one.max_age_ns)} of product '{name}' is that of the whole book"
            findings.add("MR-L106", node.entries["max_age"].place, message, "delete it", (name,))


def _follow_margin(findings: Findings, chain: Chain, fates: dict[tuple[int, str, str], _Fate]) -> None:
    """Apply the margins of a chain one after the other."""
    if not chain.product:
        return
    margin = findings.analysis.book.products[chain.product].margin
    if not isinstance(margin, Margin):
        return
    tiers = margin.tiers
    numbers = [one for one in chain.overrides if findings.analysis.overrides[one].margin]
    for at, number in enumerate(numbers):
        change = findings.analysis.overrides[number].margin
        if change is None:
            continue
        what = "scale" if change.scale is not None else "tiers"
        fate = fates.setdefault((number, "", what), _Fate(change.key_place, f"`{what}` of margin"))
        fate.applies += 1
        scale = change.scale if change.scale is not None else Decimal(1)
        after = change.tiers or tuple(_scaled(one, scale) for one in tiers)
        fate.equals += [_rates(one) for one in after] == [_rates(one) for one in tiers]
        replacing = [
            later for later in numbers[at + 1 :] if (given := findings.analysis.overrides[later].margin) and given.tiers
        ]
        fate.replaced += bool(replacing)
        fate.by |= set(replacing)
        tiers = after


def _scaled(tier: Tier, scale: Decimal) -> Tier:
    return Tier(tier.to, tier.initial * scale, tier.maintenance * scale)


def _rates(tier: Tier) -> tuple[Decimal | None, Decimal, Decimal]:
    return tier.to, tier.initial, tier.maintenance


def _follow_steps(findings: Findings, chain: Chain, fates: dict[tuple[int, str, str], _Fate]) -> None:
    """Apply what the overrides of a chain say of each step, one after the other."""
    analysis = findings.analysis
    steps = _written(analysis.book.ladders[analysis.variants[chain.ladder].name])
    numbers = [one for one in chain.overrides if analysis.overrides[one].steps]
    for at, number in enumerate(numbers):
        for name, change in analysis.overrides[number].steps.items():
            if name not in steps:
                continue
            for key, node in change.entries.items():
                fate = fates.setdefault((number, name, key), _Fate(change.keys[key], f"`{key}` of step '{name}'"))
                fate.applies += 1
                fate.equals += _is_equal(key, steps[name].get(key), node)
                replacing = [one for one in numbers[at + 1 :] if _replaces(analysis.overrides[one], name, key, node)]
                fate.replaced += bool(replacing)
                fate.by |= set(replacing)
            steps[name] = steps[name] | {
                key: _merged(steps[name].get(key), node) for key, node in change.entries.items()
            }


def _written(ladder: Mapping) -> dict[str, dict[str, Node]]:
    """Return the keys of each step as written."""
    steps, found = ladder.entries["steps"], {}
    for node in steps.items if isinstance(steps, Sequence) else ():
        name = node.entries["step"] if isinstance(node, Mapping) else None
        if isinstance(name, Scalar) and isinstance(node, Mapping):
            found[name.text] = dict(node.entries)
    return found


def _replaces(later: Override, step: str, key: str, node: Node) -> bool:
    """Say whether a later override leaves nothing of what an earlier one says of a key."""
    change = later.steps.get(step)
    other = change.entries.get(key) if change else None
    if other is None or not (isinstance(other, Mapping) and isinstance(node, Mapping)):
        return other is not None
    # Of a call and of a liquidation, only the keys that are given change.
    return node.entries.keys() <= other.entries.keys()


def _merged(before: Node | None, after: Node) -> Node:
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return after
    kept = dict(before.entries)
    if any(key in after.entries for key in _WHOLE):
        kept = {name: node for name, node in kept.items() if name not in (*_WHOLE, "until")}
    return Mapping(kept | after.entries, before.keys | after.keys, after.place)


def _is_equal(key: str, before: Node | None, after: Node) -> bool:
    """Say whether a key means what it meant before."""
    if before is None:
        return False
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        merged = _merged(before, after)
        if not isinstance(merged, Mapping) or merged.entries.keys() != before.entries.keys():
            return False
        return all(_is_equal(name, before.entries[name], node) for name, node in after.entries.items())
    return _value(key, before) == _value(key, after)


def _value(key: str, node: Node) -> object:
    """Return what a value means, however it is spelt; lists of words have no order, but a waterfall has."""
    if isinstance(node, Sequence):
        words = [item.text for item in node.items if isinstance(item, Scalar)]
        return tuple(words) if key == "waterfall" else frozenset(words)
    if not isinstance(node, Scalar):
        return node
    if key in ("notify", "waterfall"):
        return (node.text,) if key == "waterfall" else frozenset((node.text,))
    if key in ("for", "every", "deadline"):
        found = parse_duration_ns(node.text)
        return node.text if found is None else found
    if key in ("minimum_transfer", "round_to"):
        return parse_number(node.text)
    rate = parse_rate(node.text)
    return node.text if rate is None else rate
