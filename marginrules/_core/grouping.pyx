# Option legs and stock grouped into recognised strategies: the cheapest valid grouping of one group of positions.
#
# A *candidate* is a strategy with a leg held for each of its legs. A grouping gives each candidate an amount, so that
# every contract of every leg is used exactly once; its cost is the sum of amount x requirement per unit. Where every
# quantity of an option is whole, strategies of two or more legs come in whole units (half a butterfly is none), and
# strategies of one leg take what is left. Where one is not, contracts can be held in parts, and all amounts may be.
#
# Strategies of one leg and ratio 1 margin each leg alone. Against that, a candidate *gains* what it costs less than its
# legs alone; the cheapest grouping is the most valuable packing of gains into the legs' quantities (`packing.pyx`). A
# leg that no strategy margins alone costs more alone than anything else can, and a grouping that leaves one is none.
#
# Legs are put into an order of their own first, so the order of positions does not change a bit of the result.

cdef enum:
    LEGS_MOST = 512
    STRATEGY_LEGS = 4
    LANES = 256              # candidates priced at once
    LANE_INPUTS = 64         # of one formula

cdef enum:
    JOIN_EQUAL = 0
    JOIN_LESS = 1
    JOIN_LESS_EQUAL = 2

cdef enum:
    GROUPED = 0
    UNCOVERED = 1            # no grouping was found: a leg is left that no strategy takes
    UNPRICED = 2             # a field or a formula is not a number
    TOO_LARGE = 3            # more legs than `LEGS_MOST`, or too little memory for the legs alone

# Runs a compiled formula on n lanes: inputs[k][lane] is the k-th entry of the code's `inputs`.
ctypedef void (*LaneCode)(const void* code, const double* const* inputs, int32_t n, double* out) noexcept nogil

cdef struct LaneProgram:
    const void* code         # NULL, for a condition: it always holds
    const int32_t* inputs    # leg of the strategy << 8 | field, in the order of the code's inputs
    int32_t input_count

# What the condition says about two legs and is known without running it: fields[first] < fields[second], ...
# Joins only have to follow from the condition; they keep candidates from being made that it would refuse.
cdef struct StrategyJoin:
    int32_t first
    int32_t second
    int32_t field
    int32_t relation

cdef struct StrategyLeg:
    int32_t right            # +1 call, -1 put, 0 stock
    int32_t side             # +1 long, -1 short
    double ratio

cdef struct StrategyRow:
    StrategyLeg legs[STRATEGY_LEGS]
    int32_t leg_count
    int32_t join_count
    const StrategyJoin* joins
    LaneProgram condition
    LaneProgram requirements[2]      # initial, maintenance: amount per unit

cdef struct StrategyTable:
    const StrategyRow* rows
    int32_t count
    int32_t field_count      # of each leg
    int32_t multiplier_field
    LaneCode run

cdef struct GroupLeg:
    const double* fields     # [field_count], by `machine.Field`
    double quantity          # signed contracts; shares of stock
    int32_t right

cdef struct GroupingLimits:
    int32_t candidates
    int64_t nodes
    int64_t work             # numbers computed: a million are about a millisecond

cdef struct Candidate:
    double cost              # of one unit; infinite: its condition does not hold
    double shares[STRATEGY_LEGS]     # of each leg's quantity, per unit
    int32_t legs[STRATEGY_LEGS]      # in the order of `Grouping.order`
    int32_t leg_count
    int32_t strategy

cdef struct Grouping:
    const StrategyTable* table
    const GroupLeg* legs     # as the caller gave them
    int32_t* order           # [leg_count] the caller's index of each leg here
    double* room             # [leg_count] quantity without its sign
    Candidate* candidates
    double* amounts          # [candidate_count] of the grouping found
    int32_t leg_count
    int32_t candidate_count
    int32_t candidate_room
    int64_t steps_left       # of looking for candidates
    bint is_complete         # no candidate was left out for want of room
    bint is_whole
    int32_t status

cdef struct GroupingResult:
    double cost              # the lesser of grouping and fallback; not a number unless the status is GROUPED
    double grouped           # cost of the grouping; infinite: none found
    double bound             # no grouping costs less
    int64_t nodes
    int64_t pivots
    int32_t status
    bint is_proven           # the search was not cut: `grouped` is the least, but for the noise that `bound` allows for


cdef GroupingLimits usual_grouping_limits() noexcept nogil:
    cdef GroupingLimits limits
    limits.candidates, limits.nodes, limits.work = 16_384, 10_000, 30_000_000
    return limits


cdef size_t grouping_bytes(int32_t leg_count, const GroupingLimits* limits) noexcept nogil:
    """Return the scratch memory with which nothing is cut for want of it; with less the search may be."""
    cdef size_t n = limits.candidates, m = leg_count
    return (n * (sizeof(Candidate) + 2 * sizeof(double) + sizeof(Column) + 5 * sizeof(int32_t))
            + m * (m + 16) * sizeof(double) + sizeof(Tree)
            + tree_bytes(leg_count, 4_096 if n > 4_096 else n) + 65_536)


cdef int32_t compare_legs(const StrategyTable* table, const GroupLeg* a, const GroupLeg* b) noexcept nogil:
    """Order two legs by what they are; 0 only where nothing tells them apart. What is no number comes last."""
    cdef int32_t k
    cdef double x, y
    if a.right != b.right:
        return -1 if a.right > b.right else 1
    if (a.quantity < 0.0) != (b.quantity < 0.0):
        return -1 if b.quantity < 0.0 else 1
    for k in range(table.field_count):
        x, y = a.fields[k], b.fields[k]
        if x != y and (x == x or y == y):
            return -1 if x < y or y != y else 1
    return -1 if a.quantity < b.quantity else 1 if a.quantity > b.quantity else 0


cdef void order_legs(Grouping* g, int32_t given) noexcept nogil:
    """Sort the legs that are not flat."""
    cdef int32_t k, at, leg
    for leg in range(given):
        if g.legs[leg].quantity == 0.0:
            continue
        at = g.leg_count
        while at > 0 and compare_legs(g.table, g.legs + leg, g.legs + g.order[at - 1]) < 0:
            g.order[at] = g.order[at - 1]
            at -= 1
        g.order[at] = leg
        g.leg_count += 1
    g.is_whole = True
    for k in range(g.leg_count):
        g.room[k] = fabs(g.legs[g.order[k]].quantity)
        if not g.room[k] < INFINITE:
            g.status = UNPRICED
        if g.legs[g.order[k]].right != 0 and floor(g.room[k]) != g.room[k]:
            g.is_whole = False


cdef inline double leg_field(const Grouping* g, int32_t leg, int32_t field) noexcept nogil:
    return g.legs[g.order[leg]].fields[field]


cdef bint joins_hold(Grouping* g, const StrategyRow* row, const int32_t* chosen, int32_t last) noexcept nogil:
    """Say whether the joins hold that can be judged with this leg and not without."""
    cdef int32_t k
    cdef const StrategyJoin* join
    cdef double x, y
    for k in range(row.join_count):
        join = row.joins + k
        if (join.first if join.first > join.second else join.second) != last:
            continue
        x = leg_field(g, chosen[join.first], join.field)
        y = leg_field(g, chosen[join.second], join.field)
        if not (x == x and y == y):
            g.status = UNPRICED
        if not (x == y if join.relation == JOIN_EQUAL else x < y if join.relation == JOIN_LESS else x <= y):
            return False
    return True


cdef void add_candidate(Grouping* g, int32_t strategy, const int32_t* chosen) noexcept nogil:
    """Add a candidate, unless its options have different multipliers: those offset by no whole contracts."""
    cdef const StrategyRow* row = g.table.rows + strategy
    cdef Candidate* c
    cdef int32_t k
    cdef double multiplier = 0.0, own
    for k in range(row.leg_count):
        if row.legs[k].right != 0:
            own = leg_field(g, chosen[k], g.table.multiplier_field)
            if multiplier == 0.0:
                multiplier = own
            if own != multiplier:
                if own != own or multiplier != multiplier:
                    g.status = UNPRICED
                return
    if g.candidate_count == g.candidate_room:
        g.is_complete = False
        return
    c = g.candidates + g.candidate_count
    c.strategy, c.leg_count, c.cost = strategy, row.leg_count, 0.0
    for k in range(row.leg_count):
        c.legs[k] = chosen[k]
        c.shares[k] = row.legs[k].ratio
        if row.legs[k].right == 0 and multiplier != 0.0:
            c.shares[k] *= multiplier / leg_field(g, chosen[k], g.table.multiplier_field)
        if not 0.0 < c.shares[k] < INFINITE:
            g.status = UNPRICED
    g.candidate_count += 1


cdef bint fits(const Grouping* g, const StrategyLeg* wanted, int32_t leg) noexcept nogil:
    cdef const GroupLeg* held = g.legs + g.order[leg]
    return held.right == wanted.right and (held.quantity > 0.0) == (wanted.side > 0)


cdef void find_strategy(Grouping* g, int32_t strategy) noexcept nogil:
    """Add all candidates of one strategy; legs differ from each other."""
    cdef const StrategyRow* row = g.table.rows + strategy
    cdef int32_t chosen[STRATEGY_LEGS]
    cdef int32_t depth = 0, k
    cdef bint is_new
    chosen[0] = -1
    while depth >= 0:
        if g.steps_left <= 0:
            g.is_complete = False
            return
        g.steps_left -= 1
        chosen[depth] += 1
        if chosen[depth] == g.leg_count:
            depth -= 1
            continue
        if not fits(g, row.legs + depth, chosen[depth]):
            continue
        is_new = True
        for k in range(depth):
            is_new = is_new and chosen[k] != chosen[depth]
        if not is_new or not joins_hold(g, row, chosen, depth):
            continue
        if depth + 1 < row.leg_count:
            depth += 1
            chosen[depth] = -1
            continue
        add_candidate(g, strategy, chosen)
        if not g.is_complete:
            return


cdef bint find_candidates(const StrategyTable* table, const GroupLeg* legs, int32_t leg_count,
                          const GroupingLimits* limits, Span* arena, Grouping* g) noexcept nogil:
    """
    Find every candidate whose joins hold; strategies of few legs first, so that want of room loses the large ones.

    Return 0 where there are too many legs, or too little memory even for them; `g.status` says so too.
    """
    cdef int32_t size, strategy
    memset(g, 0, sizeof(Grouping))
    g.table, g.legs, g.is_complete = table, legs, True
    g.order = <int32_t*>take(arena, leg_count * sizeof(int32_t))
    g.room = <double*>take(arena, leg_count * sizeof(double))
    g.candidate_room, g.steps_left = limits.candidates, limits.work
    g.candidates = <Candidate*>take(arena, limits.candidates * sizeof(Candidate))
    g.amounts = <double*>take(arena, limits.candidates * sizeof(double))
    if leg_count > LEGS_MOST or g.amounts == NULL:
        g.status = TOO_LARGE
        return False
    order_legs(g, leg_count)
    for size in range(1, STRATEGY_LEGS + 1):
        for strategy in range(table.count):
            if table.rows[strategy].leg_count == size:
                find_strategy(g, strategy)
    return True


cdef bint run_lanes(const Grouping* g, const LaneProgram* program, const Candidate* first, int32_t n,
                    double* memory, double* out) noexcept nogil:
    """Run one formula for up to LANES candidates of a strategy; what it does not write is not a number."""
    cdef const double* inputs[LANE_INPUTS]
    cdef int32_t k, lane, leg, field
    if program.input_count > LANE_INPUTS:
        return False
    for k in range(program.input_count):
        leg, field = program.inputs[k] >> 8, program.inputs[k] & 255
        for lane in range(n):
            memory[k * LANES + lane] = leg_field(g, first[lane].legs[leg], field)
        inputs[k] = memory + k * LANES
    for lane in range(n):
        out[lane] = NAN
    g.table.run(program.code, inputs, n, out)
    return True


cdef void apply_conditions(Grouping* g, Span arena) noexcept nogil:
    """Drop the candidates whose condition does not hold."""
    cdef double* memory = <double*>take(&arena, (LANE_INPUTS + 1) * LANES * sizeof(double))
    cdef double* out = memory + LANE_INPUTS * LANES
    cdef int32_t at = 0, kept = 0, n, lane
    cdef const LaneProgram* condition
    if memory == NULL:
        g.status = TOO_LARGE
        return
    while at < g.candidate_count:
        condition = &g.table.rows[g.candidates[at].strategy].condition
        n = same_strategy(g, at)
        if condition.code != NULL and not run_lanes(g, condition, g.candidates + at, n, memory, out):
            g.status = TOO_LARGE
            return
        for lane in range(n):
            if condition.code != NULL and out[lane] != out[lane]:
                g.status = UNPRICED
            if condition.code == NULL or out[lane] == 1.0:
                g.candidates[kept] = g.candidates[at + lane]
                kept += 1
        at += n
    g.candidate_count = kept


cdef void price_candidates(Grouping* g, int32_t requirement, Span arena) noexcept nogil:
    """Compute the cost of one unit of each candidate; requirement: 0 initial, 1 maintenance."""
    cdef double* memory = <double*>take(&arena, (LANE_INPUTS + 1) * LANES * sizeof(double))
    cdef double* out = memory + LANE_INPUTS * LANES
    cdef int32_t at = 0, n, lane
    if memory == NULL:
        g.status = TOO_LARGE
        return
    while at < g.candidate_count:
        n = same_strategy(g, at)
        if not run_lanes(g, &g.table.rows[g.candidates[at].strategy].requirements[requirement], g.candidates + at, n,
                         memory, out):
            g.status = TOO_LARGE
            return
        for lane in range(n):
            g.candidates[at + lane].cost = out[lane]
            if not -INFINITE < out[lane] < INFINITE:
                g.status = UNPRICED
        at += n


cdef int32_t same_strategy(const Grouping* g, int32_t at) noexcept nogil:
    """Return how many candidates from here on are of one strategy, at most LANES."""
    cdef int32_t n = 1
    while n < LANES and at + n < g.candidate_count and g.candidates[at + n].strategy == g.candidates[at].strategy:
        n += 1
    return n
