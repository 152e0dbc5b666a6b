# SPDX-License-Identifier: Apache-2.0
"""
Cases: examples in YAML that stand beside a rulebook and are run against it, in simulated time.

`read` makes cases of a text, `run` plays one in a `world` of its own and has a `judge` compare, `coverage` says what of
the rulebook they reached. The whole of a test of a ladder:

    start: 2026-03-02T10:00:00Z         # of all cases of the file, as are the next three
    class: professional
    instruments: {BTC-PERP: {kind: perpetual, underlying: BTC, settlement: USDT}}
    prices: {BTC-PERP: 50_000}
    cases:
      - case: a call that is not met ends in a sale
        positions: {BTC-PERP: {quantity: 10, leverage: 50}} # opened at the first price
        every: 1h
        series: {margin_ratio: 130% 118%x6}
        expect:
          - {at: 1h, step: warning}
          - {at: 2h, step: initial_call, call: 7_500, deadline: 5h30s}
          - {at: 6h, step: second_call}

What is given, by case or for all of a file: `start`, `class`, `instruments`, `prices`, `every`. Of an account:
`balances`, `positions`, `orders`, `fees_due`, `funding_due`, `equity` (the balance in the currency that makes it so),
`entered` (where its ladder stands), `pool` for one that is not the cross pool, `pools` for several; `accounts` for
several accounts.

What happens: `series` give prices (`BTC-PERP`, or `BTC-PERP volatility` for what is published beside), `equity` or
`margin_ratio` (`account|pool equity` where there are several), one value every `every`, in the shorthand of
`series.py`. With series, prices are quoted all the time and grow old only in a gap, `_`; without, they are as old as
they are, unless `quotes: held` says so. `steps` have, as far as they are needed: `at`, `prices`, `deposit`, `execute`
(the liquidation ordered last, at given prices or at the `marks`), `order`, and then what is expected. `at: 4h` is after
the start, `at: +4h` after the step before.

What is expected, the named fields alone: those of the pool or of the order's answer, and `events`, everything that the
ladder did since they were last looked at. Amounts are compared to the eighth digit, a ratio such as `118%` as exactly
as it is written. Where nothing has to be done, `expect` of the case is a list of moments. `vocabulary.py` has every
key.
"""

from marginrules.authoring.cases.model import Case, CaseFile
from marginrules.authoring.cases.read import read_cases
from marginrules.authoring.cases.result import CaseResult, Failure
from marginrules.authoring.cases.run import run_case
from marginrules.authoring.cases.suite import SuiteResult, run_suite

__all__ = ["Case", "CaseFile", "CaseResult", "Failure", "SuiteResult", "read_cases", "run_case", "run_suite"]
