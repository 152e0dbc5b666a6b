# A run over history: the market moves on row by row, and only pools that may wake are handed to Python.
#
# Pools do not touch each other, so a block of rows is laid out first, and each pool runs through it on its own until it
# wakes. What a wake is, and why nothing is missed, stands in `marginrules.escalation.wake`.

cdef enum:
    LACKS_MAX = 8            # of one wake; more of them wake at every valid measure
    BLOCK_BYTES = 1 << 18    # of marks and assets laid out at a time: they should stay in the cache
    BLOCK_ROWS_MIN = 32
    BLOCK_ROWS_MAX = 256
    GROUP_ROWS = 16          # of a block, with bounds of their own


cdef struct Lack:            # see `marginrules.escalation.wake.Lack`
    double ratio
    double most
    int64_t is_initial

cdef struct Wake:            # see `marginrules.escalation.wake.Wake`
    double noise
    double low
    double high
    double owed
    int64_t time_ns
    # What was measured when the pool was last looked at: the same once more decides nothing before `time_ns`.
    double equity
    double initial_margin
    double maintenance_margin
    int32_t has_low
    int32_t has_high
    int32_t has_owed
    int32_t at_any
    int32_t at_valid
    int32_t lack_count
    Lack lacks[LACKS_MAX]

cdef struct Feed:            # which columns of the history are of one asset or instrument; -1: none
    int32_t index
    int32_t price
    int32_t first            # of its fields
    int32_t count
    double volatility        # of an asset, where no column has it

cdef struct FieldColumn:
    int32_t field
    int32_t column

cdef struct Laid:            # one row of the history, as the core reads it
    View view
    Mark* marks
    Spec* specs
    Asset* assets


cdef struct MarkSpan:            # of an instrument, over some rows
    double value_low         # value of a quantity of +1
    double value_high
    double fx_low
    double fx_high
    int64_t rule_offset
    int64_t is_sound         # it may be used in all of them

cdef struct AssetSpan:
    double low
    double high
    int64_t rule
    int64_t is_sound


cdef inline int reaches(const Wake* wake, double ratio, const Result* found) noexcept nogil:
    if ratio == INFINITE:
        return found.maintenance_margin == 0.0 and found.equity + wake.noise >= 0.0
    return found.equity + wake.noise >= ratio * found.maintenance_margin


cdef int comes(const Wake* wake, const Result* found, int64_t now) noexcept nogil:
    """Say whether the ladder has to look at a pool."""
    cdef const Lack* lack
    cdef double target
    cdef int32_t k
    if wake.at_any or now >= wake.time_ns:
        return 1
    if found.flags & INVALID_MASK or not (
            isfinite(found.equity) and isfinite(found.initial_margin) and isfinite(found.maintenance_margin)):
        return 0
    if (found.equity == wake.equity and found.maintenance_margin == wake.maintenance_margin
            and found.initial_margin == wake.initial_margin):
        return 0
    if wake.at_valid or found.maintenance_margin < 0.0:
        return 1
    if wake.has_low and not reaches(wake, wake.low, found):
        return 1
    if wake.has_high and reaches(wake, wake.high, found):
        return 1
    if wake.has_owed and not (-found.equity >= wake.owed):
        return 1
    for k in range(wake.lack_count):
        lack = wake.lacks + k
        target = found.initial_margin if lack.is_initial else lack.ratio * found.maintenance_margin
        if not (target - found.equity <= lack.most):
            return 1
    return 0


cdef int hold(object given, Py_buffer* view, bint is_whole) except -1:
    """Take a buffer of doubles, or of whole numbers of 64 bits."""
    PyObject_GetBuffer(given, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
    if view.ndim != 1 or view.itemsize != 8 or view.format == NULL or view.format[0] not in (
            b"ql" if is_whole else b"d"):
        PyBuffer_Release(view)
        raise TypeError("the history was no buffer of " + ("64-bit whole numbers" if is_whole else "doubles"))
    return 0


cdef int is_quiet(
    const Program* program, const Pool* pool, const Wake* wake, const MarkSpan* spans, const AssetSpan* assets,
    int64_t last,
) noexcept nogil:
    """
    Say whether a pool surely sleeps through some rows, the last of them at `last`, and can be assessed in all of them.

    The sums are those of `assess_pool`, in their order, with the worst and the best value of each term. Rounded sums,
    products and the greatest of lines that rise never fall when a term rises, so each row's equity and MM lie between
    the bounds to the last bit. Only what can be told from equity and MM is told here: all else is looked at row by row.
    """
    cdef const Position* position
    cdef const Balance* balance
    cdef const MarkSpan* span
    cdef const AssetSpan* asset
    cdef const Rule* rules
    cdef const Rule* rule
    cdef double a, b, c, d, pnl_low = 0.0, pnl_high = 0.0, low = 0.0, high = 0.0, mm_low = 0.0, mm_high = 0.0
    cdef int32_t k
    if wake.at_any or wake.at_valid or wake.lack_count or wake.has_owed or last >= wake.time_ns or pool.order_count:
        return 0
    if wake.has_low and wake.low < 0.0 or wake.has_high and not 0.0 <= wake.high < INFINITE:
        return 0
    rules = rules_of(program, pool.profile)
    for k in range(pool.position_count):
        position = pool.positions + k
        span = spans + position.instrument
        rule = <const Rule*>(<const char*>rules + span.rule_offset)
        if not span.is_sound or rule.open_interest_upper > 0.0 or rule.portfolio >= 0:
            return 0
        if rule.leverage_bit and not (position.leverage_rate > 0.0):
            return 0
        a, b = position.quantity * span.value_low, position.quantity * span.value_high
        c, d = position.cost * span.fx_low, position.cost * span.fx_high
        pnl_low += lesser(a, b) - greater(c, d)
        pnl_high += greater(a, b) - lesser(c, d)
        mm_low += pair_maintenance(greatest_line(rule, lesser(fabs(a), fabs(b))))
        mm_high += pair_maintenance(greatest_line(rule, greater(fabs(a), fabs(b))))
    for k in range(pool.balance_count):
        balance = pool.balances + k
        asset = assets + balance.asset
        if not asset.is_sound:
            return 0
        a, b = balance.amount * asset.low, balance.amount * asset.high
        low += counted(program.collateral_rules + asset.rule, lesser(a, b))
        high += counted(program.collateral_rules + asset.rule, greater(a, b))
    low = low + pnl_low - pool.due
    high = high + pnl_high - pool.due
    if not (isfinite(low) and isfinite(high) and isfinite(mm_high)):
        return 0
    if wake.has_low and not (low + wake.noise >= wake.low * mm_high):
        return 0
    return not wake.has_high or high + wake.noise < wake.high * mm_low


@cython.final
cdef class Replay:
    """
    Run the pools of an engine over a history of prices.

    The engine is this object's alone while it lives: nothing else may price it, read it, or add to it. A value of a row is not a number
    where nothing was published then; what was published before is kept, with its time.

    Args:
        times: of the rows, in nanoseconds, rising.
        values: row by row, one for each column.
        assets: rows (asset id, price column, volatility column, deposits column, borrows column, volatility where there
            is no column); -1: no column.
        instruments: rows (instrument id, mark column, pairs of a field's number and its column).
        max_age_ns: of the prices of assets.
        block_rows: laid out at a time; 0: as many as suit the cache. What comes out does not depend on it.
    """

    cdef Engine engine
    cdef Py_buffer times, values
    cdef int has_times, has_values
    cdef int64_t column_count, row_count, max_age_ns
    cdef Feed* feeds
    cdef FieldColumn* fields
    cdef int32_t asset_count, mark_count, pool_count
    cdef PriceRow* rows
    cdef Quotes* quotes
    cdef Laid* laid
    cdef int64_t first, loaded, room
    cdef MarkSpan* spans         # [group][instrument]
    cdef AssetSpan* asset_spans
    cdef int has_spans
    cdef int in_place        # what is prepared for formulas cannot be laid out ahead
    cdef Wake* wakes
    cdef int64_t* unassessed
    cdef int32_t* stopped

    def __cinit__(self, Engine engine not None, times, values, list assets, list instruments, int64_t max_age_ns,
                  int64_t block_rows=0):
        cdef int64_t k, at = 0
        self.engine, self.max_age_ns = engine, max_age_ns
        if engine.active.view.program == NULL:
            raise ValueError("no rulebook is active")
        hold(times, &self.times, True)
        self.has_times = 1
        hold(values, &self.values, False)
        self.has_values = 1
        self.row_count = self.times.shape[0]
        self.column_count = self.values.shape[0] // self.row_count if self.row_count else 0
        if self.column_count * self.row_count != self.values.shape[0]:
            raise ValueError(f"{self.values.shape[0]} values for {self.row_count} rows")
        self.asset_count, self.mark_count, self.pool_count = len(assets), len(instruments), engine.pool_count
        self.feeds = <Feed*>allocate(self.asset_count + self.mark_count, sizeof(Feed))
        self.fields = <FieldColumn*>allocate(sum([len(row[2]) for row in instruments]) + 3 * len(assets),
                                             sizeof(FieldColumn))
        for k, row in enumerate(assets):
            self.feed(self.feeds + k, row[0], engine.asset_count, row[1], list(enumerate(row[2:5])), &at)
            self.feeds[k].volatility = row[5]
        for k, row in enumerate(instruments):
            for field, _ in row[2]:
                if not 0 <= field < QUOTE_COUNT:
                    raise IndexError(f"field was {field}")
            self.feed(self.feeds + self.asset_count + k, row[0], engine.instrument_count, row[1], row[2], &at)
        self.rows = <PriceRow*>allocate(self.asset_count + self.mark_count, sizeof(PriceRow))
        self.quotes = <Quotes*>allocate(self.mark_count, sizeof(Quotes))
        self.wakes = <Wake*>allocate(self.pool_count, sizeof(Wake))
        self.unassessed = <int64_t*>allocate(self.pool_count, sizeof(int64_t))
        self.stopped = <int32_t*>allocate(self.pool_count, sizeof(int32_t))
        for k in range(self.pool_count):
            self.wakes[k].at_any = 1
        self.lay_out(block_rows)

    cdef int feed(self, Feed* feed, int index, int most, int price, pairs, int64_t* at) except -1:
        if not (0 <= index < most and 0 <= price < self.column_count):
            raise IndexError(f"id was {index}, column was {price}")
        feed.index, feed.price, feed.first, feed.count = index, price, <int32_t>at[0], len(pairs)
        for field, column in pairs:
            if column >= self.column_count:
                raise IndexError(f"column was {column}")
            self.fields[at[0]].field, self.fields[at[0]].column = field, column
            at[0] += 1
        return 0

    cdef int lay_out(self, int64_t rows) except -1:
        """Make room for a block of rows."""
        cdef Engine engine = self.engine
        cdef int64_t size = engine.instrument_count * sizeof(Mark) + engine.asset_count * sizeof(Asset) + 1
        cdef int64_t k
        self.in_place = engine.active.view.program.has_models
        self.room = 1 if self.in_place else rows or max(BLOCK_ROWS_MIN, min(BLOCK_ROWS_MAX, BLOCK_BYTES // size))
        if self.room < 0:
            raise ValueError(f"rows of a block were {rows}")
        self.laid = <Laid*>allocate(self.room, sizeof(Laid))
        if self.in_place:
            return 0
        self.has_spans = not engine.active.view.program.has_terms
        if self.has_spans:
            # The first group is the whole block.
            self.spans = <MarkSpan*>allocate((self.groups() + 1) * engine.instrument_count, sizeof(MarkSpan))
            self.asset_spans = <AssetSpan*>allocate((self.groups() + 1) * engine.asset_count, sizeof(AssetSpan))
        for k in range(self.room):
            self.laid[k].marks = <Mark*>allocate(engine.instrument_count, sizeof(Mark))
            self.laid[k].specs = <Spec*>allocate(engine.instrument_count, sizeof(Spec))
            self.laid[k].assets = <Asset*>allocate(engine.asset_count, sizeof(Asset))
        return 0

    cdef inline int64_t groups(self) noexcept nogil:
        return (self.room + GROUP_ROWS - 1) // GROUP_ROWS

    def __dealloc__(self):
        cdef int64_t k
        free(self.spans)
        free(self.asset_spans)
        if self.laid != NULL:
            for k in range(self.room):
                free(self.laid[k].marks)
                free(self.laid[k].specs)
                free(self.laid[k].assets)
        free(self.laid)
        free(self.feeds)
        free(self.fields)
        free(self.rows)
        free(self.quotes)
        free(self.wakes)
        free(self.unassessed)
        free(self.stopped)
        if self.has_times:
            PyBuffer_Release(&self.times)
        if self.has_values:
            PyBuffer_Release(&self.values)

    # The market

    cdef void read_row(self, int64_t row, Prices* prices) noexcept nogil:
        """Collect what a row publishes."""
        cdef const double* values = <const double*>self.values.buf + row * self.column_count
        cdef int64_t now = (<const int64_t*>self.times.buf)[row]
        cdef const Feed* feed
        cdef PriceRow* out = self.rows
        cdef Quotes* quotes = self.quotes
        cdef double interest
        cdef int32_t k, j
        for k in range(self.asset_count):
            feed = self.feeds + k
            if isnan(values[feed.price]):
                continue
            out.index, out.price, out.time_ns, out.max_age_ns = feed.index, values[feed.price], now, self.max_age_ns
            out.totals.volatility = self.value_of(values, feed.first, feed.volatility)
            out.totals.deposits = self.value_of(values, feed.first + 1, NAN)
            out.totals.borrows = self.value_of(values, feed.first + 2, NAN)
            out += 1
        prices.rows, prices.quotes = self.rows, self.quotes
        prices.asset_count = <int32_t>(out - self.rows)
        for k in range(self.asset_count, self.asset_count + self.mark_count):
            feed = self.feeds + k
            if isnan(values[feed.price]):
                continue
            forget_quotes(quotes)
            # Computed from closes, which stand still.
            quotes.values[FIELD_REALIZED_VOLATILITY] = (
                self.engine.active.quotes[feed.index].values[FIELD_REALIZED_VOLATILITY])
            for j in range(feed.first, feed.first + feed.count):
                quotes.values[self.fields[j].field] = values[self.fields[j].column]
            interest = quotes.values[FIELD_OPEN_INTEREST]
            out.index, out.price, out.time_ns, out.priced = feed.index, values[feed.price], now, 1
            out.open_interest = 0.0 if isnan(interest) else interest
            out += 1
            quotes += 1
        prices.mark_count = <int32_t>(out - self.rows) - prices.asset_count

    cdef int publish(self, const Prices* prices) except -1:
        """Publish prices with what formulas prepare of them."""
        cdef Engine engine = self.engine
        cdef double** blocks = <double**>allocate(engine.instrument_count, sizeof(double*))
        cdef int made
        with nogil:
            made = prepare_prices(&engine.active, prices, blocks)
            if made:
                write_prices(&engine.active, prices)
                swap_blocks(engine.active.blocks, blocks, engine.instrument_count)
        free_blocks(blocks, engine.instrument_count)
        if not made:
            raise MemoryError("out of memory")
        return 0

    cdef inline double value_of(self, const double* values, int32_t field, double otherwise) noexcept nogil:
        cdef int32_t column = self.fields[field].column
        return values[column] if column >= 0 and not isnan(values[column]) else otherwise

    def load(self, int64_t first):
        """Lay out the next rows from `first` on, which must follow those laid out before; return how many."""
        cdef Engine engine = self.engine
        cdef int64_t k, count = min(self.room, self.row_count - first)
        cdef Prices prices
        if first != self.first + self.loaded:
            raise ValueError(f"row was {first}, the next is {self.first + self.loaded}")
        if self.loaded and not self.in_place:
            self.show(self.loaded - 1)
        self.first, self.loaded = first, max(count, 0)
        if self.in_place:
            if count > 0:
                with nogil:
                    self.read_row(first, &prices)
                self.publish(&prices)
                self.laid[0].view = engine.active.view
            return self.loaded
        with nogil:
            for k in range(self.loaded):
                self.read_row(first + k, &prices)
                write_prices(&engine.active, &prices)
                memcpy(self.laid[k].marks, engine.active.marks, engine.instrument_count * sizeof(Mark))
                memcpy(self.laid[k].specs, engine.active.specs, engine.instrument_count * sizeof(Spec))
                memcpy(self.laid[k].assets, engine.active.assets, engine.asset_count * sizeof(Asset))
                self.laid[k].view = engine.active.view
                self.laid[k].view.marks, self.laid[k].view.specs = self.laid[k].marks, self.laid[k].specs
                self.laid[k].view.assets = self.laid[k].assets
            if self.has_spans:
                self.measure_spans(0, 0, self.loaded)
                for k in range((self.loaded + GROUP_ROWS - 1) // GROUP_ROWS):
                    self.measure_spans(k + 1, k * GROUP_ROWS, min(self.loaded, (k + 1) * GROUP_ROWS))
        return self.loaded

    cdef void measure_spans(self, int64_t group, int64_t first, int64_t stop) noexcept nogil:
        """Find between what bounds the prices of some rows lie."""
        cdef const int64_t* times = <const int64_t*>self.times.buf + self.first
        cdef int32_t j
        cdef int64_t k
        cdef MarkSpan* span
        cdef AssetSpan* asset_span
        cdef const Mark* mark
        cdef const Asset* asset
        for j in range(self.engine.instrument_count):
            span = self.spans + group * self.engine.instrument_count + j
            span.value_low = span.fx_low = INFINITE
            span.value_high = span.fx_high = -INFINITE
            span.rule_offset, span.is_sound = self.laid[first].marks[j].rule_offset, 1
            for k in range(first, stop):
                mark = self.laid[k].marks + j
                # Whatever is not finite is not between the bounds, and nothing is told of it.
                if times[k] > mark.fresh_until or not (isfinite(mark.unit_value) and isfinite(mark.fx)):
                    span.is_sound = 0
                    break
                span.value_low, span.value_high = lesser(mark.unit_value, span.value_low), greater(mark.unit_value, span.value_high)
                span.fx_low, span.fx_high = lesser(mark.fx, span.fx_low), greater(mark.fx, span.fx_high)
        for j in range(self.engine.asset_count):
            asset_span = self.asset_spans + group * self.engine.asset_count + j
            asset_span.low, asset_span.high, asset_span.is_sound = INFINITE, -INFINITE, 1
            asset_span.rule = self.laid[first].assets[j].rule
            for k in range(first, stop):
                asset = self.laid[k].assets + j
                if asset.status or asset.rule < 0 or times[k] > asset.fresh_until or not isfinite(asset.price):
                    asset_span.is_sound = 0
                    break
                asset_span.low, asset_span.high = lesser(asset.price, asset_span.low), greater(asset.price, asset_span.high)

    cdef inline int sleeps_through(self, int32_t pool, int64_t group, int64_t stop) noexcept nogil:
        return is_quiet(
            self.engine.active.view.program, self.engine.pools + pool, self.wakes + pool,
            self.spans + group * self.engine.instrument_count, self.asset_spans + group * self.engine.asset_count,
            (<const int64_t*>self.times.buf)[self.first + stop - 1])

    def show(self, int64_t place):
        """Let the engine have the prices of a row of the block."""
        cdef Engine engine = self.engine
        if not 0 <= place < self.loaded:
            raise IndexError(f"row was {place} of {self.loaded}")
        if self.in_place:
            return
        memcpy(engine.active.marks, self.laid[place].marks, engine.instrument_count * sizeof(Mark))
        memcpy(engine.active.specs, self.laid[place].specs, engine.instrument_count * sizeof(Spec))
        memcpy(engine.active.assets, self.laid[place].assets, engine.asset_count * sizeof(Asset))

    # The pools

    def wake_at(self, int pool, wake, Assessment seen):
        """
        Say when a pool wakes; until this is said of it, it does at every row.

        Args:
            wake: `marginrules.escalation.wake.Wake`.
            seen: what was measured when it was looked at last; None where it is not known.
        """
        cdef Wake* out = self.wakes + pool
        cdef int32_t k
        if not 0 <= pool < self.pool_count:
            raise IndexError(f"pool id was {pool}")
        memset(out, 0, sizeof(Wake))
        out.noise, out.time_ns = wake.noise, wake.time_ns
        out.has_low, out.has_high = wake.low is not None, wake.high is not None
        out.has_owed = wake.owed is not None
        out.owed = wake.owed if out.has_owed else 0.0
        out.low = wake.low if out.has_low else 0.0
        out.high = wake.high if out.has_high else 0.0
        out.at_any, out.at_valid = wake.at_any, wake.at_valid
        if len(wake.lacks) > LACKS_MAX:
            out.at_valid = 1
        else:
            out.lack_count = len(wake.lacks)
            for k, lack in enumerate(wake.lacks):
                out.lacks[k].is_initial, out.lacks[k].ratio, out.lacks[k].most = lack.is_initial, lack.ratio, lack.most
        out.equity = NAN
        if seen is not None and not seen.result.flags & INVALID_MASK:
            out.equity = seen.result.equity
            out.initial_margin, out.maintenance_margin = seen.result.initial_margin, seen.result.maintenance_margin

    def comes(self, int pool, double equity, double initial_margin, double maintenance_margin, bint is_valid, int64_t now):
        """Say whether a pool would wake at a measure."""
        cdef Result found
        if not 0 <= pool < self.pool_count:
            raise IndexError(f"pool id was {pool}")
        memset(&found, 0, sizeof(Result))
        found.equity, found.initial_margin, found.maintenance_margin = equity, initial_margin, maintenance_margin
        found.flags = 0 if is_valid else MISSING_PRICE
        return comes(self.wakes + pool, &found, now) != 0

    def run(self):
        """Run all pools through the block; return pairs (pool, row of the block) of those that wake, at their first."""
        cdef int32_t k
        cdef Arena* arena = NULL
        with nogil:
            if self.in_place:
                arena = thread_arena()
            for k in range(self.pool_count):
                self.stopped[k] = <int32_t>self.next_wake(k, 0, arena)
            if arena != NULL:
                arena_return(arena)
        return [(k, self.stopped[k]) for k in range(self.pool_count) if self.stopped[k] >= 0]

    def run_on(self, int pool, int64_t place):
        """Run one pool through the block from a row on; return the row at which it wakes, or -1."""
        cdef Arena* arena = NULL
        cdef int64_t found
        if not (0 <= pool < self.pool_count and 0 <= place):
            raise IndexError(f"pool id was {pool}, row was {place}")
        if self.in_place:
            arena = thread_arena()
        found = self.next_wake(pool, place, arena)
        if arena != NULL:
            arena_return(arena)
        return found

    cdef int64_t next_wake(self, int32_t pool, int64_t place, Arena* arena) noexcept nogil:
        cdef const int64_t* times = <const int64_t*>self.times.buf + self.first
        cdef const Pool* p = self.engine.pools + pool
        cdef const Wake* wake = self.wakes + pool
        cdef Result found
        cdef int64_t k
        if self.in_place and arena == NULL:
            return place if place < self.loaded else -1
        if self.has_spans and place == 0 and self.loaded > GROUP_ROWS and self.sleeps_through(pool, 0, self.loaded):
            return -1
        k = place
        while k < self.loaded:
            if self.has_spans and k % GROUP_ROWS == 0 and self.sleeps_through(
                    pool, k // GROUP_ROWS + 1, min(k + GROUP_ROWS, self.loaded)):
                k += GROUP_ROWS
                continue
            assess_pool(&self.laid[k].view, p, times[k], arena, &found)
            if found.flags & INVALID_MASK:
                self.unassessed[pool] += 1
            if comes(wake, &found, times[k]):
                return k
            k += 1
        return -1

    def unassessed_of(self, int pool):
        """Return in how many of the rows gone through so far a pool could not be assessed."""
        if not 0 <= pool < self.pool_count:
            raise IndexError(f"pool id was {pool}")
        return self.unassessed[pool]
