# SPDX-License-Identifier: Apache-2.0
"""Code means what its formula means: the interpreter of the tree and the executor of the code agree."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules.machine import Code
from marginrules.rulebook.diagnostic import Place, Sink, render_text
from marginrules.rulebook.formula import compile_portfolio
from marginrules.rulebook.formula.compile import IN_PORTFOLIO, Wanted, understand
from marginrules.rulebook.formula.tree import Typed
from marginrules.rulebook.formula.unit import AMOUNT
from marginrules.rulebook.parse import Scalar
from tests.rulebook.formula.executor import Executor
from tests.rulebook.formula.formulas import ENVIRONMENT, formulas, worlds
from tests.rulebook.formula.interpreter import Interpreter
from tests.rulebook.formula.world import World


def compiled(define: dict[str, str], initial: str, maintenance: str) -> tuple[list[Typed], Code]:
    """Return trees and code of a formula product."""
    sink = Sink("formula", [initial])
    scalars = {name: Scalar(text, Place(1, 1)) for name, text in define.items()}
    first, second = Scalar(initial, Place(1, 1)), Scalar(maintenance, Place(1, 1))
    wanted = [(Wanted("initial", (AMOUNT,), True), first), (Wanted("maintenance", (AMOUNT,), True), second)]
    trees = understand(sink, ENVIRONMENT, IN_PORTFOLIO, scalars, wanted).results
    code = compile_portfolio(sink, ENVIRONMENT, scalars, first, second, per_position=True)
    assert code is not None, f"{initial}\n{maintenance}\n{render_text(sink.ordered())}"
    return trees, code


def assert_agreed(define: dict[str, str], initial: str, maintenance: str, world: World) -> None:
    """Both ways give the same numbers, up to the last bits of products that are taken apart."""
    trees, code = compiled(define, initial, maintenance)
    expected = [Interpreter(world).whole(tree) for tree in trees]
    found = Executor(code, world).run()
    for one, other in zip(found, expected, strict=True):
        is_same = one == other or (math.isnan(one) and math.isnan(other))
        assert is_same or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9), (initial, maintenance)


@settings(max_examples=200, deadline=None)
@given(formulas(), formulas(of_positions=True), worlds())
def test_random_formulas_mean_the_same(initial: str, maintenance: str, world: World) -> None:
    """Whatever the formula, its code gives what its tree means, not-a-number included."""
    assert_agreed({}, initial, f"{maintenance} + 0 * value", world)


@settings(max_examples=100, deadline=None)
@given(formulas(of_positions=True), formulas(of_positions=True), formulas(), worlds(), st.booleans())
def test_definitions_mean_what_stands_in_them(a: str, b: str, c: str, world: World, twice: bool) -> None:
    """Definitions can be used many times, and in any order."""
    define = {
        "z": "if(x > y, x, y * 2) + total(x)",
        "x": f"({a}) + 0 * value + total(value)",
        "y": f"{b} + 0 * value",
        "w": c,
    }
    initial = "total(z) + w" if twice else "total(total(max(z, total(y by underlying)) by expiry))"
    assert_agreed(define, initial, "total(y) - w", world)
