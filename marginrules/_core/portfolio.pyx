# Positions that are margined together: which belong to which group, and what each group must hold.

cdef struct Margin:
    double initial
    double maintenance


cdef int32_t missing_data(const View* view, const Code* code, const Member* members, int64_t count) noexcept nogil:
    """Say why a figure is not a number: something that its formulas read was never published, or arithmetic ended."""
    cdef int64_t k
    cdef int32_t j, field
    for k in range(count):
        for j in range(code.field_count):
            field = code.fields[j]
            if not FIELD_INDEX <= field < FIELD_PUBLISHED_END or field == FIELD_KIND:
                continue
            if isnan(view.quotes[members[k].instrument].values[field]):
                return MISSING_DATA
        for j in range(view.program.scenario_table_count):
            if (code.tables >> j & 1 and view.program.scenario_tables[j].is_historical
                    and series_of(view, j, view.specs + members[k].instrument) == NULL):
                return MISSING_DATA
    return NOT_FINITE


cdef int run_group(
    const View* view, const Pool* pool, const Code* code, const Member* members, int64_t count, int64_t changed,
    double quantity, Arena* arena, Margin* out,
) noexcept nogil:
    """
    Compute what one group must hold; return reason bits.

    Args:
        changed: a member whose quantity is to be another, or -1. Members that hold nothing are left out, unless the
            program counts open orders by itself.
    """
    cdef Frame f
    cdef Member* taken
    cdef int64_t k, kept = 0
    out.initial = out.maintenance = 0.0
    memset(&f, 0, sizeof(Frame))
    taken = <Member*>arena_take(arena, (count + 1) * sizeof(Member))
    f.blocks = <const double**>arena_take(arena, (count + 1) * sizeof(double*))
    if arena.failed:
        return NOT_FINITE
    for k in range(count):
        taken[kept] = members[k]
        if k == changed:
            taken[kept].cost += cost_of(view.specs + members[k].instrument, quantity - taken[kept].quantity,
                                        view.specs[members[k].instrument].mark)
            taken[kept].quantity = quantity
        if taken[kept].quantity == 0.0 and not code.uses_orders:
            continue
        f.blocks[kept] = view.blocks[members[k].instrument]
        if f.blocks[kept] == NULL:
            return MISSING_DATA
        kept += 1
    if kept == 0:
        return 0
    f.view, f.code, f.pool, f.arena, f.members, f.member_count = view, code, pool, arena, taken, kept
    f.input_stride = 1
    if not run_code(&f):
        return NOT_FINITE
    out.maintenance = output_of(&f, 1)
    out.initial = output_of(&f, 0)
    if not (isfinite(out.maintenance) and isfinite(out.initial)):
        out.initial = out.maintenance = 0.0  # the reason says it all
        return missing_data(view, code, taken, kept)
    out.maintenance = greater(out.maintenance, 0.0)
    out.initial = greater(out.initial, out.maintenance)
    return 0


cdef void member_of(const Pool* pool, int32_t position, Member* out) noexcept nogil:
    """Describe a position of a pool as a member of a group, with the open orders in its instrument."""
    cdef const Position* held = pool.positions + position
    cdef int32_t k
    out.instrument, out.order = held.instrument, -1
    out.quantity, out.cost, out.leverage_rate = held.quantity, held.cost, held.leverage_rate
    for k in range(pool.order_count):
        if pool.orders[k].position == position:
            out.order = k


cdef int add_portfolios(
    const View* view, const Pool* pool, const Rule* rules, Arena* arena, Margin* sums, double* excluded,
) noexcept nogil:
    """
    Add what all groups of a pool must hold; return reason bits.

    Args:
        excluded: gets the profit and loss that the rulebook leaves out of equity.
    """
    cdef const Program* program = view.program
    cdef const Rule* rule
    cdef const Position* position
    cdef Member* members
    cdef Member* group
    cdef int32_t* portfolios
    cdef int32_t* group_of
    cdef int64_t count = 0, mine, groups, g, k, kept
    cdef int32_t q, flags = 0
    cdef Margin margin
    excluded[0] = 0.0
    if pool.position_count + pool.order_count == 0:
        return 0
    k = pool.position_count + pool.order_count
    members = <Member*>arena_take(arena, 3 * k * sizeof(Member))
    portfolios = <int32_t*>arena_take(arena, k * sizeof(int32_t))
    group_of = <int32_t*>arena_take(arena, k * sizeof(int32_t))
    if arena.failed:
        return NOT_FINITE
    group = members + 2 * k
    for k in range(pool.position_count):
        position = pool.positions + k
        rule = rule_of(rules, view.marks + position.instrument)
        if rule.is_excluded:
            excluded[0] += (position.quantity * view.marks[position.instrument].unit_value
                            - position.cost * view.marks[position.instrument].fx)
        if rule.portfolio < 0:
            continue
        member_of(pool, <int32_t>k, members + count)
        portfolios[count] = rule.portfolio
        count += 1
    for g in range(pool.order_count):
        rule = rule_of(rules, view.marks + pool.orders[g].instrument)
        if pool.orders[g].position < 0 and rule.portfolio >= 0:
            memset(members + count, 0, sizeof(Member))
            members[count].instrument, members[count].order = pool.orders[g].instrument, <int32_t>g
            members[count].leverage_rate = pool.orders[g].leverage_rate
            portfolios[count] = rule.portfolio
            count += 1
    if count == 0:
        return 0
    # Each portfolio's members are moved together behind the list, then told apart by its keys.
    for q in range(program.portfolio_count):
        mine = 0
        for k in range(count):
            if portfolios[k] == q:
                members[count + mine] = members[k]
                mine += 1
        if mine == 0:
            continue
        groups = partition(view, members + count, mine, program.portfolios[q].by, group_of, arena)
        for g in range(groups):
            kept = 0
            for k in range(mine):
                if group_of[k] == g:
                    group[kept] = members[count + k]
                    kept += 1
            flags |= run_group(view, pool, program.codes + program.portfolios[q].code, group, kept, -1, 0.0, arena,
                               &margin)
            sums.initial += margin.initial
            sums.maintenance += margin.maintenance
            if pool.order_count and not program.codes[program.portfolios[q].code].uses_orders:
                flags |= add_order_margin(view, pool, program.codes + program.portfolios[q].code, group, kept,
                                          margin.initial, arena, &sums.initial)
    return flags | (NOT_FINITE if arena.failed else 0)


cdef int add_order_margin(
    const View* view, const Pool* pool, const Code* code, const Member* group, int64_t count, double none,
    Arena* arena, double* initial,
) noexcept nogil:
    """Raise IM to the worse of the two fills of each instrument's open orders, losses on the fill included."""
    cdef const OrderSum* order
    cdef const Mark* mark
    cdef Margin bought, sold
    cdef double loss
    cdef int64_t k
    cdef int32_t flags = 0
    for k in range(count):
        if group[k].order < 0:
            continue
        order = pool.orders + group[k].order
        mark = view.marks + group[k].instrument
        flags |= run_group(view, pool, code, group, count, k, group[k].quantity + order.buy_quantity, arena, &bought)
        flags |= run_group(view, pool, code, group, count, k, group[k].quantity - order.sell_quantity, arena, &sold)
        loss = order.buy_cost * mark.fx - order.buy_quantity * mark.unit_value
        bought.initial += greater(loss, 0.0)
        loss = order.sell_cost * mark.fx + order.sell_quantity * mark.unit_value
        sold.initial += greater(loss, 0.0)
        initial[0] += greater(greater(bought.initial, sold.initial) - none, 0.0)
    return flags


cdef int apply_pool_code(
    const View* view, const Pool* pool, PoolFigures* figures, Arena* arena, Margin* margin,
) noexcept nogil:
    """Let the pool's own formulas have the last word, over all its positions; return reason bits."""
    cdef const Program* program = view.program
    cdef Frame f
    cdef Member* members
    cdef int32_t k, instrument
    memset(&f, 0, sizeof(Frame))
    members = <Member*>arena_take(arena, (pool.position_count + 1) * sizeof(Member))
    f.blocks = <const double**>arena_take(arena, (pool.position_count + 1) * sizeof(double*))
    if arena.failed:
        return NOT_FINITE
    for k in range(pool.position_count):
        instrument = pool.positions[k].instrument
        member_of(pool, k, members + k)
        if view.blocks[instrument] == NULL:
            return MISSING_DATA
        f.blocks[k] = view.blocks[instrument] + own_size(program, view.specs + instrument)
    f.view, f.code, f.pool, f.arena = view, program.codes + program.pool_code, pool, arena
    f.figures, f.input_stride = figures, 1
    f.members, f.member_count = members, pool.position_count
    if not run_code(&f):
        return NOT_FINITE
    margin.maintenance = output_of(&f, 1)
    margin.initial = output_of(&f, 0)
    if not (isfinite(margin.maintenance) and isfinite(margin.initial)):
        margin.initial = margin.maintenance = 0.0
        return missing_data(view, f.code, members, f.member_count)
    margin.maintenance = greater(margin.maintenance, 0.0)
    margin.initial = greater(margin.initial, margin.maintenance)
    return 0


cdef double borrowed_of(const View* view, const Pool* pool) noexcept nogil:
    """Return the value of what a pool owes, not signed."""
    cdef double total = 0.0
    cdef int32_t k
    for k in range(pool.balance_count):
        if pool.balances[k].amount < 0.0:
            total -= pool.balances[k].amount * view.assets[pool.balances[k].asset].price
    return total


cdef int add_models(
    const View* view, const Pool* pool, const Rule* rules, double collateral, double* pnl, Arena* arena, Margin* margin,
) noexcept nogil:
    """
    Add portfolios to what tiers demand, then apply the pool's formulas; return reason bits.

    Args:
        pnl: profit and loss of all positions; what the rulebook leaves out of equity is taken away.
        margin: what tiers demand; gets the whole.
    """
    cdef PoolFigures figures
    cdef double excluded = 0.0
    cdef int32_t flags
    flags = add_portfolios(view, pool, rules, arena, margin, &excluded)
    pnl[0] -= excluded
    if view.program.pool_code >= 0:
        figures.collateral, figures.due, figures.unrealized_pnl = collateral, pool.due, pnl[0]
        figures.equity = collateral + pnl[0] - pool.due
        figures.borrowed = borrowed_of(view, pool)
        figures.initial, figures.maintenance = margin.initial, margin.maintenance
        flags |= apply_pool_code(view, pool, &figures, arena, margin)
    arena_reset(arena)
    return flags
