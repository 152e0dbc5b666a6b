# The register machine that runs compiled formulas over all positions of a group, without the GIL.
#
# `marginrules/machine.py` says what a program is made of and has the same numbers. A frame holds the registers of one
# run; its memory comes from an arena, so that a batch allocates next to nothing.

cdef extern from "loops.h" nogil:
    ctypedef struct weighted_lane:
        pass
    void lanes_add(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_subtract(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_multiply(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_divide(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_least(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_greatest(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_less(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_less_equal(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_equal(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_unequal(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_and(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_or(int64_t n, const double* a, int64_t sa, const double* b, int64_t sb, double* out)
    void lanes_copy(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_negate(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_absolute(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_not(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_floor(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_ceiling(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_round(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_square_root(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_fill(int64_t n, double value, double* out)
    double absent(int32_t reasons)
    int32_t reasons_of(double x, int32_t otherwise)
    void lanes_select(int64_t n, const double* c, const double* a, const double* b, double* out)
    void lanes_share(int64_t n, const double* a, const double* b, const double* c, int want_up, int is_smooth, double* out)
    void lanes_tiered(int64_t n, const double* rows, int64_t row_count, const double* x, int64_t sx, double* out)
    void lanes_total(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_smallest(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_largest(int64_t n, const double* a, int64_t sa, double* out)
    void lanes_total_product(int64_t n, double factor, const double* a, double* out)
    void lanes_dot(int64_t n, int64_t row_count, const double* factors, const double* const* rows, double* out)
    double lanes_lowest(int64_t n, const double* a)
    double lanes_highest(int64_t n, const double* a)
    double lanes_average(int64_t n, const double* a, const double* weights)
    ctypedef struct lowest_kept:
        const double* lanes
    int64_t tail_count(int64_t n, double p)
    double lanes_tail(int64_t n, const double* a, const double* weights, int is_equal, double p, int want_mean,
                      weighted_lane* scratch, lowest_kept* kept, int64_t ahead)

cdef enum:  # marginrules.machine.Op
    OP_COPY, OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_NEGATE, OP_LEAST, OP_GREATEST, OP_ABSOLUTE, OP_LESS
    OP_LESS_EQUAL, OP_EQUAL, OP_UNEQUAL, OP_AND, OP_OR, OP_NOT, OP_SELECT, OP_FLOOR, OP_CEILING, OP_ROUND
    OP_SQUARE_ROOT, OP_EXPONENTIAL, OP_LOGARITHM, OP_POWER, OP_NORMAL, OP_TIERED, OP_FLOOR_SHARE
    OP_CEILING_SHARE
    OP_BLACK_76 = 32
    OP_BLACK_SCHOLES, OP_AMERICAN, OP_IMPLIED_BLACK_76, OP_IMPLIED_BLACK_SCHOLES, OP_IMPLIED_AMERICAN
    OP_LOAD = 48
    OP_GATHER_GROUP, OP_GATHER_INSTRUMENT
    OP_TOTAL = 64
    OP_SMALLEST, OP_LARGEST, OP_TOTAL_PRODUCT
    OP_LOWEST = 72
    OP_HIGHEST, OP_QUANTILE, OP_TAIL_MEAN, OP_AVERAGE
    OP_LOWEST_PAYOFF = 80
    OP_STRATEGY

cdef enum:  # marginrules.machine.Place
    AT_CONSTANT, AT_SCALAR, AT_POSITION, AT_INSTRUMENT, AT_GROUP, AT_SCENARIO, AT_GROUP_SCENARIO, AT_ARRAY, AT_SERIES
    AT_LANES, AT_INPUT
    PLACE_COUNT

cdef enum:  # marginrules.machine.StageKind
    STAGE_INSTRUMENT, STAGE_INSTRUMENT_SCENARIO, STAGE_SCALAR, STAGE_POSITION, STAGE_GROUP, STAGE_SCENARIO
    STAGE_POSITION_SCENARIO, STAGE_GROUP_SCENARIO

cdef enum:  # marginrules.machine.Field
    FIELD_MARK, FIELD_STRIKE, FIELD_RIGHT, FIELD_DAYS, FIELD_MULTIPLIER, FIELD_INVERSE, FIELD_FX, FIELD_UNIT_VALUE
    FIELD_INDEX  # the first that is published
    FIELD_FORWARD, FIELD_VOLATILITY, FIELD_RATE, FIELD_DIVIDEND_YIELD
    FIELD_OPEN_INTEREST = 14
    FIELD_AUCTION_PRICE = 17
    FIELD_REALIZED_VOLATILITY = 22
    FIELD_KIND = 25
    FIELD_PUBLISHED_END = 28
    FIELD_QUANTITY = 32  # the first of a position
    FIELD_COST, FIELD_LEVERAGE, FIELD_BUY_ORDERS, FIELD_SELL_ORDERS, FIELD_BUY_ORDERS_VALUE, FIELD_SELL_ORDERS_VALUE
    FIELD_BUY_ORDERS_OPENING_VALUE, FIELD_SELL_ORDERS_OPENING_VALUE
    FIELD_COLLATERAL = 48  # the first of a pool
    FIELD_EQUITY, FIELD_DUE, FIELD_BORROWED, FIELD_INITIAL, FIELD_MAINTENANCE, FIELD_UNREALIZED_PNL

cdef enum:  # marginrules.machine.Key
    BY_UNDERLYING = 1
    BY_EXPIRY = 2
    BY_STRIKE = 4
    BY_SETTLEMENT = 8
    BY_INSTRUMENT = 16
    BY_RIGHT = 32
    BY_PRODUCT = 64

cdef enum:
    OPERANDS_MAX = 7
    PLACE_BITS = 20
    TABLE_BITS = 12          # of a SCENARIO operand: the register below, the table above
    GROUP_REGISTERS = 256    # of one key


cdef struct Instruction:
    int32_t operation
    int32_t destination
    int32_t extra
    int32_t count
    int32_t operands[OPERANDS_MAX]

cdef struct Stage:
    int32_t kind
    int32_t key
    int32_t table
    int32_t first
    int32_t count
    int32_t is_dot           # nothing but one TOTAL_PRODUCT over positions
    int32_t tail_count       # how many of the lowest scenarios its greatest tail takes; 0: not known

cdef struct Code:
    double* constants
    int32_t* keys
    int32_t* array_tables
    int64_t* array_offsets   # in doubles, from the start of an instrument's block
    Stage* stages
    Instruction* instructions
    int64_t block_size       # doubles of one instrument's block: INSTRUMENT registers, then arrays
    int64_t scenario_count_max
    uint64_t tables          # a bit for each scenario table in use
    int32_t registers[PLACE_COUNT]
    int32_t key_count
    int32_t stage_count
    int32_t input_count
    int32_t outputs[2]
    int32_t output_count
    int32_t uses_orders
    const Program* program

cdef struct ScenarioTable:
    double* columns          # one after the other; the first is the weight
    int64_t count
    int32_t column_count
    int32_t has_equal_weights

cdef struct TierTable:
    double* rows
    int64_t count

cdef struct Member:          # a position, or an instrument with nothing but open orders, on its way through a program
    int32_t instrument
    int32_t order            # index of its order sum, or -1
    double quantity
    double cost
    double leverage_rate

cdef struct PoolFigures:     # what a pool's own formulas may read
    double collateral
    double equity
    double due
    double borrowed
    double initial
    double maintenance
    double unrealized_pnl


# Memory that is taken piece by piece and given back as a whole.

cdef struct Chunk:
    Chunk* before
    size_t size

cdef struct Arena:
    Chunk* last
    size_t used
    int32_t failed

cdef void* arena_take(Arena* arena, size_t size) noexcept nogil:
    """Return memory of this size, zeroed by nobody; NULL, and `failed`, where there is none."""
    cdef size_t wanted
    cdef Chunk* chunk
    cdef char* memory
    size = (size + 31) & ~<size_t>31
    if arena.last == NULL or arena.used + size > arena.last.size:
        wanted = 2 * arena.last.size if arena.last != NULL else 1 << 14
        if wanted < size + 64:
            wanted = size + 64
        chunk = <Chunk*>malloc(sizeof(Chunk) + 48 + wanted)
        if chunk == NULL:
            arena.failed = 1
            return NULL
        chunk.before, chunk.size = arena.last, wanted
        arena.last, arena.used = chunk, 0
    # Rows of lanes start on a boundary of 32 bytes.
    memory = <char*>((<size_t>(arena.last + 1) + 31) & ~<size_t>31) + arena.used
    arena.used += size
    return memory


cdef void arena_reset(Arena* arena) noexcept nogil:
    """Give everything back, and keep the greatest chunk for the next."""
    cdef Chunk* chunk
    if arena.last == NULL:
        return
    while arena.last.before != NULL:
        chunk = arena.last.before
        arena.last.before = chunk.before
        free(chunk)
    arena.used = 0


cdef void arena_rewind(Arena* arena, Arena before) noexcept nogil:
    """Give back what was taken since `before`, a copy of the arena."""
    cdef Chunk* chunk
    while arena.last != before.last:
        chunk = arena.last
        arena.last = chunk.before
        free(chunk)
    arena.used = before.used


cdef void arena_free(Arena* arena) noexcept nogil:
    arena_reset(arena)
    free(arena.last)
    arena.last = NULL


# Each thread keeps its arena from one evaluation to the next: fresh pages cost more than the arithmetic.

cdef extern from "pthread.h" nogil:
    ctypedef unsigned int pthread_key_t
    int pthread_key_create(pthread_key_t* key, void (*destructor)(void*) noexcept nogil)
    void* pthread_getspecific(pthread_key_t key)
    int pthread_setspecific(pthread_key_t key, const void* value)

cdef enum:
    ARENA_KEPT = 1 << 20     # bytes that a thread keeps at most

cdef pthread_key_t arena_key

cdef void end_thread(void* arena) noexcept nogil:
    arena_free(<Arena*>arena)
    free(arena)

if pthread_key_create(&arena_key, end_thread):
    raise MemoryError("no room for what threads keep")


cdef Arena* thread_arena() noexcept nogil:
    """Return the arena of this thread, empty; NULL where memory is out."""
    cdef Arena* arena = <Arena*>pthread_getspecific(arena_key)
    if arena == NULL:
        arena = <Arena*>calloc(1, sizeof(Arena))
        if arena != NULL and pthread_setspecific(arena_key, arena):
            free(arena)
            arena = NULL
    if arena != NULL:
        arena.failed = 0
    return arena


cdef void arena_return(Arena* arena) noexcept nogil:
    """Give everything back; what is large goes back to the system."""
    arena_reset(arena)
    if arena.last != NULL and arena.last.size > ARENA_KEPT:
        arena_free(arena)


cdef struct Frame:           # one run of one program
    const View* view
    const Code* code
    const Pool* pool         # NULL while an instrument is prepared
    Arena* arena
    const Member* members
    const double** blocks    # of the members' instruments
    const PoolFigures* figures
    const double* inputs
    const double* const* lane_inputs     # instead, where they do not lie side by side
    int64_t member_count
    int64_t input_stride     # lanes of each input; of more than one, scalars have as many
    double* scalars
    double* positions        # [register][member]
    double* lanes            # [register][widest]
    double* broadcast        # [operand][widest]
    int64_t widest
    weighted_lane* tail
    lowest_kept* kept        # of a register of the stage
    # Where a loop stands
    int64_t lane_count
    int64_t member
    int64_t group
    int32_t kind
    int32_t key
    int32_t table
    int32_t tail_count
    double* block            # being prepared
    # The instrument being prepared
    const Mark* mark
    const Spec* spec
    const double* quotes
    const double* parameters
    # What follows is not set but where a program needs it, see `start_frame`.
    double* groups[16]        # [key]: [register][subgroup]
    double* group_scenarios[16]
    int32_t* group_of[16]     # [key]: [member]
    int64_t group_counts[16]
    double* scenarios[64]    # [table]: [register][scenario]


cdef inline void begin_frame(Frame* f, const View* view, const Code* code, const Pool* pool, Arena* arena) noexcept nogil:
    """Make a frame in which nothing is set but what every run needs; one input a lane."""
    memset(f, 0, <char*>f.groups - <char*>f)
    f.view, f.code, f.pool, f.arena, f.input_stride = view, code, pool, arena, 1


cdef inline const ScenarioTable* table_of(const Frame* f, int32_t table) noexcept nogil:
    return f.view.program.scenario_tables + table


cdef double* place_of(Frame* f, int32_t operand, int64_t* stride) noexcept nogil:
    """Return where an operand lies and whether it has a value for each lane (1) or one for all (0)."""
    cdef int32_t place = operand >> PLACE_BITS, index = operand & ((1 << PLACE_BITS) - 1), key, table
    cdef const ScenarioTable* scenarios
    cdef const double* block
    stride[0] = 0
    if place == AT_CONSTANT:
        return f.code.constants + index
    if place == AT_LANES:
        stride[0] = 1
        return f.lanes + index * f.widest
    if place == AT_POSITION:
        if f.kind == STAGE_POSITION:
            stride[0] = 1
            return f.positions + index * f.member_count
        return f.positions + index * f.member_count + f.member
    if place == AT_ARRAY:
        stride[0] = 1
        block = <const double*>f.block if f.block != NULL else f.blocks[f.member]
        return <double*>block + f.code.array_offsets[index]
    if place == AT_SCENARIO:
        stride[0] = 1
        table, index = index >> TABLE_BITS, index & ((1 << TABLE_BITS) - 1)
        scenarios = table_of(f, table)
        if index < scenarios.column_count:
            return scenarios.columns + index * scenarios.count
        return f.scenarios[table] + (index - scenarios.column_count) * scenarios.count
    if place == AT_SCALAR:
        stride[0] = 1 if f.input_stride > 1 else 0
        return f.scalars + index * f.input_stride
    if place == AT_INSTRUMENT:
        block = <const double*>f.block if f.block != NULL else f.blocks[f.member]
        return <double*>block + index
    if place == AT_GROUP:
        key, index = index // GROUP_REGISTERS, index % GROUP_REGISTERS
        if f.kind == STAGE_GROUP:
            stride[0] = 1
            return f.groups[key] + index * f.group_counts[key]
        if f.kind == STAGE_GROUP_SCENARIO:
            return f.groups[key] + index * f.group_counts[key] + f.group
        return f.groups[key] + index * f.group_counts[key] + (f.group_of[key][f.member] if f.kind != STAGE_POSITION else 0)
    if place == AT_GROUP_SCENARIO:
        key, index = index // GROUP_REGISTERS, index % GROUP_REGISTERS
        stride[0] = 1
        table = f.group_of[key][f.member] if f.kind == STAGE_POSITION_SCENARIO else <int32_t>f.group
        return f.group_scenarios[key] + (index * f.group_counts[key] + table) * f.code.scenario_count_max
    if place == AT_INPUT:
        stride[0] = 1 if f.input_stride > 1 else 0
        if f.lane_inputs != NULL:
            return <double*>f.lane_inputs[index]
        return <double*>f.inputs + index * f.input_stride
    if place == AT_SERIES:
        stride[0] = 1
        block = series_of(f.view, f.table, f.spec)
        return <double*>(block if block != NULL else f.view.program.unknown_series)
    return f.scalars


cdef const double* series_of(const View* view, int32_t table, const Spec* spec) noexcept nogil:
    """Return the moves of an instrument's underlying in each historical scenario, newest first; NULL where unknown."""
    # An underlying that came after the series were published is not among them.
    if view.series == NULL or not 0 <= spec.family < view.series_stride:
        return NULL
    return view.series[table * view.series_stride + spec.family]


cdef inline double known(double value) noexcept nogil:
    """Return what was published or set; what was not says so, see `absent`."""
    return absent(MISSING_DATA) if isnan(value) else value


cdef double field_of_instrument(const Frame* f, int32_t field) noexcept nogil:
    cdef const Spec* spec = f.spec
    if field >= PARAMETER_FIRST:
        return known(f.parameters[field - PARAMETER_FIRST])
    if FIELD_INDEX <= field < FIELD_PUBLISHED_END and field != FIELD_KIND:
        return known(f.quotes[field])
    if field == FIELD_MARK:
        return spec.mark
    if field == FIELD_STRIKE:
        return spec.strike
    if field == FIELD_RIGHT:
        return spec.right
    if field == FIELD_DAYS:
        return greater(0.0, <double>(spec.expires_ns - spec.mark_ns) / 86400e9) if spec.expires_ns else 0.0
    if field == FIELD_MULTIPLIER:
        return spec.multiplier
    if field == FIELD_INVERSE:
        return spec.inverse
    if field == FIELD_FX:
        return f.mark.fx
    if field == FIELD_UNIT_VALUE:
        return f.mark.unit_value
    if field == FIELD_KIND:
        return spec.kind
    return NAN


cdef double field_of_member(const Frame* f, const Member* member, int32_t field) noexcept nogil:
    cdef const OrderSum* order = f.pool.orders + member.order if member.order >= 0 else NULL
    cdef const Mark* mark = f.view.marks + member.instrument
    if field == FIELD_QUANTITY:
        return member.quantity
    if field == FIELD_COST:
        return member.cost * mark.fx
    if field == FIELD_LEVERAGE:
        return 1.0 / member.leverage_rate if member.leverage_rate > 0.0 else absent(MISSING_LEVERAGE)
    if order == NULL:
        return 0.0
    if field == FIELD_BUY_ORDERS:
        return order.buy_quantity
    if field == FIELD_SELL_ORDERS:
        return order.sell_quantity
    if field == FIELD_BUY_ORDERS_VALUE:
        return order.buy_cost * mark.fx
    if field == FIELD_SELL_ORDERS_VALUE:
        return -order.sell_cost * mark.fx
    return opening_value(f.view, f.pool, member, field == FIELD_BUY_ORDERS_OPENING_VALUE) * mark.fx


cdef double field_of_pool(const PoolFigures* figures, int32_t field) noexcept nogil:
    if figures == NULL:
        return NAN
    if field == FIELD_COLLATERAL:
        return figures.collateral
    if field == FIELD_EQUITY:
        return figures.equity
    if field == FIELD_DUE:
        return figures.due
    if field == FIELD_BORROWED:
        return figures.borrowed
    if field == FIELD_INITIAL:
        return figures.initial
    if field == FIELD_MAINTENANCE:
        return figures.maintenance
    if field == FIELD_UNREALIZED_PNL:
        return figures.unrealized_pnl
    return NAN


cdef double opening_value(const View* view, const Pool* pool, const Member* member, int is_buy) noexcept nogil:
    """
    Return the price x quantity of the open orders of one side that do not reduce the position, in the settlement asset.

    The best priced fill first and use up what they can close; the rest opens. In an auction an order counts at the
    auction price at least. Source: Vega 0019-MCAL, isolated order margin.
    """
    cdef const Spec* spec = view.specs + member.instrument
    cdef const OpenOrder* order
    cdef double auction = view.quotes[member.instrument].values[FIELD_AUCTION_PRICE]
    cdef double free_quantity, used, open_quantity, price, value = 0.0, last = 0.0, best
    cdef int32_t k, taken = 0, chosen
    cdef int32_t last_index = -1
    free_quantity = greater(0.0, -member.quantity if is_buy else member.quantity)
    # Orders are walked from the best price on, the earlier first among equals, without being moved.
    while True:
        chosen = -1
        best = 0.0
        for k in range(pool.open_order_count):
            order = pool.open_orders + k
            if order.instrument != member.instrument or (order.quantity > 0.0) != (is_buy != 0):
                continue
            price = order.price if order.price > 0.0 else spec.mark
            if taken and not (price < last if is_buy else price > last) and not (price == last and k > last_index):
                continue
            if chosen < 0 or (price > best if is_buy else price < best):
                chosen, best = k, price
        if chosen < 0:
            return value
        order = pool.open_orders + chosen
        taken, last, last_index = 1, best, chosen
        open_quantity = fabs(order.quantity)
        used = lesser(open_quantity, free_quantity)
        free_quantity -= used
        price = best if not auction > best else auction
        value += (open_quantity - used) * fabs(cost_of(spec, 1.0, price))


cdef inline void accumulate(int32_t operation, int64_t n, const double* a, int64_t stride, double* out) noexcept nogil:
    if operation == OP_TOTAL:
        lanes_total(n, a, stride, out)
    elif operation == OP_SMALLEST:
        lanes_smallest(n, a, stride, out)
    else:
        lanes_largest(n, a, stride, out)


cdef void collapse(
    int32_t operation, int64_t n, const double* a, int64_t stride, double* out, const int32_t* to,
) noexcept nogil:
    """Accumulate lanes into one place, or each into that of its subgroup."""
    cdef int64_t i
    for i in range(n):
        accumulate(operation, 1, a + i * stride, 0, out + (to[i] if to != NULL else 0))


cdef void execute(Frame* f, const Instruction* ins) noexcept nogil:
    """Run one instruction over the lanes of the stage."""
    cdef const double* args[OPERANDS_MAX]
    cdef int64_t strides[OPERANDS_MAX]
    cdef int64_t n = f.lane_count, i, stride
    cdef int32_t k, place, key, operation = ins.operation
    cdef double* out = place_of(f, ins.destination, &stride)
    cdef const double* a
    cdef const double* b
    cdef int64_t sa, sb
    for k in range(ins.count):
        args[k] = place_of(f, ins.operands[k], &strides[k])
    a, sa = args[0], strides[0]
    b, sb = args[1], strides[1]
    # A value for all lanes is computed once.
    if stride == 0 and operation < OP_TOTAL:
        n = 1
    if operation == OP_ADD:
        lanes_add(n, a, sa, b, sb, out)
    elif operation == OP_SUBTRACT:
        lanes_subtract(n, a, sa, b, sb, out)
    elif operation == OP_MULTIPLY:
        lanes_multiply(n, a, sa, b, sb, out)
    elif operation == OP_DIVIDE:
        lanes_divide(n, a, sa, b, sb, out)
    elif operation == OP_COPY:
        lanes_copy(n, a, sa, out)
    elif operation == OP_NEGATE:
        lanes_negate(n, a, sa, out)
    elif operation == OP_LEAST:
        lanes_least(n, a, sa, b, sb, out)
    elif operation == OP_GREATEST:
        lanes_greatest(n, a, sa, b, sb, out)
    elif operation == OP_ABSOLUTE:
        lanes_absolute(n, a, sa, out)
    elif operation == OP_LESS:
        lanes_less(n, a, sa, b, sb, out)
    elif operation == OP_LESS_EQUAL:
        lanes_less_equal(n, a, sa, b, sb, out)
    elif operation == OP_EQUAL:
        lanes_equal(n, a, sa, b, sb, out)
    elif operation == OP_UNEQUAL:
        lanes_unequal(n, a, sa, b, sb, out)
    elif operation == OP_AND:
        lanes_and(n, a, sa, b, sb, out)
    elif operation == OP_OR:
        lanes_or(n, a, sa, b, sb, out)
    elif operation == OP_NOT:
        lanes_not(n, a, sa, out)
    elif operation in (OP_FLOOR, OP_CEILING, OP_ROUND):
        if f.view.is_smooth:
            lanes_copy(n, a, sa, out)
        elif operation == OP_FLOOR:
            lanes_floor(n, a, sa, out)
        elif operation == OP_CEILING:
            lanes_ceiling(n, a, sa, out)
        else:
            lanes_round(n, a, sa, out)
    elif operation == OP_SQUARE_ROOT:
        lanes_square_root(n, a, sa, out)
    elif operation == OP_TIERED:
        lanes_tiered(n, f.view.program.tier_tables[ins.extra].rows, f.view.program.tier_tables[ins.extra].count, a, sa,
                     out)
    elif operation == OP_LOAD:
        load(f, ins.extra, n, out)
    elif operation == OP_GATHER_INSTRUMENT:
        k = ins.operands[0] & ((1 << PLACE_BITS) - 1)
        for i in range(n):
            out[i] = f.blocks[i][k]
    elif operation == OP_GATHER_GROUP:
        for i in range(n):
            out[i] = a[f.group_of[ins.extra][i]]
    elif operation in (OP_TOTAL, OP_SMALLEST, OP_LARGEST):
        place = ins.destination >> PLACE_BITS
        if place == AT_SCALAR:
            collapse(operation, n, a, sa, out, NULL)
        elif place == AT_GROUP:
            key = (ins.destination & ((1 << PLACE_BITS) - 1)) // GROUP_REGISTERS
            collapse(operation, n, a, sa, out, f.group_of[key])
        else:
            accumulate(operation, n, a, sa, out)
    elif operation == OP_TOTAL_PRODUCT:
        lanes_total_product(n, a[0], b, out)
    elif OP_LOWEST <= operation <= OP_AVERAGE:
        out[0] = reduced(f, ins, a if sa else filled(f, 0, a[0]), b)
    elif operation == OP_LOWEST_PAYOFF:
        lowest_payoff(f, ins.extra, out)
    elif operation == OP_STRATEGY:
        out[0] = strategy_margin(f, ins.extra // 2, ins.extra % 2)
    else:
        # What follows takes a value for each lane.
        for k in range(ins.count):
            if strides[k] == 0 and n > 1:
                args[k] = filled(f, k, args[k][0])
        if operation in (OP_FLOOR_SHARE, OP_CEILING_SHARE):
            lanes_share(n, args[0], args[1], args[2], operation == OP_CEILING_SHARE, f.view.is_smooth, out)
        else:
            call(operation, n, args, ins.count, out)


cdef const double* filled(Frame* f, int32_t k, double value) noexcept nogil:
    """Return one value in every lane, at the place of the k-th operand."""
    if f.broadcast == NULL:
        f.broadcast = <double*>arena_take(f.arena, OPERANDS_MAX * f.widest * sizeof(double))
        if f.broadcast == NULL:
            return f.lanes  # whatever stands there: a frame that ran out of memory has no result
    lanes_fill(f.lane_count, value, f.broadcast + k * f.widest)
    return f.broadcast + k * f.widest


cdef void call(int32_t operation, int64_t n, const double** args, int32_t count, double* out) noexcept nogil:
    if operation == OP_SELECT:
        lanes_select(n, args[0], args[1], args[2], out)
    elif operation == OP_EXPONENTIAL:
        exp_lanes(n, args[0], out)
    elif operation == OP_LOGARITHM:
        log_lanes(n, args[0], out)
    elif operation == OP_POWER:
        pow_lanes(n, args[0], args[1], out)
    elif operation == OP_NORMAL:
        normal_cdf(n, args[0], out)
    elif operation == OP_BLACK_76:
        price_black76(n, args[0], args[1], args[2], args[3], args[4], out)
    elif operation == OP_BLACK_SCHOLES:
        price_black_scholes(n, args[0], args[1], args[2], args[3], args[4], args[5], args[6], out)
    elif operation == OP_AMERICAN:
        price_american(n, args[0], args[1], args[2], args[3], args[4], args[5], args[6], out)
    elif operation == OP_IMPLIED_BLACK_76:
        implied_black76(n, args[0], args[1], args[2], args[3], args[4], out)
    elif operation == OP_IMPLIED_BLACK_SCHOLES:
        implied_black_scholes(n, args[0], args[1], args[2], args[3], args[4], args[5], args[6], out)
    elif operation == OP_IMPLIED_AMERICAN:
        implied_american(n, args[0], args[1], args[2], args[3], args[4], args[5], args[6], out)
    else:
        lanes_fill(n, NAN, out)
    if operation != OP_SELECT:
        hand_on(n, args, count, out)


cdef void hand_on(int64_t n, const double** args, int32_t count, double* out) noexcept nogil:
    """
    Where a function is not a number because an operand is none, return that one, with what it says of the reason.

    Nor is what is infinite a number: the lesser of 5 and exp(1000) must not be 5.
    """
    cdef int64_t i
    cdef int32_t k
    for i in range(n):
        if not isfinite(out[i]):
            out[i] = NAN
            for k in range(count):
                if isnan(args[k][i]):
                    out[i] = args[k][i]
                    break


cdef void load(const Frame* f, int32_t field, int64_t n, double* out) noexcept nogil:
    cdef int64_t i
    if field >= PARAMETER_FIRST:
        out[0] = field_of_instrument(f, field)
    elif field >= FIELD_COLLATERAL:
        out[0] = field_of_pool(f.figures, field)
    elif field == FIELD_QUANTITY:
        for i in range(n):
            out[i] = f.members[i].quantity
    elif field > FIELD_QUANTITY:
        for i in range(n):
            out[i] = field_of_member(f, f.members + i, field)
    else:
        out[0] = field_of_instrument(f, field)


cdef double reduced(Frame* f, const Instruction* ins, const double* a, const double* p) noexcept nogil:
    """Return one figure of the scenarios of a table."""
    cdef const ScenarioTable* table = table_of(f, f.table)
    cdef int32_t operation = ins.operation
    if operation == OP_LOWEST:
        return lanes_lowest(f.lane_count, a)
    if operation == OP_HIGHEST:
        return lanes_highest(f.lane_count, a)
    if operation == OP_AVERAGE:
        return lanes_average(f.lane_count, a, table.columns)
    if f.tail == NULL:
        f.tail = <weighted_lane*>arena_take(f.arena, (f.code.scenario_count_max + 1) * sizeof(weighted_lane))
        f.kept = <lowest_kept*>arena_take(f.arena, sizeof(lowest_kept))
        if f.arena.failed:
            f.tail = NULL
            return NAN
        f.kept.lanes = NULL
    # A register of scenarios is written once in a run; other lanes change from one instruction to the next.
    if ins.operands[0] >> PLACE_BITS != AT_SCENARIO:
        f.kept.lanes = NULL
    return lanes_tail(f.lane_count, a, table.columns, table.has_equal_weights, p[0], operation == OP_TAIL_MEAN, f.tail,
                      f.kept, f.tail_count)


cdef void lowest_payoff(const Frame* f, int32_t key, double* out) noexcept nogil:
    """
    Write, for each subgroup, the lowest payoff of its options at expiry, at a price of 0 and at each strike.

    Between those points the payoff is straight; beyond the greatest strike it falls without end where calls are short
    net, which is for the rulebook to charge.
    """
    cdef int64_t count = 1 if key < 0 else f.group_counts[key], i, j, g
    cdef const Member* at
    cdef double price, payoff
    for g in range(count):
        out[g] = INFINITE
        for j in range(-1, f.member_count):
            price = 0.0
            if j >= 0:
                if (key >= 0 and f.group_of[key][j] != g) or f.view.specs[f.members[j].instrument].right == 0:
                    continue
                price = f.view.specs[f.members[j].instrument].strike
            payoff = 0.0
            for i in range(f.member_count):
                at = f.members + i
                if key < 0 or f.group_of[key][i] == g:
                    payoff += payoff_of(f.view.specs + at.instrument, f.view.marks + at.instrument, price) * at.quantity
            # What is not a number stays.
            if not (isnan(out[g]) or payoff >= out[g]):
                out[g] = payoff


cdef inline double payoff_of(const Spec* spec, const Mark* mark, double price) noexcept nogil:
    """Return what one option pays at a price of its underlying; nothing for what is no option."""
    cdef double gain = spec.right * (price - spec.strike)
    return gain * spec.multiplier * mark.fx if gain > 0.0 else 0.0


# Stages

cdef int64_t lanes_of(const Frame* f, const Stage* stage) noexcept nogil:
    if stage.kind == STAGE_POSITION:
        return f.member_count
    if stage.kind == STAGE_GROUP:
        return f.group_counts[stage.key]
    if stage.kind == STAGE_SCALAR:
        return f.input_stride if f.input_stride > 1 else 1
    if stage.kind == STAGE_INSTRUMENT:
        return 1
    return table_of(f, stage.table).count


cdef void start_accumulators(Frame* f, const Stage* stage) noexcept nogil:
    """Set what a stage accumulates into: 0 for a total, infinite for the smallest and the largest."""
    cdef const Instruction* ins
    cdef int32_t k, place, index, key
    cdef int64_t stride, count, g, rows
    cdef double start
    cdef double* out
    for k in range(stage.count):
        ins = f.code.instructions + stage.first + k
        if not OP_TOTAL <= ins.operation <= OP_TOTAL_PRODUCT:
            continue
        start = 0.0
        if ins.operation == OP_SMALLEST:
            start = INFINITE
        elif ins.operation == OP_LARGEST:
            start = -INFINITE
        place, index = ins.destination >> PLACE_BITS, ins.destination & ((1 << PLACE_BITS) - 1)
        key = index // GROUP_REGISTERS
        if place == AT_GROUP:
            lanes_fill(f.group_counts[key], start, f.groups[key] + index % GROUP_REGISTERS * f.group_counts[key])
        elif place == AT_GROUP_SCENARIO:
            rows = f.group_counts[key] * f.code.scenario_count_max
            lanes_fill(rows, start, f.group_scenarios[key] + index % GROUP_REGISTERS * rows)
        else:
            out = place_of(f, ins.destination, &stride)
            lanes_fill(f.lane_count if stride else 1, start, out)


cdef void run_stage(Frame* f, const Stage* stage) noexcept nogil:
    cdef const Instruction* first = f.code.instructions + stage.first
    cdef int64_t at
    cdef int32_t k
    f.kind, f.key, f.table, f.tail_count = stage.kind, stage.key, stage.table, stage.tail_count
    if f.kept != NULL:
        f.kept.lanes = NULL
    f.lane_count = lanes_of(f, stage)
    f.member = f.group = 0
    if stage.is_dot:
        run_dot(f, first)
        return
    start_accumulators(f, stage)
    if stage.kind == STAGE_POSITION_SCENARIO:
        for at in range(f.member_count):
            f.member = at
            f.spec = f.view.specs + f.members[at].instrument
            for k in range(stage.count):
                execute(f, first + k)
    elif stage.kind == STAGE_GROUP_SCENARIO:
        for at in range(f.group_counts[stage.key]):
            f.group = at
            for k in range(stage.count):
                execute(f, first + k)
    elif f.lane_count > 0:
        for k in range(stage.count):
            execute(f, first + k)


cdef void run_dot(Frame* f, const Instruction* ins) noexcept nogil:
    """Sum risk arrays times a figure of each position: what most of the time goes into."""
    cdef int64_t stride, at
    cdef double* out = place_of(f, ins.destination, &stride)
    cdef const double** rows = <const double**>arena_take(f.arena, (f.member_count + 1) * sizeof(double*))
    cdef const double* factors
    if rows == NULL:
        lanes_fill(f.lane_count, NAN, out)
        return
    factors = place_of(f, ins.operands[0], &stride)
    for at in range(f.member_count):
        rows[at] = f.blocks[at] + f.code.array_offsets[ins.operands[1] & ((1 << PLACE_BITS) - 1)]
    lanes_dot(f.lane_count, f.member_count, factors, rows, out)


cdef int start_frame(Frame* f) noexcept nogil:
    """Take the registers of a run; return 0 where memory is out. View, code, members and arena must be set."""
    cdef const Code* code = f.code
    cdef const ScenarioTable* table
    cdef int32_t k
    cdef int64_t registers
    f.widest = f.member_count if f.member_count > f.input_stride else f.input_stride
    if f.widest < code.scenario_count_max:
        f.widest = code.scenario_count_max
    if f.widest < 1:
        f.widest = 1
    f.scalars = <double*>arena_take(f.arena, (code.registers[AT_SCALAR] + 1) * f.input_stride * sizeof(double))
    f.lanes = <double*>arena_take(f.arena, (code.registers[AT_LANES] + 1) * f.widest * sizeof(double))
    f.positions = <double*>arena_take(f.arena, (code.registers[AT_POSITION] + 1) * f.member_count * sizeof(double))
    for k in range(64):
        if code.tables >> k & 1:
            table = table_of(f, k)
            f.scenarios[k] = <double*>arena_take(
                f.arena, (code.registers[AT_SCENARIO] + 1) * table.count * sizeof(double))
    for k in range(code.key_count):
        f.group_of[k] = <int32_t*>arena_take(f.arena, (f.member_count + 1) * sizeof(int32_t))
        if f.arena.failed:
            return 0
        f.group_counts[k] = partition(f.view, f.members, f.member_count, code.keys[k], f.group_of[k], f.arena)
        registers = f.group_counts[k]
        f.groups[k] = <double*>arena_take(f.arena, (code.registers[AT_GROUP] + 1) * registers * sizeof(double))
        f.group_scenarios[k] = <double*>arena_take(
            f.arena, (code.registers[AT_GROUP_SCENARIO] * registers * code.scenario_count_max + 1) * sizeof(double))
    return not f.arena.failed


cdef int run_code(Frame* f) noexcept nogil:
    """Run a program over its members; return 0 where memory was out."""
    cdef int32_t k
    if not start_frame(f):
        return 0
    for k in range(f.code.stage_count):
        if f.code.stages[k].kind >= STAGE_SCALAR:
            run_stage(f, f.code.stages + k)
    return not f.arena.failed


cdef inline double output_of(const Frame* f, int32_t k) noexcept nogil:
    cdef int64_t stride
    return place_of(<Frame*>f, f.code.outputs[k], &stride)[0]


cdef int prepare(
    const View* view, const Code* code, const Mark* mark, const Spec* spec, const double* quotes,
    const double* parameters, double* block, Arena* arena,
) noexcept nogil:
    """
    Compute what a program needs of one instrument, its risk arrays above all: once per market change, not per check.

    Args:
        mark, spec, quotes, parameters: of the instrument, which need not be the view's own.
        block: `code.block_size` doubles.
    """
    cdef Frame f
    cdef int32_t k
    begin_frame(&f, view, code, NULL, arena)
    f.mark, f.spec, f.quotes, f.parameters, f.block = mark, spec, quotes, parameters, block
    if not start_frame(&f):
        lanes_fill(code.block_size, NAN, block)
        return 0
    for k in range(code.stage_count):
        if code.stages[k].kind < STAGE_SCALAR:
            run_stage(&f, code.stages + k)
    return not f.arena.failed


# Subgroups

cdef inline uint64_t key_of(const View* view, const Member* member, int32_t mask) noexcept nogil:
    """Return a hash of what tells positions apart."""
    cdef const Spec* spec = view.specs + member.instrument
    cdef uint64_t key = 0x9E3779B97F4A7C15ULL, bits
    if mask & BY_UNDERLYING:
        key = mixed(key, <uint64_t><int64_t>spec.family)
    if mask & BY_EXPIRY:
        key = mixed(key, <uint64_t>spec.expires_ns)
    if mask & BY_STRIKE:
        memcpy(&bits, &spec.strike, sizeof(bits))
        key = mixed(key, bits)
    if mask & BY_SETTLEMENT:
        key = mixed(key, <uint64_t><int64_t>spec.settlement)
    if mask & BY_INSTRUMENT:
        key = mixed(key, <uint64_t>member.instrument)
    if mask & BY_RIGHT:
        key = mixed(key, <uint64_t><int64_t>spec.right)
    if mask & BY_PRODUCT:
        key = mixed(key, <uint64_t><int64_t>spec.product)
    return key


cdef inline uint64_t mixed(uint64_t key, uint64_t more) noexcept nogil:
    key ^= more + 0x9E3779B97F4A7C15ULL + (key << 6) + (key >> 2)
    key *= 0xBF58476D1CE4E5B9ULL
    return key ^ key >> 29


cdef inline int is_alike(const View* view, const Member* a, const Member* b, int32_t mask) noexcept nogil:
    cdef const Spec* x = view.specs + a.instrument
    cdef const Spec* y = view.specs + b.instrument
    return ((not mask & BY_UNDERLYING or x.family == y.family)
            and (not mask & BY_EXPIRY or x.expires_ns == y.expires_ns)
            and (not mask & BY_STRIKE or x.strike == y.strike)
            and (not mask & BY_SETTLEMENT or x.settlement == y.settlement)
            and (not mask & BY_INSTRUMENT or a.instrument == b.instrument)
            and (not mask & BY_RIGHT or x.right == y.right)
            and (not mask & BY_PRODUCT or x.product == y.product))


cdef int64_t partition(
    const View* view, const Member* members, int64_t count, int32_t mask, int32_t* group_of, Arena* arena,
) noexcept nogil:
    """Number the subgroups in the order in which they first appear; return how many there are."""
    cdef int64_t size = 4, k, slot, groups = 0
    cdef int32_t* slots
    cdef int32_t* firsts
    if mask == 0 or count == 0:
        for k in range(count):
            group_of[k] = 0
        return 1 if count else 0
    while size < 2 * count:
        size *= 2
    slots = <int32_t*>arena_take(arena, size * sizeof(int32_t))
    firsts = <int32_t*>arena_take(arena, count * sizeof(int32_t))
    if slots == NULL or firsts == NULL:
        return 0
    memset(slots, 255, size * sizeof(int32_t))
    for k in range(count):
        slot = <int64_t>(key_of(view, members + k, mask) & <uint64_t>(size - 1))
        while slots[slot] >= 0 and not is_alike(view, members + firsts[slots[slot]], members + k, mask):
            slot = (slot + 1) & (size - 1)
        if slots[slot] < 0:
            slots[slot] = <int32_t>groups
            firsts[groups] = <int32_t>k
            groups += 1
        group_of[k] = slots[slot]
    return groups

