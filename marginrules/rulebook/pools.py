# SPDX-License-Identifier: Apache-2.0
"""The section `pools`: margin pools that an account may have beside its cross pool and its isolated ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

from marginrules.limits import POOLS_MAX
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink, suggest
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Node, Scalar, Sequence
from marginrules.rulebook.vocabulary.products import POOL_OF_PRODUCTS
from marginrules.terms import PoolTerms

_NOWHERE = Place(1, 1)


@dataclass(frozen=True, slots=True)
class PoolPart:
    """Say which products a pool may hold, and accounts of which classes may have it; no classes: all of them."""

    products: tuple[str, ...]
    classes: tuple[str, ...]
    place: Place = field(default=_NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)


def read_pools(sink: Sink, top: Fields) -> dict[str, PoolPart]:
    """Read every pool."""
    named = fields.read_named(sink, top, "pools", some=True)
    if len(named) > POOLS_MAX:
        sink.add("MR-R107", top.key_place("pools"), f"{len(named):,} pools; at most {POOLS_MAX} are read")
        return {}
    return {name: _pool(sink, node, name, at) for name, node, at in named}


def _pool(sink: Sink, node: Node, name: str, at: Place) -> PoolPart:
    part = Fields(sink, node, f"pool '{name}'", POOL_OF_PRODUCTS, at=at)
    names = partial(fields.read_list, reader=fields.read_name)
    return PoolPart(
        products=part.read("products", names, ()),
        classes=part.read("classes", names, ()),
        place=node.place,
        places={f"{key}.{text}": at for key in ("products", "classes") for text, at in _listed(part.node(key))},
    )


def _listed(node: Node | None) -> list[tuple[str, Place]]:
    items = node.items if isinstance(node, Sequence) else [node]
    return [(item.text, item.place) for item in items if isinstance(item, Scalar)]


def check_pools(
    sink: Sink,
    pools: dict[str, PoolPart],
    products: Collection[str] | None,
    classes: Collection[str] | None,
) -> None:
    """Check that products and classes are known; None where they could not be read."""
    for one in pools.values():
        for key, what, names, known in (
            ("products", "product", one.products, products),
            ("classes", "class", one.classes, classes),
        ):
            for name in names if known is not None else ():
                if name not in (known or ()):
                    place = one.places.get(f"{key}.{name}", one.place)
                    sink.add("MR-R309", place, f"no {what} is named '{name}'", suggest(name, known or ()))


def compile_pools(pools: dict[str, PoolPart], product_ids: dict[str, int]) -> dict[str, PoolTerms]:
    """Return the pools by name, with products by number."""
    return {
        name: PoolTerms(frozenset(product_ids[product] for product in one.products), frozenset(one.classes))
        for name, one in pools.items()
    }


def meaning_of(pools: dict[str, PoolPart]) -> dict[str, list[list[str]]]:
    """Return what a digest covers."""
    return {name: [sorted(one.products), sorted(one.classes)] for name, one in pools.items()}
