# SPDX-License-Identifier: Apache-2.0
"""The pages of the rules: each rule and each problem has one, and its examples are what it says they are."""

from __future__ import annotations

import re

import pytest

from marginrules.authoring.lint import lint
from marginrules.authoring.lint.pages import RulePage, find_page, pages
from marginrules.errors import InputError
from marginrules.rulebook import validate
from marginrules.rulebook.diagnostic import PROBLEMS
from marginrules.rulebook.vocabulary.linting import LINT_RULES
from tests.rulebook.checker import ROOT

BASE = (ROOT / "tests/rulebooks/meaning/former.txt").read_text(encoding="utf-8")
_SECTION = re.compile(r"^(?=[a-z_]+:)", re.MULTILINE)
RUN = [page for page in pages().values() if "text" not in page.languages]


def whole(example: str, language: str) -> bytes:
    """Return an example as a whole book: its sections stand in the place of those of a sound one."""
    if language == "whole":
        return example.encode()
    given = {section.split(":")[0]: section for section in _SECTION.split(example) if section}
    sections = {section.split(":")[0]: section for section in _SECTION.split(BASE) if section[:1] != "#"}
    return "".join((sections | given).values()).encode()


def found(page: RulePage, *, is_bad: bool) -> set[str]:
    """Return the rules that find something in an example; compared with the sound book where the rule compares."""
    against = BASE.encode() if page.rule in ("MR-L130", "MR-L134") else None
    text = whole(page.bad, page.languages[0]) if is_bad else whole(page.good, page.languages[1])
    return {one.rule for one in lint(text, "example.yaml", against)}


def test_base_is_sound() -> None:
    """The book that examples are put into has nothing wrong with it."""
    assert lint(BASE.encode(), "base.yaml") == ()


def test_every_rule_has_a_page() -> None:
    """Each rule of lint and each problem of the checker has a page, under its title, and there is no other."""
    titles = {rule: page.title for rule, page in pages().items()}
    assert titles == LINT_RULES | PROBLEMS
    assert all(page.what and page.why for page in pages().values())


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.rule)
def test_bad_example_has_the_mistake(page: RulePage) -> None:
    """The bad example of a page has its mistake and no other."""
    assert found(page, is_bad=True) == {page.rule}


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.rule)
def test_good_example_has_no_mistake(page: RulePage) -> None:
    """The good example of a page has nothing wrong with it at all."""
    assert found(page, is_bad=False) == set()


def test_few_pages_only_describe() -> None:
    """Only what is too large for a page, what cannot be seen, or what stands in no rulebook has no example to run."""
    described = {page.rule for page in pages().values() if "text" in page.languages}
    of_limits = {"MR-R101", "MR-R103", "MR-R106", "MR-R107", "MR-R407"}
    assert described <= {*of_limits, "MR-R104", "MR-R105", "MR-R350"}


@pytest.mark.parametrize("name", ["MR-L112", "mr-l112", "MR112", "L112", "l112", "112"])
def test_rule_is_found_however_it_is_spelt(name: str) -> None:
    """The id may be shortened; where the letter is left out, rules of lint come first."""
    assert find_page(name).rule == "MR-L112"
    assert find_page("R312").rule == find_page("312").rule == "MR-R312"


@pytest.mark.parametrize(("name", "hint"), [("MR-L199", "did you mean"), ("tiers", "`marginrules rule` lists them")])
def test_unknown_rule_is_refused(name: str, hint: str) -> None:
    """A rule that there is not is refused, with the nearest one."""
    with pytest.raises(InputError) as refused:
        find_page(name)
    assert refused.value.code == "MR-I165"
    assert hint in refused.value.hint


def test_page_is_shown_whole() -> None:
    """The document of a page has both examples, the level and the reason."""
    page = find_page("MR-L101")
    assert page.bad in page.markdown
    assert page.good in page.markdown
    assert "Level: error." in page.markdown
    assert validate(whole(page.bad, "yaml"), "bad.yaml") == ()
