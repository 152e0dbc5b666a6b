# The most valuable packing in whole amounts: branch and bound over the relaxation of `packing.pyx`.
#
# A node narrows the bounds of one column's amount. Its relaxation is solved again from its parent's by the dual simplex
# method on one dense table; every variable has two bounds, so a table that is optimal under one set of bounds is a
# start for any other, and going back up needs no copy. Only columns that can still matter take part: one whose merit is
# worse than the gap between the relaxation and the best packing known cannot be in a better one.
#
# Depth first, towards the nearer whole number. What stops it is a count of nodes and of exchanges, never a clock.

cdef enum:
    DEPTH_MOST = 256
    FIRST_NODES = 50         # of a search among few columns
    REBUILD_AFTER = 400      # exchanges after which rounding errors are cleared

cdef enum:
    NODE_SOLVED = 0
    NODE_WORSE = 1           # than the best packing known, or impossible
    NODE_FAILED = 2          # out of steps, or of precision

cdef double WHOLE_ERROR = 1e-7   # nearer to a whole number than this is one
cdef double PIVOT_LEAST = 1e-9
cdef double FIRST_SHARE = 1e-4    # of the gap, that columns of the first search may lose

cdef struct Branch:
    double lower             # bounds as they were
    double upper
    double cut               # the amount is at most `cut`, or at least `cut + 1`
    int32_t variable
    bint is_up
    bint is_second

cdef struct Tree:
    # Variables: the columns taking part, then the room left over of each row.
    int32_t row_count
    int32_t width            # variables outside the basis, as many as columns take part
    const int32_t* taking_part   # [width] column of the packing
    double* table            # [row][width]
    double* costs            # [width] what a unit of each would lose
    double* lift             # [variable] what was added to its cost, see `lift_costs`
    double* values           # [row] of the variables in the basis
    double* held             # [width] of those outside
    int32_t* inside          # [row] variable
    int32_t* outside         # [width] variable
    int32_t* place           # [variable] row, or -1 - position outside
    double* lower            # [variable]
    double* upper            # [variable]
    int8_t* wanted           # [variable] scratch
    int8_t* high             # [variable] scratch
    int32_t* sorted_         # [width] scratch
    double* ratios           # [width] scratch
    double slight            # a loss smaller than this a unit is none
    double value             # gain of the present amounts
    int32_t since_rebuild
    Branch branches[DEPTH_MOST]


cdef size_t tree_bytes(int32_t rows, int64_t width) noexcept nogil:
    """Return the memory of a tree's arrays, with room for rounding each up to 16 bytes."""
    return <size_t>((rows * width + 3 * width + rows + 3 * (rows + width)) * <int64_t>sizeof(double)
                    + 4 * (rows + width) * <int64_t>sizeof(int32_t) + 2 * (rows + width) + 16 * 14)


cdef bint take_tree(Span* arena, Tree* t) noexcept nogil:
    """Take a tree's arrays; 0: no memory."""
    cdef int64_t rows = t.row_count, width = t.width
    t.table = <double*>take(arena, rows * width * sizeof(double))
    t.costs = <double*>take(arena, width * sizeof(double))
    t.held = <double*>take(arena, width * sizeof(double))
    t.values = <double*>take(arena, rows * sizeof(double))
    t.lower = <double*>take(arena, (rows + width) * sizeof(double))
    t.upper = <double*>take(arena, (rows + width) * sizeof(double))
    t.lift = <double*>take(arena, (rows + width) * sizeof(double))
    t.inside = <int32_t*>take(arena, rows * sizeof(int32_t))
    t.outside = <int32_t*>take(arena, width * sizeof(int32_t))
    t.place = <int32_t*>take(arena, (rows + width) * sizeof(int32_t))
    t.ratios = <double*>take(arena, width * sizeof(double))
    t.sorted_ = <int32_t*>take(arena, width * sizeof(int32_t))
    t.wanted = <int8_t*>take(arena, rows + width)
    t.high = <int8_t*>take(arena, rows + width)
    return t.high != NULL


cdef void pivot(Tree* t, int32_t row, int32_t at) noexcept nogil:
    """Exchange a variable in the basis for one outside; values do not change."""
    cdef int32_t width = t.width, i, j
    cdef double* own = t.table + <int64_t>row * width
    cdef double* other
    cdef double inverse = 1.0 / own[at], factor, value
    for j in range(width):
        own[j] *= inverse
    own[at] = inverse
    for i in range(t.row_count):
        other = t.table + <int64_t>i * width
        factor = other[at]
        if i == row or factor == 0.0:
            continue
        subtract_multiple(other, own, factor, width)
        other[at] = -factor * inverse
    factor = t.costs[at]
    if factor != 0.0:
        subtract_multiple(t.costs, own, factor, width)
        t.costs[at] = -factor * inverse
    t.inside[row], t.outside[at] = t.outside[at], t.inside[row]
    value = t.values[row]
    t.values[row], t.held[at] = t.held[at], value
    t.place[t.inside[row]] = row
    t.place[t.outside[at]] = -1 - at
    t.since_rebuild += 1


cdef void move(Tree* t, int32_t at, double by) noexcept nogil:
    """Change the amount of a variable outside the basis, and with it those in the basis."""
    cdef int32_t i
    if by != 0.0:
        for i in range(t.row_count):
            t.values[i] -= t.table[<int64_t>i * t.width + at] * by
        t.held[at] += by
        t.value -= t.costs[at] * by


cdef inline bint is_high(const Tree* t, int32_t at) noexcept nogil:
    """Say whether a variable outside the basis is at its upper bound; one that cannot move is at its lower."""
    return t.held[at] > t.lower[t.outside[at]]


cdef void settle(Tree* t, int32_t at, bint was_high) noexcept nogil:
    """Put a variable outside the basis to the bound where it loses least; where both are equal, back to its side."""
    cdef int32_t variable = t.outside[at]
    cdef bint high = t.costs[at] < -t.slight or (was_high and t.costs[at] < t.slight)
    move(t, at, (t.upper[variable] if high else t.lower[variable]) - t.held[at])


cdef bint build(Tree* t, const Packing* p) noexcept nogil:
    """Compute the table of the basis in `wanted` from the packing itself; 0: that is no basis any more."""
    cdef int32_t m = t.row_count, width = t.width, i, j, k, best
    cdef const Column* c
    memset(t.table, 0, <size_t>m * width * sizeof(double))
    t.value = 0.0
    for j in range(width):
        c = p.columns + t.taking_part[j]
        for k in range(c.count):
            t.table[<int64_t>c.rows[k] * width + j] = c.shares[k]
        t.costs[j] = t.lift[j] - c.gain
        for k in range(c.count):
            t.costs[j] -= t.lift[width + c.rows[k]] * c.shares[k]
        t.held[j] = 0.0
        t.outside[j] = j
        t.place[j] = -1 - j
    for i in range(m):
        t.values[i] = p.room[i]
        t.value -= t.lift[width + i] * p.room[i]
        t.inside[i] = width + i
        t.place[width + i] = i
    for j in range(width):
        if not t.wanted[j]:
            continue
        best = -1
        for i in range(m):
            if not t.wanted[t.inside[i]] and (
                    best < 0 or fabs(t.table[<int64_t>i * width + j]) > fabs(t.table[<int64_t>best * width + j])):
                best = i
        if best < 0 or fabs(t.table[<int64_t>best * width + j]) < PIVOT_LEAST:
            return False
        # The one that leaves goes to 0.
        move(t, j, t.values[best] / t.table[<int64_t>best * width + j])
        t.values[best] = 0.0
        pivot(t, best, j)
    t.since_rebuild = 0
    return True


cdef void lift_costs(Tree* t, const Packing* p, double by) noexcept nogil:
    """
    Make each variable outside the basis lose a little more, and each by a little of its own.

    Many combinations are worth exactly the same, and among equal losses the dual simplex method goes round in circles.
    What this takes from a packing's value is less than `Packing.tolerance`, which the search then takes as equal.
    """
    cdef int32_t j, i
    memset(t.lift, 0, (t.row_count + t.width) * sizeof(double))
    for j in range(t.width):
        i = t.outside[j]
        t.lift[i] = by * (1.0 + <double>(mix(1, i) >> 40) / 16_777_216.0)
        t.costs[j] = (t.costs[j] if t.costs[j] > 0.0 else 0.0) + t.lift[i]


cdef bint rebuild(Tree* t, const Packing* p) noexcept nogil:
    """Compute the table of the present basis anew."""
    cdef int32_t i, j
    memset(t.wanted, 0, t.row_count + t.width)
    memset(t.high, 0, t.row_count + t.width)
    for i in range(t.row_count):
        t.wanted[t.inside[i]] = 1
    for j in range(t.width):
        t.high[t.outside[j]] = is_high(t, j)
    if not build(t, p):
        return False
    for j in range(t.width):
        settle(t, j, t.high[t.outside[j]])
    return True


cdef int32_t most_violated(const Tree* t, double* target) noexcept nogil:
    """Return the row whose amount is farthest outside its bounds, and the bound; -1: all are within."""
    cdef int32_t i, best = -1
    cdef double low, high, by, most = 0.0
    for i in range(t.row_count):
        low = t.lower[t.inside[i]]
        high = t.upper[t.inside[i]]
        by = low - t.values[i] if t.values[i] < low else t.values[i] - high
        if by > WHOLE_ERROR * 0.01 * (1.0 + fabs(t.values[i])) and by > most:
            most, best = by, i
            target[0] = low if t.values[i] < low else high
    return best


cdef int32_t entering(Tree* t, int32_t row, double missing) noexcept nogil:
    """
    Return the variable outside that brings the row, short of its bound by `missing`, back there; -1: none can.

    In the order of what they lose, variables that are not enough from bound to bound are put to their other bound: one
    exchange then does the work of many.
    """
    cdef int32_t j, k, best, variable, count = 0
    cdef double along, left = fabs(missing)
    cdef const double* own = t.table + <int64_t>row * t.width
    for j in range(t.width):
        along = own[j]
        variable = t.outside[j]
        if fabs(along) < PIVOT_LEAST or t.lower[variable] >= t.upper[variable]:
            continue
        # At its lower bound it can only grow, at its upper only shrink; the row moves by -along a unit.
        if is_high(t, j) != ((along < 0.0) == (missing > 0.0)):
            t.ratios[j] = fabs(t.costs[j]) / fabs(along)
            t.sorted_[count] = j
            count += 1
    while count > 0:
        best = 0
        for k in range(1, count):
            if t.ratios[t.sorted_[k]] < t.ratios[t.sorted_[best]] or (
                    t.ratios[t.sorted_[k]] == t.ratios[t.sorted_[best]]
                    and fabs(own[t.sorted_[k]]) > fabs(own[t.sorted_[best]])):
                best = k
        j = t.sorted_[best]
        variable = t.outside[j]
        left -= fabs(own[j]) * (t.upper[variable] - t.lower[variable])
        if left <= 0.0 or count == 1:
            return j if left <= WHOLE_ERROR * 0.01 else -1
        move(t, j, t.lower[variable] - t.held[j] if is_high(t, j) else t.upper[variable] - t.held[j])
        count -= 1
        t.sorted_[best] = t.sorted_[count]
    return -1


cdef int32_t restore(Tree* t, Packing* p, double floor_value) noexcept nogil:
    """Bring all amounts within their bounds at the least loss; stop where no more than `floor_value` can be gained."""
    cdef int32_t row, at
    cdef double target = 0.0, by
    while True:
        if not t.value > floor_value:
            return NODE_WORSE
        row = most_violated(t, &target)
        if row < 0:
            return NODE_SOLVED
        at = entering(t, row, target - t.values[row])
        if at < 0:
            return NODE_WORSE
        if p.work_left <= 0:
            return NODE_FAILED
        p.pivots += 1
        p.work_left -= <int64_t>t.row_count * t.width
        by = (t.values[row] - target) / t.table[<int64_t>row * t.width + at]
        move(t, at, by)
        t.values[row] = target
        pivot(t, row, at)
        if t.since_rebuild >= REBUILD_AFTER and not rebuild(t, p):
            return NODE_FAILED


cdef double least_loss(const Tree* t, int32_t row, bint is_up) noexcept nogil:
    """Return what the row's amount loses at least for each unit it moves up or down; infinite: it cannot."""
    cdef int32_t j, variable
    cdef double along, ratio, least = INFINITE
    cdef const double* own = t.table + <int64_t>row * t.width
    for j in range(t.width):
        along = own[j]
        if fabs(along) < PIVOT_LEAST:
            continue
        variable = t.outside[j]
        if t.lower[variable] < t.upper[variable] and is_high(t, j) != ((along < 0.0) == is_up):
            ratio = fabs(t.costs[j]) / fabs(along)
            least = ratio if ratio < least else least
    return least


cdef int32_t fractional(const Tree* t, bint* is_up, double* loss) noexcept nogil:
    """
    Return the column in parts whose rounding loses most, and the direction that loses less; -1: all are whole.

    `loss` is what it loses at least, by the first exchange on each side.
    """
    cdef int32_t i, best = -1
    cdef double above, down, up, lesser, other, score, most = -1.0
    for i in range(t.row_count):
        above = t.values[i] - floor(t.values[i])
        if t.inside[i] >= t.width or above < WHOLE_ERROR or above > 1.0 - WHOLE_ERROR:
            continue
        down, up = above * least_loss(t, i, False), (1.0 - above) * least_loss(t, i, True)
        lesser = up if up < down else down
        other = down if up < down else up
        score = lesser + (1e-3 * other if other < INFINITE else 0.0)
        if score > most:
            most, best, loss[0] = score, t.inside[i], lesser
            is_up[0] = up < down or (up == down and above >= 0.5)
    return best


cdef void narrow(Tree* t, int32_t variable, double lower, double upper) noexcept nogil:
    """Change the bounds of one variable, and settle it anew where it is outside the basis."""
    cdef bint was_high = t.place[variable] < 0 and is_high(t, -1 - t.place[variable])
    t.lower[variable] = lower
    t.upper[variable] = upper
    if t.place[variable] < 0:
        settle(t, -1 - t.place[variable], was_high)


cdef void take_branch(Tree* t, Branch* b) noexcept nogil:
    if b.is_up:
        narrow(t, b.variable, b.cut + 1.0, b.upper)
    else:
        narrow(t, b.variable, b.lower, b.cut)


cdef double amount_of(const Tree* t, int32_t variable) noexcept nogil:
    cdef int32_t place = t.place[variable]
    return t.values[place] if place >= 0 else t.held[-1 - place]


cdef double whole_value(const Packing* p, const double* amounts, double* left) noexcept nogil:
    """Return what whole amounts gain, and the room they leave; not a number where they take more than there is."""
    cdef int32_t i, j, k
    cdef double value = 0.0
    cdef const Column* c
    for i in range(p.row_count):
        left[i] = p.room[i]
    for j in range(p.column_count):
        if amounts[j] == 0.0:
            continue
        c = p.columns + j
        value += c.gain * amounts[j]
        for k in range(c.count):
            left[c.rows[k]] -= c.shares[k] * amounts[j]
    for i in range(p.row_count):
        if not left[i] >= -1e-9 * (1.0 + p.room[i]):
            return NAN
    return value


cdef bint search(Tree* t, Packing* p, double* amounts, double* best_value, double* trial, double* left) noexcept nogil:
    """Search whole amounts that gain more than `best_value`; 0: stopped before all was seen."""
    cdef int32_t depth = 0, outcome, variable, j
    cdef double value, amount, loss = 0.0
    cdef bint is_up = False
    cdef Branch* b
    while True:
        if p.nodes_left <= 0:
            return False
        p.nodes_left -= 1
        outcome = restore(t, p, best_value[0] + p.tolerance)
        if outcome == NODE_FAILED:
            return False
        if outcome == NODE_SOLVED:
            variable = fractional(t, &is_up, &loss)
            if variable >= 0 and not t.value - loss > best_value[0] + p.tolerance:
                outcome = NODE_WORSE
            elif variable >= 0:
                if depth == DEPTH_MOST:
                    return False
                amount = amount_of(t, variable)
                b = t.branches + depth
                depth += 1
                b.variable, b.lower, b.upper = variable, t.lower[variable], t.upper[variable]
                b.cut = floor(amount)
                b.is_up, b.is_second = is_up, False
                take_branch(t, b)
                continue
        if outcome == NODE_SOLVED:
            memset(trial, 0, p.column_count * sizeof(double))
            for j in range(t.width):
                trial[t.taking_part[j]] = floor(amount_of(t, j) + 0.5)
            value = whole_value(p, trial, left)
            if not value == value:
                return False
            if value > best_value[0]:
                best_value[0] = value
                memcpy(amounts, trial, p.column_count * sizeof(double))
                if value >= p.bound - p.tolerance:
                    return True
        while depth > 0 and t.branches[depth - 1].is_second:
            depth -= 1
            b = t.branches + depth
            narrow(t, b.variable, b.lower, b.upper)
        if depth == 0:
            return True
        b = t.branches + depth - 1
        b.is_up, b.is_second = not b.is_up, True
        narrow(t, b.variable, b.lower, b.upper)
        take_branch(t, b)


cdef void fill_greedily(Packing* p, const Relaxation* r, double* amounts, double* left) noexcept nogil:
    """Round the relaxation down, then add whole units: first of its own columns, then of the others that cost least."""
    cdef int32_t i, j, k, best
    cdef double room, most, found
    cdef const Column* c
    memset(amounts, 0, p.column_count * sizeof(double))
    for i in range(p.row_count):
        if r.basis[i] >= 0:
            amounts[r.basis[i]] = floor(r.values[i] + 1e-4)
    if not whole_value(p, amounts, left) == whole_value(p, amounts, left):
        memset(amounts, 0, p.column_count * sizeof(double))
        whole_value(p, amounts, left)
    while p.work_left > 0:
        p.work_left -= 2 * COLUMN_ROWS * p.column_count
        best, most = -1, -INFINITE
        for j in range(p.column_count):
            c = p.columns + j
            room = 1.0
            for k in range(c.count):
                if left[c.rows[k]] < c.shares[k] - 1e-9:
                    room = 0.0
                    break
            if room > 0.0 and c.gain > 0.0:
                found = merit(p, r.prices, j)
                if found > most:
                    most, best = found, j
        if best < 0:
            return
        c = p.columns + best
        room = INFINITE
        for k in range(c.count):
            found = floor(left[c.rows[k]] / c.shares[k] + 1e-9)
            room = found if found < room else room
        amounts[best] += room
        for k in range(c.count):
            left[c.rows[k]] -= c.shares[k] * room


cdef int32_t choose_columns(const Packing* p, const Relaxation* r, double most_lost, const int8_t* basic,
                            int32_t* taking) noexcept nogil:
    """Write the basic columns and those that lose less than this a unit; return how many they are."""
    cdef int32_t j, width = 0
    for j in range(p.column_count):
        if basic[j] or -merit(p, r.prices, j) < most_lost:
            taking[width] = j
            width += 1
    return width


cdef bint search_among(Packing* p, const Relaxation* r, const int32_t* taking, int32_t width, const int8_t* basic,
                       Span arena, double* amounts, double* value, double* trial, double* left) noexcept nogil:
    """Search better whole amounts of some columns; 0: stopped before all was seen."""
    cdef int32_t i, j
    cdef double room, most
    cdef const Column* c
    cdef Tree* t = <Tree*>take(&arena, sizeof(Tree))
    if t == NULL:
        return False
    t.row_count, t.width, t.taking_part = p.row_count, width, taking
    if not take_tree(&arena, t):
        return False
    memset(t.wanted, 0, p.row_count + width)
    memset(t.lift, 0, (p.row_count + width) * sizeof(double))
    for j in range(width):
        c = p.columns + taking[j]
        most = INFINITE
        for i in range(c.count):
            room = floor(p.room[c.rows[i]] / c.shares[i] + 1e-9)
            most = room if room < most else most
        t.lower[j], t.upper[j] = 0.0, most
        t.wanted[j] = basic[taking[j]]
    for i in range(p.row_count):
        t.lower[width + i], t.upper[width + i] = 0.0, p.room[i]
        if r.basis[i] < 0:
            t.wanted[width - 1 - r.basis[i]] = 1
    t.slight = 0.01 * p.least_price
    if not build(t, p):
        return False
    lift_costs(t, p, 2.0 * p.least_price)
    return search(t, p, amounts, value, trial, left)


cdef bint make_whole(Packing* p, const Relaxation* r, Span arena, double* amounts) noexcept nogil:
    """
    Write the best whole amounts found; return whether no better ones exist. `arena` is scratch.

    A packing that takes a column which loses d a unit is worth at most `bound - d`. So a search among the columns that
    lose less than d has seen everything once the best packing known is worth `bound - d`: few columns first, more only
    where those do not get as near.
    """
    cdef int32_t i, width
    cdef int64_t kept
    cdef bint is_last, is_seen
    cdef double value, gap, most_lost
    cdef double* left = <double*>take(&arena, p.row_count * sizeof(double))
    cdef double* trial = <double*>take(&arena, p.column_count * sizeof(double))
    cdef int32_t* taking = <int32_t*>take(&arena, p.column_count * sizeof(int32_t))
    cdef int8_t* basic = <int8_t*>take(&arena, p.column_count)
    if basic == NULL:
        memset(amounts, 0, p.column_count * sizeof(double))
        return False
    fill_greedily(p, r, amounts, left)
    value = whole_value(p, amounts, left)
    if not p.bound < INFINITE:
        return False
    memset(basic, 0, p.column_count)
    for i in range(p.row_count):
        if r.basis[i] >= 0:
            basic[r.basis[i]] = 1
    gap = p.bound - value
    most_lost = gap
    while most_lost > gap * FIRST_SHARE and choose_columns(p, r, most_lost, basic, taking) > 2 * p.row_count:
        most_lost *= 0.25
    while p.bound - value > p.tolerance:
        width = choose_columns(p, r, most_lost, basic, taking)
        # Only the last search has to see everything; the others are for a good packing to start it with.
        is_last = most_lost >= p.bound - value
        kept = p.nodes_left
        if not is_last and kept > FIRST_NODES:
            p.nodes_left = FIRST_NODES
        kept -= p.nodes_left
        is_seen = search_among(p, r, taking, width, basic, arena, amounts, &value, trial, left)
        p.nodes_left += kept
        if is_seen and p.bound - value <= most_lost:
            return True
        if is_last or p.nodes_left <= 0 or p.work_left <= 0:
            return False
        most_lost = 4.0 * most_lost if 4.0 * most_lost < p.bound - value else p.bound - value
    return True
