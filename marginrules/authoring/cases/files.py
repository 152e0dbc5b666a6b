# SPDX-License-Identifier: Apache-2.0
"""
Which cases belong to which rulebook: `cases.yaml` and `boundaries.yaml` beside `rulebook.yaml`, `x.cases.yaml` and
`x.boundaries.yaml` beside `x.yaml`.
"""

from __future__ import annotations

import re
from pathlib import Path

_OWN = "cases.yaml"
_MADE = "boundaries.yaml"  # the cases that `marginrules test --boundaries` makes
_BOOK = "rulebook.yaml"
_CASES = re.compile(rb"^cases:", re.MULTILINE)
_NAMED = re.compile(rb"^rulebook: *['\"]?([^'\"#\n]+?)['\"]? *(?:#.*)?$", re.MULTILINE)

Pair = tuple[Path, Path]  # of cases, and of the rulebook that they are for


def pairs_in(folder: Path) -> list[Pair]:
    """Return the files of cases in a folder, or in `rules/*/` below it where it has none, with their rulebooks."""
    found = [*folder.glob(f"*{_OWN}"), *folder.glob(f"*{_MADE}")]
    here = [pair for one in sorted(found) if (pair := pair_of(one)) is not None]
    if here:
        return here
    below = [*folder.glob(f"rules/*/{_OWN}"), *folder.glob(f"rules/*/{_MADE}")]
    return [(one, one.with_name(_BOOK)) for one in sorted(below)]


def pairs_of(path: Path) -> list[Pair]:
    """Return the files of cases that belong to a rulebook, each with it; of a file of cases that one alone."""
    if is_cases(path):
        pair = pair_of(path)
        return [] if pair is None else [pair]
    names = (f"{path.stem}.{_OWN}", f"{path.stem}.{_MADE}", *((_OWN, _MADE) if path.name == _BOOK else (_OWN,)))
    beside = [one for name in names if (one := path.with_name(name)).is_file()]
    return [(one, path) for one in beside]


def made_of(book: Path) -> Path:
    """Return where the boundary cases of a rulebook stand."""
    return book.with_name(_MADE if book.name == _BOOK else f"{book.stem}.{_MADE}")


def pair_of(path: Path) -> Pair | None:
    """Return a file of cases with its rulebook, given either; None where the other is missing."""
    if is_cases(path):
        book = book_of(path)
        return (path, book) if book.is_file() else None
    beside = (path.with_name(f"{path.stem}.{_OWN}"), path.with_name(_OWN))
    found = next((one for one in beside if one.is_file()), None)
    return None if found is None else (found, path)


def is_cases(path: Path) -> bool:
    """Say whether a file is one of cases, by what it has rather than by its name."""
    return _CASES.search(path.read_bytes()) is not None


def book_of(path: Path) -> Path:
    """Return the rulebook of a file of cases: the one that it names, or the one beside it."""
    named = _NAMED.search(path.read_bytes())
    if named is not None:
        return path.parent / named[1].decode("utf-8", "replace")
    stem = path.name.removesuffix(f".{_OWN}").removesuffix(f".{_MADE}")
    return path.with_name(f"{stem}.yaml") if stem != path.name else path.with_name(_BOOK)
