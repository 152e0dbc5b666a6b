# SPDX-License-Identifier: Apache-2.0
"""The digest of a rulebook covers what it means, all of it, and nothing of how it is written."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules import units
from marginrules.errors import RulebookError
from marginrules.rulebook import load
from tests.rulebook.checker import ROOT
from tests.rulebook.trees import (
    DURATIONS,
    NUMBERS,
    RATES,
    Path,
    Tree,
    is_formula,
    key_of,
    read_tree,
    renamed,
    replaced,
    rewrite_tree,
    scalars,
    write_tree,
)

SHIPPED = sorted((ROOT / "rules").glob("*/rulebook.yaml"))
TREES = {path.parent.name: read_tree(path.read_text(encoding="utf-8")) for path in SHIPPED}
DIGESTS = {path.parent.name: load(path.read_bytes(), path.name).digest for path in SHIPPED}
# Each value costs a compilation; those of formulas have tests of their own in `test_models.py`.
EVERY_VALUE = ("crypto-derivatives", "smallest", "us-broker")

WORDS = {
    "kind": ("spot", "perpetual", "future", "option"),
    "right": ("call", "put"),
    "inverse": ("yes", "no"),
    "initial_from": ("tier", "leverage"),
    "restrict": ("reduce_only", "blocked"),
    "first": ("largest_loss", "largest_margin", "pro_rata"),
    "cancel_orders_first": ("yes", "no"),
    "restore": ("initial_margin", "maintenance_margin", "140%"),
    "notify": ("client", "desk", "risk", "compliance", "operations"),
    "waterfall": ("insurance_fund", "auto_deleveraging", "loss_socialisation", "guarantee_fund", "house_capital"),
}
SINGLE_WORDS = frozenset(("model", "measure"))  # one word is all there is
NAMES = frozenset(
    ("portfolio", "step", "after", "or_after", "product", "class", "classes", "ladder", "calendar")
)  # renamed below


def digest_of(tree: Tree) -> str | None:
    """Return the digest of a tree, or None where it is no good rulebook."""
    try:
        return load(write_tree(tree), "changed.yaml").digest
    except RulebookError:
        return None


@pytest.mark.parametrize("name", TREES)
def test_plain_writing_has_the_digest_of_the_book(name: str) -> None:
    """A rulebook written out from its tree is the rulebook."""
    assert digest_of(TREES[name]) == DIGESTS[name]


@pytest.mark.promise("MR-P01")
@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(EVERY_VALUE), seed=st.integers(0, 1 << 32))
def test_writing_has_no_meaning(name: str, seed: int) -> None:
    """Order of keys, comments, line breaks, quotes and the spelling of numbers do not change the digest."""
    text = rewrite_tree(TREES[name], random.Random(seed))  # noqa: S311 - not a secret
    assert load(text, "rewritten.yaml").digest == DIGESTS[name], text.decode()


@pytest.mark.parametrize(
    "spellings",
    [
        ("10%", "1000 bps", "1000bps", "0.1", "0.10", "10.0%", "10 %", "+10%"),
        ("0%", "-0%", "0", "0.00", "0 bps"),
        ("1_000_000", "1000000", "1000000.0", "+1_000_000.00"),
        ("4h", "240m", "14400s", "3h60m"),
    ],
    ids=lambda spellings: spellings[0],
)
def test_spelling_has_no_meaning(spellings: tuple[str, ...]) -> None:
    """Each spelling of one value gives one digest."""
    where: dict[str, Path] = {
        "10%": ("products", "perpetual", "margin", "tiers", 0, "initial"),
        "0%": ("collateral", "USD", "haircut"),
        "1_000_000": ("products", "perpetual", "margin", "tiers", 0, "to"),
        "4h": ("ladders", "main", "steps", 0, "deadline"),
    }
    digests = {digest_of(replaced(TREES["smallest"], where[spellings[0]], one)) for one in spellings}
    assert digests == {DIGESTS["smallest"]}


def test_order_of_alternatives_has_no_meaning() -> None:
    """Classes, the alternatives of a match, what an override selects and the overrides themselves have no order."""
    tree = TREES["crypto-derivatives"]
    assert isinstance(tree, dict)
    changed = dict(tree)
    changed["classes"] = tree["classes"][::-1]
    changed["overrides"] = tree["overrides"][::-1]
    kinds: Path = ("products", "btc_inverse", "match", "kind")
    products: Path = ("overrides", 0, "product")
    assert digest_of(replaced(changed, kinds, ["future", "perpetual"])) == DIGESTS["crypto-derivatives"]
    assert changed["overrides"][0]["product"] == ["btc_perpetual", "eth_perpetual"]
    assert digest_of(replaced(changed, products, ["eth_perpetual", "btc_perpetual"])) == DIGESTS["crypto-derivatives"]


def test_order_of_reasons_has_no_meaning() -> None:
    """Two overrides of different keys of one step give one reason, whichever stands first."""
    overrides = [
        {"class": "retail", "because": reason, "ladder": {"margin_call": change}}
        for reason, change in (("agreed as RISK-7", {"deadline": "8h"}), ("agreed as RISK-3", {"clear": "140%"}))
    ]
    tree = TREES["smallest"]
    assert isinstance(tree, dict)
    books = [{**tree, "classes": ["retail"], "overrides": order} for order in (overrides, overrides[::-1])]
    assert digest_of(books[0]) == digest_of(books[1])
    assert digest_of(books[0]) is not None


def _others(path: Path, text: str) -> Iterator[Tree]:
    """Yield values that would mean something else in the place of a scalar, likely ones first."""
    key = key_of(path)
    if is_formula(path):
        yield from (f"2 * ({text})", f"not ({text})")
    elif path[0] in ("constants", "parameters", "scenarios") or _is_time_of_collateral(path, text):
        yield from _other_literals(text)
    elif key in RATES and (rate := units.parse_rate(text)) is not None:
        yield from (units.format_number(rate * 100 + step) + "%" for step in map(Decimal, ("0.01", "-0.01", "1", "-1")))
    elif key in NUMBERS and (number := units.parse_number(text)) is not None:
        yield from (
            units.format_number(number * factor) for factor in (Decimal("1.001"), Decimal("0.999"), Decimal(10))
        )
    elif key in DURATIONS and (duration := units.parse_duration_ns(text)) is not None:
        yield from (units.format_duration(duration + units.SECOND_NS), "2s")
    elif key == "deadline":
        yield text.replace("17:00", "17:01")
    elif key in WORDS:
        yield from (word for word in WORDS[key] if word != text)
    elif key == "liquidate":
        yield {"fraction": "50%"}
    elif key == "effective":
        yield text.replace("00Z", "01Z")
    elif key == "currency":
        yield from (word for word in ("USDC", "EUR") if word != text)
    elif path[0] == "calendars":
        yield "XLON"
    else:
        yield text + "2"


def _is_time_of_collateral(path: Path, text: str) -> bool:
    is_time = units.parse_duration_ns(text) is not None or units.parse_date_ns(text) is not None
    return path[0] == "collateral" and is_time


def _other_literals(text: str) -> Iterator[Tree]:
    """Yield other rates, numbers, durations and days."""
    if units.parse_date_ns(text) is not None:
        yield text[:-2] + "16"
    if (rate := units.parse_rate(text)) is not None:
        yield units.format_number(rate * 100 + 1) + "%"
    if (duration := units.parse_duration_ns(text)) is not None:
        yield units.format_duration(duration + units.SECOND_NS)


def _changeable() -> list[tuple[str, Path, str]]:
    return [
        (name, path, text)
        for name, tree in TREES.items()
        for path, text in scalars(tree)
        if key_of(path) not in SINGLE_WORDS | NAMES and path[0] != "lint"
    ]


@pytest.mark.promise("MR-P01")
@pytest.mark.parametrize("name", EVERY_VALUE)
def test_every_value_has_a_meaning(name: str) -> None:
    """Any other value in the place of any scalar of a shipped rulebook that is still a rulebook has another digest."""
    tried = 0
    for book, path, text in _changeable():
        if book != name:
            continue
        digests = [digest_of(replaced(TREES[name], path, other)) for other in _others(path, text)]
        good = [digest for digest in digests if digest is not None]
        assert DIGESTS[name] not in good, f"{path} was {text}"
        if key_of(path) == "currency" and not good:
            continue  # a book of one asset has no other currency
        assert good, f"{path} was {text}: nothing else is allowed there"
        tried += 1
    assert tried >= 15


_RENAMED = [
    ("crypto-derivatives", "professional"),
    ("crypto-derivatives", "retail"),
    ("crypto-derivatives", "initial_call"),
    ("crypto-derivatives", "dated_futures"),
    ("crypto-derivatives", "futures"),
    ("crypto-derivatives", "ETH"),
    ("us-broker", "maintenance_call"),
    ("smallest", "USD"),
]


@pytest.mark.parametrize(("name", "old"), _RENAMED)
def test_every_name_has_a_meaning(name: str, old: str) -> None:
    """Calls, reports and requests carry names: a rulebook with another name for something has another digest."""
    digest = digest_of(renamed(TREES[name], old, old + "2"))
    assert digest is not None
    assert digest != DIGESTS[name]


def test_name_of_a_calendar_has_no_meaning() -> None:
    """Only the business days count, not what a rulebook calls their calendar."""
    assert digest_of(renamed(TREES["us-broker"], "new_york", "manhattan")) == DIGESTS["us-broker"]


def test_lint_section_has_no_meaning() -> None:
    """How much weight the rules of lint have in a book is no part of its digest."""
    tree = TREES["us-broker"]
    assert isinstance(tree, dict)
    assert "lint" in tree
    assert digest_of({key: value for key, value in tree.items() if key != "lint"}) == DIGESTS["us-broker"]


_STRUCTURE: list[tuple[str, str, Path, Tree | None]] = [
    ("waterfall in another order", "crypto-derivatives", ("ladders", "perpetuals", "steps", 5, "waterfall"), None),
    ("other product of an override", "crypto-derivatives", ("overrides", 0, "product"), "btc_inverse"),
    ("other class of an override", "crypto-derivatives", ("overrides", 1, "class"), "professional"),
    ("one account, not a class", "crypto-derivatives", ("overrides", 1), None),
    ("other ladder of a product", "crypto-derivatives", ("products", "small_coins", "ladder"), "futures"),
    ("other ladder of mixed pools", "crypto-derivatives", ("ladder",), "futures"),
    ("another asset", "smallest", ("collateral",), {"USD": {"haircut": "0%"}, "EUR": {"haircut": "5%"}}),
    ("one tier", "smallest", ("products", "perpetual", "margin", "tiers"), [{"initial": "20%", "maintenance": "10%"}]),
    ("follows another call", "crypto-derivatives", ("ladders", "perpetuals", "steps", 3, "or_after"), None),
]


@pytest.mark.parametrize(("change", "name", "path", "value"), _STRUCTURE, ids=[row[0] for row in _STRUCTURE])
def test_structure_has_a_meaning(change: str, name: str, path: Path, value: Tree | None) -> None:
    """What follows what, who draws first and whom an override selects are part of the digest."""
    tree = TREES[name]
    if change == "waterfall in another order":
        value = ["auto_deleveraging", "insurance_fund"]
    elif change == "one account, not a class":
        value = {"account": "A1", "because": "agreed", "ladder": {"initial_call": {"deadline": "8h"}}}
    elif change == "follows another call":
        # The second call then needs a follower of its own.
        tree = replaced(tree, ("ladders", "perpetuals", "steps", 4), _follower())
        value = "initial_call unmet"
    assert value is not None
    digest = digest_of(replaced(tree, path, value))
    assert digest is not None
    assert digest not in (DIGESTS[name], digest_of(tree))


def _follower() -> Tree:
    return {
        "step": "full_liquidation",
        "below": "100%",
        "or_after": "second_call unmet",
        "liquidate": "all",
        "restrict": "blocked",
        "notify": ["client", "desk", "risk"],
    }


@pytest.mark.promise("MR-P01")
@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_digest_is_the_same_in_every_process(seed: str) -> None:
    """No order of a set or hash of a text reaches the digest: another process with another seed gives the same."""
    script = (
        "import sys, pathlib\n"
        "from marginrules.rulebook import load\n"
        "for path in sys.argv[1:]: print(load(pathlib.Path(path).read_bytes(), path).digest)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *map(str, SHIPPED)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert run.stdout.split() == [DIGESTS[path.parent.name] for path in SHIPPED]
