# SPDX-License-Identifier: Apache-2.0
"""
The formula language: text to a checked tree with units, and that to code of the core's register machine.

`parse` reads the text, `check` understands it, `lower` turns it into values, `stages` and `emit` into code.
"""

from marginrules.rulebook.formula.compile import (
    compile_figure,
    compile_leg,
    compile_pool,
    compile_portfolio,
    read_constant,
)
from marginrules.rulebook.formula.environment import Constant, Environment, ScenarioNames, Scenarios, check_name
from marginrules.rulebook.formula.unit import ANY, GIVEN, Unit

__all__ = [
    "ANY",
    "GIVEN",
    "Constant",
    "Environment",
    "ScenarioNames",
    "Scenarios",
    "Unit",
    "check_name",
    "compile_figure",
    "compile_leg",
    "compile_pool",
    "compile_portfolio",
    "read_constant",
]
