# SPDX-License-Identifier: Apache-2.0
"""
Rulebooks drawn at random, rewritten without another meaning, and changed in one place.

A book is a nested dict of texts, written as JSON, which is YAML.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

Book = dict[str, Any]
_NUMBER = re.compile(r"[\d._]+(%|d|h|m|s| bps)?")
_ENDS = ["client", "desk", "risk"]
_UNITS_NS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def text_of(book: Book) -> str:
    """Write a book."""
    return json.dumps(book, indent=1)


def rate(value: Decimal | float | str) -> str:
    """Write a fraction as a percentage."""
    number = Decimal(str(value)) * 100
    return f"{number:f}".rstrip("0").rstrip(".") + "%" if "." in f"{number:f}" else f"{number:f}%"


# Drawing


def draw_book(rng: Random) -> Book:
    """Return a sound book."""
    book: Book = {
        "rulebook": "drawn",
        "currency": "USD",
        "effective": "2026-03-01T00:00:00Z",
        "classes": ["retail", "professional"],
        "calendars": {"desk": "XNYS"},
        "collateral": {"USD": {"haircut": "0%"}, "BTC": _collateral(rng), "BOND": _collateral(rng)},
        "products": {
            "bitcoin": {"match": {"kind": "perpetual", "underlying": "BTC"}, "margin": _margin(rng)},
            "coins": {"match": {"kind": "perpetual"}, "margin": _margin(rng)},
            "futures": {"match": {"kind": ["future"]}, "margin": _margin(rng)},
            "options": {"match": {"kind": "option"}, "margin": _formula(rng)},
        },
        "ladder": "main",
        "ladders": {"main": _ladder(rng), "second": _ladder(rng)},
    }
    for name in ("coins", "futures"):
        if rng.random() < 0.4:
            book["products"][name]["ladder"] = "second"
    if rng.random() < 0.5:
        book["marks"] = {"max_age": "40s"}
    if rng.random() < 0.3:
        book["pools"] = {"apart": {"products": ["bitcoin", "coins"]}}
    if rng.random() < 0.6:
        book["overrides"] = _overrides(rng)
    return book


def _collateral(rng: Random) -> Book:
    first = rng.randrange(1, 10)
    made: Book = {"haircut": f"{first}%"}
    if rng.random() < 0.5:
        to, rest = rng.randrange(20, 200) * 1000, first + rng.randrange(1, 20)
        made["haircut"] = [{"to": str(to), "rate": f"{first}%"}, {"rate": f"{rest}%"}]
    if rng.random() < 0.3:
        made["cap"] = str(rng.randrange(50, 500) * 1000)
    if rng.random() < 0.2:
        made["concentration"] = f"{rng.randrange(30, 90)}%"
    if rng.random() < 0.2:
        made["liability"] = f"{rng.randrange(101, 130)}%"
    if rng.random() < 0.2:
        made["wrong_way"] = {"underlying": ["BTC"], "haircut": f"{rng.randrange(20, 60)}%"}
    if rng.random() < 0.2:
        made["callable"] = {"price": str(rng.randrange(90, 110)), "from": "2026-03-02"}
    return made


def _margin(rng: Random) -> Book:
    count, tiers, floor = rng.randrange(1, 4), [], 0
    maintenance = Decimal(rng.randrange(4, 40)) / 1000
    for index in range(count):
        tier = {"initial": rate(maintenance * 2), "maintenance": rate(maintenance)}
        if index < count - 1:
            floor += rng.randrange(20, 200) * 1000
            tier = {"to": str(floor), **tier}
        tiers.append(tier)
        maintenance += Decimal(rng.randrange(1, 40)) / 1000
    made: Book = {"model": "tiers", "tiers": tiers}
    if rng.random() < 0.15:
        made["initial_from"] = "leverage"
    if rng.random() < 0.2:
        made["open_interest"] = {"lower": "1000000", "upper": str(rng.randrange(2, 9) * 1_000_000)}
    return made


def _formula(rng: Random) -> Book:
    share = rng.randrange(10, 20)
    return {
        "model": "formula",
        "initial": f"total(max({share}% * abs(value), 0.{share} * abs(quantity) * mark))",
        "maintenance": f"total({share // 2}% * abs(value))",
    }


def _ladder(rng: Random) -> Book:
    top = rng.randrange(115, 150)
    bottom = rng.randrange(100, 108)
    round_to = rng.choice(["1", "10", "100"])
    waits = sorted((rng.randrange(1, 9), rng.randrange(1, 9)), reverse=True)
    restore = rng.choice(["initial_margin", "maintenance_margin", f"{rng.randrange(110, 140)}%"])
    call: Book = {"restore": restore, "round_to": round_to}
    if rng.random() < 0.5:
        call["minimum_transfer"] = str(rng.randrange(1, 20) * 100)
    first: Book = {"step": "call", "below": f"{top}%", "clear": f"{top + 5}%", "call": call, "deadline": f"{waits[0]}h"}
    if rng.random() < 0.5:
        first["for"] = f"{rng.randrange(1, 9) * 10}s"
    if rng.random() < 0.5:
        first["restrict"] = "reduce_only"
    if rng.random() < 0.25:
        first["deadline"] = rng.choice(["17:00 next business day", "17:00 in 2 business days"])
    second: Book = {"step": "again", "after": "call unmet", "call": {"restore": restore, "round_to": round_to}}
    second["deadline"] = f"{waits[1]}h"
    part: Book = {"step": "part", "below": f"{bottom}%", "or_after": "again unmet", "restrict": "blocked"}
    part["liquidate"] = {"fraction": f"{rng.randrange(20, 60)}%", "until": f"{bottom + 4}%", "every": "30s"}
    if rng.random() < 0.3:
        part["liquidate"] = {
            "target": f"{bottom + 6}%",
            "every": "30s",
            "first": rng.choice(["largest_loss", "pro_rata"]),
        }
    steps = [first, second, part]
    if rng.random() < 0.5:
        steps.insert(0, {"step": "warning", "below": f"{top + 10}%", "clear": f"{top + 12}%", "notify": _ENDS[:1]})
    steps.append({"step": "all", "below": "90%", "liquidate": "all"})
    if rng.random() < 0.5:
        steps.append({"step": "default", "below": "0%", "waterfall": ["insurance_fund"]})
    calendar = {"calendar": "desk"} if "business" in first["deadline"] else {}
    return {**calendar, "steps": steps}


def _overrides(rng: Random) -> list[Book]:
    scale = {"scale": f"{rng.randrange(101, 150)}%"}
    made: list[Book] = [{"class": "retail", "product": ["bitcoin", "futures"], "because": "retail", "margin": scale}]
    if rng.random() < 0.5:
        made.append({"account": "A-3", "because": "agreed", "ladder": {"all": {"below": f"{rng.randrange(80, 90)}%"}}})
    if rng.random() < 0.5:
        change = {"restrict": rng.choice(["reduce_only", "blocked"])}
        made.append({"product": "coins", "because": "thin", "ladder": {"again": change}})
    return made


# Rewriting: another text that means the same


def rewrite(book: Book, rng: Random) -> str:
    """Rewrite a book in one way and return which."""
    ways: list[Callable[[Book, Random], str]] = [
        _reorder,
        _respell,
        _split_tier,
        _split_haircut,
        _tell,
        _override_with_the_same,
        _write_defaults,
        _add_unused,
        _rename_ladder,
    ]
    return rng.choice(ways)(book, rng)


def _reorder(book: Book, rng: Random) -> str:
    def mixed(node: Any) -> Any:
        if isinstance(node, dict):
            items = [(key, mixed(one)) for key, one in node.items()]
            rng.shuffle(items)
            return dict(items)
        return [mixed(one) for one in node] if isinstance(node, list) else node

    made = mixed(book)
    book.clear()
    book.update(made)
    rng.shuffle(book["classes"])
    return "reordered"


def _respell(book: Book, rng: Random) -> str:
    def spelt(node: Any, key: str = "") -> Any:  # noqa: PLR0911 - each way ends for itself
        if isinstance(node, dict):
            return {name: spelt(one, name) for name, one in node.items()}
        if isinstance(node, list):
            return [spelt(one, key) for one in node]
        text = str(node)
        if (
            key in ("initial", "maintenance", "because", "description")
            and not text.replace(".", "").rstrip("%").isdigit()
        ):
            return node
        if text.endswith("%") and rng.random() < 0.5:
            number = Decimal(text[:-1])
            return rng.choice([f"{number * 100:f} bps", f"{number:f}0%" if "." in f"{number:f}" else f"{number:f}.0%"])
        if text.isdigit() and len(text) > 3 and rng.random() < 0.5:
            return f"{text[:-3]}_{text[-3:]}"
        if text[:-1].isdigit() and text[-1] == "h" and rng.random() < 0.5:
            return f"{int(text[:-1]) * 60}m"
        return node

    made = spelt(book)
    book.clear()
    book.update(made)
    return "spelt otherwise"


def _split_tier(book: Book, rng: Random) -> str:
    tiers = _tiers_of(book, rng)
    index = rng.randrange(len(tiers))
    tier = tiers[index]
    low = int(tiers[index - 1]["to"].replace("_", "")) if index else 0
    high = int(tier["to"].replace("_", "")) if "to" in tier else low + 2_000_000
    if high - low > 2:
        tiers.insert(index, {**tier, "to": str(rng.randrange(low + 1, high))})
    return "a tier split in two"


def _split_haircut(book: Book, rng: Random) -> str:
    asset = book["collateral"]["BTC"]
    if isinstance(asset["haircut"], str):
        asset["haircut"] = [
            {"to": str(rng.randrange(1, 90) * 1000), "rate": asset["haircut"]},
            {"rate": asset["haircut"]},
        ]
    else:
        last = asset["haircut"][-1]
        to = int(asset["haircut"][-2]["to"].replace("_", "")) + rng.randrange(1, 90) * 1000
        asset["haircut"].insert(-1, {"to": str(to), "rate": last["rate"]})
    return "a haircut split in two"


def _tell(book: Book, rng: Random) -> str:
    book["description"] = f"number {rng.randrange(1000)}"
    for one in book.get("overrides", []):
        one["because"] += ", still"
    return "described otherwise"


def _override_with_the_same(book: Book, rng: Random) -> str:
    name = rng.choice(["bitcoin", "futures"])
    if "overrides" in book:
        return "nothing"
    margin = {"tiers": copy.deepcopy(book["products"][name]["margin"]["tiers"])}
    book["overrides"] = [{"product": name, "class": "retail", "because": "no reason", "margin": margin}]
    return "an override with the same"


def _write_defaults(book: Book, rng: Random) -> str:
    del rng
    book.setdefault("marks", {"max_age": "60s"})
    for ladder in book["ladders"].values():
        ladder.setdefault("measure", "margin_ratio")
        for step in ladder["steps"]:
            if "below" in step and "overrides" not in book:  # of which one may move the entry, and the exit with it
                step.setdefault("clear", step["below"])
            if isinstance(step.get("liquidate"), dict):
                step["liquidate"].setdefault("cancel_orders_first", "yes")
    for one in book["products"].values():
        one.setdefault("max_age", book["marks"]["max_age"])
    return "defaults written"


def _add_unused(book: Book, rng: Random) -> str:
    name = f"unused{rng.randrange(100)}"
    book["ladders"][name] = copy.deepcopy(book["ladders"][book["ladder"]])
    book["calendars"][name] = "XLON"
    return "a ladder that nothing follows"


def _rename_ladder(book: Book, rng: Random) -> str:
    name = f"ladder{rng.randrange(100)}"
    book["ladders"][name] = book["ladders"].pop(book["ladder"])
    book["ladder"] = name
    return "a ladder renamed"


def _tiers_of(book: Book, rng: Random) -> list[Book]:
    tiers: list[Book] = book["products"][rng.choice(["bitcoin", "coins", "futures"])]["margin"]["tiers"]
    return tiers


# Changing: one value moved, one thing more or less


def change(book: Book, rng: Random) -> str:
    """Change a book in one place and return where; the book may not be sound afterwards."""
    ways: list[Callable[[Book, Random], str]] = [
        move_tier,
        move_tier,
        move_step,
        move_step,
        move_step,
        move_collateral,
        change_step,
        change_product,
        change_book,
        change_override,
    ]
    return rng.choice(ways)(book, rng)


def _moved(text: str, rng: Random) -> str:
    """Move a number a little, up or down, and keep its unit."""
    body = text.replace("_", "")
    digits = re.match(r"[\d.]+", body)
    unit = body[digits.end() :] if digits else ""
    number = Decimal(digits.group() if digits else 0)
    step = max(abs(number) * Decimal(rng.choice(["0.02", "0.1", "0.5"])), Decimal("0.01"))
    if unit in _UNITS_NS or "." not in body:
        step = max(step.to_integral_value(), Decimal(1))
    return f"{number + step * rng.choice([1, -1]):f}{unit}"


def _move_in(node: Book, keys: tuple[str, ...], rng: Random) -> str:
    given = [key for key in keys if _NUMBER.fullmatch(str(node.get(key)))]
    if not given:
        return "nothing"
    key = rng.choice(given)
    node[key] = _moved(node[key], rng)
    return key


def move_tier(book: Book, rng: Random) -> str:
    """Move a rate or an edge, or take a tier away."""
    tiers = _tiers_of(book, rng)
    where = rng.randrange(5)
    if where == 0 and len(tiers) > 1:
        tiers.pop(0)
        return "a tier less"
    if where == 1 and "overrides" in book and "margin" in book["overrides"][0]:
        return f"override {_move_in(book['overrides'][0]['margin'], ('scale',), rng)}"
    return f"tier {_move_in(rng.choice(tiers), ('to', 'initial', 'maintenance'), rng)}"


def _any_step(book: Book, rng: Random) -> Book:
    ladder = book["ladders"][rng.choice(sorted(book["ladders"]))]
    step: Book = rng.choice(ladder["steps"])
    return step


def move_step(book: Book, rng: Random) -> str:
    """Move a number of a step."""
    step = _any_step(book, rng)
    if isinstance(step.get("call"), dict) and rng.random() < 0.4:
        return f"call {_move_in(step['call'], ('restore', 'minimum_transfer', 'round_to'), rng)}"
    if isinstance(step.get("liquidate"), dict) and rng.random() < 0.4:
        return f"liquidate {_move_in(step['liquidate'], ('fraction', 'target', 'until', 'every'), rng)}"
    return f"step {_move_in(step, ('below', 'clear', 'for', 'deadline'), rng)}"


def move_entry(book: Book, rng: Random) -> str:
    """Move where, or how soon, a step is entered."""
    return _move_in(_any_step(book, rng), ("below", "for"), rng)


def move_exit(book: Book, rng: Random) -> str:
    """Move where a step is left."""
    return _move_in(_any_step(book, rng), ("clear",), rng)


def move_call(book: Book, rng: Random) -> str:
    """Move what a step demands, or by when."""
    step = _any_step(book, rng)
    call = step.get("call", {})
    return _move_in(rng.choice([call, step]), ("restore", "minimum_transfer", "round_to", "deadline"), rng)


def move_liquidation(book: Book, rng: Random) -> str:
    """Move how a step liquidates."""
    terms = _any_step(book, rng).get("liquidate")
    return _move_in(terms if isinstance(terms, dict) else {}, ("fraction", "target", "until", "every"), rng)


def move_collateral(book: Book, rng: Random) -> str:
    """Move what an asset counts for, or add or drop a term."""
    asset = book["collateral"][rng.choice(["BTC", "BOND"])]
    if isinstance(asset["haircut"], list) and rng.random() < 0.5:
        return f"haircut {_move_in(rng.choice(asset['haircut']), ('to', 'rate'), rng)}"
    key = rng.choice(["cap", "concentration", "liability", "wrong_way", "callable", "haircut"])
    if key in asset and key != "haircut":
        if isinstance(asset[key], dict):
            return f"{key} {_move_in(asset[key], ('haircut', 'price'), rng)}"
        if rng.random() < 0.3:
            del asset[key]
            return f"no {key}"
        return _move_in(asset, (key,), rng)
    if key == "cap":
        asset["cap"] = str(rng.randrange(5, 300) * 1000)
    elif key == "liability":
        asset["liability"] = "120%"
    elif key == "wrong_way":
        asset["wrong_way"] = {"underlying": ["BTC", "ETH"], "haircut": "50%"}
    elif key == "callable":
        asset["callable"] = {"price": "95", "from": "2026-03-02"}
    else:
        return _move_in(asset, ("haircut",), rng)
    return f"new {key}"


def change_step(book: Book, rng: Random) -> str:  # noqa: PLR0911 - each way ends for itself
    """Change what a step does, or have a step more or less."""
    step = _any_step(book, rng)
    way = rng.randrange(8)
    if way == 0:
        step["restrict"] = rng.choice(["reduce_only", "blocked"])
        return "restrict"
    if way == 1:
        return f"no {step.pop('restrict', '') and 'restrict'}"
    if way == 2:
        step["notify"] = rng.sample(_ENDS, 2)
        return "notify"
    if way == 3 and "below" in step:
        step["for"] = f"{rng.randrange(1, 9) * 10}s"
        return "for"
    if way == 4 and step["step"] == "again":
        step["below"] = "108%"
        step["or_after"] = step.pop("after", None) or step["or_after"]
        return "another way in"
    if way == 5 and step["step"] == "part":
        step.pop("or_after", None)
        return "one way in less"
    if way == 6 and isinstance(step.get("liquidate"), dict):
        step["liquidate"]["first"] = rng.choice(["largest_loss", "largest_margin", "pro_rata"])
        return "first"
    steps = book["ladders"][rng.choice(sorted(book["ladders"]))]["steps"]
    if any(one["step"] == "warning" for one in steps):
        steps[:] = [one for one in steps if one["step"] != "warning"]
        return "a step less"
    more: list[Book] = [{"restrict": "reduce_only"}, {"notify": ["desk"]}]
    steps.insert(0, {"step": "warning", "below": "170%", **rng.choice(more)})
    return "a step more"


def change_product(book: Book, rng: Random) -> str:  # noqa: PLR0911 - each way ends for itself
    """Change what a product is or how it is margined."""
    products = book["products"]
    way = rng.randrange(7)
    name = rng.choice(["coins", "futures"])
    if way == 0:
        products[name]["ladder"] = rng.choice(sorted(book["ladders"]))
        return "ladder"
    if way == 1:
        products[name]["max_age"] = f"{rng.randrange(5, 90)}s"
        return "max_age"
    if way == 2:
        products["options"]["margin"] = _formula(rng)
        return "formula"
    if way == 3:
        products["ether"] = {"match": {"kind": "perpetual", "underlying": "ETH"}, "margin": _margin(rng)}
        return "a product more"
    if way == 4:
        products["bitcoin"]["match"] = {"kind": "perpetual", "underlying": rng.choice([["BTC", "ETH"], ["SOL"]])}
        return "match"
    if way == 5:
        products["options"]["value"] = "excluded"
        return "value"
    products["renamed"] = products.pop("futures")
    return "a product renamed"


def change_book(book: Book, rng: Random) -> str:  # noqa: PLR0911 - each way ends for itself
    """Change what is said once for a whole book."""
    way = rng.randrange(6)
    if way == 0:
        book["increment"] = rng.choice(["0.1", "1"])
        return "increment"
    if way == 1:
        book["marks"] = {"max_age": f"{rng.randrange(5, 90)}s"}
        return "max_age"
    if way == 2:
        book["ladder"] = "second"
        return "the book's ladder"
    if way == 3:
        book["classes"] = rng.choice([["retail"], ["retail", "professional", "maker"]])
        return "classes"
    if way == 4:
        book["calendars"]["desk"] = rng.choice(["XLON", {"exchange": "XNYS", "closed": ["2026-03-03"]}])
        return "calendar"
    if "pools" in book:
        book["pools"]["apart"]["products"] = ["bitcoin"]
        return "a pool's products"
    book["pools"] = {"apart": {"products": ["bitcoin"], "classes": ["retail"]}}
    return "a pool more"


def change_override(book: Book, rng: Random) -> str:
    """Add an override, or take one away."""
    given = book.setdefault("overrides", [])
    if given and rng.random() < 0.4:
        given.pop(rng.randrange(len(given)))
        if not given:
            del book["overrides"]
        return "an override less"
    if rng.random() < 0.5:
        given.append(
            {"account": f"A-{rng.randrange(9)}", "product": "coins", "because": "agreed", "margin": {"scale": "90%"}}
        )
    else:
        given.append(
            {"class": "professional", "because": "known", "ladder": {"call": {"below": "112%", "clear": "113%"}}}
        )
    return "an override more"
