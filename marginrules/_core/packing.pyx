# The most valuable packing, its relaxation: how much of each column, when rows have only so much room.
#
# Maximise the sum of gain x amount over amounts >= 0 that use no more of any row than its room. Shares are positive, so
# nothing at all is always a packing, and rounding a packing down leaves one. Grouping option legs is this problem: rows
# are legs, room is their quantity, columns are combinations, and a column's gain is what it saves against margining its
# legs one by one (`grouping.pyx`).
#
# Here amounts may be fractions: the revised simplex method with a dense inverse, which starts from nothing at all.
# `packing_tree.pyx` makes them whole.

cdef enum:
    COLUMN_ROWS = 4          # as many as a strategy has legs
    SHORTLIST = 8            # columns looked at again before all are
    STALLED = 32             # steps that gain nothing, after which the lowest index goes first, which cannot cycle
    NO_COLUMN = 2147483647

cdef struct Column:
    double gain              # of one unit
    double shares[COLUMN_ROWS]
    int32_t rows[COLUMN_ROWS]
    int32_t count
    int32_t origin           # for the caller

cdef struct Packing:
    int32_t row_count
    int32_t column_count
    const double* room       # [row], not negative
    const Column* columns
    double tolerance         # two values nearer than this are equal
    double bound             # no packing is worth more
    double least_price       # a column that gains less than this a unit is not worth a step
    int64_t work_left        # numbers that may still be computed: bounds the time by counting, not by a clock
    int64_t pivots
    int64_t nodes_left

cdef struct Relaxation:
    double* inverse          # [row][row] of the basis
    double* values           # [row] amounts of the basic columns
    double* prices           # [row] what one more of a row's room would gain
    double* direction        # [row] scratch
    int32_t* basis           # [row] a column, or -1 - row: room of that row left over
    int32_t shortlist[SHORTLIST]
    int32_t listed


cdef inline double merit(const Packing* p, const double* prices, int32_t column) noexcept nogil:
    """Return what one unit of a column would gain beyond the prices of the room it takes."""
    cdef const Column* c
    cdef double found
    cdef int32_t k
    if column < 0:
        return -prices[-1 - column]
    c = p.columns + column
    found = c.gain
    for k in range(c.count):
        found -= prices[c.rows[k]] * c.shares[k]
    return found


cdef int32_t best_listed(const Packing* p, Relaxation* r) noexcept nogil:
    """Return the best column of the shortlist, forgetting those that gain nothing any more; NO_COLUMN: none."""
    cdef int32_t k, kept = 0, best = NO_COLUMN
    cdef double found, most = p.least_price
    for k in range(r.listed):
        found = merit(p, r.prices, r.shortlist[k])
        if found > p.least_price:
            r.shortlist[kept] = r.shortlist[k]
            kept += 1
            if found > most:
                most, best = found, r.shortlist[k]
    r.listed = kept
    return best


cdef void fill_shortlist(Packing* p, Relaxation* r) noexcept nogil:
    """Look at all columns and list the best few."""
    cdef double merits[SHORTLIST]
    cdef double found
    cdef int32_t column, k
    r.listed = 0
    p.work_left -= COLUMN_ROWS * p.column_count
    for column in range(-p.row_count, p.column_count):
        found = merit(p, r.prices, column)
        if found > p.least_price and (r.listed < SHORTLIST or found > merits[SHORTLIST - 1]):
            k = r.listed if r.listed < SHORTLIST else SHORTLIST - 1
            while k > 0 and merits[k - 1] < found:
                merits[k], r.shortlist[k] = merits[k - 1], r.shortlist[k - 1]
                k -= 1
            merits[k], r.shortlist[k] = found, column
            r.listed += r.listed < SHORTLIST


cdef int32_t first_gaining(const Packing* p, const Relaxation* r) noexcept nogil:
    """Return the first column that gains anything; NO_COLUMN: none."""
    cdef int32_t column
    for column in range(-p.row_count, p.column_count):
        if merit(p, r.prices, column) > p.least_price:
            return column
    return NO_COLUMN


cdef int32_t leaving_row(const Packing* p, Relaxation* r, int32_t column, bint careful) noexcept nogil:
    """Return the row whose basic column is used up first by the entering one; -1: none, which rounding alone can do."""
    cdef int32_t m = p.row_count, i, k, best = -1
    cdef double along, ratio, least = INFINITE, step = 0.0
    cdef const Column* c
    for i in range(m):
        if column < 0:
            along = r.inverse[i * m - 1 - column]
        else:
            c = p.columns + column
            along = 0.0
            for k in range(c.count):
                along += r.inverse[i * m + c.rows[k]] * c.shares[k]
        r.direction[i] = along
        if along > 1e-9:
            ratio = r.values[i] / along
            if (best < 0 or ratio < least - 1e-12 * (1.0 + least)
                    or (ratio <= least + 1e-12 * (1.0 + least)
                        and (r.basis[i] < r.basis[best] if careful else along > step))):
                least = ratio if best < 0 or ratio < least else least
                step, best = along, i
    return best


cdef void exchange(const Packing* p, Relaxation* r, int32_t column, int32_t row) noexcept nogil:
    """Let a column take the place of the row's basic one."""
    cdef int32_t m = p.row_count, i, k
    cdef double pivot = r.direction[row], factor, gained = merit(p, r.prices, column)
    cdef double amount = r.values[row] / pivot
    cdef double* own = r.inverse + row * m
    for k in range(m):
        own[k] /= pivot
    for i in range(m):
        factor = r.direction[i]
        if i == row or factor == 0.0:
            continue
        subtract_multiple(r.inverse + <int64_t>i * m, own, factor, m)
        r.values[i] -= factor * amount
        if r.values[i] < 0.0:
            r.values[i] = 0.0
    for k in range(m):
        r.prices[k] += gained * own[k]
    r.values[row] = amount
    r.basis[row] = column


cdef bint relax(Packing* p, Relaxation* r, bint roughly) noexcept nogil:
    """
    Find the most valuable packing in fractions; 0: out of steps, and `values` is a packing all the same.

    Roughly: with a little more room, of each row another little. Equal rooms are used up together, and such steps gain
    nothing. Prices found so are as good for a bound, and the basis as good a start for whole amounts.
    """
    cdef int32_t m = p.row_count, i, column, row, stalled = 0
    memset(r.inverse, 0, <size_t>m * m * sizeof(double))
    for i in range(m):
        r.inverse[i * m + i] = 1.0
        r.values[i] = p.room[i] * (1.0 + 1e-6 * <double>(mix(2, i) >> 40) / 16_777_216.0) if roughly else p.room[i]
        r.basis[i] = -1 - i
        r.prices[i] = 0.0
    r.listed = 0
    while True:
        if stalled < STALLED:
            column = best_listed(p, r)
            if column == NO_COLUMN:
                fill_shortlist(p, r)
                column = r.shortlist[0] if r.listed > 0 else NO_COLUMN
        else:
            column = first_gaining(p, r)
        if column == NO_COLUMN:
            return True
        if p.work_left <= 0:
            return False
        p.pivots += 1
        p.work_left -= m * <int64_t>m
        row = leaving_row(p, r, column, stalled >= STALLED)
        if row < 0:
            return False
        stalled = stalled + 1 if r.values[row] <= 1e-12 else 0
        exchange(p, r, column, row)


cdef double relaxed_value(const Packing* p, const Relaxation* r) noexcept nogil:
    """Return what the packing in fractions gains; no whole one gains more."""
    cdef double value = 0.0
    cdef int32_t i
    for i in range(p.row_count):
        value += r.prices[i] * p.room[i]
    return value
