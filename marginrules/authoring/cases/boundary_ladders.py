# SPDX-License-Identifier: Apache-2.0
"""Cases at, just below and just above the thresholds of ladders, and just before and at everything that falls due."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace

from marginrules.authoring.cases.making import Made, Stage, make, number_text, stage_of, underlyings_of
from marginrules.authoring.cases.recorder import Recorder
from marginrules.errors import InputError
from marginrules.rulebook import Program
from marginrules.terms import Ladder, Step
from marginrules.units import DAY_NS, SECOND_NS

_SCALES = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e10, 1e12)
_DUE_MAX = 8  # moments that are waited for after a step was entered
_HORIZON_NS = 60 * DAY_NS
_DEFAULT_MM = 1_000.0
_TICK = 1e-4  # of the requirement, where an increment is too little to be read
_RATIO_MAX = 1e6
_ROUNDS = 2
_HALVINGS = 60
_LOSS_MAX = 0.95
_LIQUIDATION = ("step", "liquidating")


def ladder_cases(program: Program) -> Iterator[str]:
    """Yield the cases of every step of every ladder, each variant that overrides make once."""
    seen: set[tuple[object, ...]] = set()
    for account_class in program.classes:
        for number, product in enumerate(program.products):
            stage = _needy(program, account_class, number)
            if stage is None:
                continue
            recorder = Recorder(program, "sought", stage)
            ladder = _ladder_of(recorder)
            for index, step in enumerate(ladder.steps):
                told = (ladder.name, replace(step, line=0, because=""))
                if step.below is None or told in seen:
                    continue
                seen.add(told)
                where = f"{ladder.name}/{step.name}, {product.name} of class {account_class}"
                yield from _played(_of_step(program, stage, ladder, index, where))


def _played(cases: Iterator[str]) -> Iterator[str]:
    """Yield cases up to the first that the service refuses to play, such as a fill at a price that cannot be."""
    with contextlib.suppress(InputError):
        yield from cases


def _ladder_of(recorder: Recorder) -> Ladder:
    world = recorder.world
    pool = world.shard.book.pool_id("example", "")
    return world.ladder_of(pool, world.assess(pool))[0]


def _needy(program: Program, account_class: str, number: int) -> Stage | None:
    """Return an account with a requirement that is large beside every minimum transfer; None where none was found."""
    least = max(
        (float(step.call.minimum_transfer) for one in program.ladders for step in one.steps if step.call), default=0.0
    )
    wanted = max(_DEFAULT_MM, 20.0 * least, 1e4 * float(program.increment))
    for underlying in reversed(underlyings_of(program, number)):
        for sign in (1.0, -1.0):
            for scale in _SCALES:
                stage = _three(program, account_class, number, underlying, sign * scale)
                if stage is not None and _requirement(program, stage) >= wanted:
                    return stage
    return None


def _three(program: Program, account_class: str, number: int, underlying: str, scale: float) -> Stage | None:
    """Return three positions of a product, told apart by loss and by size; one where there is only one instrument."""
    held: list[tuple[Made, float]] = []
    for which, share in ((1, 2.0), (2, 1.0), (3, 4.0)):
        made = make(program, number, underlying, which=which)
        if made is not None and made.symbol not in [one.symbol for one, _ in held]:
            held.append((made, scale * share))
    if not held:
        return None
    stage = stage_of(program, account_class, held)
    for symbol, loss in zip(stage.positions, (0.02, 0.05, 0.0), strict=False):
        position = stage.positions[symbol]
        # At a loss, so that which one goes first by loss is not which one goes first by size.
        position["entry_price"] *= 1.0 + math.copysign(loss, position["quantity"])
    return stage


def _requirement(program: Program, stage: Stage) -> float:
    try:
        return Recorder(program, "sought", stage).figures()[2]
    except InputError:
        return 0.0


def _of_step(program: Program, stage: Stage, ladder: Ladder, index: int, where: str) -> Iterator[str]:
    step = ladder.steps[index]
    if step.below is None:
        return
    recorder = Recorder(program, f"{where}, around its thresholds", _funded(program, _ordering(stage, step)))
    _around(recorder, program, step)
    yield recorder.text
    if step.liquidate or step.call or step.for_ns:
        recorder = Recorder(program, f"{where}, what falls due", _funded(program, stage))
        tick = _tick(program, recorder.figures()[2])
        recorder.stop(after_ns=SECOND_NS, equity=_at(recorder, step.below) - tick)
        _wait(recorder)
        yield recorder.text
    if step.liquidate and step.liquidate.until < _RATIO_MAX:
        recorder = Recorder(program, f"{where}, its rounds", _funded(program, stage))
        tick = _tick(program, recorder.figures()[2])
        recorder.stop(after_ns=SECOND_NS, equity=_at(recorder, step.below) - tick)
        _rounds(recorder, ladder, index, tick)
        yield recorder.text
    if step.call and step.call.minimum_transfer:
        text = _at_minimum(program, stage, ladder, index, where)
        if text:
            yield text


def _funded(program: Program, stage: Stage) -> Stage:
    """Return the account with so much in the currency that no step is entered."""
    equity, initial, maintenance = Recorder(program, "sought", stage).figures()
    missing = 10.0 * max(initial, maintenance) - equity
    return replace(stage, balances=stage.balances | {program.currency: float(math.ceil(missing))})


def _ordering(stage: Stage, step: Step) -> Stage:
    """Return the account with an open order, which keeps a liquidation from its first round, so that exits show."""
    if step.liquidate is None or not step.liquidate.cancel_orders_first:
        return stage
    symbol, position = next(iter(stage.positions.items()))
    price = stage.prices[symbol]["mark"]
    order = {"quantity": number_text(-position["quantity"] / 10.0), "price": number_text(price)}
    return replace(stage, orders=[{"symbol": symbol, **order}])


def _tick(program: Program, maintenance: float) -> float:
    increment = float(program.increment)
    return max(increment, increment * math.ceil(maintenance * _TICK / increment)) if maintenance else increment


def _at(recorder: Recorder, ratio: float) -> float:
    return ratio * recorder.figures()[2]


def _around(recorder: Recorder, program: Program, step: Step) -> None:
    """Come down to the entry, pass it, wait as long as it says, and go up through the exit."""
    below = step.below or 0.0
    tick = _tick(program, recorder.figures()[2])
    for offset in (tick, 0.0, -tick):
        recorder.stop(after_ns=SECOND_NS, equity=_at(recorder, below) + offset)
    if step.for_ns:
        recorder.stop(after_ns=step.for_ns - SECOND_NS)
        recorder.stop(after_ns=SECOND_NS)
    if recorder.ordered:
        recorder.stop(fills={})
    if not recorder.figures()[2]:
        return
    for offset in (-tick, 0.0, tick):
        recorder.stop(after_ns=SECOND_NS, equity=_at(recorder, step.clear) + offset)


def _rounds(recorder: Recorder, ladder: Ladder, index: int, tick: float) -> None:
    """
    Liquidate in rounds whose fills leave the pool short of the end, wait for the next, and go up through the end.

    Args:
        tick: as little equity as is read.
    """
    step = ladder.steps[index]
    floor = max((one.below for one in ladder.steps[index + 1 :] if one.below is not None), default=0.0)
    filled = 0.5 if step.liquidate and step.liquidate.fraction == 1 else 1.0  # all at once ends it
    goal = 0.0
    for _ in range(_ROUNDS):
        until = recorder.until()
        if until is None or until > _RATIO_MAX or not recorder.ordered:
            return
        goal = (max(floor, min(step.below or until, until) * 0.9) + min(step.below or until, until)) / 2
        fills = _fills(recorder, goal, filled)
        recorder.stop(after_ns=SECOND_NS, fills=fills, filled=filled, look=_LIQUIDATION)
        if recorder.until() is None or not recorder.figures()[2]:
            return
        due_ns = recorder.world.next_due_ns()
        if due_ns - recorder.world.now_ns > _HORIZON_NS or recorder.ordered:
            break
        if due_ns - recorder.world.now_ns > SECOND_NS:
            recorder.stop(after_ns=due_ns - SECOND_NS - recorder.world.now_ns)
        recorder.stop(after_ns=due_ns - recorder.world.now_ns)
    if recorder.ordered and recorder.until() is not None:
        recorder.stop(fills=_fills(recorder, goal, filled), filled=filled, look=_LIQUIDATION)
    until = recorder.until()
    if until is None or recorder.ordered or not recorder.figures()[2]:
        return
    for ratio in sorted({until, step.clear}):
        for offset in (-tick, 0.0):
            recorder.stop(equity=_at(recorder, ratio) + offset, look=_LIQUIDATION)


def _fills(recorder: Recorder, goal: float, filled: float) -> dict[str, float]:
    """Return prices of the fills that leave about a ratio: by what they lose, as a linear contract loses it."""
    equity, _, maintenance = recorder.figures()
    orders = recorder.ordered
    held = {one.symbol: one for one in recorder.holdings()}
    whole = sum(abs(one.notional) for one in held.values())
    closed = filled * sum(
        abs(quantity / held[symbol].quantity * held[symbol].notional) for symbol, quantity in orders.items()
    )
    left = maintenance * (1.0 - closed / whole) if whole else 0.0
    loss = equity - goal * left
    if not closed or not left:
        return {}
    share = loss / closed
    if abs(share) > _LOSS_MAX:
        return {}  # more than a price can fall: at the marks
    return {
        symbol: float(f"{recorder.mark(symbol) * (1.0 + share * math.copysign(1.0, quantity)):.10g}")
        for symbol, quantity in orders.items()
    }


def _wait(recorder: Recorder) -> None:
    """Stop a second before and at each moment at which something falls due; fills come at the marks."""
    start_ns = recorder.world.now_ns
    for _ in range(_DUE_MAX):
        if recorder.ordered:
            recorder.stop(after_ns=SECOND_NS, fills={})
            continue
        due_ns = recorder.world.next_due_ns()
        if due_ns - start_ns > _HORIZON_NS:
            break
        before = due_ns - SECOND_NS - recorder.world.now_ns
        if before > 0:
            recorder.stop(after_ns=before)
        recorder.stop(after_ns=due_ns - recorder.world.now_ns)


def _at_minimum(program: Program, stage: Stage, ladder: Ladder, index: int, where: str) -> str:
    """Return a case in which exactly the minimum transfer is missing, then a little less and a little more."""
    step = ladder.steps[index]
    if step.call is None or step.below is None:
        return ""
    least = float(step.call.minimum_transfer)
    floor = max((one.below for one in ladder.steps[index + 1 :] if one.below is not None), default=0.0)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = float(f"{(low + high) / 2:.6g}")
        small = _scaled(stage, middle)
        _, initial, maintenance = Recorder(program, "sought", small).figures()
        restored = {"initial_margin": initial, "maintenance_margin": maintenance}.get(
            step.call.restore, step.call.ratio * maintenance
        )
        if not maintenance or restored - least <= floor * maintenance:
            low = middle
        elif restored - least >= step.below * maintenance:
            high = middle
        else:
            return _missing(program, small, step, restored, where)
    return ""


def _missing(program: Program, stage: Stage, step: Step, restored: float, where: str) -> str:
    if step.call is None:
        return ""
    least, tick = float(step.call.minimum_transfer), float(max(program.increment, step.call.round_to))
    recorder = Recorder(program, f"{where}, around its minimum transfer", _funded(program, stage))
    whole = 10.0 * max(recorder.figures()[1:])
    for missing in (least - tick, least, least + tick):
        recorder.stop(after_ns=SECOND_NS, equity=whole)
        recorder.stop(after_ns=SECOND_NS, equity=restored - missing)
        if step.for_ns:
            recorder.stop(after_ns=step.for_ns)
    return recorder.text


def _scaled(stage: Stage, factor: float) -> Stage:
    positions = {
        symbol: one | {"quantity": float(f"{one['quantity'] * factor:.8g}")} for symbol, one in stage.positions.items()
    }
    return replace(stage, positions=positions)
