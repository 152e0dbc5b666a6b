# SPDX-License-Identifier: Apache-2.0
"""Every fixed limit, by name; `marginrules serve --limits` prints this list."""

RULEBOOK_BYTES_MAX = 1 << 20
RULEBOOK_DEPTH_MAX = 16
RULEBOOK_NODES_MAX = 100_000
RULEBOOK_PROBLEMS_MAX = 100  # reported for one text; reading stops there
RULEBOOK_OVERRIDES_MAX = 1_000
RULEBOOK_CALENDARS_MAX = 16
CLOSED_DAYS_MAX = 1_000  # of one calendar, besides those of its exchange
RULEBOOK_DEADLINES_MAX = 64  # different business-day deadlines, each a table of ten years
RULEBOOK_LADDERS_MAX = 1_024  # with their variants under overrides
RULEBOOK_CELLS_MAX = 200_000  # profiles x products x (1 + overrides that apply)

TIERS_MAX = 64  # lines of one tier table
STEPS_MAX = 16  # steps of one ladder
POOLS_MAX = 64  # that a rulebook names
WRONG_WAY_ASSETS_MAX = 64  # assets of one rulebook with a wrong-way rule

CONSTANTS_MAX = 256
PARAMETERS_MAX = 32
PARAMETER_VALUES_MAX = 10_000  # of one parameter
TABLES_MAX = 64
SCENARIO_TABLES_MAX = 64
SCENARIOS_MAX = 10_000  # of one table
SCENARIO_COLUMNS_MAX = 32  # besides the weight
SCENARIO_VALUES_MAX = 500_000  # of all tables: scenarios x columns
HISTORY_HORIZON_DAYS_MAX = 366
PORTFOLIOS_MAX = 64  # with the products margined by a formula of their own
DEFINITIONS_MAX = 256  # of one portfolio, product, pool or figure
FIGURES_MAX = 64
FIGURE_INPUTS_MAX = 16
STRATEGY_BOOKS_MAX = 16
STRATEGIES_MAX = 64  # of one book
LEGS_MAX = 4  # of one strategy
LEG_RATIO_MAX = 100
PROGRAMS_MAX = 1_024  # compiled formulas of one rulebook
FORMULAS_CHARACTERS_MAX = 400_000  # of all that are compiled; for a figure of a portfolio, again what it uses

FORMULA_CHARACTERS_MAX = 4_096
FORMULA_DEPTH_MAX = 100  # operators and functions inside one another
FORMULA_INSTRUCTIONS_MAX = 1_024  # of one program, with all that its definitions need
FORMULA_LANES_MAX = 256  # intermediate results of one stage at one time
FORMULA_REGISTERS_MAX = 256  # results for subgroups of one key
FORMULA_KEYS_MAX = 16  # different `by` of one program

CASES_MAX = 2_000  # of one file
CASE_POINTS_MAX = 10_000  # of one series of a case
CASES_POINTS_MAX = 50_000  # of all cases of a file together, each with its longest series

REQUEST_BYTES_MAX = 256 << 10
BULK_REQUEST_BYTES_MAX = 4 << 20  # account and market batches
POSITIONS_PER_POOL_MAX = 4_096
BALANCES_PER_POOL_MAX = 256
ORDERS_PER_POOL_MAX = 4_096
POOLS_PER_ACCOUNT_MAX = 256
BATCH_ITEMS_MAX = 10_000
CLOSES_PER_SERIES_MAX = 10_000  # of an underlying; the oldest go first
IDENTIFIER_BYTES_MAX = 128
TEXT_BYTES_MAX = 1_024  # reasons given by people

CHANGES_OPEN_MAX = 256  # changes of the rulebook that may still be activated
SCHEDULE_NS_MAX = 366 * 86_400 * 10**9  # how far ahead a change may be scheduled

STRESSES_MAX = 256  # of one request
STRESS_MOVES_MAX = 1_000  # of one stress
STRESS_MULTIPLE_MAX = 10.0  # how far a stress is scaled in search of what a pool just survives
REDUCED_POSITIONS_MAX = 64  # tried for a smallest reduction, those that release most first
HEDGES_TRIED_MAX = 256  # options, those nearest to the money first
HEDGES_SHOWN_MAX = 5

CONCURRENT_CHECKS_MAX = 256
CONCURRENT_STREAMS_MAX = 100
STREAM_LAG_EVENTS_MAX = 10_000
RETRY_AFTER_MS = 50

GROUP_COMMIT_NS = 2_000_000
GROUP_COMMIT_EVENTS_MAX = 256

MAGNITUDE_MAX = 1e15  # of any price, quantity or amount; keeps every sum of products far from overflow
MAGNITUDE_MIN = 1e-12  # of any that is not 0; keeps every quotient of two far from overflow
LEVERAGE_MAX = 1_000.0
TIME_NS_MAX = 1 << 62


def every_limit() -> dict[str, int | float]:
    """Return each limit by name, in the order of this file."""
    return {name: value for name, value in globals().items() if name.isupper()}
