# SPDX-License-Identifier: Apache-2.0
"""The sections of a rulebook that margin models are written in, read together."""

from __future__ import annotations

from dataclasses import dataclass

from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Scalar
from marginrules.rulebook.portfolios import (
    FigurePart,
    Formulas,
    PortfolioPart,
    read_figures,
    read_pool,
    read_portfolios,
)
from marginrules.rulebook.scenarios import ScenarioPart, read_scenarios
from marginrules.rulebook.strategies import StrategyBookPart, read_strategies
from marginrules.rulebook.tables import TableTier, read_constants, read_parameters, read_tables


@dataclass(frozen=True, slots=True)
class Sections:
    """
    Carry everything that formulas name and every formula, as written.

    Args:
        unread: sections of which not every name is known, so that none is reported as unknown.
    """

    constants: dict[str, Scalar]
    parameters: dict[str, dict[str, Scalar]]
    tables: dict[str, tuple[TableTier, ...]]
    scenarios: dict[str, ScenarioPart]
    portfolios: dict[str, PortfolioPart]
    strategies: dict[str, StrategyBookPart]
    pool: Formulas | None
    figures: dict[str, FigurePart]
    unread: frozenset[str]


def read_sections(sink: Sink, top: Fields) -> Sections:
    """Read every section; the sink has what was wrong."""
    constants, tables, scenarios = read_constants(sink, top), read_tables(sink, top), read_scenarios(sink, top)
    parameters = read_parameters(sink, top)
    for name in sorted(parameters.keys() & constants.keys()):
        place = _key_place(top, "parameters", name)
        sink.add("MR-R409", place, f"'{name}' is the name of a constant", "rename one of them")
    portfolios, strategies, figures = read_portfolios(sink, top), read_strategies(sink, top), read_figures(sink, top)
    read = {
        "constants": len(constants),
        "parameters": len(parameters),
        "tables": len(tables),
        "scenarios": len(scenarios),
        "portfolios": len(portfolios),
        "strategies": len(strategies),
        "figures": len(figures),
    }
    return Sections(
        constants=constants,
        parameters=parameters,
        tables=tables,
        scenarios=scenarios,
        portfolios=portfolios,
        strategies=strategies,
        pool=read_pool(sink, top),
        figures=figures,
        unread=frozenset(key for key, count in read.items() if _is_unread(top, key, count)),
    )


def _key_place(top: Fields, section: str, name: str) -> Place:
    node = top.node(section)
    return node.keys[name] if isinstance(node, Mapping) else top.key_place(section)


def _is_unread(top: Fields, key: str, count: int) -> bool:
    """Say whether a section was misspelt, or fewer of its names were read than stand there."""
    node = top.node(key)
    if node is None:
        return key in top
    return not isinstance(node, Mapping) or node.partial or len(node.entries) != count
