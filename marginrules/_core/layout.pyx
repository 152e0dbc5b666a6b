# The C structures. Amounts are in the rulebook's currency unless a comment says otherwise; times are nanoseconds.

cdef enum:
    # Reason bits; `marginrules.codes.Reason` has the same numbers.
    NO_RULEBOOK = 1
    UNKNOWN_PRODUCT = 2
    MISSING_PRICE = 4
    STALE_PRICE = 8
    EXPIRED_INSTRUMENT = 16
    NOT_FINITE = 32
    UNKNOWN_COLLATERAL = 64
    MISSING_LEVERAGE = 128
    INVALID_MASK = 255 | 262144 | 524288
    INSUFFICIENT_MARGIN = 256
    POOL_BLOCKED = 512
    POOL_REDUCE_ONLY = 1024
    WOULD_NOT_REDUCE = 2048
    INVALID_ORDER = 32768
    RISK_NOT_RAISED = 65536
    MISSING_DATA = 262144
    MATURED_COLLATERAL = 524288

cdef enum:
    UNRESTRICTED = 0
    REDUCE_ONLY = 1
    BLOCKED = 2

cdef enum:
    FROM_TIER = 0
    FROM_LEVERAGE = 1

cdef enum:
    # Kinds of which the market value counts in full; `marginrules.codes.InstrumentKind` has the same numbers.
    SPOT = 1
    OPTION = 4

cdef enum:
    QUOTE_COUNT = 32         # numbers of `marginrules.machine.Field` below this one are of an instrument
    PARAMETER_FIRST = 64     # numbers from this one on are parameters
    PARAMETER_COUNT = 32

# A piecewise linear requirement that is convex is the greatest of its lines, and a concave credit the least: no branch.
# The compiler of rulebooks guarantees the shape.
cdef struct Line:
    double rates[2]          # initial, maintenance
    double deductions[2]

cdef struct Rule:            # how one product is margined for one profile
    double cuts[3]           # notionals between windows of lines, see `windows_of`; infinite where there is none
    const char* lines        # the first window
    int64_t stride           # bytes from one window of lines to the next
    int64_t rest             # lines of a window after its first two
    int64_t ladders          # see `ladder_bits`
    int64_t leverage_mask    # all ones: the leverage setting of a position raises its IM; 0: it is not looked at
    int64_t leverage_bit     # the reason bit of a missing leverage setting, or 0
    double open_interest_lower
    double open_interest_upper   # 0: no scaling
    int32_t portfolio        # margined together with others, and not by lines; or -1
    int32_t is_excluded      # its value is no part of equity

cdef struct Credit:          # counted value of an asset: the least of value * rate + constant
    double rate
    double constant

cdef struct Tenor:           # a further haircut where no more than `to_ns` are left
    int64_t to_ns
    double rate

cdef struct CollateralRule:
    const Credit* credits
    int64_t credit_count
    double cap               # greatest counted value; infinite: none
    double concentration     # greatest share of the pool's collateral; 1: none

cdef struct Terms:           # what else is said of an asset, parallel to its rule
    const Tenor* tenors
    int64_t tenor_count
    double liability         # weight of a debt
    double volatility_rate   # haircut for a volatility of 1; negative: volatility is not looked at
    double volatility_floor
    int64_t matures_ns       # last moment of all: never
    int64_t call_ns          # from when on `call_price` caps the price; last moment of all: never
    double call_price
    double deposits          # limit of all deposits, beyond which holdings count less; infinite: none
    double borrows
    uint64_t wrong_way       # its bit in `Spec.wrong_way`, or 0
    double wrong_way_share   # greatest counted share where the pool holds wrong-way exposure
    double initial_share     # greatest counted share for IM, which may be less than for equity; 1: no other

cdef struct Ladder:
    const double* thresholds     # falling
    int64_t threshold_count

cdef struct Code             # a compiled formula, see `machine.pyx`
cdef struct ScenarioTable
cdef struct TierTable
cdef struct StrategyTable     # see `grouping.pyx`

cdef struct Portfolio:       # positions margined together
    int32_t by               # what tells its groups apart
    int32_t code

cdef struct Program:         # one compiled rulebook; immutable
    const Line* lines
    const Rule* rules        # [profile][product]
    const Credit* credits
    const CollateralRule* collateral_rules
    const Terms* terms       # parallel to `collateral_rules`
    const Tenor* tenors      # of all assets
    const Ladder* ladders
    const double* thresholds     # of all ladders
    const int32_t* default_ladders   # [profile]
    int64_t profile_stride   # bytes from the rules of one profile to those of the next
    int32_t product_count
    int32_t profile_count
    int32_t ladder_count
    int32_t collateral_count
    int32_t has_terms        # collateral counts by more than its haircut, or to a share of the pool's only
    int32_t has_wrong_way
    int32_t has_initial_share
    int32_t has_adjustment   # a rule looks at open interest or at the leverage setting, or its lines are not level
    int32_t has_models       # positions are margined together, or the pool has formulas of its own
    int32_t pool_code        # the pool's own formulas, or -1
    int32_t code_count
    int32_t portfolio_count
    int32_t scenario_table_count
    int32_t tier_table_count
    Code* codes
    Portfolio* portfolios
    ScenarioTable* scenario_tables
    TierTable* tier_tables
    StrategyTable* strategies
    int32_t strategy_book_count
    double* unknown_series   # not a number, as often as the longest scenario table has rows

cdef struct Mark:            # what the hot loop reads of an instrument
    double unit_value        # value of a quantity of +1; negative for inverse contracts
    double fx                # value of one unit of the settlement asset
    int64_t fresh_until      # last moment at which this may be used; the first of all where `status` says something
    double open_interest
    int32_t rule_offset      # bytes from the first rule of a profile to that of the product
    int32_t status           # reason bits that hold whatever the time

cdef struct Spec:            # the rest of an instrument
    double multiplier
    double quantity_step
    double strike            # of an option; else 0
    double mark
    int64_t mark_ns
    int64_t max_age_ns
    int64_t expires_ns
    int32_t settlement       # asset id
    int32_t underlying       # asset id, or -1
    int32_t family           # number of its underlying, which need not be an asset
    int32_t inverse
    int32_t outright         # spot and options: market value counts in full, cost is 0, a fill moves the balance
    int32_t kind
    int32_t right            # +1 call, -1 put, else 0
    int32_t product          # of the active program, or -1
    int32_t priced           # a mark was published
    uint64_t wrong_way       # collateral for which exposure to this underlying is wrong-way

cdef struct Quotes:          # what else is published of an instrument, by `marginrules.machine.Field`
    double values[QUOTE_COUNT]   # not a number where it is not known

cdef struct Parameters:      # what the active rulebook sets for an instrument
    double values[PARAMETER_COUNT]

cdef struct Totals:          # what else is published of an asset; not a number where it is not known
    double volatility        # a year
    double deposits          # of all accounts, in the rulebook's currency
    double borrows

cdef struct Asset:
    double price
    int64_t price_ns
    int64_t fresh_until
    int32_t rule             # collateral rule of the program, or -1
    int32_t status
    Totals totals
    # What follows from these and the rule, once per change; see `weigh`.
    double share             # greatest counted share of a holding: 1 less its volatility haircut
    double further           # haircut for the time left, on top of the others
    double weight            # of a holding, after haircuts
    double debt_weight
    double unused[5]         # the hot loop finds an asset by a shift

cdef struct Position:
    int32_t instrument
    int32_t unused
    double quantity          # signed
    double cost              # what was paid for it, in the settlement asset, signed; 0 where held outright
    double leverage_rate     # 1 / leverage setting; 0: none

cdef struct Balance:
    double amount            # units of the asset
    int32_t asset
    int32_t unused

cdef struct OrderSum:        # all open orders of one pool in one instrument
    int32_t instrument
    int32_t position         # index into the pool's positions, or -1
    double buy_quantity
    double buy_cost          # settlement asset
    double sell_quantity     # not signed
    double sell_cost         # settlement asset, negative of what is received; see `cost_of`
    double leverage_rate

cdef struct OpenOrder:       # for formulas that walk orders by price; else their sums do
    int32_t instrument
    int32_t unused
    double quantity          # signed
    double price             # 0: at the mark

cdef struct Pool:
    Position* positions
    Balance* balances
    OrderSum* orders
    OpenOrder* open_orders
    double due               # fees and funding due
    int32_t position_count
    int32_t balance_count
    int32_t order_count
    int32_t open_order_count
    int32_t account
    int32_t profile
    int32_t restriction
    int32_t isolated         # instrument id, or -1 for the cross pool
    int32_t next             # next pool of the account, or -1
    int32_t shadow_profile   # by the program that is asked beside the active one; -1: it has none for this account

cdef struct Account:
    int64_t sequence
    int32_t pool_first
    int32_t class_id

cdef struct Result:
    double equity
    double initial_margin
    double maintenance_margin
    double collateral_value
    double unrealized_pnl
    int32_t level            # how many thresholds of the ladder are breached
    int32_t ladder
    int32_t flags
    int32_t revision         # how often a program had been activated; 0: none

cdef struct Record           # see recording.pyx

cdef struct View:            # one consistent state
    const Program* program   # NULL: none active
    const Mark* marks
    const Spec* specs
    const Quotes* quotes     # parallel to `specs`, as are the next two
    const Parameters* parameters
    const Asset* assets
    const double* const* blocks  # by instrument: what its portfolio's program prepared; NULL: nothing
    const double* const* series  # [scenario table][family]: moves in historical scenarios; NULL: unknown
    int32_t series_stride    # families of one table
    int32_t is_smooth        # amounts are not rounded: a staircase has no root
    int32_t revision         # counts activations
    void* owner              # the Tables object that owns `program`
    void* series_owner       # the Series object that owns `series`
    Record* record           # gets how margins come about; NULL: nobody asks
