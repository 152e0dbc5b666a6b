# SPDX-License-Identifier: Apache-2.0
"""Put the cases of a book to the test: run them against every mutant of it, over an executor, and see which notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache

from marginrules.authoring.cases.model import Case
from marginrules.authoring.cases.mutants import Mutant, compiled, moves
from marginrules.authoring.cases.read import read_cases
from marginrules.authoring.cases.run import run_case
from marginrules.errors import InputError
from marginrules.rulebook import Program, load

_CHUNK = 12  # neighbours, which the same cases notice

CaseText = tuple[str, bytes]  # a file's name and its text
Progress = Callable[[int, int], None]  # how many mutants were tried, of how many


@dataclass(frozen=True, slots=True)
class Tried:
    """Carry one mutant and the first case that noticed it, as `file: name`; empty where none did."""

    mutant: Mutant
    noticed_by: str = ""


@dataclass(frozen=True, slots=True)
class MutationResult:
    """
    Carry what became of every mutant of a book, in the order of its text.

    Args:
        left_out: those that do not count, each with its reason.
    """

    file: str
    tried: tuple[Tried, ...]
    left_out: tuple[Mutant, ...]

    @property
    def noticed(self) -> int:
        """Return how many mutants a case noticed."""
        return sum(bool(one.noticed_by) for one in self.tried)

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        """Return the mutants that no case noticed."""
        return tuple(one.mutant for one in self.tried if not one.noticed_by)

    @property
    def share(self) -> float:
        """Return which part of the mutants was noticed; all of none."""
        return self.noticed / len(self.tried) if self.tried else 1.0


def run_mutants(
    content: bytes,
    file: str,
    cases: Sequence[CaseText],
    executor: Executor | None = None,
    *,
    at_most: int = 0,
    progress: Progress = lambda _done, _all: None,
) -> MutationResult:
    """
    Run cases against every mutant of a book; each mutant until the first case that notices it.

    Args:
        content: the text of the book, of which all cases hold.
        executor: where mutants are tried; in this process where there is none. The result is the same.
        at_most: try only so many mutants, taken evenly from all of them; 0: all.

    Raises:
        RulebookError: the book, or a file of cases, cannot be read.
        InputError: a case does not hold for the book as it is, so that it would notice everything.
    """
    check_cases(content, file, cases)
    chosen = _sample(list(moves(content, file)), at_most)
    chunks = [tuple(chosen[start : start + _CHUNK]) for start in range(0, len(chosen), _CHUNK)]
    texts, results, done = tuple(cases), {}, 0
    for number, found in _results(executor, content, file, texts, chunks):
        results[number] = found
        done += len(found)
        progress(done, len(chosen))
    tried = [one for number in range(len(chunks)) for one in results[number]]
    return MutationResult(
        file,
        tuple(one for one in tried if not one.mutant.why),
        tuple(one.mutant for one in tried if one.mutant.why),
    )


def check_cases(content: bytes, file: str, cases: Sequence[CaseText]) -> None:
    """Refuse cases that do not hold for the book itself."""
    program = load(content, file)
    for case in _cases_of(tuple(cases)):
        failures = run_case(content, file, case, program, stop_at_first=True, with_coverage=False).failures
        if failures:
            where = f"{failures[0].file}:{failures[0].line}"
            hint = "make every case hold before mutants are tried: `marginrules test`"
            raise InputError("MR-I102", f"case '{case.name}' did not hold for the book as it is, at {where}", hint)


def _sample(found: list[Mutant], at_most: int) -> list[Mutant]:
    """Return at most so many, from the first to the last in even steps."""
    if not at_most or len(found) <= at_most:
        return found
    return [found[index * len(found) // at_most] for index in range(at_most)]


def _results(
    executor: Executor | None, content: bytes, file: str, cases: tuple[CaseText, ...], chunks: list[tuple[Mutant, ...]]
) -> Iterator[tuple[int, list[Tried]]]:
    if executor is None:
        for number, chunk in enumerate(chunks):
            yield number, try_mutants(content, file, cases, chunk)
        return
    futures = {executor.submit(try_mutants, content, file, cases, chunk): number for number, chunk in enumerate(chunks)}
    for future in as_completed(futures):
        yield futures[future], future.result()


def try_mutants(content: bytes, file: str, cases: tuple[CaseText, ...], chunk: Sequence[Mutant]) -> list[Tried]:
    """Try some mutants in turn, first with the cases that noticed the ones before; what an executor runs."""
    before = _program_of(content, file)
    order = list(_cases_of(cases))
    tried = []
    for move in chunk:
        mutant, program = compiled(move, content, before)
        noticed = _first_to_notice(mutant, program, order) if program is not None else None
        tried.append(Tried(replace(mutant, fainter=()), f"{noticed.file}: {noticed.name}" if noticed else ""))
    return tried


def _first_to_notice(mutant: Mutant, program: Program, order: list[Case]) -> Case | None:
    for index, case in enumerate(order):
        found = run_case(program.text, mutant.file, case, program, stop_at_first=True, with_coverage=False)
        if found.failures:
            order.insert(0, order.pop(index))
            return case
    return None


@lru_cache(maxsize=4)
def _program_of(content: bytes, file: str) -> Program:
    return load(content, file)


@lru_cache(maxsize=4)
def _cases_of(cases: tuple[CaseText, ...]) -> tuple[Case, ...]:
    return tuple(case for name, text in cases for case in read_cases(text, name).cases)
