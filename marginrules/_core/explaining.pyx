# How a pool's margin comes about, part by part; the parts add up to the assessment.

cdef list groupings_of(const RecordedGroup* group):
    cdef const RecordedGrouping* one = group.first
    cdef const RecordedUse* use
    cdef int32_t k, i
    found = []
    while one != NULL:
        uses = []
        for k in range(one.use_count):
            use = one.uses + k
            legs = tuple([(use.instruments[i], use.quantities[i]) for i in range(use.leg_count)])
            uses.append((use.strategy, use.amount, use.cost, legs))
        found.append((one.book, one.requirement, one.status, bool(one.is_proven), one.cost, uses))
        one = one.next
    return found


cdef list groups_of(const View* view, const Record* record, int64_t now):
    cdef const RecordedGroup* group = record.first
    cdef int32_t k, flags
    found = []
    while group != NULL:
        flags = group.flags
        for k in range(group.instrument_count):
            flags |= unfitness(view, group.instruments[k], now)
        instruments = tuple([group.instruments[k] for k in range(group.instrument_count)])
        found.append((group.portfolio, instruments, group.initial, group.maintenance, group.ordered, flags,
                      groupings_of(group)))
        group = group.next
    return found


cdef list positions_of(const View* view, const Pool* pool, int64_t now):
    """Return rows of what is margined by tiers: positions, then instruments with nothing but open orders."""
    cdef const Rule* rules = rules_of(view.program, pool.profile)
    cdef const Rule* rule
    cdef const Mark* mark
    cdef const Position* position
    cdef int32_t k, i, flags
    cdef double ordered, value
    cdef pair needed
    rows, seen = [], set()
    for k in range(pool.position_count):
        position = pool.positions + k
        mark = view.marks + position.instrument
        rule = rule_of(rules, mark)
        if rule.portfolio >= 0:
            continue
        flags, ordered, value = unfitness(view, position.instrument, now), 0.0, position.quantity * mark.unit_value
        if not position.leverage_rate > 0.0:
            flags |= <int32_t>rule.leverage_bit
        needed = requirement_of(rule, mark.open_interest, fabs(value), position.leverage_rate)
        for i in range(pool.order_count):
            if pool.orders[i].position == k:
                ordered = margin_of_orders(view, pool, rule, pool.orders + i, &flags)
        flags |= reasons_of(pair_initial(needed) + ordered, NOT_FINITE)
        rows.append((position.instrument, position.quantity, value, pair_initial(needed), pair_maintenance(needed),
                     ordered, flags))
    for i in range(pool.order_count):
        rule = rule_of(rules, view.marks + pool.orders[i].instrument)
        if pool.orders[i].position >= 0 or rule.portfolio >= 0:
            continue
        flags = unfitness(view, pool.orders[i].instrument, now)
        ordered = margin_of_orders(view, pool, rule, pool.orders + i, &flags)
        flags |= reasons_of(ordered, NOT_FINITE)
        rows.append((pool.orders[i].instrument, 0.0, 0.0, 0.0, 0.0, ordered, flags))
    return rows


cdef list excluded_of(const View* view, const Pool* pool):
    cdef const Rule* rules = rules_of(view.program, pool.profile)
    cdef const Position* position
    cdef const Mark* mark
    cdef int32_t k
    rows = []
    for k in range(pool.position_count):
        position = pool.positions + k
        mark = view.marks + position.instrument
        if rule_of(rules, mark).is_excluded:
            rows.append((position.instrument, position.quantity * mark.unit_value - position.cost * mark.fx))
    return rows


def explain(Scratch copy not None, int64_t now):
    """
    Assess a copy of a pool and say how its margin comes about.

    IM is the sum of IM and of what open orders add over positions, then groups, MM the sum of MM; the pool's own
    formulas, a group of portfolio -1, come last and make of that sum what the assessment says.

    Returns:
        (assessment, profile,
        rows of what tiers margin (instrument, quantity, value, IM, MM, IM added by open orders, reason bits),
        rows of groups (portfolio, instruments, IM, MM, IM added by open orders, reason bits, groupings): of portfolio
        -1 the sum before the pool's own formulas; a grouping is (strategy book, 0 initial or 1 maintenance, status,
        whether nothing costs less, cost, rows (strategy, amount, cost of one unit, legs (instrument, quantity))),
        rows (instrument, profit and loss that is no part of equity)).
        Figures of a row with reason bits must not be used. No rows where no rulebook is active.
    """
    cdef Record record
    cdef Assessment made = Assessment.__new__(Assessment)
    memset(&record, 0, sizeof(Record))
    copy.view.record = &record
    try:
        with nogil:
            copy.evaluate(now, &made.result)
        copy.view.record = NULL
        if record.arena.failed:
            raise MemoryError("out of memory")
        if copy.view.program == NULL:
            return made, -1, [], [], []
        return (made, copy.pool.profile, positions_of(&copy.view, &copy.pool, now), groups_of(&copy.view, &record, now),
                excluded_of(&copy.view, &copy.pool))
    finally:
        copy.view.record = NULL
        arena_free(&record.arena)


def reasons_of_value(double value):
    """Return why a figure is not a finite number; 0 where it is one."""
    return reasons_of(value, NOT_FINITE)


def searches_cut():
    """Return how many searches for a cheapest grouping were cut in this process; what they gave may cost more."""
    return cut_searches()
