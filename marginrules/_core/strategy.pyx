# Strategy books of a rulebook in the core: their tables, and the margin of one group by the cheapest grouping.

from marginrules.machine import Field

cdef dict FIELDS = {one.name.lower(): one.value for one in Field}

cdef enum:
    PLAIN_LEG_FIELDS = 32    # numbers of `marginrules.machine.Field` that are of an instrument
    LEG_FIELDS = 64          # and behind them the parameters of the rulebook


cdef void run_leg_code(const void* code, const double* const* inputs, int32_t n, double* out) noexcept nogil:
    """Run a formula about the legs of a strategy, for n candidates at once; it reads nothing but its inputs."""
    cdef View view
    cdef Arena arena
    cdef Frame f
    cdef int64_t stride, k
    cdef const double* found
    memset(&view, 0, sizeof(View))
    memset(&arena, 0, sizeof(Arena))
    view.program = (<const Code*>code).program
    begin_frame(&f, &view, <const Code*>code, NULL, &arena)
    f.lane_inputs, f.input_stride = inputs, n
    if run_code(&f):
        found = place_of(&f, f.code.outputs[0], &stride)
        for k in range(n):
            out[k] = found[k * stride]
    arena_free(&arena)


cdef int build_program(LaneProgram* made, Program* p, object models, int number, object legs) except -1:
    """Lay out which leg and field each input of a formula is; -1 is no formula."""
    cdef int32_t k
    cdef int32_t* inputs
    if number < 0:
        return 0
    code = models.codes[number]
    names = [leg.name for leg in legs]
    fields = FIELDS | {one.name: PLAIN_LEG_FIELDS + k for k, one in enumerate(models.parameters)}
    made.code = p.codes + number
    made.input_count = len(code.inputs)
    inputs = <int32_t*>allocate(made.input_count, sizeof(int32_t))
    made.inputs = inputs
    for k, name in enumerate(code.inputs):
        leg, _, field = name.partition(".")
        inputs[k] = names.index(leg) << 8 | int(fields[field])
    return 0


cdef int build_strategies(Program* p, object models) except -1:
    """Lay out every strategy book."""
    cdef int32_t k, j, i
    cdef StrategyTable* table
    cdef StrategyRow* row
    cdef StrategyJoin* joins
    p.strategy_book_count = len(models.strategies)
    p.strategies = <StrategyTable*>allocate(p.strategy_book_count, sizeof(StrategyTable))
    for k, book in enumerate(models.strategies):
        table = p.strategies + k
        table.field_count, table.multiplier_field, table.run = LEG_FIELDS, FIELD_MULTIPLIER, run_leg_code
        row = <StrategyRow*>allocate(len(book.strategies), sizeof(StrategyRow))
        table.rows, table.count = row, len(book.strategies)
        for j, strategy in enumerate(book.strategies):
            row[j].leg_count = len(strategy.legs)
            for i, leg in enumerate(strategy.legs):
                row[j].legs[i].right, row[j].legs[i].side, row[j].legs[i].ratio = leg.right, leg.side, leg.ratio
            joins = <StrategyJoin*>allocate(len(strategy.joins), sizeof(StrategyJoin))
            row[j].joins, row[j].join_count = joins, len(strategy.joins)
            for i, (first, second, field, relation) in enumerate(strategy.joins):
                joins[i].first, joins[i].second, joins[i].field, joins[i].relation = first, second, field, relation
            build_program(&row[j].condition, p, models, strategy.condition, strategy.legs)
            build_program(&row[j].requirements[0], p, models, strategy.initial, strategy.legs)
            build_program(&row[j].requirements[1], p, models, strategy.maintenance, strategy.legs)
    return 0


cdef void free_strategies(Program* p) noexcept:
    cdef int32_t k, j
    cdef const StrategyRow* row
    for k in range(p.strategy_book_count):
        for j in range(p.strategies[k].count):
            row = p.strategies[k].rows + j
            free(<void*>row.joins)
            free(<void*>row.condition.inputs)
            free(<void*>row.requirements[0].inputs)
            free(<void*>row.requirements[1].inputs)
        free(<void*>p.strategies[k].rows)
    free(p.strategies)


cdef int32_t legs_of(Frame* f, GroupLeg* legs, double* fields) noexcept nogil:
    """Describe the options and the stock of a group; return how many there are. Everything else is no leg."""
    cdef Frame one = f[0]
    cdef const Spec* spec
    cdef int64_t k
    cdef int32_t count = 0, field
    for k in range(f.member_count):
        spec = f.view.specs + f.members[k].instrument
        if spec.kind != OPTION and spec.kind != SPOT:
            continue
        one.spec, one.mark = spec, f.view.marks + f.members[k].instrument
        one.quotes = <const double*>f.view.quotes[f.members[k].instrument].values
        one.parameters = <const double*>f.view.parameters[f.members[k].instrument].values
        for field in range(PLAIN_LEG_FIELDS):
            fields[count * LEG_FIELDS + field] = field_of_instrument(&one, field)
        for field in range(LEG_FIELDS - PLAIN_LEG_FIELDS):
            fields[count * LEG_FIELDS + PLAIN_LEG_FIELDS + field] = one.parameters[field]
        legs[count].fields, legs[count].quantity, legs[count].right = (
            fields + count * LEG_FIELDS, f.members[k].quantity, spec.right)
        count += 1
    return count


cdef double strategy_margin(Frame* f, int32_t book, int32_t which) noexcept nogil:
    """
    Return what the cheapest valid grouping of a group into the strategies of a book requires.

    Not a number where there is none, and where a figure that it needs is missing.

    Args:
        which: 0 initial, 1 maintenance; each has its own cheapest grouping.
    """
    cdef GroupingLimits limits = usual_grouping_limits()
    cdef Grouping grouping
    cdef GroupingResult result
    cdef Span span
    cdef GroupLeg* legs
    cdef double* fields
    cdef char* memory
    cdef int32_t count
    cdef size_t size
    legs = <GroupLeg*>arena_take(f.arena, (f.member_count + 1) * sizeof(GroupLeg))
    fields = <double*>arena_take(f.arena, (f.member_count + 1) * LEG_FIELDS * sizeof(double))
    if f.arena.failed or f.member_count > LEGS_MOST:
        return NAN
    count = legs_of(f, legs, fields)
    if count == 0:
        return 0.0
    # Pages that are never touched cost nothing, so room for the largest search is taken at once.
    size = grouping_bytes(count, &limits)
    memory = <char*>malloc(size)
    if memory == NULL:
        return NAN
    span.at, span.end = memory, memory + size
    result.cost, result.status, result.is_proven = NAN, TOO_LARGE, False
    if find_candidates(f.view.program.strategies + book, legs, count, &limits, &span, &grouping):
        apply_conditions(&grouping, span)
        price_candidates(&grouping, which, span)
        solve_grouping(&grouping, &limits, INFINITE, span, &result)
    if not result.is_proven and result.status <= UNCOVERED:
        count_cut_search()
    record_grouping(f, book, which, &grouping, &result)
    free(memory)
    if isnan(result.cost) and lacks_field(f.view.program.strategies + book, which, legs, count):
        return absent(MISSING_DATA)
    return result.cost


cdef int lacks_field(const StrategyTable* table, int32_t which, const GroupLeg* legs, int32_t count) noexcept nogil:
    """Say whether a leg has not what a strategy that it could be part of reads of it."""
    cdef const StrategyRow* row
    cdef int32_t k, i
    for k in range(table.count):
        row = table.rows + k
        for i in range(count):
            if (lacks_input(row, &row.condition, legs + i)
                    or lacks_input(row, &row.requirements[which], legs + i)):
                return 1
    return 0


cdef int lacks_input(const StrategyRow* row, const LaneProgram* program, const GroupLeg* leg) noexcept nogil:
    cdef int32_t k, place, side = 1 if leg.quantity > 0.0 else -1
    if program.code == NULL:
        return 0
    for k in range(program.input_count):
        place = program.inputs[k] >> 8
        if (row.legs[place].right == leg.right and row.legs[place].side == side
                and isnan(leg.fields[program.inputs[k] & 255])):
            return 1
    return 0
