# The market as one program reads it: everything that depends on which rulebook is asked.
#
# The active program has a reading of its own, and so has a shadow, which is asked beside it. Both are changed by the same
# functions under one lock, so a check sees one state of both.

cdef struct Reading:
    View view
    Mark* marks
    Spec* specs
    Quotes* quotes
    Parameters* parameters
    Asset* assets
    double** blocks          # by instrument, see `prepare`
    int32_t instrument_count
    int32_t asset_count
    int instrument_room
    int asset_room

cdef struct Prices:          # what is published at once: assets, then instruments
    PriceRow* rows
    Quotes* quotes           # of the instruments
    int32_t asset_count
    int32_t mark_count

cdef struct Fit:             # what a program makes of instruments and assets, by their ids
    const Program* program
    const double* const* series
    int32_t series_stride
    int64_t* products        # or -1
    int64_t* max_ages
    int64_t* asset_rules     # or -1
    uint64_t* wrong_ways
    Parameters* parameters
    double** blocks


cdef void free_reading(Reading* reading) noexcept:
    cdef int32_t k
    if reading.blocks != NULL:
        for k in range(reading.instrument_count):
            free(reading.blocks[k])
    free(reading.blocks)
    free(reading.marks)
    free(reading.specs)
    free(reading.quotes)
    free(reading.parameters)
    free(reading.assets)
    memset(reading, 0, sizeof(Reading))


cdef void look(Reading* reading) noexcept nogil:
    """Point the view at the arrays, which may have moved."""
    reading.view.marks, reading.view.specs, reading.view.assets = reading.marks, reading.specs, reading.assets
    reading.view.quotes, reading.view.parameters = reading.quotes, reading.parameters
    reading.view.blocks = <const double* const*>reading.blocks


cdef int make_room_for_asset(Reading* reading) noexcept nogil:
    cdef int made = grow(<void**>&reading.assets, reading.asset_count, &reading.asset_room, sizeof(Asset))
    look(reading)
    return made


cdef int make_room_for_instrument(Reading* reading) noexcept nogil:
    """Make room for one more instrument in every array; return 0 where memory is out."""
    cdef int count = reading.instrument_count, room = reading.instrument_room
    cdef int marks_room = room, specs_room = room, quotes_room = room, parameters_room = room, blocks_room = room
    cdef int made = (
        grow(<void**>&reading.marks, count, &marks_room, sizeof(Mark))
        and grow(<void**>&reading.specs, count, &specs_room, sizeof(Spec))
        and grow(<void**>&reading.quotes, count, &quotes_room, sizeof(Quotes))
        and grow(<void**>&reading.parameters, count, &parameters_room, sizeof(Parameters))
        and grow(<void**>&reading.blocks, count, &blocks_room, sizeof(double*)))
    look(reading)
    if made:
        reading.instrument_room = marks_room  # counted once all have it
    return made


cdef void append_asset(Reading* reading, int rule) noexcept nogil:
    """Add an asset without a price; room must be there."""
    cdef Asset* asset = reading.assets + reading.asset_count
    asset.rule = rule
    asset.status = MISSING_PRICE
    asset.totals = UNKNOWN_TOTALS
    weigh(asset, reading.view.program)
    reading.asset_count += 1


cdef void append_instrument(
    Reading* reading, const Spec* spec, const Parameters* parameters, int product,
) noexcept nogil:
    """Add an instrument without a mark; room must be there."""
    cdef int32_t k = reading.instrument_count
    reading.specs[k] = spec[0]
    forget_quotes(reading.quotes + k)
    reading.parameters[k] = parameters[0]
    bind(reading, k, product)
    reading.instrument_count += 1


cdef void bind(Reading* reading, int32_t instrument, int product) noexcept nogil:
    cdef const Program* program = reading.view.program
    cdef Mark* mark = reading.marks + instrument
    cdef int known = program != NULL and 0 <= product < program.product_count
    cdef int row = product if known else (program.product_count if program != NULL else 0)
    mark.rule_offset = row * <int>sizeof(Rule)
    mark.status = (mark.status & ~UNKNOWN_PRODUCT) | (0 if known else UNKNOWN_PRODUCT)
    reading.specs[instrument].product = product if known else -1
    derive(mark, reading.specs + instrument, reading.assets)


cdef void bind_all(Reading* reading, const Fit* fit) noexcept nogil:
    """Read the market by another program; what was prepared for the one before goes back by `fit.blocks`."""
    cdef int32_t k
    reading.view.program = fit.program
    reading.view.series, reading.view.series_stride = fit.series, fit.series_stride
    swap_blocks(reading.blocks, fit.blocks, reading.instrument_count)
    if reading.instrument_count:
        memcpy(reading.parameters, fit.parameters, reading.instrument_count * sizeof(Parameters))
    for k in range(reading.instrument_count):
        reading.specs[k].max_age_ns, reading.specs[k].wrong_way = fit.max_ages[k], fit.wrong_ways[k]
        bind(reading, k, <int>fit.products[k])
    for k in range(reading.asset_count):
        reading.assets[k].rule = <int32_t>fit.asset_rules[k]
        weigh(reading.assets + k, reading.view.program)


cdef int copy_reading(const Reading* source, Reading* target) noexcept nogil:
    """Copy a reading with its room, but for what was prepared; return 0 where memory is out."""
    cdef size_t room = source.instrument_room + 1
    target[0] = source[0]
    target.marks = <Mark*>calloc(room, sizeof(Mark))
    target.specs = <Spec*>calloc(room, sizeof(Spec))
    target.quotes = <Quotes*>calloc(room, sizeof(Quotes))
    target.parameters = <Parameters*>calloc(room, sizeof(Parameters))
    target.blocks = <double**>calloc(room, sizeof(double*))
    target.assets = <Asset*>calloc(source.asset_room + 1, sizeof(Asset))
    if (target.marks == NULL or target.specs == NULL or target.quotes == NULL or target.parameters == NULL
            or target.blocks == NULL or target.assets == NULL):
        return 0
    if source.instrument_count:
        memcpy(target.marks, source.marks, source.instrument_count * sizeof(Mark))
        memcpy(target.specs, source.specs, source.instrument_count * sizeof(Spec))
        memcpy(target.quotes, source.quotes, source.instrument_count * sizeof(Quotes))
        memcpy(target.parameters, source.parameters, source.instrument_count * sizeof(Parameters))
    if source.asset_count:
        memcpy(target.assets, source.assets, source.asset_count * sizeof(Asset))
    look(target)
    return 1


cdef void write_prices(Reading* reading, const Prices* prices) noexcept nogil:
    cdef const PriceRow* row
    cdef int32_t k
    cdef Asset* asset
    for k in range(prices.asset_count):
        row = prices.rows + k
        asset = reading.assets + row.index
        asset.price, asset.price_ns = row.price, row.time_ns
        asset.fresh_until = row.time_ns + row.max_age_ns
        asset.status, asset.totals = 0, row.totals
        weigh(asset, reading.view.program)
    for k in range(prices.mark_count):
        row = prices.rows + prices.asset_count + k
        reading.specs[row.index].mark = row.price
        reading.specs[row.index].mark_ns = row.time_ns
        reading.specs[row.index].priced = row.priced
        reading.quotes[row.index] = prices.quotes[k]
        reading.marks[row.index].open_interest = row.open_interest
        derive(reading.marks + row.index, reading.specs + row.index, reading.assets)
    # Only what a changed price reaches is derived again; a changed asset may reach every instrument.
    if prices.asset_count:
        for k in range(reading.instrument_count):
            derive(reading.marks + k, reading.specs + k, reading.assets)


cdef int prepare_prices(const Reading* reading, const Prices* prices, double** blocks) noexcept nogil:
    """Prepare what new prices change, on copies; return 0 where memory is out."""
    cdef const Program* program = reading.view.program
    cdef const PriceRow* given = prices.rows + prices.asset_count
    cdef Instrument one
    cdef Arena arena
    cdef Asset* assets = NULL
    cdef int32_t* row_of = NULL
    cdef int32_t k, row
    cdef int made = 1
    if program == NULL or not program.has_models:
        return 1
    memset(&arena, 0, sizeof(Arena))
    assets = <Asset*>arena_take(&arena, (reading.asset_count + 1) * sizeof(Asset))
    row_of = <int32_t*>arena_take(&arena, (reading.instrument_count + 1) * sizeof(int32_t))
    if arena.failed:
        arena_free(&arena)
        return 0
    memcpy(assets, reading.assets, reading.asset_count * sizeof(Asset))
    memset(row_of, 255, reading.instrument_count * sizeof(int32_t))
    for k in range(prices.asset_count):
        row = prices.rows[k].index
        assets[row].price, assets[row].price_ns = prices.rows[k].price, prices.rows[k].time_ns
        assets[row].fresh_until = prices.rows[k].time_ns + prices.rows[k].max_age_ns
        assets[row].status = 0
    for k in range(prices.mark_count):
        row_of[given[k].index] = k
    for k in range(reading.instrument_count):
        row = row_of[k]
        # Of assets, programs read the price of what an instrument settles in; a first price counts as a change.
        if row < 0 and (not prices.asset_count or settles_as_before(reading, k, assets)):
            continue
        one.mark, one.spec, one.quotes = reading.marks[k], reading.specs[k], reading.quotes[k]
        one.parameters = reading.parameters[k]
        if row >= 0:
            one.spec.mark, one.spec.mark_ns = given[row].price, given[row].time_ns
            one.spec.priced = given[row].priced
            one.mark.open_interest = given[row].open_interest
            one.quotes = prices.quotes[row]
        if not is_prepared(program, &one.spec):
            continue
        derive(&one.mark, &one.spec, assets)
        blocks[k] = prepared(&reading.view, program, &one, &arena)
        made &= blocks[k] != NULL
    arena_free(&arena)
    return made


cdef inline int settles_as_before(const Reading* reading, int32_t instrument, const Asset* assets) noexcept nogil:
    """Say whether new prices of assets leave what an instrument settles in where it is."""
    cdef const Asset* before = reading.assets + reading.specs[instrument].settlement
    cdef const Asset* after = assets + reading.specs[instrument].settlement
    return before.price == after.price and before.status == after.status


cdef int prepare_all(const Reading* reading, const Fit* fit) noexcept nogil:
    """Prepare every instrument for a program or for other series into `fit.blocks`; return 0 where memory is out."""
    cdef View view = reading.view
    cdef Instrument one
    cdef Arena arena
    cdef int32_t k
    cdef int made = 1
    memset(&arena, 0, sizeof(Arena))
    view.program, view.series, view.series_stride = fit.program, fit.series, fit.series_stride
    for k in range(reading.instrument_count):
        one.mark, one.spec, one.quotes = reading.marks[k], reading.specs[k], reading.quotes[k]
        one.parameters = fit.parameters[k]
        if fit.products != NULL:
            one.spec.product = <int32_t>fit.products[k]
        if is_prepared(fit.program, &one.spec):
            fit.blocks[k] = prepared(&view, fit.program, &one, &arena)
            made &= fit.blocks[k] != NULL
    arena_free(&arena)
    return made


cdef void free_blocks(double** blocks, int32_t count) noexcept:
    cdef int32_t k
    if blocks != NULL:
        for k in range(count):
            free(blocks[k])
    free(blocks)


@cython.final
cdef class Fitting:
    """Hold a `Fit` while a program is being switched to, with what was prepared for it or for the one before."""

    cdef Fit fit
    cdef Series series
    cdef int32_t count

    def __cinit__(self, Tables tables not None, int instruments, int assets, series):
        self.series, self.count = Series(tables, series), instruments
        self.fit.program = &tables.program
        self.fit.series = <const double* const*>self.series.rows
        self.fit.series_stride = self.series.stride
        self.fit.products = <int64_t*>allocate(instruments, sizeof(int64_t))
        self.fit.max_ages = <int64_t*>allocate(instruments, sizeof(int64_t))
        self.fit.asset_rules = <int64_t*>allocate(assets, sizeof(int64_t))
        self.fit.wrong_ways = <uint64_t*>allocate(instruments, sizeof(uint64_t))
        self.fit.parameters = <Parameters*>allocate(instruments, sizeof(Parameters))
        self.fit.blocks = <double**>allocate(instruments, sizeof(double*))

    def __dealloc__(self):
        free_blocks(self.fit.blocks, self.count)
        free(self.fit.products)
        free(self.fit.max_ages)
        free(self.fit.asset_rules)
        free(self.fit.wrong_ways)
        free(self.fit.parameters)

    cdef int read(self, list products, list max_ages, list asset_rules, parameters, wrong_ways) except -1:
        cdef int32_t k
        for k in range(self.count):
            self.fit.products[k], self.fit.max_ages[k] = products[k], max_ages[k]
            read_parameters(self.fit.parameters + k, parameters[k] if parameters else ())
        for k, bits in enumerate(wrong_ways):
            self.fit.wrong_ways[k] = bits
        for k, rule in enumerate(asset_rules):
            self.fit.asset_rules[k] = rule
        return 0


@cython.final
cdef class Published:
    """Hold `Prices` read from lists, see `Engine.set_prices`."""

    cdef Prices prices

    def __cinit__(self, list assets, list instruments):
        cdef int32_t k, field
        cdef PriceRow* rows
        self.prices.asset_count, self.prices.mark_count = len(assets), len(instruments)
        rows = <PriceRow*>allocate(len(assets) + len(instruments), sizeof(PriceRow))
        self.prices.rows = rows
        self.prices.quotes = <Quotes*>allocate(len(instruments), sizeof(Quotes))
        for k, row in enumerate(assets):
            rows[k].index, rows[k].price, rows[k].time_ns, rows[k].max_age_ns = row[:4]
            rows[k].totals = UNKNOWN_TOTALS
            if len(row) > 4:
                rows[k].totals.volatility, rows[k].totals.deposits, rows[k].totals.borrows = row[4:]
        rows += self.prices.asset_count
        for k, row in enumerate(instruments):
            rows[k].index, rows[k].price, rows[k].time_ns, rows[k].open_interest = row[:4]
            rows[k].priced = 1
            forget_quotes(self.prices.quotes + k)
            self.prices.quotes[k].values[FIELD_OPEN_INTEREST] = row[3]
            for number, value in row[4] if len(row) > 4 else ():
                field = number
                if not 0 <= field < QUOTE_COUNT:
                    raise IndexError(f"field was {field}")
                self.prices.quotes[k].values[field] = value

    def __dealloc__(self):
        free(self.prices.rows)
        free(self.prices.quotes)


cdef Published requote(const Reading* reading, list rows):
    """Publish marks again as they were, beside other quotes; see `Engine.set_quotes`."""
    cdef Published made = Published([], [])
    cdef PriceRow* again
    cdef int32_t k, instrument, field, count = len(rows)
    free(made.prices.rows)
    free(made.prices.quotes)
    made.prices.rows, made.prices.quotes = NULL, NULL
    made.prices.rows = <PriceRow*>allocate(count, sizeof(PriceRow))
    made.prices.quotes = <Quotes*>allocate(count, sizeof(Quotes))
    made.prices.mark_count = count
    for k, row in enumerate(rows):
        instrument, field = row[0], row[1]
        if not (0 <= instrument < reading.instrument_count and 0 <= field < QUOTE_COUNT):
            raise IndexError(f"instrument was {instrument}, field was {field}")
        again = made.prices.rows + k
        # The mark is published again as it was: what programs have prepared may depend on the quote.
        again.index, again.priced = instrument, reading.specs[instrument].priced
        again.price, again.time_ns = reading.specs[instrument].mark, reading.specs[instrument].mark_ns
        again.open_interest = reading.marks[instrument].open_interest
        made.prices.quotes[k] = reading.quotes[instrument]
        made.prices.quotes[k].values[field] = row[2]
    return made
