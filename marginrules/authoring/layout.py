# SPDX-License-Identifier: Apache-2.0
"""
One canonical layout of rulebooks.

* Keys stand in the order of the vocabulary; names that the officer chose, and lists, in the order of the text.
* Two spaces for each level, items of a list two further in; a mapping or list in braces stays on its line where it fits
  into 120 characters and has no comment inside, and is written line by line where not.
* A blank line before each section, none between the keys of the head or of a mapping with known keys; elsewhere at most
  one, where there was one.
* Quotes only where they are needed; values as they were written.
* Comments stay with what they belong to: those above a key or item, and those behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain

from marginrules.authoring.edit import Collection, Entry, Node, Value, read_tree, readable, spell
from marginrules.errors import InputError
from marginrules.rulebook import parse
from marginrules.rulebook.vocabulary import kinds
from marginrules.rulebook.vocabulary.book import BOOK

WIDTH = 120
HEAD = ("rulebook", "description", "currency", "increment", "effective", "classes")
_INDENT = 2


def format_text(content: bytes, file: str) -> bytes:
    """
    Return a rulebook's text in the canonical layout; what it means, and so its digest, is the same.

    Raises:
        RulebookError: the text is not YAML as rulebooks are written; whether it is a sound rulebook is not asked.
        InputError: the text uses a corner of YAML that cannot be written again as it was.
    """
    source, meaning = readable(content, file)
    root, comments = read_tree(source)
    root.is_flow = False
    head = root.entries[0].before if root.entries else []
    top = list(head)
    head.clear()
    entries = _ordered(root, BOOK)
    for entry in entries:
        key = entry.key.text if entry.key is not None else ""
        entry.before = _tidied(entry.before, is_first=True)
        if entry is not entries[0] and key not in HEAD:
            entry.before.insert(0, "")
    lines = [*_tidied(top, is_first=True), *_block(root, 0, kinds.Value(mapping=BOOK), is_root=True)]
    written = "".join(f"{line.rstrip()}\n" for line in lines).encode()
    _check(meaning, comments, written, file)
    return written


def _check(meaning: parse.Node, comments: list[str], written: bytes, file: str) -> None:
    """Refuse to change what a text means, or to lose a comment: rather no layout than another rulebook."""
    text, again = readable(written, file)
    kept = read_tree(text)[1]
    if not _is_same(meaning, again) or Counter(comments) != Counter(kept):
        message = "the text cannot be laid out without changing it"
        raise InputError("MR-I160", message, "write its keys and values in a plainer way")


def _is_same(before: parse.Node, after: parse.Node) -> bool:
    if isinstance(before, parse.Scalar) or isinstance(after, parse.Scalar):
        return isinstance(before, parse.Scalar) and isinstance(after, parse.Scalar) and before.text == after.text
    if isinstance(before, parse.Mapping) and isinstance(after, parse.Mapping):
        theirs = after.entries
        return before.entries.keys() == theirs.keys() and all(
            _is_same(one, theirs[key]) for key, one in before.entries.items()
        )
    if isinstance(before, parse.Sequence) and isinstance(after, parse.Sequence):
        return len(before.items) == len(after.items) and all(map(_is_same, before.items, after.items))
    return False


def _tidied(lines: Iterable[str], *, is_first: bool) -> list[str]:
    """Return lines with at most one blank line in a row, and none at the beginning where they are the first."""
    made: list[str] = []
    for line in lines:
        if line or (made[-1] if made else not is_first):
            made.append(line)
    return made


# Order


def _keys_of(node: Collection, shape: kinds.Shape | None) -> kinds.Keys | None:
    if not isinstance(shape, kinds.Variants):
        return shape if isinstance(shape, kinds.Keys) else None
    words = [entry.value for entry in node.entries if entry.key is not None and entry.key.text == shape.by]
    word = words[0].text if words and isinstance(words[0], Value) else ""
    return shape.of.get(word)


def _ordered(node: Collection, shape: kinds.Shape | None) -> list[Entry]:
    """Return the entries in the order of the vocabulary; a key that it does not know stays behind the one before it."""
    keys = _keys_of(node, shape) if node.is_mapping else None
    if keys is None:
        return node.entries
    rank = {name: index for index, name in enumerate(keys.names)}
    others = -1 if keys.others is not None and keys.others_first else len(rank)
    last, ranked = -1, []
    for entry in node.entries:
        name = entry.key.text if entry.key is not None else ""
        last = rank.get(name, last if keys.others is None else others)
        ranked.append((last, entry))
    return [entry for _, entry in sorted(ranked, key=lambda one: one[0])]


def _shape_behind(entry: Entry, node: Collection, shape: kinds.Shape | None) -> kinds.Value:
    """Return what the vocabulary says of an entry's value."""
    unknown = kinds.Value()
    if entry.key is None:
        return unknown
    if isinstance(shape, kinds.Names):
        return shape.value
    keys = _keys_of(node, shape)
    if keys is None:
        return unknown
    if entry.key.text in keys:
        return keys[entry.key.text].value
    return keys.others.value if keys.others is not None else unknown


# Writing


def _block(node: Collection, indent: int, shape: kinds.Value, *, is_root: bool = False) -> list[str]:
    """Return the lines of a mapping or list that is written line by line."""
    pad = " " * indent
    lines: list[str] = []
    keys = _keys_of(node, shape.mapping)
    is_close = keys is not None and keys.others is None
    for entry in _ordered(node, shape.mapping):
        behind = shape.items or kinds.Value() if entry.key is None else _shape_behind(entry, node, shape.mapping)
        made = _entry(entry, indent, behind)
        above = [*entry.before, *made[0]]
        lines += [
            line and pad + line for line in (above if is_root else _tidied(above, is_first=is_close or not lines))
        ]
        lines += made[1]
    foot = _tidied(node.foot, is_first=not lines)
    while foot and not foot[-1]:
        foot.pop()
    return lines + [line and pad + line for line in foot]


def _entry(entry: Entry, indent: int, shape: kinds.Value) -> tuple[list[str], list[str]]:
    """Return the comments that come to stand above an entry, and its lines."""
    pad = " " * indent
    head = pad + ("-" if entry.key is None else spell(entry.key.text, is_flow=False, is_key=True) + ":")
    value, behind = entry.value, entry.behind
    above = behind[:-1]
    tail = f" {behind[-1]}" if behind else ""
    if isinstance(value, Value):
        first, *rest = _scalar(value, len(head) + 1, indent + _INDENT)
        return above, [f"{head} {first}{tail}" if first else f"{head}{tail}", *rest]
    flow = _flow(value, shape) if value.is_flow or not value.entries else None
    if flow is not None and len(head) + 1 + len(flow) <= WIDTH:
        return above, [f"{head} {flow}{tail}"]
    lines = _block(value, indent + _INDENT, shape)
    if entry.key is not None:
        return above, [f"{head}{tail}", *lines]
    # The first line of an item stands behind its dash, so that nothing can stand above it but above the dash.
    above = behind
    while lines[0].lstrip().startswith("#") or not lines[0]:
        above = [*above, lines.pop(0).lstrip()]
    return above, [f"{head} {lines[0].lstrip()}", *lines[1:]]


def _scalar(value: Value, column: int, indent: int) -> list[str]:
    """Return the lines of a single value: what stands behind its key, and further ones."""
    if value.style in ("|", ">"):
        return _block_scalar(value, indent)
    if not value.text and not value.style:
        return [""]
    written = _written(value, is_flow=False)
    if not value.style and column + len(written) > WIDTH and len(value.lines) > 1:
        return [value.lines[0], *(" " * indent + line for line in value.lines[1:])]
    return [written]


def _written(value: Value, *, is_flow: bool) -> str:
    plain = spell(value.text, is_flow=is_flow)
    is_one_line = len(value.lines) == 1
    return value.lines[0] if value.style and plain != value.text and is_one_line else plain


def _block_scalar(value: Value, indent: int) -> list[str]:
    header, *lines = value.lines
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    indicator = "".join(char for char in header.split("#")[0].strip() if not char.isdigit())
    return [indicator, *((" " * indent + line[depth:]).rstrip() for line in lines)]


def _flow(node: Node, shape: kinds.Value) -> str | None:
    """Return a mapping or list in braces, or None where a comment inside it forbids that."""
    if isinstance(node, Value):
        return None if node.style in ("|", ">") else _written(node, is_flow=True) if node.text or node.style else ""
    entries = _ordered(node, shape.mapping)
    if node.foot or any(line for entry in entries for line in chain(entry.before, entry.behind)):
        return None
    written = []
    for entry in entries:
        behind = shape.items or kinds.Value() if entry.key is None else _shape_behind(entry, node, shape.mapping)
        one = _flow(entry.value, behind)
        if one is None:
            return None
        written.append(one if entry.key is None else f"{spell(entry.key.text, is_flow=True, is_key=True)}: {one}")
    return ("{%s}" if node.is_mapping else "[%s]") % ", ".join(written)
