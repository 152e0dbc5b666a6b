# The cheapest grouping of the candidates that `grouping.pyx` found and priced.

cdef struct Alone:           # how each leg is margined where nothing else takes it
    double* costs            # [leg] of one contract
    int32_t* candidates      # [leg], -1: no strategy does
    double most              # greatest cost of any candidate's unit, without its sign
    double forbidding        # stands for the cost of a leg that no strategy takes alone


cdef bint is_alone(const Candidate* c) noexcept nogil:
    return c.leg_count == 1 and c.shares[0] == 1.0


cdef void margin_alone(const Grouping* g, Alone* alone) noexcept nogil:
    """Find the cheapest way to margin each leg by itself."""
    cdef int32_t k, leg
    cdef double most = 1.0, contracts = 1.0
    cdef const Candidate* c
    for leg in range(g.leg_count):
        alone.candidates[leg] = -1
        contracts += g.room[leg]
    for k in range(g.candidate_count):
        c = g.candidates + k
        if c.cost == INFINITE:
            continue
        most = fabs(c.cost) if fabs(c.cost) > most else most
        if is_alone(c) and (alone.candidates[c.legs[0]] < 0 or c.cost < alone.costs[c.legs[0]]):
            alone.candidates[c.legs[0]], alone.costs[c.legs[0]] = k, c.cost
    alone.most = most
    # More than any grouping can cost or save elsewhere.
    alone.forbidding = 4.0 * most * contracts
    for leg in range(g.leg_count):
        if alone.candidates[leg] < 0:
            alone.costs[leg] = alone.forbidding


cdef bint make_column(const Grouping* g, const Alone* alone, int32_t candidate, Column* column) noexcept nogil:
    """Write a candidate as a column with its rows in order; 0: it gains nothing."""
    cdef const Candidate* c = g.candidates + candidate
    cdef int32_t k, at
    cdef double apart = 0.0, size = fabs(c.cost)
    if c.cost == INFINITE or is_alone(c):
        return False
    column.count, column.origin = c.leg_count, candidate
    for k in range(c.leg_count):
        # A unit that needs more than there is can never be formed.
        if g.is_whole and c.shares[k] > g.room[c.legs[k]]:
            return False
        at = k
        while at > 0 and column.rows[at - 1] > c.legs[k]:
            column.rows[at], column.shares[at] = column.rows[at - 1], column.shares[at - 1]
            at -= 1
        column.rows[at], column.shares[at] = c.legs[k], c.shares[k]
        apart += c.shares[k] * alone.costs[c.legs[k]]
        size += c.shares[k] * fabs(alone.costs[c.legs[k]])
    column.gain = apart - c.cost
    return column.gain > 1e-12 * size


cdef bint same_rows(const Column* a, const Column* b) noexcept nogil:
    cdef int32_t k
    if a.count != b.count:
        return False
    for k in range(a.count):
        if a.rows[k] != b.rows[k] or a.shares[k] != b.shares[k]:
            return False
    return True


cdef int32_t add_column(Column* columns, int32_t count, int32_t* slots, int32_t slot_count) noexcept nogil:
    """Keep the column at `count`, unless the same rows are there already; then keep the one that gains more."""
    cdef Column* new = columns + count
    cdef uint64_t h = new.count, share
    cdef int32_t k, slot
    for k in range(new.count):
        memcpy(&share, &new.shares[k], sizeof(share))
        h = mix(mix(h, new.rows[k]), share)
    slot = <int32_t>(h & <uint64_t>(slot_count - 1))
    while slots[slot] >= 0:
        if same_rows(columns + slots[slot], new):
            if new.gain > columns[slots[slot]].gain:
                columns[slots[slot]] = new[0]
            return count
        slot = (slot + 1) & (slot_count - 1)
    slots[slot] = count
    return count + 1


cdef int32_t root_of(int32_t* parents, int32_t leg) noexcept nogil:
    while parents[leg] != leg:
        parents[leg] = parents[parents[leg]]
        leg = parents[leg]
    return leg


cdef void sort_by_component(const Column* columns, int32_t count, int32_t* parents, int32_t legs, int32_t* starts,
                            int32_t* sorted_) noexcept nogil:
    """Write the columns' numbers component by component; starts[root] and starts[root + 1] enclose one."""
    cdef int32_t k, j, a, b
    for k in range(legs):
        parents[k] = k
    for j in range(count):
        a = root_of(parents, columns[j].rows[0])
        for k in range(1, columns[j].count):
            b = root_of(parents, columns[j].rows[k])
            if b < a:
                parents[a] = b
                a = b
            else:
                parents[b] = a
    memset(starts, 0, (legs + 1) * sizeof(int32_t))
    for j in range(count):
        starts[root_of(parents, columns[j].rows[0]) + 1] += 1
    for k in range(legs):
        starts[k + 1] += starts[k]
    for j in range(count):
        k = root_of(parents, columns[j].rows[0])
        sorted_[starts[k]] = j
        starts[k] += 1
    for k in range(legs, 0, -1):
        starts[k] = starts[k - 1]
    starts[0] = 0


cdef void round_room(Column* columns, int32_t count, double* room, double* shares, int32_t rows) noexcept nogil:
    """
    Round room down to what whole units can use: of 250 shares, two covered calls can use 200.

    This cuts no whole amounts off and makes the relaxation closer. Only rows of which all columns use multiples of one
    share are rounded; they then count in that share.
    """
    cdef int32_t i, j, k
    cdef double own
    for i in range(rows):
        shares[i] = INFINITE
    for j in range(count):
        for k in range(columns[j].count):
            i, own = columns[j].rows[k], columns[j].shares[k]
            shares[i] = own if own < shares[i] else shares[i]
    for j in range(count):
        for k in range(columns[j].count):
            i, own = columns[j].rows[k], columns[j].shares[k]
            if floor(own / (shares[i] if shares[i] > 0.0 else 1.0)) * shares[i] != own:
                shares[i] = 0.0
    for i in range(rows):
        if 0.0 < shares[i] < INFINITE:
            room[i] = floor(room[i] / shares[i] + 1e-9)
    for j in range(count):
        for k in range(columns[j].count):
            own = shares[columns[j].rows[k]]
            if own > 0.0:
                columns[j].shares[k] /= own


cdef bint solve_component(Grouping* g, Packing* p, const Column* columns, const int32_t* chosen, int32_t count,
                          const int32_t* members, int32_t member_count, int32_t* local, Span arena,
                          const Alone* alone, double* bound, double* tolerance) noexcept nogil:
    """
    Find the best amounts of some columns that share no leg with others; return whether no better ones exist.

    Add to `bound` what they can gain at most, and to `tolerance` what is taken as nothing.
    """
    cdef Relaxation r
    cdef Column* own = <Column*>take(&arena, count * sizeof(Column))
    cdef double* room = <double*>take(&arena, member_count * sizeof(double))
    cdef double* amounts = <double*>take(&arena, count * sizeof(double))
    cdef double value = 0.0, most = 0.0
    cdef int32_t j, k
    cdef bint is_best
    r.inverse = <double*>take(&arena, <size_t>member_count * member_count * sizeof(double))
    r.values = <double*>take(&arena, member_count * sizeof(double))
    r.prices = <double*>take(&arena, member_count * sizeof(double))
    r.direction = <double*>take(&arena, member_count * sizeof(double))
    r.basis = <int32_t*>take(&arena, member_count * sizeof(int32_t))
    if r.basis == NULL:
        bound[0] = INFINITE
        return False
    for k in range(member_count):
        local[members[k]] = k
        room[k] = g.room[members[k]]
    for j in range(count):
        own[j] = columns[chosen[j]]
        for k in range(own[j].count):
            own[j].rows[k] = local[own[j].rows[k]]
        most = own[j].gain if own[j].gain > most else most
    if g.is_whole:
        round_room(own, count, room, r.values, member_count)
    p.row_count, p.column_count, p.room, p.columns = member_count, count, room, own
    # Far below any amount of money, and above what rounding makes of a gain.
    p.least_price = 1e-12 * alone.most + 3e-15 * most
    is_best = relax(p, &r, g.is_whole)
    if is_best:
        value = relaxed_value(p, &r)
    bound[0] += value if is_best else INFINITE
    p.bound = value if is_best else INFINITE
    # Rounding, and what `lift_costs` takes from each unit and each contract left over.
    p.tolerance = 1e-12 * (1.0 + fabs(value))
    for k in range(member_count):
        p.tolerance += 8.0 * p.least_price * room[k]
    tolerance[0] += p.tolerance
    if g.is_whole:
        is_best = make_whole(p, &r, arena, amounts) and is_best
    else:
        memset(amounts, 0, count * sizeof(double))
        for k in range(member_count):
            if r.basis[k] >= 0:
                amounts[r.basis[k]] = r.values[k]
    for j in range(count):
        g.amounts[own[j].origin] = amounts[j]
    return is_best


cdef double cost_of_amounts(Grouping* g, const Alone* alone, double* left) noexcept nogil:
    """Margin alone what the amounts leave over, and return the cost of all; infinite where something cannot be."""
    cdef double cost = 0.0
    cdef int32_t j, k
    cdef const Candidate* c
    for k in range(g.leg_count):
        left[k] = g.room[k]
    for j in range(g.candidate_count):
        c = g.candidates + j
        if g.amounts[j] != 0.0:
            cost += c.cost * g.amounts[j]
            for k in range(c.leg_count):
                left[c.legs[k]] -= c.shares[k] * g.amounts[j]
    for k in range(g.leg_count):
        # What rounding alone leaves over, or takes too much, is nothing.
        if fabs(left[k]) <= 1e-9 * (1.0 + g.room[k]):
            continue
        if alone.candidates[k] < 0 or not left[k] > 0.0:
            return INFINITE
        cost += alone.costs[k] * left[k]
        g.amounts[alone.candidates[k]] += left[k]
    return cost


cdef void solve_grouping(Grouping* g, const GroupingLimits* limits, double fallback, Span arena,
                         GroupingResult* result) noexcept nogil:
    """
    Find the cheapest grouping of priced candidates; leave its amounts in `g.amounts`.

    The result is the lesser of its cost and `fallback` (infinite: none). Where the search is cut, the grouping is a
    valid one that may cost more than the cheapest. A field, formula or fallback that is not a number makes the result
    not a number.
    """
    cdef Alone alone
    cdef Packing p
    cdef int32_t k, j, count = 0, slot_count = 16, member_count
    cdef double apart = 0.0, gained = 0.0, tolerance = 0.0
    cdef int32_t n = g.candidate_count, m = g.leg_count
    memset(result, 0, sizeof(GroupingResult))
    result.status, result.cost, result.grouped, result.bound = g.status, NAN, INFINITE, -INFINITE
    if g.status != GROUPED or fallback != fallback:
        result.status = g.status if g.status != GROUPED else UNPRICED
        return
    while slot_count < 2 * n:
        slot_count *= 2
    cdef double* left = <double*>take(&arena, m * sizeof(double))
    alone.costs = <double*>take(&arena, m * sizeof(double))
    alone.candidates = <int32_t*>take(&arena, m * sizeof(int32_t))
    cdef int32_t* parents = <int32_t*>take(&arena, m * sizeof(int32_t))
    cdef int32_t* starts = <int32_t*>take(&arena, (m + 1) * sizeof(int32_t))
    cdef int32_t* members = <int32_t*>take(&arena, m * sizeof(int32_t))
    cdef int32_t* local = <int32_t*>take(&arena, m * sizeof(int32_t))
    cdef Column* columns = <Column*>take(&arena, (n + 1) * sizeof(Column))
    cdef int32_t* chosen = <int32_t*>take(&arena, n * sizeof(int32_t))
    cdef int32_t* slots = <int32_t*>take(&arena, slot_count * sizeof(int32_t))
    if slots == NULL:
        result.status = TOO_LARGE
        return
    margin_alone(g, &alone)
    memset(slots, 255, slot_count * sizeof(int32_t))
    for j in range(n):
        if make_column(g, &alone, j, columns + count):
            count = add_column(columns, count, slots, slot_count)
    sort_by_component(columns, count, parents, m, starts, chosen)
    memset(g.amounts, 0, n * sizeof(double))
    p.work_left, p.nodes_left, p.pivots = limits.work, limits.nodes, 0
    result.is_proven = True
    for k in range(m):
        apart += alone.costs[k] * g.room[k]
        if starts[k + 1] > starts[k]:
            member_count = 0
            for j in range(k, m):
                if root_of(parents, j) == k:
                    members[member_count] = j
                    member_count += 1
            if not solve_component(g, &p, columns, chosen + starts[k], starts[k + 1] - starts[k], members,
                                   member_count, local, arena, &alone, &gained, &tolerance):
                result.is_proven = False
    result.nodes, result.pivots = limits.nodes - p.nodes_left, p.pivots
    result.grouped = cost_of_amounts(g, &alone, left)
    if not g.is_complete:
        result.is_proven, result.bound = False, -INFINITE
    else:
        result.bound = (result.grouped if result.is_proven else apart - gained) - tolerance
    result.cost = result.grouped if result.grouped < fallback else fallback
    if not result.cost < INFINITE:
        result.status, result.cost = UNCOVERED, NAN
