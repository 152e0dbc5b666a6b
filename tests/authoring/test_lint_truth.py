# SPDX-License-Identifier: Apache-2.0
"""What lint claims is what the engine does: random instruments and random lives find nothing that contradicts it."""

from __future__ import annotations

import random
import re
from decimal import Decimal
from pathlib import Path

import pytest

from marginrules.authoring.lint import lint
from marginrules.codes import RIGHTS, EventKind, InstrumentKind, Restriction
from marginrules.escalation.ladder import advance
from marginrules.escalation.state import Event, LadderState, Measure
from marginrules.model import Holding, Instrument
from marginrules.rulebook import Program, load
from marginrules.terms import Ladder
from marginrules.units import SECOND_NS
from tests.authoring.test_lint import PLANTED, SHIPPED

_QUOTED = re.compile(r"'([^']*)'")
_SHOWN = re.compile(r"the (inverse )?(?:(call|put) )?(\w+) '([^']*)' on '([^']*)' in '([^']*)'")
LIVES, EVENTS = 40, 60


def _planted(rule: str) -> list[Path]:
    return [path for path in PLANTED if path.stem.startswith(rule)]


# Products


@pytest.mark.parametrize("path", _planted("MR-L114"), ids=lambda path: path.stem)
def test_shown_instrument_is_refused(path: Path) -> None:
    """The instrument that the message names is one that the engine refuses because two products match it."""
    text = path.read_bytes()
    (found,) = lint(text, path.name)
    shown = _SHOWN.search(found.message)
    assert shown is not None
    inverse, right, kind, symbol, underlying, settlement = shown.groups()
    instrument = Instrument(
        symbol, InstrumentKind[kind.upper()], underlying, settlement, inverse=bool(inverse), right=right or ""
    )
    program = load(text, path.name)
    assert program.product_of(instrument) == -1
    alone = [program.products[index].name for index in range(len(program.products))]
    assert set(found.names) <= set(alone)


def _instruments(program: Program, random_: random.Random) -> Instrument:
    """Draw an instrument out of the names that a book knows, and others."""
    matches = [one.match for one in program.products]
    symbols = [pattern for match in matches for pattern in match.symbols] or ["X"]
    symbol = random_.choice([*symbols, "OTHER", "A-B-PERP"])
    symbol = "".join(random_.choice(["", "Z", "BTC-", "-USD"]) if one == "*" else one for one in symbol) or "X"
    kind = random_.choice(list(InstrumentKind))
    inverse = kind in (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE) and random_.random() < 0.5
    underlying = random_.choice(["OTHER", *(name for match in matches for name in match.underlyings)])
    settlement = random_.choice(["OTHER", "USD", *(name for match in matches for name in match.settlements)])
    right = random_.choice(list(RIGHTS)) if kind is InstrumentKind.OPTION else ""
    return Instrument(symbol, kind, underlying, settlement, inverse=inverse, right=right)


@pytest.mark.parametrize("path", [*_planted("MR-L105"), *SHIPPED], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_product_is_reached_or_reported(path: Path) -> None:
    """No random instrument gets a product said to match nothing, or two products where no tie was reported."""
    text = path.read_bytes()
    program, found = load(text, path.name), lint(text, path.name)
    dead = {one.names[0] for one in found if one.rule == "MR-L105"}
    random_ = random.Random(path.stem)  # noqa: S311 - a test
    for _ in range(500):
        instrument = _instruments(program, random_)
        index = program.product_of(instrument)
        assert index < 0 or program.products[index].name not in dead


# Ladders


def _life(ladder: Ladder, random_: random.Random) -> list[tuple[Event, LadderState, float]]:
    """Let one pool live: its ratio wanders and jumps, and time passes; fills do not come."""
    state = LadderState("A1", "d", 0)
    thresholds = [step.below for step in ladder.steps if step.below is not None]
    now, happened = 1_000 * SECOND_NS, list[tuple[Event, LadderState, float]]()
    for _ in range(EVENTS):
        now += random_.choice([1, 30, 600, 3_700, 4 * 3_600, 9 * 3_600]) * SECOND_NS
        nearest = thresholds[min(int(random_.expovariate(0.8)), len(thresholds) - 1)]
        ratio = nearest + random_.choice([-0.4, -0.03, -1e-6, 0.0, 1e-6, 0.02, 0.06, 0.3])
        holdings = (Holding("X", 100.0, 100_000.0, 0.0, 10_000.0),)
        measure = Measure(True, 10_000.0 * ratio, 20_000.0, 10_000.0, holdings)
        state, events = advance(state, ladder, measure, now)
        happened += [(event, state, ratio) for event in events]
    return happened


def _events(path: Path) -> list[Event]:
    """Return everything that happened in random lives on the ladders of a book."""
    random_ = random.Random(path.stem)  # noqa: S311 - a test
    ladders = load(path.read_bytes(), path.name).ladders
    return [event for ladder in ladders for _ in range(LIVES) for event, _, _ in _life(ladder, random_)]


@pytest.mark.parametrize(
    "path", [path for path in _planted("MR-L101") if "override" not in path.stem], ids=lambda path: path.stem
)
def test_call_said_to_never_come_never_comes(path: Path) -> None:
    """In no random life does the engine make a call, or enter a step, that lint says never comes."""
    found = [one for one in lint(path.read_bytes(), path.name) if one.rule == "MR-L101"]
    calls = {one.names[1] for one in found if "call" in one.source and "is never made" in one.message}
    entered = {one.names[1] for one in found if "is never entered" in one.message}
    events = _events(path)
    assert sum(one.kind is EventKind.CALL_ISSUED for one in events) > 20 or "asks-for-nothing" in path.stem
    for event in events:
        name = event.step
        assert not (name in calls and event.kind in (EventKind.CALL_ISSUED, EventKind.CALL_FURTHER)), name
        assert not (name in entered and event.kind is EventKind.STEP_ENTERED), name


@pytest.mark.parametrize("path", [*_planted("MR-L108"), *_planted("MR-L102")], ids=lambda path: path.stem)
def test_restriction_said_to_add_nothing_adds_nothing(path: Path) -> None:
    """
    Whenever a step said to be shadowed is active, a milder one asks for at least its restriction.

    But for orders under way, which keep a step beyond its exit until they are filled.
    """
    (found,) = lint(path.read_bytes(), path.name)
    program = load(path.read_bytes(), path.name)
    random_ = random.Random(path.stem)  # noqa: S311 - a test
    seen = 0
    for ladder in program.ladders[-1:]:
        index = ladder.index_of(found.names[1])
        for _ in range(LIVES):
            for _, state, ratio in _life(ladder, random_):
                active = {one.step for one in state.active}
                if index not in active or ratio >= ladder.steps[index].clear_after:
                    continue
                seen += 1
                others = [ladder.steps[one].restrict for one in active if one < index]
                assert max(others, default=Restriction.NONE) >= ladder.steps[index].restrict
    assert seen > 20


@pytest.mark.parametrize("path", _planted("MR-L123"), ids=lambda path: path.stem)
def test_paid_call_leaves_the_step_active(path: Path) -> None:
    """Equity at the target of the call is below the exit of its step."""
    (found,) = lint(path.read_bytes(), path.name)
    numbers = [Decimal(one) for one in re.findall(r"([\d.]+)%", found.message)]
    assert numbers[0] < numbers[1]
    program = load(path.read_bytes(), path.name)
    step = program.ladders[-1].steps[program.ladders[-1].index_of(found.names[1])]
    assert step.call is not None
    assert step.clear == float(numbers[1] / 100)
