# SPDX-License-Identifier: Apache-2.0
"""What the sections of margin models and the rest of a rulebook mean together: references, order, coverage."""

from __future__ import annotations

from collections.abc import Iterable

from marginrules.rulebook.diagnostic import Place, Sink, suggest
from marginrules.rulebook.portfolios import PORTFOLIO, FigurePart, Formulas
from marginrules.rulebook.schema import Book, Margin, MarginChange, Override, PortfolioMargin
from marginrules.rulebook.strategies import check_covered


def check_models(sink: Sink, book: Book) -> None:
    """Check everything about margin models but the formulas themselves, which are checked as they are compiled."""
    _check_portfolios(sink, book)
    for name, strategies in book.sections.strategies.items():
        check_covered(sink, name, strategies)
    for figure in book.sections.figures.values():
        _check_figure(sink, book, figure)
    for override in book.overrides:
        if override.margin and override.is_known:
            _check_override(sink, book, override, override.margin)


def _check_portfolios(sink: Sink, book: Book) -> None:
    portfolios, named, is_complete = book.sections.portfolios, set(), "products" not in book.unread
    for product in book.products.values():
        if isinstance(product.margin, PortfolioMargin):
            name = product.margin.portfolio
            named.add(name)
            if name and name not in portfolios and "portfolios" not in book.sections.unread:
                _unknown(sink, product.margin.portfolio_place, name, portfolios)
            is_complete &= name in portfolios
        is_complete &= product.margin is not None
    if not is_complete:
        return  # what is unread or misspelt may name them
    for name, part in portfolios.items():
        if name not in named:
            hint = f"give a product `margin: {{model: portfolio, portfolio: {name}}}`"
            sink.add("MR-R328", part.place, f"no product is margined in portfolio '{name}'", hint)


def _check_figure(sink: Sink, book: Book, figure: FigurePart) -> None:
    portfolios = book.sections.portfolios
    if figure.of != PORTFOLIO:
        return
    if figure.portfolio not in portfolios:
        if "portfolios" not in book.sections.unread:
            _unknown(sink, figure.of_place, figure.portfolio, portfolios)
        return
    formulas = portfolios[figure.portfolio].formulas
    for name in formulas.define.keys() & (figure.define.keys() | figure.given.keys()):
        place = figure.keys.get(name) or figure.given_keys[name]
        message = f"'{name}' is also defined by portfolio '{figure.portfolio}', on line {formulas.keys[name].line}"
        sink.add("MR-R204", place, message, "use that one, or give this another name")


def _check_override(sink: Sink, book: Book, override: Override, change: MarginChange) -> None:
    """Refuse to scale, or to replace by tiers, what has no tiers."""
    for name in override.products or sorted(book.products):
        margin = book.products[name].margin if name in book.products else None
        if margin is None or isinstance(margin, Margin):
            continue
        model = "formula" if isinstance(margin, Formulas) else "portfolio"
        hint = "name the products whose margin model is tiers" if not override.products else "override its ladder alone"
        if change.scale is not None:
            sink.add("MR-R330", change.key_place, f"product '{name}' has margin model {model}; only tiers scale", hint)
        elif change.tiers:
            message = f"product '{name}' has margin model {model}, and no tiers to replace"
            sink.add("MR-R330", change.key_place, message, hint)
        return


def _unknown(sink: Sink, place: Place, name: str, known: Iterable[str]) -> None:
    sink.add("MR-R309", place, f"no portfolio is named '{name}'", suggest(name, known))
