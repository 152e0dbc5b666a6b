# SPDX-License-Identifier: Apache-2.0
"""
One rulebook for each mistake, with the whole text an officer is shown, and texts made to do harm.

`tests/rulebooks/bad/<code>-<mistake>.yaml` has one mistake; the `.txt` beside it is compared exactly.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules.errors import RulebookError
from marginrules.limits import RULEBOOK_DEPTH_MAX, RULEBOOK_PROBLEMS_MAX
from marginrules.rulebook import Diagnostic, Program, load, validate
from marginrules.rulebook.diagnostic import PROBLEMS
from tests.rulebook import hostile
from tests.rulebook.checker import ROOT, check_elsewhere

BAD = sorted((ROOT / "tests/rulebooks/bad").glob("*.yaml"))
SHIPPED = sorted((ROOT / "rules").glob("*/rulebook.yaml"))
GOOD = sorted((ROOT / "tests/rulebooks/good").glob("*.yaml"))
HOSTILE = {name: (text, codes) for name, text, codes in hostile.cases()}

Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What a process of its own found in every bad rulebook."""
    found = check_elsewhere([(path.name, path.read_bytes()) for path in BAD])
    return {path.name: one for path, one in zip(BAD, found, strict=True)}


@pytest.mark.promise("MR-P05")
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_mistake_is_shown_at_its_place(path: Path, answers: Answers) -> None:
    """Every mistake is reported with its code, place, line, caret and hint, exactly as recorded beside it."""
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert answers[path.name]["text"] + "\n" == expected


@pytest.mark.parametrize("path", [path for path in BAD if path.stem != "many"], ids=lambda path: path.stem)
def test_one_mistake_is_one_problem(path: Path, answers: Answers) -> None:
    """A mistake has the code of its file, and no echo; only the parts of an alias are refused one by one."""
    codes = [one["code"] for one in answers[path.name]["json"]]
    assert path.stem[:7] in codes
    if path.stem[:7] not in ("MR-R202", "MR-R205"):
        assert len(codes) == 1


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_text_and_json_carry_the_same_problems(path: Path, answers: Answers) -> None:
    """Text and JSON are two printings of one collection: same problems, places, codes, messages, hints, order."""
    answer = answers[path.name]
    heads = [
        f"{one['file']}:{one['line']}:{one['column']}: error[{one['code']}]: {one['message']}" for one in answer["json"]
    ]
    lines = answer["text"].split("\n")
    assert [line for line in lines if line.startswith(f"{path.name}:")] == heads
    hints = [one["hint"] for one in answer["json"] if one["hint"]]
    assert [line[8:] for line in lines if line.startswith("      = ")] == hints
    places = [(one["line"], one["column"]) for one in answer["json"]]
    assert places == sorted(places)
    assert all(one["file"] == path.name and one["width"] >= 1 for one in answer["json"])


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_place_lies_on_its_line(path: Path, answers: Answers) -> None:
    """A caret stands under something: the place is inside the line that is shown, or just behind its end."""
    lines = path.read_bytes().decode("utf-8", "replace").split("\n")
    for one in answers[path.name]["json"]:
        assert one["source"] == lines[one["line"] - 1]
        assert one["column"] + one["width"] - 1 <= max(1, len(one["source"]) + 1)


def test_many_mistakes_are_all_reported(answers: Answers) -> None:
    """A rulebook full of mistakes is reported whole: more than thirty problems of more than fifteen kinds at once."""
    codes = [one["code"] for one in answers["many.yaml"]["json"]]
    assert len(codes) > 30
    assert len(set(codes)) > 15


def test_every_code_has_a_rulebook() -> None:
    """No code of rulebooks is without one that causes it, and no rulebook claims a code that there is not."""
    claimed = {path.stem[:7] for path in BAD if path.stem != "many"}
    assert claimed <= PROBLEMS.keys()
    made = {code for _, either in HOSTILE.values() for codes in either for code in codes}
    of_cases = {"MR-R350"}  # only files of cases have series
    assert claimed | made | of_cases == PROBLEMS.keys()


def test_every_recording_has_its_rulebook() -> None:
    """Recorded texts and rulebooks come in pairs."""
    recorded = {path.stem for path in (ROOT / "tests/rulebooks/bad").glob("*.txt")}
    assert recorded == {path.stem for path in BAD}


@pytest.mark.promise("MR-P08")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_within_bounds(name: str) -> None:
    """A text made to crash, stall or fill the machine is refused by its code: no crash, little time, little memory."""
    text, codes = HOSTILE[name]
    (answer,) = check_elsewhere([("hostile.yaml", text)])
    assert {one["code"] for one in answer["json"]} in codes
    assert answer["seconds"] < 5
    assert answer["grown_kib"] < (128 << 10)
    assert len(answer["json"]) <= RULEBOOK_PROBLEMS_MAX + 1
    assert len(answer["text"]) < 200_000
    assert answer["text"].replace("\n", "").isprintable()


@pytest.mark.parametrize("levels", [RULEBOOK_DEPTH_MAX + 1, 500, 5_000])
def test_deep_nesting_is_reported_alike(levels: int) -> None:
    """Whether libyaml's limit or ours is met first, the officer reads one and the same sentence."""
    (found,) = validate(b"[" * levels, "deep.yaml")
    assert (found.code, found.message) == ("MR-R102", f"nested deeper than {RULEBOOK_DEPTH_MAX} levels")


@pytest.mark.promise("MR-P05")
@pytest.mark.parametrize("path", SHIPPED + GOOD, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_rulebook_has_no_problem(path: Path) -> None:
    """The rulebooks in `rules/` and one with every section are accepted, and what was accepted is what was read."""
    content = path.read_bytes()
    assert validate(content, path.name) == ()
    assert load(content, path.name).text == content


def test_refusal_carries_every_diagnostic() -> None:
    """`load` raises one error that carries what `validate` returns."""
    content = (ROOT / "tests/rulebooks/bad/many.yaml").read_bytes()
    with pytest.raises(RulebookError) as refused:
        load(content, "many.yaml")
    assert refused.value.diagnostics == validate(content, "many.yaml")
    assert refused.value.code == "MR-R100"
    assert json.dumps([one.as_json() for one in refused.value.diagnostics])


def _outcome(content: bytes) -> Program | tuple[Diagnostic, ...]:
    try:
        return load(content, "mutated.yaml")
    except RulebookError as error:
        return error.diagnostics


_JUNK = [
    "",
    " ",
    "\n",
    ":",
    "- ",
    "#",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "&a ",
    "*a",
    "!!x ",
    "%",
    "-",
    "0",
    "9",
    ".",
    "~",
    "é",
]


@pytest.mark.promise("MR-P05")
@settings(max_examples=300, deadline=None)
@given(
    path=st.sampled_from(SHIPPED + GOOD),
    edits=st.lists(
        st.tuples(
            st.floats(0, 1, exclude_max=True),
            st.integers(0, 12),
            st.sampled_from(_JUNK) | st.text(alphabet=st.characters(codec="utf-8"), max_size=4),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_mutated_rulebook_is_read_or_refused(path: Path, edits: list[tuple[float, int, str]]) -> None:
    """Whatever is deleted from a good rulebook or put into it: it compiles, or is refused with places; nothing else."""
    text = path.read_text(encoding="utf-8")
    for where, deleted, inserted in edits:
        at = int(where * len(text))
        text = text[:at] + inserted + text[at + deleted :]
    content = text.encode()
    outcome = _outcome(content)
    if isinstance(outcome, Program):
        assert validate(content, "mutated.yaml") == ()
    else:
        assert outcome
        assert all(one.message and one.code in PROBLEMS for one in outcome)
