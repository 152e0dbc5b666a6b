# SPDX-License-Identifier: Apache-2.0
"""Put cases to the test with mutants of their rulebook, and make the cases that stand at its thresholds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from marginrules.authoring.cases.boundaries import boundaries
from marginrules.authoring.cases.files import Pair, is_cases, made_of, pairs_of
from marginrules.authoring.cases.mutants import Mutant
from marginrules.authoring.cases.mutation import CaseText, MutationResult, Progress, run_mutants
from marginrules.authoring.cases.suggesting import suggestions
from marginrules.cli.common import EXIT_PROBLEMS, connect
from marginrules.cli.output import print_json

_SUGGESTED = 3  # survivors of a book for which a case is sought
_THRESHOLD = 1.0

Books = dict[Path, list[Path]]  # a rulebook's file -> the files of its cases


def books_of(pairs: Iterable[Pair], files: Iterable[Path]) -> Books:
    """Return each rulebook with its files of cases; a rulebook that is named needs none."""
    books: Books = {one: [cases for cases, _ in pairs_of(one)] for one in files if one.is_file() and not is_cases(one)}
    for folder in files:
        for book in sorted(folder.glob("rulebook.yaml")) if folder.is_dir() else []:
            books[book] = [cases for cases, _ in pairs_of(book)]
    for cases, book in pairs:
        named = books.setdefault(book, [])
        if cases not in named:
            named.append(cases)
    if not books:
        raise click.UsageError("name a rulebook, or a folder that has one")
    return books


def try_books(books: Books, threshold: float | None, run_on: AbstractContextManager[Tools], as_json: bool) -> int:
    """Try the mutants of each book, print what survived, and return the exit code: 1 below the threshold."""
    results = []
    with run_on as tools:
        for book, cases in books.items():
            texts = [(str(one), one.read_bytes()) for one in cases]
            with _progress(book) as progress:
                result = tools.run_mutants(book, texts, progress)
            results.append(result)
            if not as_json:
                _print(result, book.read_bytes())
    if as_json:
        print_json({"books": [_as_json(one) for one in results]})
    elif len(results) > 1:
        _print_total(results)
    wanted = _THRESHOLD if threshold is None else threshold
    return 0 if all(one.share >= wanted for one in results) else EXIT_PROBLEMS


def make_boundaries(books: Books, run_on: AbstractContextManager[Tools], is_written: bool) -> int:
    """Make the boundary cases of each book, from its cases that people wrote; print them or write them beside it."""
    with run_on as tools:
        for book, cases in books.items():
            made = made_of(book)
            text = tools.boundaries(book, [(str(one), one.read_bytes()) for one in cases if one != made])
            if is_written:
                made.write_text(text, encoding="utf-8")
                click.echo(f"{made}: {text.count('  - case: ')} cases", err=True)
            else:
                click.echo(text, nl=False)
    return 0


@dataclass(frozen=True, slots=True)
class Tools:
    """Carry the two tools, wherever they run: each takes the rulebook's file and the texts of its cases."""

    run_mutants: Callable[[Path, list[CaseText], Progress], MutationResult]
    boundaries: Callable[[Path, list[CaseText]], str]


@contextmanager
def on_this_machine(jobs: int) -> Iterator[Tools]:
    """Run the tools here, on so many processes; on 1 in this one."""
    with ProcessPoolExecutor(jobs) if jobs != 1 else nullcontext() as executor:
        yield Tools(
            lambda book, cases, progress: run_mutants(book.read_bytes(), str(book), cases, executor, progress=progress),
            lambda book, cases: boundaries(book.read_bytes(), str(book), cases, executor),
        )


@contextmanager
def on_server(connection: dict[str, Any], jobs: int) -> Iterator[Tools]:
    """Let a server run the tools, on so many processes of its own."""
    with connect(connection) as client:

        def mutants(book: Path, cases: list[CaseText], progress: Progress) -> MutationResult:
            told = client.run_mutants(dict(cases), book.read_bytes(), rulebook_file=str(book), processes=jobs)
            for one in told:
                if isinstance(one, MutationResult):
                    return one
                progress(*one)
            raise AssertionError("the server told no result")

        def made(book: Path, cases: list[CaseText]) -> str:
            told = client.make_boundary_cases(dict(cases), book.read_bytes(), rulebook_file=str(book), processes=jobs)
            return list(told)[-1]

        yield Tools(mutants, made)


@contextmanager
def _progress(book: Path) -> Iterator[Any]:
    """Show on a terminal how many mutants were tried."""
    is_shown = sys.stderr.isatty()

    def tell(done: int, of: int) -> None:
        if is_shown:
            click.echo(f"\r{book}: {done} of {of} mutants", nl=False, err=True)

    try:
        yield tell
    finally:
        if is_shown:
            click.echo("\r\x1b[K", nl=False, err=True)


def _print(result: MutationResult, content: bytes) -> None:
    head = f"{result.file}: {result.noticed} of {len(result.tried)} mutants noticed, {result.share:.1%}"
    click.echo(head + (f"; {len(result.left_out)} left out" if result.left_out else ""))
    suggested = suggestions(content, result.survivors[:_SUGGESTED])
    for number, one in enumerate(result.survivors):
        click.echo(f"  {click.style('survived', fg='yellow')}  {one.title}")
        text = suggested[number] if number < len(suggested) else ""
        if text:
            click.echo("    this case would notice it:")
            click.echo("".join(f"    {line}\n" for line in text.splitlines()), nl=False)


def _print_total(results: list[MutationResult]) -> None:
    noticed, tried = sum(one.noticed for one in results), sum(len(one.tried) for one in results)
    click.echo(f"all: {noticed} of {tried} mutants noticed, {noticed / tried if tried else 1.0:.1%}")


def _as_json(result: MutationResult) -> dict[str, Any]:
    return {
        "file": result.file,
        "mutants": len(result.tried),
        "noticed": result.noticed,
        "share": result.share,
        "survivors": [_row(one) for one in result.survivors],
        "left_out": [_row(one) | {"why": one.why} for one in result.left_out],
    }


def _row(one: Mutant) -> dict[str, Any]:
    return {"line": one.place.line, "column": one.place.column, "path": list(one.path), "old": one.old, "new": one.new}
