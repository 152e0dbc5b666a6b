# SPDX-License-Identifier: Apache-2.0
"""
Products: which instruments each one gets.

Nothing is said without an instrument that shows it, or without having tried all that could show the opposite: one for
each kind, right, settlement and underlying that the book tells apart, with symbols that match a pattern and as few
others as possible.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from itertools import product as combinations_of

from marginrules.authoring.lint.finding import Findings
from marginrules.codes import RIGHTS, InstrumentKind
from marginrules.model import Instrument
from marginrules.rulebook.compile import match_width
from marginrules.rulebook.diagnostic import Place
from marginrules.rulebook.parse import Mapping, Node
from marginrules.rulebook.schema import Match, Product

_KINDS = tuple(kind.word for kind in InstrumentKind)
_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
_TRIED_MAX = 4_096  # instruments per product; where more would be needed, nothing is said


def judge_products(findings: Findings) -> None:
    """Report products that nothing can match, and pairs that match alike."""
    products = findings.analysis.book.products
    if len(products) == 1 and not _is_impossible(next(iter(products.values())).match):
        return
    matcher = _Matcher(products)
    told: set[frozenset[str]] = set()
    for name, one in products.items():
        place = _place(findings, name, "match")
        if _is_impossible(one.match):
            message = f"product '{name}' matches nothing: {_is_impossible(one.match)}"
            findings.add("MR-L105", place, message, "correct its conditions, or delete it", (name,))
            continue
        found = matcher.fate(name)
        if found is None:
            continue
        is_reached, hiding, tie = found
        if tie and frozenset((name, tie[1])) not in told:
            told.add(frozenset((name, tie[1])))
            message = f"products '{name}' and '{tie[1]}' match {_shown(tie[0])} equally narrowly, so that it is refused"
            hint = "give one of them a further condition"
            findings.add("MR-L114", place, message, hint, (name, tie[1]))
        elif not is_reached and not tie:
            others = " and ".join(f"'{other}'" for other in sorted(hiding)[:3])
            message = f"product '{name}' gets no instrument: {others} match all of its instruments more narrowly"
            findings.add("MR-L105", place, message, "delete it, or give it a condition of its own", (name, *hiding))


def _is_impossible(match: Match) -> str:
    """Say why no instrument can meet all conditions; empty where one can."""
    if match.rights and match.kinds and "option" not in match.kinds:
        return f"only options have a right, and kind is {' or '.join(match.kinds)}"
    outright = [kind for kind in match.kinds if kind in ("spot", "option")]
    if match.inverse and match.kinds and len(outright) == len(match.kinds):
        return f"no {' or '.join(match.kinds)} is inverse"
    if match.inverse and match.rights:
        return "no option is inverse"
    return ""


class _Matcher:
    """Try instruments against all products."""

    def __init__(self, products: dict[str, Product]) -> None:
        self._matches = {name: one.match for name, one in products.items()}
        matches = self._matches.values()
        self._fresh = _fresh(pattern for match in matches for pattern in match.symbols)
        self._by_symbol: dict[str, set[str]] = {}
        for name, match in self._matches.items():
            for pattern in match.symbols:
                if not _is_pattern(pattern):
                    self._by_symbol.setdefault(pattern, set()).add(name)
        # Products whose every symbol is written out can match only those symbols.
        self._open = [
            name for name, match in self._matches.items() if not match.symbols or any(map(_is_pattern, match.symbols))
        ]

    def fate(self, name: str) -> tuple[bool, set[str], tuple[Instrument, str] | None] | None:
        """
        Return whether a product gets any instrument, which products take those it matches, and a tie if there is one.

        None where too many instruments would have to be tried.
        """
        match = self._matches[name]
        rivals = self._rivals(name)
        if not rivals:
            return True, set(), None
        hiding: set[str] = set()
        is_reached, tie, tried = False, None, 0
        for instrument in self._instruments(match, rivals):
            tried += 1
            if tried > _TRIED_MAX:
                return None
            own = match_width(match, instrument)
            if own < 0:
                continue
            widths = {other: match_width(self._matches[other], instrument) for other in rivals}
            best = max(widths.values())
            if best < own:
                is_reached = True
            elif best == own:
                tie = tie or (instrument, min(other for other, width in widths.items() if width == best))
            else:
                hiding |= {other for other, width in widths.items() if width > own}
            if is_reached and tie:
                break
        return is_reached, hiding, tie

    def _rivals(self, name: str) -> list[str]:
        """Return the products that could match an instrument of this one, as narrowly or more so."""
        match = self._matches[name]
        near: Iterable[str] = self._matches
        if match.symbols and not any(map(_is_pattern, match.symbols)):
            near = {*self._open, *(other for symbol in match.symbols for other in self._by_symbol[symbol])}
        return [
            other
            for other in sorted(near)
            if other != name
            and _width(self._matches[other]) >= _width(match)
            and _can_meet(match, self._matches[other])
        ]

    def _instruments(self, match: Match, rivals: list[str]) -> Iterator[Instrument]:
        """Yield one instrument for each way in which the book could tell those of a product apart."""
        others = [self._matches[name] for name in rivals]
        kinds = [kind for kind in _KINDS if not match.kinds or kind in match.kinds]
        underlyings = self._choices(match.underlyings, [one.underlyings for one in others])
        settlements = self._choices(match.settlements, [one.settlements for one in others])
        symbols = list(dict.fromkeys(self._symbols(match, others)))
        inverses = [False, True] if match.inverse is None else [match.inverse]
        for kind, inverse in combinations_of(kinds, inverses):
            if inverse and kind in ("spot", "option"):
                continue
            rights = [one for one in RIGHTS if not match.rights or one in match.rights] if kind == "option" else [""]
            for right, underlying, settlement, symbol in combinations_of(rights, underlyings, settlements, symbols):
                yield Instrument(
                    symbol, InstrumentKind[kind.upper()], underlying, settlement, inverse=inverse, right=right
                )

    def _choices(self, wanted: tuple[str, ...], others: list[tuple[str, ...]]) -> list[str]:
        if wanted:
            return list(wanted)
        return [self._fresh * 3, *dict.fromkeys(name for names in others for name in names)]

    def _symbols(self, match: Match, others: list[Match]) -> Iterator[str]:
        patterns = match.symbols or ("*",)
        for pattern in patterns:
            yield from self._filled(pattern)
        for other in others:
            for pattern in other.symbols:
                for symbol in self._filled(pattern):
                    yield symbol
                    # `BTC-*` and `*-PERP` meet in what begins as the one and ends as the other.
                    for own in match.symbols:
                        yield own.replace("*", symbol, 1).replace("*", "").replace("?", self._fresh)
                        yield pattern.replace("*", own.strip("*"), 1).replace("*", "").replace("?", self._fresh)
                        yield _joined(own, pattern)
                        yield _joined(pattern, own)

    def _filled(self, pattern: str) -> Iterator[str]:
        plain = pattern.replace("?", self._fresh)
        yield plain.replace("*", self._fresh * 3)
        if "*" in pattern:
            yield plain.replace("*", "") or self._fresh


def _joined(first: str, second: str) -> str:
    """Return what begins as one pattern does and ends as another."""
    head, tail = first.partition("*")[0], second.rpartition("*")[2]
    return (head + tail).replace("?", "A") or "A"


def _width(match: Match) -> int:
    conditions = (match.kinds, match.underlyings, match.settlements, match.symbols, match.rights)
    return sum(1 for one in conditions if one) + (match.inverse is not None)


def _can_meet(first: Match, second: Match) -> bool:
    """Say whether no condition but the symbol keeps two products apart."""
    pairs = (
        (first.kinds, second.kinds),
        (first.underlyings, second.underlyings),
        (first.settlements, second.settlements),
        (first.rights, second.rights),
    )
    if any(one and other and not set(one) & set(other) for one, other in pairs):
        return False
    return None in (first.inverse, second.inverse) or first.inverse == second.inverse


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _fresh(patterns: Iterable[str]) -> str:
    """Return a character that no pattern has; where there is none, one that seems least used."""
    used = set("".join(patterns))
    return next((letter for letter in reversed(_LETTERS) if letter not in used), "Q")


def _shown(instrument: Instrument) -> str:
    is_inverse = "inverse " if instrument.inverse else ""
    right = f"{instrument.right} " if instrument.right else ""
    return (
        f"the {is_inverse}{right}{instrument.kind.word} '{instrument.symbol}' on '{instrument.underlying}' "
        f"in '{instrument.settlement}'"
    )


def _place(findings: Findings, name: str, key: str) -> Place:
    """Return where a key of a product stands."""
    node = _product_node(findings, name)
    product = findings.analysis.book.products[name]
    return node.keys.get(key, product.place) if isinstance(node, Mapping) else product.place


def _product_node(findings: Findings, name: str) -> Node | None:
    products = findings.analysis.root.entries["products"]
    return products.entries[name] if isinstance(products, Mapping) else None
