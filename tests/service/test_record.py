# SPDX-License-Identifier: Apache-2.0
"""Decision records: what is recorded decides again to the last bit, wherever it is restored."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from marginrules.authoring.cases.model import Case, Step
from marginrules.authoring.cases.world import World
from marginrules.errors import InputError, RulebookError
from marginrules.service import border
from marginrules.service.decision_log import DecisionLog, read_decisions
from marginrules.service.record import record, redecide, restore
from marginrules.service.why import explain_decision
from tests.books.test_cases import RULES
from tests.service.examples import CASES, called, played

PERSON = {"who": "desk", "why": "test"}


def recorded(world: World, step: Step, seed: int = 1) -> dict[str, Any]:
    """Record how a worked example stands, mostly with an order."""
    order = None
    if seed % 4:
        names = world.shard.book.instrument_names
        symbol, quantity = names[seed % len(names)], (1.0, -1.0, 10.0, -0.5, 0.25)[seed % 5]
        order = border.order({"client_order_id": "asked", "symbol": symbol, "quantity": quantity})
    found = record(world.shard, step.account, step.pool, world.now_ns, order)
    return dict(json.loads(json.dumps(found, allow_nan=False)))


def of_call(world: World) -> dict[str, Any]:
    """Record the worked example of a call, with an order."""
    return recorded(world, world.case.steps[0])


@pytest.mark.parametrize(("book", "case"), CASES[::3], ids=lambda one: one if isinstance(one, str) else one.name)
def test_a_record_decides_again_bit_by_bit(book: str, case: Case) -> None:
    """At every step of the worked examples a record restores, decides the same, and records the same again."""
    for number, (world, step) in enumerate(played(book, case)):
        data = recorded(world, step, number)
        assert redecide(data) == ""
        again = restore(data)
        found = record(again.shard, again.account, again.pool_name, again.time_ns, again.order)
        found = json.loads(json.dumps(found))
        assert {**found, "rulebook": 0, "pinned": 0} == {**data, "rulebook": 0, "pinned": 0}


def test_fills_leave_costs_that_no_entry_price_has() -> None:
    """A position after odd fills is recorded with its cost to the last bit."""
    world = called()
    for price in (48_245.1, 48_244.7, 48_240.3):
        data = {"client_order_id": f"f{price}", "symbol": "BTC-PERP", "quantity": -0.777, "leverage": 50}
        world.shard.apply("hold", {"account": "example", "pool": "", "order": data}, world.now_ns)
        done = {"account": "example", "client_order_id": f"f{price}", "quantity": -0.333, "price": price, "fee": 0.01}
        world.shard.apply("fill", done, world.now_ns)
    assert redecide(of_call(world)) == ""


def test_an_open_call_keeps_its_rulebook_in_the_record() -> None:
    """The rulebook that an open call keeps is in the record beside the active one."""
    world = called()
    text = (RULES / "crypto-derivatives" / "rulebook.yaml").read_text(encoding="utf-8")
    other = text.replace("below: 120%", "below: 119%")
    world.shard.apply("activate", {"text": other, "file": "other.yaml", **PERSON}, world.now_ns)
    data = of_call(world)
    assert data["pinned"]["digest"] != data["rulebook"]["digest"]
    assert redecide(data) == ""
    assert restore(data).shard.states[0].is_pinned


def test_a_difference_is_told() -> None:
    """What was recorded differently is said, with both values."""
    data = of_call(called())
    assert data["order"] is not None
    wrong = copy.deepcopy(data)
    wrong["assessment"]["equity"] += 1.0
    assert redecide(wrong) == f"equity was {wrong['assessment']['equity']}, now {data['assessment']['equity']}"
    wrong = copy.deepcopy(data)
    wrong["decision"]["accepted"] = not data["decision"]["accepted"]
    assert redecide(wrong).startswith("accepted was ")
    wrong = copy.deepcopy(data)
    wrong["prices"][0]["price"] *= 1.0000000001
    assert redecide(wrong)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, item in items for one in _paths(item, (*path, key)))]


@pytest.mark.parametrize("junk", [None, "x", -1, {}, [], float("nan"), 10**30])
def test_hostile_records_are_refused(junk: Any) -> None:
    """Whatever stands in the place of a part, restoring raises one of our errors or restores; it never crashes."""
    data = of_call(called())
    for path in _paths(data):
        if not path:
            continue
        wrong = copy.deepcopy(data)
        target = wrong
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = junk
        with contextlib.suppress(InputError, RulebookError):
            again = restore(wrong)
            # What could be restored can be explained, too.
            explain_decision(again.shard, again.account, again.pool_name, again.time_ns, again.order)


def test_a_file_has_each_text_once(tmp_path: Path) -> None:
    """The first line that names a rulebook has its text; a line that was being written at the end is left out."""
    path, world = tmp_path / "decisions.jsonl", called()
    log = DecisionLog(path)
    for _ in range(3):
        log.write(record(world.shard, "example", "", world.now_ns))
    log.close()
    written = path.read_text(encoding="utf-8").splitlines()
    assert ["text" in json.loads(line)["rulebook"] for line in written] == [True, False, False]
    texts: dict[str, str] = {}
    with path.open(encoding="utf-8") as lines:
        assert [redecide(data, texts) for _, data in read_decisions(lines, texts)] == ["", "", ""]
    path.write_text("\n".join(written)[:-20], encoding="utf-8")
    with path.open(encoding="utf-8") as lines:
        assert [number for number, _ in read_decisions(lines, {})] == [1, 2]
    with pytest.raises(InputError, match="line 1 is not JSON"):
        list(read_decisions(["{\n", "{}\n"], {}))
    with pytest.raises(InputError, match="the text of rulebook"):
        restore(json.loads(written[1]))
