# SPDX-License-Identifier: Apache-2.0
"""Texts made to crash, stall or fill the machine, each with the codes that must refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

_SIZE = 100_000

BOOK = """\
rulebook: hostile
currency: USD
effective: 2026-01-01T00:00:00Z
CLASSES
collateral:
  USD: {haircut: 0%}
products:
  perpetual:
    match: {kind: perpetual}
    margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}
ladders:
  main:
    steps:
      - {step: call, below: 120%, call: {restore: initial_margin}, deadline: 4h}
      - {step: liquidation, below: 100%, or_after: call unmet, liquidate: all}
"""


def cases() -> Iterator[tuple[str, bytes, list[set[str]]]]:
    """Yield (name, text, codes that are reported; more than one set where libyaml's versions differ)."""
    for name, (make, codes) in _CASES.items():
        text = make()
        yield (
            name,
            text if isinstance(text, bytes) else text.encode(),
            [set(either.split()) for either in codes.split("|")],
        )


def _book(overrides: str, classes: str = "classes: [retail]") -> str:
    return BOOK.replace("CLASSES", classes) + "overrides:\n" + overrides


def _alias_bomb() -> str:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    return "\n".join(rows)


def _merge_bomb() -> str:
    rows = ["a0: &a0 {k0: v, k1: v, k2: v}"]
    rows += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 8)]
    return "\n".join(rows)


def _nested_block() -> str:
    return "\n".join(" " * depth + "a:" for depth in range(1_000))


def _many_tags() -> str:
    return "".join(f"%TAG !a{number}! x\n" for number in range(55_000)) + "--- {}\n"


def _many_overrides() -> str:
    row = "  - {{account: A{0}, because: hostile, margin: {{scale: 110%}}}}\n"
    return _book("".join(row.format(number) for number in range(2_000)))


def _many_profiles() -> str:
    classes = ", ".join(f"c{number}" for number in range(1_000))
    accounts = ", ".join(f"a{number}" for number in range(40_000))
    override = f"  - {{account: [{accounts}], because: hostile, margin: {{scale: 110%}}}}\n"
    return _book(override, f"classes: [{classes}]")


def _many_ladders() -> str:
    classes = ", ".join(f"c{number}" for number in range(40))
    rows = [
        f"  - {{class: c{number}, because: hostile, ladder: {{call: {{clear: {121 + number}%}}}}}}\n"
        for number in range(40)
    ]
    rows += [
        f"  - {{account: a{number}, because: hostile, ladder: {{call: {{deadline: {number + 1}s}}}}}}\n"
        for number in range(40)
    ]
    return _book("".join(rows), f"classes: [{classes}]")


def _many_deadlines() -> str:
    steps = "".join(
        f"      - {{step: s{n}, below: {200 - n}%, call: {{restore: initial_margin}},"
        f" deadline: 10:{n % 60:02d} next business day}}\n"
        f"      - {{step: t{n}, after: s{n} unmet, liquidate: all}}\n"
        for n in range(8)
    )
    ladders = "".join(f"  l{k}:\n    calendar: c\n    steps:\n" + steps.replace("10:", f"{10 + k}:") for k in range(10))
    text = BOOK.replace("CLASSES", "ladder: main\ncalendars: {c: 24/7}")
    return text + ladders


def _with_models(sections: str, product: str = "") -> str:
    """Return the book with sections of margin models, and another product where one is given."""
    text = BOOK.replace("CLASSES", sections.rstrip("\n"))
    return text.replace("products:\n", f"products:\n{product}") if product else text


_IN_PORTFOLIO = "  option:\n    match: {kind: future}\n    margin: {model: portfolio, portfolio: book}\n"


def _portfolio(define: str, value: str) -> str:
    return f"portfolios:\n  book:\n    define:\n{define}    initial: {value}\n    maintenance: {value}\n"


def _many_columns() -> str:
    columns = ", ".join(f"c{number}: [1, 2]" for number in range(24_000))
    return _with_models(f"scenarios:\n  grid: {{combine: {{{columns}}}}}\n")


def _many_combinations() -> str:
    values = ", ".join(map(str, range(1_000)))
    columns = ", ".join(f"c{number}: [{values}]" for number in range(30))
    return _with_models(f"scenarios:\n  grid: {{combine: {{{columns}}}}}\n")


def _many_scenario_tables() -> str:
    values = ", ".join(map(str, range(100)))
    tables = "".join(f"  t{number}: {{combine: {{a: [{values}], b: [{values}]}}}}\n" for number in range(60))
    return _with_models(f"scenarios:\n{tables}")


def _many_formulas() -> str:
    terms = " + ".join(["notional"] * 99)
    define = "".join(f"      d{number}: {terms}\n" for number in range(256))
    figures = "".join(
        f"  f{number}:\n    of: portfolio book\n    value: total({' + '.join(f'd{at}' for at in range(98))})\n"
        for number in range(64)
    )
    return _with_models(_portfolio(define, "total(d0)") + f"figures:\n{figures}", _IN_PORTFOLIO)


def _many_instructions() -> str:
    terms = " + ".join(f"{number} * notional / (notional + cost)" for number in range(20))
    define = "".join(f"      d{number}: {terms.replace('cost', f'{number} * cost')}\n" for number in range(90))
    value = f"total(notional * ({' + '.join(f'd{number}' for number in range(90))}))"
    return _with_models(_portfolio(define, value), _IN_PORTFOLIO)


def _nested_formula() -> str:
    return _with_models(_portfolio(f"      d: {'(' * 2_000}notional{')' * 2_000}\n", "total(d)"), _IN_PORTFOLIO)


def _doubled_definitions() -> str:
    define = "      d0: notional\n" + "".join(f"      d{n + 1}: d{n} * d{n} / d{n}\n" for n in range(255))
    return _with_models(_portfolio(define, "total(d255)"), _IN_PORTFOLIO)


def _many_strategies() -> str:
    row = "    - {{strategy: s{0}, legs: {{a: {{call: 1}}}}, initial: {0}.{1} * a.mark, maintenance: a.mark}}\n"
    books = "".join(f"  b{book}:\n" + "".join(row.format(number, book) for number in range(64)) for book in range(16))
    return _with_models(f"strategies:\n{books}")


def _many_calendars() -> str:
    return BOOK.replace("CLASSES", "calendars: {" + ", ".join(f"c{n}: XNYS" for n in range(17)) + "}")


_CASES: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "brackets": (lambda: "[" * _SIZE, "MR-R102"),
    "brackets, fewer than libyaml refuses": (lambda: "[" * 500, "MR-R102"),
    # libyaml 0.2.6 stops in the brackets before our reader sees that a key is a mapping.
    "braces": (lambda: "{" * _SIZE, "MR-R102 | MR-R102 MR-R208"),
    "braces, fewer than libyaml refuses": (lambda: "{" * 500, "MR-R102 MR-R208"),
    "dashes": (lambda: "- " * (_SIZE // 2), "MR-R102"),
    "question marks": (lambda: "? " * (_SIZE // 2), "MR-R102 MR-R208"),
    "nested flow mappings": (lambda: "{a: " * (_SIZE // 4), "MR-R102"),
    "nested flow mappings, closed": (lambda: "{a: " * 20_000 + "1" + "}" * 20_000, "MR-R102"),
    "nested block mappings": (_nested_block, "MR-R102"),
    "alias bomb": (_alias_bomb, "MR-R202 MR-R106"),
    "merge-key bomb": (_merge_bomb, "MR-R202 MR-R205 MR-R301 MR-R302"),
    "a list that holds itself": (lambda: "rulebook: &a [*a, *a]", "MR-R202 MR-R302 MR-R303"),
    "two megabytes": (lambda: "#" * 2_000_000, "MR-R101"),
    "not UTF-8": (lambda: b"rulebook: \xff\xfe", "MR-R104"),
    "surrogate in UTF-8": (lambda: b"rulebook: \xed\xa0\x80", "MR-R104"),
    "UTF-16": (lambda: "rulebook: desk".encode("utf-16"), "MR-R104"),
    "NUL": (lambda: b"rulebook: de\x00sk", "MR-R105"),
    "a megabyte of tabs": (lambda: "\t" * 1_000_000, "MR-R105"),
    "two hundred thousand nodes": (lambda: "a: [" + "0," * 200_000 + "]", "MR-R103"),
    "two hundred thousand aliases": (lambda: "a: [" + "*a," * 200_000 + "]", "MR-R202 MR-R106"),
    "very long scalar": (lambda: "rulebook: " + "a" * 900_000, "MR-R302 MR-R323"),
    "very long number": (lambda: "increment: " + "9" * 900_000, "MR-R302 MR-R305"),
    "very long key": (lambda: "a" * 900_000 + ": 1", "MR-R201"),
    "very long explicit key": (lambda: "? " + "a" * 900_000 + "\n: 1", "MR-R208"),
    "very long quoted escapes": (lambda: 'rulebook: "' + "\\x07" * 200_000 + '"', "MR-R105 MR-R302"),
    "many directives": (_many_tags, "MR-R203"),
    "many unknown keys": (lambda: "".join(f"kez{n}: 1\n" for n in range(45_000)), "MR-R301 MR-R106"),
    "one key many times": (lambda: "rulebook: a\n" * 45_000, "MR-R204 MR-R106"),
    "one item many times": (lambda: "classes: [" + "a, " * 90_000 + "]", "MR-R204 MR-R302 MR-R106"),
    "a megabyte of empty lines": (lambda: "\n" * 1_000_000, "MR-R207"),
    "many overrides": (_many_overrides, "MR-R107"),
    "many profiles": (_many_profiles, "MR-R107"),
    "many ladders": (_many_ladders, "MR-R107"),
    "many deadlines": (_many_deadlines, "MR-R107"),
    "many calendars": (_many_calendars, "MR-R107"),
    "many columns": (_many_columns, "MR-R308"),
    "many combinations": (_many_combinations, "MR-R308"),
    "many scenario tables": (_many_scenario_tables, "MR-R107"),
    "many formulas": (_many_formulas, "MR-R107"),
    "many instructions": (_many_instructions, "MR-R407"),
    "nested formula": (_nested_formula, "MR-R407"),
    "definitions that double": (_doubled_definitions, ""),
    "many strategies": (_many_strategies, "MR-R329"),
}
