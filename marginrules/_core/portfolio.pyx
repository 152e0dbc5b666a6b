# Positions that are margined together: which belong to which group, and what each group must hold.

cdef struct Margin:
    double initial
    double maintenance


cdef struct Fills:           # a group after open orders have filled
    Member* members
    double losses


cdef int32_t floor_margin(double initial, double maintenance, Margin* out) noexcept nogil:
    """Write what is demanded, never below 0 and IM never below MM; return why a figure is not a number."""
    cdef int32_t flags = reasons_of(initial, NOT_FINITE) | reasons_of(maintenance, NOT_FINITE)
    out.initial, out.maintenance = initial, maintenance
    if not flags:
        out.maintenance = greater(maintenance, 0.0)
        out.initial = greater(initial, out.maintenance)
    return flags


cdef int32_t run_group(
    const View* view, const Pool* pool, const Code* code, const Member* members, int64_t count, Arena* arena,
    Margin* out,
) noexcept nogil:
    """
    Compute what one group must hold; return reason bits.

    Members that hold nothing are left out, unless the program counts open orders by itself.
    """
    cdef Arena before = arena[0]
    cdef Frame f
    cdef const Member* taken = members
    cdef const double** blocks = <const double**>arena_take(arena, count * sizeof(double*))
    cdef int64_t kept = count
    cdef int32_t flags = 0
    out.initial = out.maintenance = 0.0
    if not code.uses_orders and holds_nothing(members, count):
        taken = without_nothing(members, count, arena, &kept)
    if arena.failed:
        return NOT_FINITE
    if not blocks_of(view, taken, kept, blocks):
        flags = MISSING_DATA
    elif kept > 0:
        begin_frame(&f, view, code, pool, arena)
        f.members, f.member_count, f.blocks = taken, kept, blocks
        flags = NOT_FINITE
        if run_code(&f):
            flags = floor_margin(output_of(&f, 0), output_of(&f, 1), out)
    arena_rewind(arena, before)
    return flags


cdef inline int holds_nothing(const Member* members, int64_t count) noexcept nogil:
    """Say whether there is a member that holds nothing."""
    cdef int64_t k
    cdef int found = 0
    for k in range(count):
        found |= members[k].quantity == 0.0
    return found


cdef const Member* without_nothing(const Member* members, int64_t count, Arena* arena, int64_t* kept) noexcept nogil:
    """Return the members that hold something; NULL where memory is out."""
    cdef Member* taken = <Member*>arena_take(arena, count * sizeof(Member))
    cdef int64_t k
    kept[0] = 0
    if taken == NULL:
        return NULL
    for k in range(count):
        if members[k].quantity != 0.0:
            taken[kept[0]] = members[k]
            kept[0] += 1
    return taken


cdef inline int blocks_of(const View* view, const Member* members, int64_t count, const double** out) noexcept nogil:
    """Point at what was prepared of each member; return 0 where something was not."""
    cdef int64_t k
    cdef int found = 1
    for k in range(count):
        out[k] = view.blocks[members[k].instrument]
        found &= out[k] != NULL
    return found


cdef void member_of(const Pool* pool, int32_t position, int32_t order, Member* out) noexcept nogil:
    """Describe a position of a pool as a member of a group. `order`: the sum of open orders in its instrument, or -1."""
    cdef const Position* held = pool.positions + position
    out.instrument, out.order = held.instrument, order
    out.quantity, out.cost, out.leverage_rate = held.quantity, held.cost, held.leverage_rate


cdef int32_t* orders_of(const Pool* pool, Arena* arena) noexcept nogil:
    """Return for each position the sum of open orders in its instrument, or -1; NULL where memory is out."""
    cdef int32_t* found = <int32_t*>arena_take(arena, (pool.position_count + 1) * sizeof(int32_t))
    cdef int32_t k
    if found == NULL:
        return NULL
    for k in range(pool.position_count):
        found[k] = -1
    for k in range(pool.order_count):
        if pool.orders[k].position >= 0:
            found[pool.orders[k].position] = k
    return found


cdef int64_t gather_members(
    const View* view, const Pool* pool, const Rule* rules, Arena* arena, Member* members, int32_t* portfolios,
    double* excluded,
) noexcept nogil:
    """
    List what is margined in portfolios: positions, then instruments with nothing but open orders; return how many.

    Args:
        members, portfolios: room for as many as there are positions and orders.
        excluded: gets the profit and loss that the rulebook leaves out of equity.
    """
    cdef const Rule* rule
    cdef const Position* position
    cdef const int32_t* order_of = orders_of(pool, arena)
    cdef int64_t count = 0
    cdef int32_t k
    if order_of == NULL:
        return 0
    for k in range(pool.position_count):
        position = pool.positions + k
        rule = rule_of(rules, view.marks + position.instrument)
        if rule.is_excluded:
            excluded[0] += (position.quantity * view.marks[position.instrument].unit_value
                            - position.cost * view.marks[position.instrument].fx)
        if rule.portfolio < 0:
            continue
        member_of(pool, k, order_of[k], members + count)
        portfolios[count] = rule.portfolio
        count += 1
    for k in range(pool.order_count):
        rule = rule_of(rules, view.marks + pool.orders[k].instrument)
        if pool.orders[k].position >= 0 or rule.portfolio < 0:
            continue
        memset(members + count, 0, sizeof(Member))
        members[count].instrument, members[count].order = pool.orders[k].instrument, k
        members[count].leverage_rate = pool.orders[k].leverage_rate
        portfolios[count] = rule.portfolio
        count += 1
    return count


cdef int add_portfolios(
    const View* view, const Pool* pool, const Rule* rules, Arena* arena, Margin* sums, double* excluded,
) noexcept nogil:
    """
    Add what all groups of a pool must hold; return reason bits.

    Args:
        excluded: gets the profit and loss that the rulebook leaves out of equity.
    """
    cdef Member* members
    cdef Member* group
    cdef int32_t* portfolios
    cdef int64_t count, k, mine
    cdef int32_t q, flags = 0
    excluded[0] = 0.0
    k = pool.position_count + pool.order_count
    if k == 0:
        return 0
    members = <Member*>arena_take(arena, 2 * k * sizeof(Member))
    portfolios = <int32_t*>arena_take(arena, k * sizeof(int32_t))
    if arena.failed:
        return NOT_FINITE
    count = gather_members(view, pool, rules, arena, members, portfolios, excluded)
    if view.program.portfolio_count == 1 and count > 0:
        return add_portfolio(view, pool, rules, view.program.portfolios, members, count, arena, sums)
    group = members + k
    for q in range(view.program.portfolio_count):
        mine = 0
        for k in range(count):
            if portfolios[k] == q:
                group[mine] = members[k]
                mine += 1
        if mine:
            flags |= add_portfolio(view, pool, rules, view.program.portfolios + q, group, mine, arena, sums)
    return flags | (NOT_FINITE if arena.failed else 0)


cdef int32_t add_portfolio(
    const View* view, const Pool* pool, const Rule* rules, const Portfolio* portfolio, const Member* members,
    int64_t count, Arena* arena, Margin* sums,
) noexcept nogil:
    """Add what the groups of one portfolio must hold; return reason bits."""
    cdef int32_t* group_of
    cdef int64_t* ends
    cdef Member* sorted_members
    cdef int64_t groups, g, k, first = 0
    cdef int32_t flags = 0
    if portfolio.by == 0:
        return add_group(view, pool, rules, portfolio, members, count, arena, sums)
    group_of = <int32_t*>arena_take(arena, count * sizeof(int32_t))
    sorted_members = <Member*>arena_take(arena, count * sizeof(Member))
    if arena.failed:
        return NOT_FINITE
    groups = partition(view, members, count, portfolio.by, group_of, arena)
    ends = <int64_t*>arena_take(arena, (groups + 1) * sizeof(int64_t))
    if arena.failed:
        return NOT_FINITE
    # Members are moved together group by group, in their order.
    memset(ends, 0, (groups + 1) * sizeof(int64_t))
    for k in range(count):
        ends[group_of[k] + 1] += 1
    for g in range(groups):
        ends[g + 1] += ends[g]
    for k in range(count):
        sorted_members[ends[group_of[k]]] = members[k]
        ends[group_of[k]] += 1
    for g in range(groups):
        flags |= add_group(view, pool, rules, portfolio, sorted_members + first, ends[g] - first, arena, sums)
        first = ends[g]
    return flags


cdef int32_t add_group(
    const View* view, const Pool* pool, const Rule* rules, const Portfolio* portfolio, const Member* members,
    int64_t count, Arena* arena, Margin* sums,
) noexcept nogil:
    """Add what one group must hold, open orders included; return reason bits."""
    cdef const Code* code = view.program.codes + portfolio.code
    cdef Margin margin
    cdef double ordered = 0.0
    cdef int32_t flags
    begin_record(view, <int32_t>(portfolio - view.program.portfolios), members, count)
    flags = run_group(view, pool, code, members, count, arena, &margin)
    end_groupings(view)
    sums.initial += margin.initial
    sums.maintenance += margin.maintenance
    if pool.order_count and not code.uses_orders and not flags:
        flags |= add_order_margin(view, pool, rules, code, members, count, margin.initial, arena, &ordered)
        sums.initial += ordered
    record_margin(view, margin.initial, margin.maintenance, ordered, flags)
    return flags


cdef void fill_member(
    const View* view, const Pool* pool, const Rule* rules, int64_t k, int is_buy, Fills* out,
) noexcept nogil:
    """Fill the open orders of one side of a member, at the mark; what they lose beside it is added up."""
    cdef Member* member = out.members + k
    cdef const OrderSum* order = pool.orders + member.order
    cdef const Spec* spec = view.specs + member.instrument
    cdef double quantity = order.buy_quantity if is_buy else -order.sell_quantity
    if not spec.outright:
        member.cost += cost_of(spec, quantity, spec.mark)
    member.quantity += quantity
    member.leverage_rate = greater(member.leverage_rate, order.leverage_rate)
    out.losses += loss_of_fill(view, rule_of(rules, view.marks + member.instrument), order, is_buy)


cdef int32_t initial_of_fills(
    const View* view, const Pool* pool, const Code* code, const Fills* fills, int64_t count, Arena* arena,
    double* initial,
) noexcept nogil:
    """Compute IM of a group after fills, what they lose included; return reason bits."""
    cdef Margin margin
    cdef int32_t flags = run_group(view, pool, code, fills.members, count, arena, &margin)
    initial[0] = margin.initial + fills.losses
    return flags | reasons_of(initial[0], NOT_FINITE)


cdef int add_order_margin(
    const View* view, const Pool* pool, const Rule* rules, const Code* code, const Member* group, int64_t count,
    double none, Arena* arena, double* initial,
) noexcept nogil:
    """
    Raise IM for open orders; return reason bits.

    Each instrument adds what the worse of its two fills adds. One that is covered twice over by the same position adds
    nothing by itself, so all worse fills together, all buys and all sells count as well, and the greatest is taken.

    Args:
        none: IM without open orders.
    """
    cdef Arena before = arena[0]
    cdef Fills one, bought, sold, worse
    cdef Fills* kinds[3]
    cdef double im[2]
    cdef double each = 0.0, together = none
    cdef int64_t k, instruments = 0
    cdef int32_t side, flags = 0
    one.members = <Member*>arena_take(arena, 4 * count * sizeof(Member))
    if one.members == NULL:
        return NOT_FINITE
    memcpy(one.members, group, count * sizeof(Member))
    bought.members, sold.members, worse.members = one.members + count, one.members + 2 * count, one.members + 3 * count
    memcpy(bought.members, group, count * sizeof(Member))
    memcpy(sold.members, group, count * sizeof(Member))
    memcpy(worse.members, group, count * sizeof(Member))
    bought.losses = sold.losses = worse.losses = 0.0
    kinds[0], kinds[1], kinds[2] = &sold, &bought, &worse
    for k in range(count):
        if group[k].order < 0:
            continue
        instruments += 1
        for side in range(2):
            im[side] = none
            if (pool.orders[group[k].order].buy_quantity if side else pool.orders[group[k].order].sell_quantity) == 0.0:
                continue
            one.losses = 0.0
            fill_member(view, pool, rules, k, side, &one)
            flags |= initial_of_fills(view, pool, code, &one, count, arena, &im[side])
            one.members[k] = group[k]
            fill_member(view, pool, rules, k, side, kinds[side])
        each += greater(greater(im[0], im[1]) - none, 0.0)
        if im[0] > none or im[1] > none:
            fill_member(view, pool, rules, k, im[1] > im[0], &worse)
    if instruments > 1 and not flags:
        for k in range(3):
            flags |= initial_of_fills(view, pool, code, kinds[k], count, arena, &im[0])
            together = greater(together, im[0])
    initial[0] += greater(each, together - none)
    arena_rewind(arena, before)
    return flags


cdef int apply_pool_code(
    const View* view, const Pool* pool, PoolFigures* figures, Arena* arena, Margin* margin,
) noexcept nogil:
    """Let the pool's own formulas have the last word, over all its positions; return reason bits."""
    cdef const Program* program = view.program
    cdef Frame f
    cdef Member* members = <Member*>arena_take(arena, pool.position_count * sizeof(Member))
    cdef const double** blocks = <const double**>arena_take(arena, pool.position_count * sizeof(double*))
    cdef const int32_t* order_of = orders_of(pool, arena)
    cdef int32_t k, instrument
    if arena.failed:
        return NOT_FINITE
    begin_frame(&f, view, program.codes + program.pool_code, pool, arena)
    for k in range(pool.position_count):
        instrument = pool.positions[k].instrument
        member_of(pool, k, order_of[k], members + k)
        if view.blocks[instrument] == NULL:
            return MISSING_DATA
        blocks[k] = view.blocks[instrument] + own_size(program, view.specs + instrument)
    f.figures, f.members, f.member_count, f.blocks = figures, members, pool.position_count, blocks
    begin_record(view, -1, NULL, 0)
    k = run_code(&f)
    end_groupings(view)
    record_margin(view, figures.initial, figures.maintenance, 0.0, 0)
    if not k:
        return NOT_FINITE
    return floor_margin(output_of(&f, 0), output_of(&f, 1), margin)


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
