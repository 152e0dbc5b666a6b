# SPDX-License-Identifier: Apache-2.0
"""Walk a rulebook beside the vocabulary: every key, name, word and value with what the vocabulary says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence, parse
from marginrules.rulebook.vocabulary.book import BOOK
from marginrules.rulebook.vocabulary.kinds import Keys, Names, Shape, Text, Value, Variants

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Met:
    """
    Carry one thing that stands in a book.

    Args:
        text: as it stands there.
        path: of the value; of a key or name, of what stands behind it.
        keys: the mapping whose key it is; None: it is no key.
        names: the mapping whose name it is; None: it is no name.
        value: what the vocabulary says of a single value; None: it is none.
    """

    text: str
    place: Place
    path: Path
    keys: Keys | None = None
    names: Names | None = None
    value: Text | None = None


def walk(content: bytes) -> Iterator[Met]:
    """Yield everything that stands in a sound book."""
    sink = Sink("", [])
    root = parse(content.decode(), sink)
    assert root is not None
    assert not sink.found
    yield from _walk(root, Value(mapping=BOOK), ())


def _walk(node: Node, value: Value, path: Path) -> Iterator[Met]:
    if isinstance(node, Scalar):
        assert value.text is not None, path
        yield Met(node.text, node.place, path, value=value.text)
    elif isinstance(node, Sequence):
        assert value.items is not None, path
        for index, item in enumerate(node.items):
            yield from _walk(item, value.items, (*path, index))
    else:
        assert value.mapping is not None, path
        yield from _walk_mapping(node, value.mapping, path)


def _walk_mapping(node: Mapping, shape: Shape, path: Path) -> Iterator[Met]:
    keys = chosen(node, shape)
    for key, one in node.entries.items():
        at = (*path, key)
        if isinstance(keys, Keys) and key in keys:
            yield Met(key, node.keys[key], at, keys=keys)
            yield from _walk(one, keys[key].value, at)
        else:
            names = keys.others if isinstance(keys, Keys) else keys
            assert names is not None, at
            yield Met(key, node.keys[key], at, names=names)
            yield from _walk(one, names.value, at)


def chosen(node: Mapping, shape: Shape) -> Keys | Names:
    """Return the keys that hold for a mapping."""
    if not isinstance(shape, Variants):
        return shape
    word = node.entries[shape.by]
    assert isinstance(word, Scalar)
    return shape.of[word.text]


def every_key() -> set[tuple[str, str]]:
    """Return every (mapping, key) of the vocabulary."""
    return {(keys.name, key.name) for keys in _shapes(BOOK) for key in keys.keys}


def every_word() -> set[tuple[str, str, str]]:
    """Return every (mapping, key, word) of the vocabulary, for keys that take words."""
    return {
        (keys.name, key.name, word)
        for keys in _shapes(BOOK)
        for key in keys.keys
        for text in _texts(key.value)
        for word in text.words
    }


def _texts(value: Value) -> Iterator[Text]:
    if value.text is not None:
        yield value.text
    if value.items is not None:
        yield from _texts(value.items)
    if isinstance(value.mapping, Names):
        yield from _texts(value.mapping.value)


def _shapes(shape: Shape) -> Iterator[Keys]:
    if isinstance(shape, Variants):
        for keys in shape.of.values():
            yield from _shapes(keys)
        return
    values = [shape.value] if isinstance(shape, Names) else [key.value for key in shape.keys]
    if isinstance(shape, Keys):
        yield shape
        values += [shape.others.value] if shape.others is not None else []
    for value in values:
        while value.items is not None and value.mapping is None:
            value = value.items  # noqa: PLW2901 - a list of such values
        if value.mapping is not None:
            yield from _shapes(value.mapping)
        if value.items is not None and value.items.mapping is not None:
            yield from _shapes(value.items.mapping)
