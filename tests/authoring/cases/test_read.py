# SPDX-License-Identifier: Apache-2.0
"""Reading is strict: what is misspelt or is not what it has to be is found at its place, with what was meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marginrules.authoring.cases import read_cases, vocabulary
from marginrules.errors import CasesError, RulebookError
from marginrules.rulebook import Diagnostic, render_text
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.parse import Mapping, Node, Sequence, parse
from marginrules.rulebook.vocabulary.kinds import Keys, Names, Value, Variants
from tests.authoring.cases.samples import EVERY_KEY, SHARED, read


def problems(text: str) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a text; nothing where it can be read."""
    try:
        read_cases(text.encode(), "cases.yaml")
    except CasesError as error:
        return error.diagnostics
    return ()


def keys_of(value: Value) -> Iterator[Keys]:
    """Yield every mapping of known keys below a value."""
    if value.items is not None:
        yield from keys_of(value.items)
    if isinstance(value.mapping, Names):
        yield from keys_of(value.mapping.value)
    elif isinstance(value.mapping, Keys):
        yield value.mapping
        for key in value.mapping.keys:
            yield from keys_of(key.value)
    assert not isinstance(value.mapping, Variants)


def every_key(node: Node) -> Iterator[tuple[str, Place]]:
    """Yield each key of a text with its place."""
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            yield key, node.keys[key]
            yield from every_key(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from every_key(item)


ROOT = parse(EVERY_KEY, Sink("cases.yaml", []))
assert ROOT is not None
KNOWN = {
    key
    for keys in [
        vocabulary.FILE,
        vocabulary.ANSWER,
        vocabulary.MEASURED,
        *keys_of(Value(mapping=vocabulary.FILE)),
    ]
    for key in keys.names
}
# Names in a series are the case's own, and are told apart from what they may be called in a test of their own.
SERIES = [line for line, text in enumerate(EVERY_KEY.split("\n"), start=1) if text.strip().startswith("series: ")]
FOUND = [
    (key, place) for key, place in every_key(ROOT) if key in KNOWN and (place.line not in SERIES or key == "series")
]


def test_the_sample_has_every_key() -> None:
    """The text below has each key of the language, and nothing is wrong with it."""
    assert {key for key, _ in FOUND} == KNOWN
    assert render_text(problems(EVERY_KEY)) == ""


def test_every_key_misspelt_is_found() -> None:
    """Each key, misspelt in turn wherever it stands, is found there with the right suggestion."""
    lines = EVERY_KEY.split("\n")
    for key, place in FOUND:
        wrong = key[:-1] + "q" + key[-1] if len(key) > 2 else key + "q"
        line = lines[place.line - 1]
        changed = line[: place.column - 1] + wrong + line[place.column - 1 + len(key) :]
        found = problems("\n".join([*lines[: place.line - 1], changed, *lines[place.line :]]))
        here = [one for one in found if (one.place.line, one.place.column) == (place.line, place.column)]
        assert [one.code for one in here] == ["MR-R301"], (key, place, render_text(found))
        assert here[0].hint == f"did you mean '{key}'?", (key, place)


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("  - {case: a, steps: [{expect: {step: warning}, at: 1x}]}", "MR-R307", "'1x' is not a moment"),
        ("  - {case: a, steps: [{at: 2h}, {at: 1h}]}", "MR-R308", "time ran back to 2026-03-02T11:00:00Z"),
        ("  - {case: a, steps: [{expect: {equity: lots}}]}", "MR-R305", "'lots' is not a number"),
        ("  - {case: a, steps: [{expect: {margin_ratio: high}}]}", "MR-R304", "'high' is not a rate"),
        ("  - {case: a, steps: [{expect: {restriction: blokked}}]}", "MR-R310", "did you mean 'blocked'?"),
        ("  - {case: a, steps: [{expect: {reasons: stale_prize}}]}", "MR-R310", "did you mean 'stale_price'?"),
        ("  - {case: a, steps: [{expect: {equity: [1]}}]}", "MR-R303", "equity is one value"),
        ("  - {case: a, steps: [{expect: 5}]}", "MR-R303", "is a mapping of keys"),
        ("  - {case: a, steps: {at: 1h}}", "MR-R303", "steps is a list"),
        ("  - {case: a, steps: [{execute: mark}]}", "MR-R310", "did you mean 'marks'?"),
        ("  - {case: a, steps: [{account: alice}]}", "MR-R309", "no account of this case is 'alice'"),
        ("  - {case: a, steps: [{pool: BTC-PERP}]}", "MR-R309", "account 'example' has no pool 'BTC-PERP'"),
        ("  - {case: a, series: {BTC-PERP: 1}, steps: []}", "MR-R302", "add `every: 1h`"),
        (
            "  - {case: a, every: 1h, series: {BTC-PERPQ volatility: 1}, steps: []}",
            "MR-R309",
            "did you mean 'BTC-PERP'?",
        ),
        ("  - {case: a, every: 1h, series: {equiqty: 1}, steps: []}", "MR-R309", "did you mean 'equity'?"),
        ("  - {case: a, every: 1h, series: {margin_raito: 1}, steps: []}", "MR-R309", "did you mean 'margin_ratio'?"),
        (
            "  - {case: a, every: 1h, series: {BTC-PERP volatilty: 1}, steps: []}",
            "MR-R309",
            "did you mean 'volatility'?",
        ),
        ("  - {case: a, every: 1h, series: {bob equity: 1}, steps: []}", "MR-R309", "no pool of this case is 'bob'"),
        ("  - {case: a, every: 1h, series: {equity: 5+}, steps: []}", "MR-R350", "is no part of a series"),
        ("  - {case: a, steps: [], expect: []}", "MR-R326", "cannot stand beside its 'steps'"),
        (
            "  - {case: a, equity: 1, accounts: {b: {}}, steps: []}",
            "MR-R326",
            "'equity' cannot stand beside 'accounts'",
        ),
        ("  - {case: a, accounts: {b: {equity: 1, pools: {}}}, steps: []}", "MR-R326", "cannot stand beside 'pools'"),
        ("  - {case: a}", "MR-R302", "a case expects nothing"),
        ("  - {case: a, steps: []}\n  - {case: a, steps: []}", "MR-R204", "case 'a' was given twice"),
        ("  - {case: a, quotes: always, steps: []}", "MR-R310", "one of: held, once"),
        ("  - {case: a, positions: {BTC-PERP: ten}, steps: []}", "MR-R305", "'ten' is not a number"),
        ("  - {case: a, entered: [{step: call, ago: soon}], steps: []}", "MR-R306", "'soon' is not a duration"),
        ("  - {case: a, closes: {BTC: {first: 1, moves: [1%], times: 0}}, steps: []}", "MR-R308", "times was 0"),
        ("  - &a {case: a, steps: []}", "MR-R202", "anchor '&a' is not allowed"),
    ],
)
def test_a_mistake_is_shown(text: str, code: str, shown: str) -> None:
    """Each mistake has its code and says what to write; nothing else is reported."""
    found = problems(SHARED + text + "\n")
    assert [one.code for one in found] == [code], render_text(found)
    assert shown in render_text(found)


def test_what_a_file_lacks() -> None:
    """A case without start or class is told so, unless the file has them."""
    found = problems("cases:\n  - {case: a, steps: []}\n")
    assert sorted(one.hint.split("`")[1].split(":")[0] for one in found) == ["class", "start"]
    for text in ("", "cases: 5\n", "rulebook: x\n", "- 1\n", "\xff"):
        assert problems(text)
    assert problems("cases:\n") == ()


def test_problems_are_those_of_a_rulebook() -> None:
    """Refused cases carry diagnostics, and whoever handles refused rulebooks handles them too."""
    with pytest.raises(RulebookError, match=r"cases were refused: 1 problem$") as refused:
        read_cases(b"cases:\n  - {cse: a, steps: [], start: 2026-03-02T10:00:00Z, class: x}\n", "cases.yaml")
    assert refused.value.code == "MR-R110"
    assert render_text(refused.value.diagnostics) == (
        "cases.yaml:2:6: error[MR-R301]: a case has no key 'cse'\n"
        "    2 |   - {cse: a, steps: [], start: 2026-03-02T10:00:00Z, class: x}\n"
        "      |      ^^^\n"
        "      = did you mean 'case'?"
    )


def test_moments() -> None:
    """A moment is one of the calendar, after the start, or after the step before."""
    case = read("  - {case: a, steps: [{at: 1h}, {at: +30m}, {at: 2026-03-02T14:00:00Z}, {}]}\n")
    hours = [(one.at_ns - case.start_ns) / 3.6e12 for one in case.steps]
    assert hours == [1.0, 1.5, 4.0, 4.0]


def test_too_many_cases_and_points() -> None:
    """A file has so many cases and points and no more, so that a server can be asked to run it."""
    many = SHARED + "".join(f"  - {{case: c{n}, steps: []}}\n" for n in range(2_001))
    assert [one.message for one in problems(many)] == ["the file had 2,001 cases"]
    points = SHARED + "".join(
        f"  - {{case: c{n}, every: 1s, series: {{equity: 1x9999}}, steps: []}}\n" for n in range(6)
    )
    assert [one.message for one in problems(points)] == ["the series of all cases had 60,000 points"]
