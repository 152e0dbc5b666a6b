# What changes when a price does, and room for more of everything.

cdef double NAN = float("nan")


cdef struct PriceRow:
    int32_t index
    double price
    int64_t time_ns
    int64_t max_age_ns
    double open_interest
    int32_t priced           # a mark was published: now, or before
    Totals totals            # of an asset


cdef Totals UNKNOWN_TOTALS
UNKNOWN_TOTALS.volatility = UNKNOWN_TOTALS.deposits = UNKNOWN_TOTALS.borrows = NAN


cdef int32_t with_balance(const Pool* pool, int32_t asset, double amount, Balance* out) noexcept nogil:
    """Write a pool's balances with another amount of one asset, none of it where it is 0; return how many there are."""
    cdef int32_t k, count = 0, found = 0
    for k in range(pool.balance_count):
        if pool.balances[k].asset == asset:
            found = 1
            if amount == 0.0:
                continue
            out[count] = pool.balances[k]
            out[count].amount = amount
        else:
            out[count] = pool.balances[k]
        count += 1
    if not found and amount != 0.0:
        out[count].asset, out[count].amount, out[count].unused = asset, amount, 0
        count += 1
    return count


cdef void forget_quotes(Quotes* quotes) noexcept nogil:
    cdef int32_t k
    for k in range(QUOTE_COUNT):
        quotes.values[k] = NAN


cdef int grow(void** memory, int count, int* room, size_t size) noexcept nogil:
    """Make room for one more, zeroed; return 0 when memory is out. Growth is by half again, to keep the slack small."""
    cdef void* bigger
    cdef int wanted
    if count < room[0]:
        memset(<char*>memory[0] + count * size, 0, size)
        return 1
    wanted = room[0] + room[0] // 2 + 64
    bigger = realloc(memory[0], wanted * size)
    if bigger == NULL:
        return 0
    memory[0] = bigger
    room[0] = wanted
    memset(<char*>memory[0] + count * size, 0, size)
    return 1


cdef inline int is_worthless(const Spec* spec) noexcept nogil:
    return spec.kind == OPTION and spec.priced and spec.mark == 0.0


cdef void derive(Mark* mark, const Spec* spec, const Asset* assets) noexcept nogil:
    """Compute from the prices what the hot loop reads, once per change."""
    cdef const Asset* settlement = assets + spec.settlement
    mark.status &= ~(MISSING_PRICE | NOT_FINITE)
    mark.status |= 0 if 0.0 <= mark.open_interest < INFINITE else NOT_FINITE
    mark.fx = settlement.price
    # A settlement asset worth nothing would make every requirement nothing; an option alone may be worthless.
    if (spec.mark > 0.0 or is_worthless(spec)) and settlement.price > 0.0 and not settlement.status & MISSING_PRICE:
        mark.unit_value = cost_of(spec, 1.0, spec.mark) * settlement.price
    else:
        mark.status |= MISSING_PRICE
        mark.unit_value = NAN
    # What cannot be used at all is never fresh: the hot loop has to look at one thing only.
    mark.fresh_until = fresh_until(spec, assets) if mark.status == 0 else INT64_MIN


cdef struct Instrument:      # a private copy of everything that is known of one
    Mark mark
    Spec spec
    Quotes quotes
    Parameters parameters


cdef int read_parameters(Parameters* set, values) except -1:
    """Read what a rulebook sets for an instrument; the rest is not a number."""
    cdef int32_t k
    if len(values) > PARAMETER_COUNT:
        raise ValueError(f"an instrument had {len(values)} parameters, allowed are {PARAMETER_COUNT}")
    for k in range(PARAMETER_COUNT):
        set.values[k] = NAN
    for k, value in enumerate(values):
        set.values[k] = value
    return 0


cdef inline const Code* code_of(const Program* program, const Spec* spec) noexcept nogil:
    """Return the program of an instrument's portfolio; NULL where it is margined by rates of its own."""
    cdef int32_t portfolio
    if not 0 <= spec.product < program.product_count:
        return NULL
    # Which portfolio a product belongs to is the same for every profile.
    portfolio = program.rules[spec.product].portfolio
    return program.codes + program.portfolios[portfolio].code if portfolio >= 0 else NULL


cdef inline int64_t own_size(const Program* program, const Spec* spec) noexcept nogil:
    """Return how many doubles of an instrument's block are its portfolio's; those of the pool's formulas follow."""
    cdef const Code* code = code_of(program, spec)
    return code.block_size if code != NULL else 0


cdef inline int is_prepared(const Program* program, const Spec* spec) noexcept nogil:
    """Say whether anything about an instrument is prepared."""
    return program != NULL and spec.priced and (code_of(program, spec) != NULL or program.pool_code >= 0)


cdef double* prepared(const View* view, const Program* program, const Instrument* one, Arena* arena) noexcept nogil:
    """Return the block of an instrument, which the caller frees; NULL where memory is out. The arena is left empty."""
    cdef const Code* own = code_of(program, &one.spec)
    cdef const Code* pool = program.codes + program.pool_code if program.pool_code >= 0 else NULL
    cdef int64_t size = own_size(program, &one.spec)
    cdef double* block = <double*>malloc((size + (pool.block_size if pool != NULL else 0) + 4) * sizeof(double))
    if block == NULL:
        return NULL
    if (own != NULL and not prepare_by(view, own, one, block, arena)
            or pool != NULL and not prepare_by(view, pool, one, block + size, arena)):
        free(block)
        return NULL
    return block


cdef int prepare_by(
    const View* view, const Code* code, const Instrument* one, double* block, Arena* arena,
) noexcept nogil:
    """Prepare what one program needs of an instrument; return 0 where memory is out."""
    cdef Arena before = arena[0]
    cdef int made = prepare(view, code, &one.mark, &one.spec, one.quotes.values, one.parameters.values, block, arena)
    if before.last == NULL:
        arena_reset(arena)
    else:
        arena_rewind(arena, before)
    return made


cdef void swap_blocks(double** old, double** new, int32_t count) noexcept nogil:
    """Put new blocks where there are any; the old ones take their place, to be freed outside the lock."""
    cdef int32_t k
    cdef double* block
    for k in range(count):
        if new[k] != NULL:
            block = old[k]
            old[k] = new[k]
            new[k] = block


@cython.final
cdef class Series:
    """Hold the moves of underlyings in historical scenarios; never changed, so that a copy of a pool may go on reading."""

    cdef double** rows       # [scenario table][family]
    cdef int32_t stride
    cdef int32_t table_count

    def __cinit__(self, Tables tables not None, series):
        """`series`: rows (scenario table, family, moves)."""
        cdef int64_t k, table, family
        self.stride = max([row[1] + 1 for row in series], default=0)
        self.table_count = tables.program.scenario_table_count
        self.rows = <double**>allocate(self.table_count * self.stride, sizeof(double*))
        for table, family, moves in series:
            if not (0 <= table < self.table_count and 0 <= family < self.stride):
                raise IndexError(f"scenario table was {table}, family was {family}")
            if len(moves) != tables.program.scenario_tables[table].count:
                raise ValueError(f"{len(moves)} moves for {tables.program.scenario_tables[table].count} scenarios")
            self.rows[table * self.stride + family] = <double*>allocate(len(moves), sizeof(double))
            for k, move in enumerate(moves):
                self.rows[table * self.stride + family][k] = known(move)

    def __dealloc__(self):
        cdef int64_t k
        if self.rows != NULL:
            for k in range(<int64_t>self.table_count * self.stride):
                free(self.rows[k])
        free(self.rows)
