# SPDX-License-Identifier: Apache-2.0
"""
How two rulebooks differ in what they decide: exactly, from the rules themselves, without trying any account.

"Equivalent" says: whatever the account, the market and the time, both give the same answers, but for the text of names
and reasons in them. Everything that decides is looked at; what is not understood is a change.

"Stricter" says, where everything else is equal and the account can be assessed:

    * equity counts for no more, initial and maintenance margin are no less, for every pool, at every price;
    * no order is accepted for its margin that was refused for it;
    * no step is entered later or left earlier by its threshold, and no restriction is milder;
    * when a pool that nothing is under way for is first called, no less is demanded in all and nothing falls due later,
      unless it is being liquidated, which counts as more than being called;
    * no round of a liquidation closes less, waits longer or ends earlier.

"Looser" is the same the other way round. Two things are said in neither: an order that lowers risk passes although
margin is short, and what lowers risk is measured with the rates of the book itself; and what an account comes to after
it was called or liquidated under the one and not under the other, since being closed out early may cost less. What
makes a pool impossible to assess is "changed": orders are refused, but nobody is called either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from marginrules import units
from marginrules.rulebook.compare.collateral import compare_collateral
from marginrules.rulebook.compare.ladders import compare_ladders
from marginrules.rulebook.compare.margins import compare_tiers
from marginrules.rulebook.compare.matches import compare_matches
from marginrules.rulebook.compare.models import Meanings, compare_models
from marginrules.rulebook.compare.records import Change, Comparison, Direction, amount_words, change_of, verdict_of
from marginrules.rulebook.compile import Program
from marginrules.rulebook.schema import Margin
from marginrules.terms import MoveLimit, PoolTerms

_Profile = tuple[str, str]
_SEVERAL = "pools with products of several ladders"


def compare(before: Program, after: Program) -> Comparison:
    """Return how `after` differs from `before` in what it decides; see the top of this file for what the words mean."""
    # Equal digests mean the same; the rest would only take time to find nothing.
    changes = () if before.digest == after.digest else tuple(_Comparing(before, after).changes())
    return Comparison(verdict_of(changes), changes, _text_only(before, after), before.digest, after.digest)


class _Comparing:
    """Compare part by part; what profiles or products share is compared once."""

    def __init__(self, before: Program, after: Program) -> None:
        self._before, self._after = before, after
        self._old, self._new = Meanings(before), Meanings(after)
        self._from_ns = max(before.effective_ns, after.effective_ns)
        self._ladders: dict[tuple[int, int], tuple[Change, ...]] = {}
        self._margins: dict[tuple[int, int], tuple[Change, ...]] = {}

    def changes(self) -> Iterator[Change]:
        """Yield every change, in the order in which a rulebook is written."""
        yield from self._settings()
        yield from self._monotone(compare_collateral(self._before.collateral, self._after.collateral))
        yield from compare_models(self._before, self._after, self._old, self._new)
        yield from compare_matches(self._before, self._after)
        yield from self._products()
        yield from self._pools()
        yield from self._by_profile()

    def _monotone(self, changes: Iterator[Change]) -> Iterator[Change]:
        """Yield changes of equity or requirements: in which direction nobody can say where a formula reads them."""
        is_known = not (self._old.reads_pools or self._new.reads_pools)
        yield from (one if is_known else replace(one, direction="changed") for one in changes)

    @cached_property
    def _is_level(self) -> bool:
        """Say whether initial margin is nowhere below maintenance margin, as is sure where no formula decides."""
        return not any(one.models.portfolios or one.models.pool >= 0 for one in (self._before, self._after))

    # What is said once for the whole rulebook

    def _settings(self) -> Iterator[Change]:
        before, after = self._before, self._after
        for term, old, new in (
            ("currency", before.currency, after.currency),
            ("increment", amount_words(before.increment), amount_words(after.increment)),
        ):
            if old != new:
                yield Change("changed", term, old, new)
        if before.max_age_ns != after.max_age_ns:  # of the prices of assets
            values = before.max_age_ns, after.max_age_ns
            words = [units.format_duration(one) for one in values]
            yield change_of("changed", "greatest age of asset prices", words, values=values)
        for name in sorted(before.limits.keys() | after.limits.keys()):
            was, now = before.limits.get(name), after.limits.get(name)
            if was != now:
                yield Change("changed", f"limit of {name}", _limit_words(was), _limit_words(now))
        for name in sorted(set(before.classes) ^ set(after.classes)):
            if name in after.classes:
                yield Change("looser", "class", "", "accepted", profiles=(f"class {name}",))
            else:
                yield Change("stricter", "class", "accepted", "", profiles=(f"class {name}",))

    def _products(self) -> Iterator[Change]:
        old = {one.name: one for one in self._before.products}
        for now in self._after.products:
            was = old.get(now.name)
            if was is None:
                continue
            products, lines = (now.name,), (was.line, now.line)
            if was.max_age_ns != now.max_age_ns:
                # Sooner too old: orders are refused, but nobody is called either.
                words = [units.format_duration(one.max_age_ns) for one in (was, now)]
                values, term = (was.max_age_ns, now.max_age_ns), "greatest age of prices"
                yield change_of("changed", term, words, values=values, products=products, lines=lines)
            if was.value_excluded != now.value_excluded:
                words = ["excluded" if one.value_excluded else "counted" for one in (was, now)]
                yield change_of("changed", "option value", words, products=products, lines=lines)

    def _pools(self) -> Iterator[Change]:
        before, after = self._before, self._after
        for name in sorted(before.pools.keys() | after.pools.keys()):
            was, now = before.pools.get(name), after.pools.get(name)
            if was is None or now is None:
                change = Change("looser", "pool", "", _pool_words(now or was, after if now else before), asset=name)
                yield change if was is None else change.reversed()
                continue
            products = [
                {program.products[one].name for one in terms.products}
                for program, terms in ((before, was), (after, now))
            ]
            wider = [products[0] <= products[1], _is_for_more(was, now)]
            narrower = [products[1] <= products[0], _is_for_more(now, was)]
            if not (all(wider) and all(narrower)):
                direction: Direction = "looser" if all(wider) else "stricter" if all(narrower) else "changed"
                yield Change(direction, "pool", _pool_words(was, before), _pool_words(now, after), asset=name)

    # What is said by class, account and product

    def _by_profile(self) -> Iterator[Change]:
        """Yield how margins and ladders differ, what is alike for several profiles or products as one."""
        before, after = self._before, self._after
        products = [
            (name, old, new) for name, old, new in _places(before, after) if old is not None and new is not None
        ]
        profiles = [
            (key, before.profile_of(*key), after.profile_of(*key))
            for key in sorted(before.profiles.keys() | after.profiles.keys())
        ]
        profiles = [one for one in profiles if min(one[1:]) >= 0]
        # Change -> product or ("", ladder) -> profiles; the order of what is found first is kept.
        found: dict[Change, dict[str, list[_Profile]]] = {}
        followers: dict[str, set[str]] = {}
        for key, old, new in profiles:
            for name, was, now in products:
                for change in self._margin(old, new, was, now):
                    found.setdefault(change, {}).setdefault(name, []).append(key)
            for owner, was, now in self._followed(old, new, products):
                followers.setdefault(after.ladders[now].name, set()).add(owner)
                for change in self._ladder(was, now):
                    found.setdefault(change, {}).setdefault(owner, []).append(key)
        everybody = frozenset(one[0] for one in profiles)
        apart = frozenset(account_class for account_class, account in everybody if account)
        # Margins first, then ladder by ladder; what is alike in that as it was found.
        for change, owners in sorted(found.items(), key=lambda item: (bool(item[0].ladder), item[0].ladder)):
            every = followers[change.ladder] if change.ladder else None
            yield from _merged(change, owners, everybody, apart, every)

    def _margin(self, old: int, new: int, was: int, now: int) -> tuple[Change, ...]:
        first, second = self._before.margins[old][was], self._after.margins[new][now]
        key = id(first), id(second)
        if key not in self._margins:
            if isinstance(first, Margin) and isinstance(second, Margin):
                self._margins[key] = tuple(self._monotone(compare_tiers(first, second)))
            else:
                self._margins[key] = tuple(self._formula(was, now))
        return self._margins[key]

    def _formula(self, was: int, now: int) -> Iterator[Change]:
        """Yield how a product is margined otherwise, where at least one of two margins is a formula."""
        old, new = self._before.products[was], self._after.products[now]
        meanings = [
            "" if one.portfolio < 0 else meaning.portfolio(one.portfolio)
            for one, meaning in ((old, self._old), (new, self._new))
        ]
        if meanings[0] != meanings[1]:
            words = [
                "tiers" if one.portfolio < 0 else f"formulas of {program.models.portfolios[one.portfolio].name}"
                for one, program in ((old, self._before), (new, self._after))
            ]
            lines = [
                one.line if one.portfolio < 0 else program.models.portfolios[one.portfolio].line
                for one, program in ((old, self._before), (new, self._after))
            ]
            yield change_of("changed", "margin", words, lines=(lines[0], lines[1]))

    def _followed(self, old: int, new: int, products: list[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
        """
        Yield which ladders pools follow, before and after: (whose pools, ladder, ladder).

        A pool whose products name one ladder follows it; a pool with several follows the book's own.
        """
        before, after = self._before, self._after
        own = before.default_ladders[old], after.default_ladders[new]
        yield "", *own
        named: dict[tuple[int, int], list[str]] = {}
        for name, was, now in products:
            named.setdefault((before.ladder_numbers[old][was], after.ladder_numbers[new][now]), []).append(name)
        for pair, names in named.items():
            yield from ((name, *pair) for name in names)
        # Two products that shared a ladder and do not any more, or the other way round.
        pairs = list(named)
        for index, one in enumerate(pairs):
            for other in pairs[index + 1 :]:
                for side in (0, 1):
                    if one[side] == other[side] and one[1 - side] != other[1 - side]:
                        together = f"{named[one][0]} with {named[other][0]}"
                        yield (together, one[0], own[1]) if side == 0 else (together, own[0], one[1])

    def _ladder(self, was: int, now: int) -> tuple[Change, ...]:
        key = was, now
        if key not in self._ladders:
            first, second = self._before.ladders[was], self._after.ladders[now]
            self._ladders[key] = compare_ladders(first, second, self._from_ns, self._is_level)
        return self._ladders[key]


def _places(before: Program, after: Program) -> Iterator[tuple[str, int | None, int | None]]:
    old = {one.name: index for index, one in enumerate(before.products)}
    new = {one.name: index for index, one in enumerate(after.products)}
    for name in sorted(old.keys() | new.keys()):
        yield name, old.get(name), new.get(name)


def _merged(
    change: Change,
    owners: dict[str, list[_Profile]],
    everybody: frozenset[_Profile],
    apart: frozenset[str],
    every: set[str] | None,
) -> Iterator[Change]:
    """Yield a change once for all products that it is alike for: those with the same profiles."""
    by_profiles: dict[frozenset[_Profile], list[str]] = {}
    for name, keys in owners.items():
        by_profiles.setdefault(frozenset(keys), []).append(name)
    for holders, names in by_profiles.items():
        products = (
            () if every is not None and every <= set(names) else tuple(sorted(name or _SEVERAL for name in names))
        )
        profiles = () if holders == everybody else tuple(_profile_words(*one, apart) for one in sorted(holders))
        yield replace(change, products=products, profiles=profiles)


def _profile_words(account_class: str, account: str, apart: frozenset[str]) -> str:
    if account:
        return f"account {account} of class {account_class}"
    return f"class {account_class}" + (" (accounts without rules of their own)" if account_class in apart else "")


def _is_for_more(was: PoolTerms, now: PoolTerms) -> bool:
    """Say whether at least the same classes may have a pool; none named: all of them."""
    return not now.classes or (bool(was.classes) and was.classes <= now.classes)


def _pool_words(terms: PoolTerms | None, program: Program) -> str:
    if terms is None:
        return ""
    products = ", ".join(sorted(program.products[one].name for one in terms.products))
    return products + (f" for {', '.join(sorted(terms.classes))}" if terms.classes else "")


def _limit_words(one: MoveLimit | None) -> str:
    if one is None:
        return ""
    parts = [f"{key} {value:.6g}" for key, value in (("rise", one.rise), ("fall", one.fall)) if value is not None]
    return f"{', '.join(parts)} per {units.format_duration(one.per_ns)}"


def _text_only(before: Program, after: Program) -> tuple[str, ...]:
    """Return what differs and decides nothing."""
    told = [
        ("rulebook", before.name, after.name),
        ("description", before.description, after.description),
        ("effective", units.format_time(before.effective_ns), units.format_time(after.effective_ns)),
    ]
    found = [f"{key}: {old or 'none'} -> {new or 'none'}" for key, old, new in told if old != new]
    if not found and before.text != after.text:
        found.append("layout, comments, reasons or the spelling of values")
    return tuple(found)
