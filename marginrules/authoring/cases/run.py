# SPDX-License-Identifier: Apache-2.0
"""Run a case against a rulebook: the shard, the ladder and the core of the server, in simulated time."""

from __future__ import annotations

from marginrules.authoring.cases.coverage import Survey
from marginrules.authoring.cases.judge import Judge
from marginrules.authoring.cases.model import Case, Step
from marginrules.authoring.cases.result import CaseResult, Failure
from marginrules.authoring.cases.world import World
from marginrules.errors import InputError
from marginrules.rulebook import Program, load


def run_case(
    program_text: bytes,
    book_file: str,
    case: Case,
    program: Program | None = None,
    *,
    stop_at_first: bool = False,
    with_coverage: bool = True,
) -> CaseResult:
    """
    Play a case and compare what it names.

    Args:
        program_text: the rulebook.
        book_file: its file, as failures show it.
        program: what the text compiles to, where it was compiled before.
        stop_at_first: end at the first look that finds a failure.
        with_coverage: note what of the rulebook was reached.

    Returns:
        The failures, none where it passed. A case that cannot be played, because a command of it is refused, has
        failed there.

    Raises:
        RulebookError: the text is not a rulebook.
    """
    if program is None:
        program = load(program_text, book_file)
    survey = Survey() if with_coverage else None
    failures: list[Failure] = []
    now_ns, place = case.start_ns, case.place
    try:
        world = World(case, program, book_file, survey.look if survey else None)
        for step in case.steps:
            place, now_ns = step.place, step.at_ns
            failures += play(world, step)
            if failures and stop_at_first:
                break
    except InputError as error:
        where = (case.name, case.file, place.line, place.column, now_ns)
        failures.append(Failure(*where, "", "refused", "", str(error)))
    touched = frozenset(survey.touched) if survey else frozenset()
    return CaseResult(case.name, case.file, case.place.line, tuple(failures), touched)


def play(world: World, step: Step) -> list[Failure]:
    """Carry out one step, then look; return what was not as expected."""
    world.go_to(step.at_ns)
    if step.prices:
        world.publish(step.prices)
    if step.equity is not None:
        world.set_equity(step, step.equity)
    if step.deposits:
        world.deposit(step)
    if step.fills is not None:
        world.execute(world.pool_of(step), step.fills, step.filled)
    failures = []
    if step.order is not None:
        failures += Judge(world, step).of_order(world.decide(step, step.order))
    elif step.figure is not None:
        failures += Judge(world, step).of_figure(world.measure(step, step.figure))
    elif step.expected:
        failures += Judge(world, step).of_pool()
    if step.events is not None:
        failures += Judge(world, step).of_events(world.said())
    return failures
