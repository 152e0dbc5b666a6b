# SPDX-License-Identifier: Apache-2.0
"""Cases are played as the server would have it, compared by their named fields, and say why they fail."""

from __future__ import annotations

import random
import re
import textwrap
from pathlib import Path

import pytest

from marginrules.authoring import cases as authoring_cases
from marginrules.authoring.cases import CaseResult, read_cases, run_case, run_suite
from marginrules.authoring.cases.render import render_text, text_of
from marginrules.errors import CasesError, RulebookError
from marginrules.rulebook import load
from tests.authoring.cases.samples import BOOK, EVERY_KEY, PROGRAM, SHARED, run

ROOT = Path(__file__).parent.parent.parent.parent
_WORD = re.compile(r"[A-Za-z0-9_.%+*-]+")

# 50 000 of notional: IM 1 000, MM 500.
LONG = "    positions: {BTC-PERP: 1}\n"


def case(lines: str, head: str = LONG) -> str:
    """Return a case with one long position."""
    return "  - case: a\n" + head + "".join(f"    {one}\n" for one in lines.strip().split("\n"))


def failures(result: CaseResult) -> list[tuple[str, str, str]]:
    """Return (field, expected, got) of each failure."""
    return [(one.field, one.expected, one.got) for one in result.failures]


def passes(lines: str, head: str = LONG) -> None:
    """Run a case that shall pass."""
    assert failures(run(case(lines, head))) == []


def test_a_ladder_in_five_lines() -> None:
    """A series of margin ratios walks a pool down the ladder; what is named comes out at its time."""
    passes(
        """
every: 1h
series: {margin_ratio: 170% 118%x6}
expect:
  - {at: 0h, step: none, equity: 850, margin_ratio: 170%}
  - {at: 1h, step: warning, equity: 590, restriction: none}
  - {at: 2h, step: call, call: 410, deadline: 5h30s, restriction: reduce_only, active: [warning, call]}
  - {at: 6h, step: sale, call: none, deadline: none, liquidating: yes, restriction: blocked}
"""
    )


def test_quotes_are_held_with_series_and_age_without() -> None:
    """With series, prices are quoted until a gap; without, a price is as old as it is, unless it is held."""
    passes(
        "every: 1m\nseries: {BTC-PERP: 50_000x3 _x2 50_000}\nequity: 900\nexpect:\n"
        "  - {at: 3m, reasons: none}\n  - {at: 4m, reasons: none}\n  - {at: 4m, equity: 900}\n"
        "  - {at: 4m, step: none}\n  - {at: 5m, reasons: stale_price}\n  - {at: 7m, reasons: none}"
    )
    passes("equity: 900\nsteps:\n  - {at: 60s, expect: {reasons: none}}\n  - {at: 61s, expect: {reasons: stale_price}}")
    passes("quotes: held\nequity: 900\nsteps:\n  - {at: 1h, expect: {reasons: none}}")


def test_prices_may_be_old_at_the_start() -> None:
    """A price says how long ago it was published."""
    for age, reasons in (("60s", "none"), ("61s", "stale_price")):
        passes(
            f"prices: {{BTC-PERP: {{mark: 50_000, age: {age}}}}}\nbalances: {{USD: 900}}\n"
            f"steps:\n  - expect: {{reasons: {reasons}}}"
        )


def test_a_gap_enters_nothing_and_holds_deadlines_up_for_nobody() -> None:
    """Without a price no step is entered; a deadline passes all the same."""
    passes(
        "every: 1h\nseries: {margin_ratio: 118%x2, BTC-PERP: 50_000x2 _x6 50_000}\nexpect:\n"
        "  - {at: 1m, step: call}\n  - {at: 3h, step: call, reasons: stale_price}\n"
        "  - {at: 4h30s, step: sale, liquidating: no}\n  - {at: 10h, step: sale, liquidating: yes}"
    )


def test_equity_and_price_move_at_once() -> None:
    """Where a price and the equity change at one moment, the ladder never sees one without the other."""
    result = run(
        case(
            "every: 1h\nseries: {BTC-PERP: 50_000 10_000, equity: 900x1}\n"
            "steps: [{at: 1h, expect: {equity: 900, maintenance_margin: 100}, events: []}]"
        )
    )
    assert failures(result) == []


def test_deadline_before_price() -> None:
    """At one moment what falls due comes before the price that is published then."""
    passes(
        "quotes: held\nequity: 590\nsteps:\n  - {at: 30s, expect: {step: call}}\n"
        "  - {at: 4h30s, prices: {BTC-PERP: 60_000}, expect: {step: sale}}"
    )


def test_several_accounts_and_pools() -> None:
    """Each account and each of its pools stands alone; series and steps name the one they mean."""
    passes(
        """
every: 1m
series: {alice|BTC-PERP equity: 900 400, bob margin_ratio: 200% 140%}
accounts:
  alice: {pools: {cross: {equity: 900, positions: {BTC-PERP: 1}}, BTC-PERP: {positions: {BTC-PERP: -1}}}}
  bob: {class: maker, positions: {BTC-PERP: 3}}
steps:
  - {at: 1m, expect: {step: none, equity: 900}}
  - {pool: BTC-PERP, expect: {step: warning, equity: 400}}
  - {account: bob, expect: {step: warning, maintenance_margin: 2_000, equity: 2_800}}
""",
        head="",
    )


def test_overrides_follow_the_class() -> None:
    """A maker has eight hours."""
    passes("quotes: held\nclass: maker\nequity: 590\nexpect: [{at: 1m, deadline: 8h30s}]")


def test_acts() -> None:
    """Deposits, orders and executions are those of the server."""
    passes(
        """
quotes: held
equity: 590
steps:
  - order: {symbol: BTC-PERP, quantity: 1}
    expect: {accepted: no, reasons: insufficient_margin, initial_margin_after: 2_000}
  - {at: 30s, expect: {call: 410}}
  - deposit: {USD: 400}
    expect: {equity: 990, step: none, call: none}
    events:
      - step_entered warning
      - step_entered call
      - call_issued call 410.00 due 2026-03-02T14:00:30Z
      - restricted call reduce_only
      - deposit_recorded call 400.00
      - call_cured call 10.00 due 2026-03-02T14:00:30Z
      - step_cleared call
      - step_cleared warning
      - restriction_lifted none
  - {prices: {BTC-PERP: 49_390}, expect: {equity: 380, liquidating: yes}}
  - {execute: marks, expect: {maintenance_margin: 246.95}}
"""
    )


def test_a_case_may_begin_in_the_middle() -> None:
    """Steps entered before, open calls, waiting thresholds, rounds and defaults are where the case says."""
    passes(
        "quotes: held\nequity: 600\nentered:\n  - {step: warning, ago: 3h}\n"
        "  - {step: call, ago: 2h, call: {amount: 410, paid: 10, due: 2h}}\n"
        "steps:\n  - {expect: {step: call, call: 400, restriction: reduce_only, deadline: 2h}, events: []}\n"
        "  - {at: 2h, expect: {step: sale}}"
    )
    passes(
        "quotes: held\nequity: 590\nentered: [{step: call, ago: 20s, waiting: yes}]\n"
        "expect:\n  - {at: 9s, step: warning}\n  - {at: 10s, step: call}"
    )
    passes(
        "equity: 300\nentered: [{step: sale, ordered: yes}]\n"
        "steps: [{expect: {step: sale, liquidating: yes}, events: [step_entered warning]}]"
    )
    passes(
        "quotes: held\nequity: 300\nentered: [{step: sale, next_round: 5s}]\nexpect:\n"
        "  - {at: 4s, events: [step_entered warning]}\n  - {at: 5s, step: sale, events: ["
        "liquidation_ordered sale -0.5 BTC-PERP]}"
    )
    unknown = run(case("equity: 590\nentered: [{step: cal}]\nsteps: [{expect: {step: call}}]"))
    assert "did you mean 'call'?" in unknown.failures[0].got


def test_only_named_fields_are_compared() -> None:
    """A step without expectations expects nothing."""
    passes("equity: 1\nsteps: [{at: 1h}, {at: 2h, expect: {}}]")


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("equity: 591", "590"),
        ("equity: 590.00001", "590"),
        ("initial_margin: 999", "1_000"),
        ("maintenance_margin: 499", "500"),
        ("collateral_value: 1", "590"),
        ("unrealized_pnl: 1", "0"),
        ("margin_ratio: 117%", "118.00%"),
        ("margin_ratio: 118.1%", "118.00%"),
        ("margin_ratio: 1.181", "1.18"),
        ("step: none", "warning"),
        ("active: [call]", "warning"),
        ("active: none", "warning"),
        ("restriction: blocked", "none"),
        ("call: 1", "0"),
        ("deadline: 1h", "none"),
        ("liquidating: yes", "no"),
        ("shortfall: 1", "0"),
        ("reasons: stale_price", "none"),
    ],
)
def test_every_field_can_fail(expected: str, got: str) -> None:
    """Each field that differs is a failure at its own place, with what was found in the spelling of a case."""
    result = run(case(f"equity: 590\nsteps:\n  - expect: {{{expected}}}"))
    (failure,) = result.failures
    assert (failure.field, failure.got) == (expected.partition(":")[0], got)
    assert (failure.line, failure.pool) == (10, "example")


@pytest.mark.parametrize(
    "expected", ["margin_ratio: 118%", "margin_ratio: 118.0%", "margin_ratio: 1.18", "equity: 590.000000001"]
)
def test_numbers_are_as_exact_as_they_are_written(expected: str) -> None:
    """Amounts to the eighth digit, percentages to the last one written."""
    passes(f"equity: 590\nsteps:\n  - expect: {{{expected}}}")


def test_no_figure_is_healthy_that_cannot_be_assessed() -> None:
    """Without a price there is no equity to compare, not even nothing."""
    result = run(
        case(
            "prices: {BTC-PERP: {mark: 50_000, age: 2m}}\nbalances: {USD: 900}\n"
            "steps: [{expect: {equity: 0, margin_ratio: 0%, step: warning}}]"
        )
    )
    assert [(one.got, one.because) for one in result.failures] == [
        ("nothing", "the pool cannot be assessed: stale_price"),
        ("nothing", "the pool cannot be assessed: stale_price"),
        ("none", "the pool cannot be assessed: stale_price"),
    ]


def why(lines: str) -> list[str]:
    """Return the reasons of a case that fails, each with its rule."""
    return [f"{one.because} ({one.rule})" for one in run(case(lines)).failures]


def test_failures_say_which_rule_and_why() -> None:
    """The rule that decided is named with its line, what was measured, and the threshold it did not reach or pass."""
    assert why("quotes: held\nequity: 650\nexpect: [{at: 1h, step: call}]") == [
        "margin ratio 130.00% is not below 120% (book.yaml:24 standard/call)"
    ]
    assert why("quotes: held\nequity: 590\nexpect: [{at: 20s, step: call}]") == [
        "margin ratio 118.00% has been below 120% for 20s of 30s (book.yaml:24 standard/call)"
    ]
    assert why("quotes: held\nequity: 590\nexpect: [{at: 1m, step: warning}]") == [
        "margin ratio 118.00% is below 120% (book.yaml:24 standard/call)"
    ]
    assert why("quotes: held\nequity: 620\nentered: [{step: call}]\nexpect: [{at: 1m, step: warning}]") == [
        "margin ratio 124.00% has not reached the exit at 130% (book.yaml:24 standard/call)"
    ]
    assert why("quotes: held\nequity: 590\nexpect: [{at: 1m, step: sale}]") == [
        "margin ratio 118.00% is not below 80%, and no call of call has gone unmet (book.yaml:31 standard/sale)"
    ]
    assert why("equity: 590\nexpect: [{step: cal}]") == [
        "ladder standard has no step 'cal'; did you mean 'call'? (book.yaml:22 standard)"
    ]
    assert why("quotes: held\nequity: 995\nentered: [{step: call}]\nexpect: [{at: 1m, call: 5}]")[0].startswith(
        "margin ratio 199.00% is not"
    )
    measured = "equity 590.00, IM 1 000.00, MM 500.00, margin ratio 118.00%"
    terms = "restores initial margin, rounded to 0.01, at least 10, within 4h of 2026-03-02T10:00:30Z"
    assert why("quotes: held\nequity: 590\nexpect: [{at: 1m, call: 5}]") == [
        f"{measured}; {terms} (book.yaml:24 standard/call)"
    ]


def test_an_override_is_named() -> None:
    """A step that an override changes is named with the line of the override."""
    (failure,) = run(case("quotes: held\nclass: maker\nequity: 590\nexpect: [{at: 1m, deadline: 4h30s}]")).failures
    assert failure.rule == "book.yaml:40 standard/call"
    assert failure.got == "2026-03-02T18:00:30Z"


def test_margin_names_the_tier() -> None:
    """A requirement that differs names the tier that the notional lies in."""
    head = "    positions: {BTC-PERP: 3}\n"
    (failure,) = run(case("equity: 9_000\nsteps: [{expect: {maintenance_margin: 5}}]", head)).failures
    assert failure.rule == "book.yaml:19 perpetual tier 2"
    assert failure.got == "2_000"


def test_events_show_the_difference() -> None:
    """Of events, the first that differs is named with its rule, and all lines that differ are shown."""
    (failure,) = run(
        case(
            "quotes: held\nequity: 590\nsteps:\n  - at: 1m\n    events:\n      - step_entered warning\n"
            "      - call_issued call 420.00 due 2026-03-02T14:00:30Z"
        )
    ).failures
    assert failure.expected == "call_issued call 420.00 due 2026-03-02T14:00:30Z"
    assert failure.got == "step_entered call"
    assert failure.rule == "book.yaml:24 standard/call"
    assert "- call_issued call 420.00 due 2026-03-02T14:00:30Z" in failure.difference
    assert "+ restricted call reduce_only" in failure.difference
    (failure,) = run(case("equity: 900\nsteps: [{events: [step_entered warning]}]")).failures
    assert (failure.got, failure.because) == ("nothing more", "margin ratio 180.00% is not below 150%")


def test_orders_name_the_rule() -> None:
    """An answer to an order that differs says what it would have led to, and under which rule."""
    (failure,) = run(
        case("equity: 590\nsteps: [{order: {symbol: BTC-PERP, quantity: 1}, expect: {accepted: yes}}]")
    ).failures
    assert failure.because == "after its fill equity 590.00, IM 2 000.00"
    assert failure.rule == "book.yaml:16 perpetual"


def test_what_is_refused_fails_there() -> None:
    """A command that is refused ends the case with its message, at the step that gave it."""
    result = run(case("equity: 590\nsteps:\n  - {expect: {equity: 1}}\n  - {at: 5s, execute: marks}\n  - {at: 1h}"))
    assert [one.field for one in result.failures] == ["equity", "refused"]
    assert (
        text_of(result.failures[1])
        == ["    at 2026-03-02T10:00:05Z: [MR-I112] liquidation 'example#L0' is not waiting for its execution"]
        or "example#L0" in result.failures[1].got
    )
    early = SHARED.replace("2026-03-02", "2025-03-02") + "  - {case: a, equity: 1, steps: []}\n"
    (failure,) = run_case(BOOK, "book.yaml", read_cases(early.encode(), "c.yaml").cases[0], PROGRAM).failures
    assert "effective date was 2026-01-01T00:00:00Z, in the future" in failure.got


def test_stopping_at_the_first_failure() -> None:
    """Whoever only wants to know whether a case fails has it stop there."""
    text = case("equity: 590\nsteps:\n  - {expect: {equity: 1}}\n  - {expect: {equity: 2}}")
    assert len(run(text).failures) == 2
    assert len(run(text, stop_at_first=True).failures) == 1


def test_a_text_is_compiled_where_no_program_is_given() -> None:
    """The same comes out with a text as with the program made of it; what is no rulebook is refused."""
    (one,) = read_cases((SHARED + case("equity: 590\nsteps: [{expect: {equity: 1}}]")).encode(), "c.yaml").cases
    assert run_case(BOOK, "book.yaml", one) == run_case(BOOK, "book.yaml", one, load(BOOK, "book.yaml"))
    with pytest.raises(RulebookError):
        run_case(b"rulebook: x\n", "book.yaml", one)


def test_the_same_case_comes_out_the_same() -> None:
    """Two runs of a case are equal in everything."""
    text = case("every: 1h\nseries: {margin_ratio: 170% 118%x6}\nexpect: [{at: 6h, step: none, equity: 1}]")
    assert run(text) == run(text)


def test_the_example_of_the_readme() -> None:
    """What the README shows passes, and fails as it shows once the threshold is another."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("### Cases")[1]
    cases, shown = readme.split("```yaml\n")[1].split("```")[0], readme.split("```\n")[2]
    book = (ROOT / "rules" / "smallest" / "rulebook.yaml").read_bytes()
    assert run_suite(load(book, "rulebook.yaml"), "rulebook.yaml", cases.encode(), "cases.yaml").is_passed
    changed = load(book.replace(b"below: 120%", b"below: 115%"), "rulebook.yaml")
    found = render_text([run_suite(changed, "rulebook.yaml", cases.encode(), "cases.yaml")])
    assert found.startswith(shown.rstrip("\n"))


def test_the_example_of_the_package() -> None:
    """What the package's own words show passes against the book that it is for."""
    words = str(authoring_cases.__doc__)
    text = textwrap.dedent(words.split("a test of a ladder:\n\n")[1].partition("\n\n")[0])
    book = load((ROOT / "rules" / "crypto-derivatives" / "rulebook.yaml").read_bytes(), "rulebook.yaml")
    assert render_text([run_suite(book, "rulebook.yaml", text.encode(), "cases.yaml")]) == "cases.yaml  1 passed"


def test_whatever_is_written_is_refused_or_played() -> None:
    """Texts with words exchanged at random are refused, fail or pass; nothing else ever happens."""
    chance, played = random.Random(7), 0  # noqa: S311 - the same texts each time
    texts = [SHARED + case("every: 1h\nseries: {margin_ratio: 170% 118%x6}\nexpect: [{at: 6h, step: sale}]"), EVERY_KEY]
    words = [*sorted({word for text in texts for word in _WORD.findall(text)}), "0", "-1", "999999999999999", "_x3"]
    for number in range(300):
        text = texts[number % 2]
        for _ in range(chance.choice((1, 2))):
            match = chance.choice(list(_WORD.finditer(text)))
            text = text[: match.start()] + chance.choice(words) + text[match.end() :]
        try:
            found = read_cases(text.encode(), "cases.yaml").cases
        except CasesError:
            continue
        for one in found:
            assert isinstance(run_case(BOOK, "book.yaml", one, PROGRAM), CaseResult)
            played += 1
    assert played > 30
