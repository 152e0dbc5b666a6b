# SPDX-License-Identifier: Apache-2.0
"""
What a comparison says holds for accounts, prices and times drawn at random.

The tests after the first see to it that the first can fail: comparisons that overlook something are caught.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import pytest

from marginrules.errors import RulebookError
from marginrules.rulebook import Program, load
from marginrules.rulebook.compare import Change, compare, ladders, whole
from tests.rulebook.compare import books
from tests.rulebook.compare.books import Book, change, draw_book, rewrite, text_of
from tests.rulebook.compare.lives import draw_scene
from tests.rulebook.compare.proof import broken, differ

Way = Callable[[Book, Random], str]
PAIRS, LONG_PAIRS = 60, 4000


def draw_pair(seed: int, way: Way | None = None) -> tuple[str, Program, Program] | None:
    """Return two rulebooks and how the second came about, in one way if it is given; None where it is not sound."""
    rng = Random(seed)  # noqa: S311 - not a secret
    book = draw_book(rng)
    other = copy.deepcopy(book)
    if way is not None:
        made = [way(other, rng)]
    else:
        made = [rewrite(other, rng) for _ in range(rng.choice([0, 1, 3]))]
        made += [change(other, rng) for _ in range(rng.choice([0, 1, 1, 2]))]
    try:
        return f"seed {seed}: {', '.join(made)}", load(text_of(book).encode(), "b"), load(text_of(other).encode(), "a")
    except RulebookError:
        return None


def pairs(first: int, count: int, way: Way | None = None) -> Iterator[tuple[int, str, Program, Program]]:
    """Yield pairs that are sound."""
    seed = first
    while count:
        made = draw_pair(seed, way)
        if made is not None:
            yield seed, *made
            count -= 1
        seed += 1


def prove(first: int, count: int) -> Counter[str]:
    """Check the promises of every verdict; return how often each was given."""
    verdicts: Counter[str] = Counter()
    for seed, how, before, after in pairs(first, count):
        found = compare(before, after)
        back = compare(after, before)
        opposite = {"stricter": "looser", "looser": "stricter"}.get(found.verdict, found.verdict)
        assert back.verdict == opposite, how
        assert bool(back.changes) == bool(found.changes), how
        scene = draw_scene(Random(seed), before, after)  # noqa: S311 - not a secret
        assert not broken(found, before, after, scene), f"{how}: {broken(found, before, after, scene)}"
        verdicts[found.verdict] += 1
        verdicts["differ"] += found.verdict == "mixed" and differ(before, after, scene)
    return verdicts


def test_every_verdict_holds() -> None:
    """Equivalent: no decision differs. Stricter: none is better for the account. Looser: none is worse."""
    found = prove(0, PAIRS)
    assert min(found[one] for one in ("equivalent", "stricter", "looser", "mixed")) >= PAIRS // 20, found


@pytest.mark.long
def test_every_verdict_holds_for_many() -> None:
    """The same for thousands of pairs."""
    prove(100_000, LONG_PAIRS)


# Comparisons that overlook something


def _nothing(*_: object, **__: object) -> Iterator[Change]:
    return iter(())


OVERLOOKED: dict[str, tuple[Way, tuple[object, str, object]]] = {
    "tiers": (books.move_tier, (whole, "compare_tiers", _nothing)),
    "collateral": (books.move_collateral, (whole, "compare_collateral", _nothing)),
    "ladders": (books.move_step, (whole, "compare_ladders", lambda *_: ())),
    "products": (books.change_product, (whole, "compare_matches", _nothing)),
    "entries": (books.move_entry, (ladders, "_compare_entries", _nothing)),
    "exits": (books.move_exit, (ladders, "_compare_exits", _nothing)),
    "calls": (books.move_call, (ladders, "compare_calls", _nothing)),
    "liquidations": (books.move_liquidation, (ladders, "_compare_liquidations", _nothing)),
}


@pytest.mark.parametrize("part", OVERLOOKED)
def test_what_is_overlooked_is_noticed(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some pair said to be equivalent then has a decision that differs."""
    way, blinded = OVERLOOKED[part]
    assert _is_caught("equivalent", way, monkeypatch, blinded)


@pytest.mark.parametrize("said", ["stricter", "looser"])
@pytest.mark.parametrize("part", ["tiers", "collateral", "entries", "exits", "calls"])
def test_a_wrong_direction_is_noticed(said: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some pair said to be stricter, or looser, then has a decision that is not."""
    wrong = (whole, "verdict_of", lambda changes: said if changes else "equivalent")
    assert _is_caught(said, OVERLOOKED[part][0], monkeypatch, wrong)


def _is_caught(said: str, way: Way, monkeypatch: pytest.MonkeyPatch, wrong: tuple[object, str, object]) -> bool:
    for seed, _, before, after in pairs(500, 300, way):
        right = compare(before, after).verdict
        with monkeypatch.context() as patch:
            patch.setattr(*wrong)
            found = compare(before, after)
        if found.verdict == said != right:
            scene = draw_scene(Random(seed), before, after)  # noqa: S311 - not a secret
            if broken(found, before, after, scene):
                return True
    return False
