# Book and market in memory, and the Python-facing wrapper around the functions that read them.

cdef extern from "pthread.h" nogil:
    ctypedef struct pthread_rwlock_t:
        pass
    ctypedef struct pthread_rwlockattr_t:
        pass
    int PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP
    int pthread_rwlockattr_init(pthread_rwlockattr_t*)
    int pthread_rwlockattr_setkind_np(pthread_rwlockattr_t*, int)
    int pthread_rwlockattr_destroy(pthread_rwlockattr_t*)
    int pthread_rwlock_init(pthread_rwlock_t*, const pthread_rwlockattr_t*)
    int pthread_rwlock_destroy(pthread_rwlock_t*)
    int pthread_rwlock_rdlock(pthread_rwlock_t*)
    int pthread_rwlock_wrlock(pthread_rwlock_t*)
    int pthread_rwlock_unlock(pthread_rwlock_t*)

cdef enum:
    CHUNK = 1024             # pools assessed under one read lock, so that a writer never waits long



@cython.final
cdef class Engine:
    """
    Hold book, market and active program, and answer from them.

    Ids are dense integers in the order of creation. Methods that change state are called by one writer; methods that
    read may be called from any thread at any time.
    """

    cdef pthread_rwlock_t lock
    cdef Tables tables
    cdef View view
    cdef Mark* marks
    cdef Spec* specs
    cdef Quotes* quotes
    cdef Parameters* parameters
    cdef Asset* assets
    cdef double** blocks     # by instrument, see `prepare`
    cdef Series series
    cdef Pool* pools
    cdef Account* accounts
    cdef readonly int instrument_count, asset_count, pool_count, account_count
    cdef int instrument_room, asset_room, pool_room, account_room

    def __cinit__(self):
        cdef pthread_rwlockattr_t kind
        pthread_rwlockattr_init(&kind)
        pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)
        if pthread_rwlock_init(&self.lock, &kind):
            raise MemoryError("lock could not be made")
        pthread_rwlockattr_destroy(&kind)

    def __dealloc__(self):
        cdef int32_t k
        for k in range(self.pool_count):
            free_pool(self.pools + k)
        for k in range(self.instrument_count):
            free(self.blocks[k])
        free(self.blocks)
        free(self.pools)
        free(self.accounts)
        free(self.marks)
        free(self.specs)
        free(self.quotes)
        free(self.parameters)
        free(self.assets)
        pthread_rwlock_destroy(&self.lock)

    # No section under the write lock touches a Python object or wants the GIL: a reader may wait for the lock while it
    # holds the GIL, and must never wait for a writer that waits for the GIL.

    # Market

    def add_asset(self, int rule):
        """Add an asset without a price; return its id. `rule`: its collateral rule, or -1."""
        cdef int made = 0
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            if grow(<void**>&self.assets, self.asset_count, &self.asset_room, sizeof(Asset)):
                self.assets[self.asset_count].rule = rule
                self.assets[self.asset_count].status = MISSING_PRICE
                self.assets[self.asset_count].totals = UNKNOWN_TOTALS
                weigh(self.assets + self.asset_count, self.view.program)
                self.asset_count += 1
                made = 1
            self.view.assets = self.assets
            pthread_rwlock_unlock(&self.lock)
        if not made:
            raise MemoryError("out of memory")
        return self.asset_count - 1

    def add_instrument(self, int settlement, int underlying, bint inverse, int kind, double multiplier,
                       double quantity_step, int64_t expires_ns, int product, int64_t max_age_ns,
                       double strike=0.0, int right=0, int family=-1, parameters=(), uint64_t wrong_way=0):
        """
        Add an instrument without a mark; return its id.

        Args:
            kind: as `marginrules.codes.InstrumentKind` numbers it.
            product: of the active program, or -1.
            strike, right: of an option; `right` is +1 for a call, -1 for a put.
            family: number of its underlying, which need not be an asset; the same for all instruments on it.
            parameters: what the active program sets for it.
            wrong_way: bits of the collateral for which exposure to its underlying is wrong-way.
        """
        cdef Spec spec
        cdef int made = 0, marks_room = self.instrument_room, quotes_room = self.instrument_room
        cdef int blocks_room = self.instrument_room, parameters_room = self.instrument_room
        cdef Parameters set
        read_parameters(&set, parameters)
        memset(&spec, 0, sizeof(Spec))
        spec.settlement, spec.underlying, spec.inverse, spec.kind = settlement, underlying, inverse, kind
        spec.outright = kind == SPOT or kind == OPTION
        spec.multiplier, spec.quantity_step = multiplier, quantity_step
        spec.strike, spec.right, spec.family = strike, right, family
        spec.expires_ns, spec.max_age_ns, spec.wrong_way = expires_ns, max_age_ns, wrong_way
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            if grow(<void**>&self.marks, self.instrument_count, &marks_room, sizeof(Mark)):
                self.view.marks = self.marks
                if (grow(<void**>&self.quotes, self.instrument_count, &quotes_room, sizeof(Quotes))
                        and grow(<void**>&self.parameters, self.instrument_count, &parameters_room, sizeof(Parameters))
                        and grow(<void**>&self.blocks, self.instrument_count, &blocks_room, sizeof(double*))):
                    self.view.quotes, self.view.parameters = self.quotes, self.parameters
                    self.view.blocks = <const double* const*>self.blocks
                    # The room is counted once all have it.
                    if grow(<void**>&self.specs, self.instrument_count, &self.instrument_room, sizeof(Spec)):
                        self.specs[self.instrument_count] = spec
                        self.view.specs = self.specs
                        forget_quotes(self.quotes + self.instrument_count)
                        self.parameters[self.instrument_count] = set
                        self.bind(self.instrument_count, product)
                        self.instrument_count += 1
                        made = 1
            pthread_rwlock_unlock(&self.lock)
        if not made:
            raise MemoryError("out of memory")
        return self.instrument_count - 1

    cdef void bind(self, int instrument, int product) noexcept nogil:
        cdef const Program* program = self.view.program
        cdef int known = program != NULL and 0 <= product < program.product_count
        cdef int row = product if known else (program.product_count if program != NULL else 0)
        self.marks[instrument].rule_offset = row * <int>sizeof(Rule)
        self.marks[instrument].status = (self.marks[instrument].status & ~UNKNOWN_PRODUCT) | (
            0 if known else UNKNOWN_PRODUCT)
        self.specs[instrument].product = product if known else -1
        derive(self.marks + instrument, self.specs + instrument, self.assets)

    def set_prices(self, list assets, list instruments):
        """
        Publish prices; all become visible at once.

        Args:
            assets: rows (asset id, price in the rulebook's currency, time_ns, max_age_ns, volatility a year, value of all
                deposits, value of all borrows); the last three are not a number where not known, or may be left out.
            instruments: rows (instrument id, mark, time_ns, open interest in the rulebook's currency, quotes); the
                quotes, which may be left out, are pairs (number of a `marginrules.machine.Field`, value) and replace
                all that were known. Open interest among them is what programs read, else they read that of the row.
        """
        cdef int32_t k, field
        cdef int32_t asset_count = len(assets), mark_count = len(instruments)
        cdef PriceRow* rows = <PriceRow*>allocate(asset_count + mark_count, sizeof(PriceRow))
        cdef Quotes* quotes = NULL
        try:
            quotes = <Quotes*>allocate(mark_count, sizeof(Quotes))
            for k, row in enumerate(assets):
                rows[k].index, rows[k].price, rows[k].time_ns, rows[k].max_age_ns = row[:4]
                rows[k].totals = UNKNOWN_TOTALS
                if len(row) > 4:
                    rows[k].totals.volatility, rows[k].totals.deposits, rows[k].totals.borrows = row[4:]
            for k, row in enumerate(instruments):
                rows[asset_count + k].index, rows[asset_count + k].price = row[0], row[1]
                rows[asset_count + k].time_ns, rows[asset_count + k].open_interest = row[2], row[3]
                rows[asset_count + k].priced = 1
                forget_quotes(quotes + k)
                quotes[k].values[FIELD_OPEN_INTEREST] = row[3]
                for number, value in row[4] if len(row) > 4 else ():
                    field = number
                    if not 0 <= field < QUOTE_COUNT:
                        raise IndexError(f"field was {field}")
                    quotes[k].values[field] = value
            self.publish(rows, quotes, asset_count, mark_count)
        finally:
            free(rows)
            free(quotes)

    def set_quotes(self, list rows):
        """
        Publish single quotes beside those known.

        Args:
            rows: (instrument id, number of a `marginrules.machine.Field`, value or not a number); an instrument once.
        """
        cdef int32_t k, instrument, field, count = len(rows)
        cdef PriceRow* again = <PriceRow*>allocate(count, sizeof(PriceRow))
        cdef Quotes* quotes = NULL
        try:
            quotes = <Quotes*>allocate(count, sizeof(Quotes))
            for k, row in enumerate(rows):
                instrument, field = row[0], row[1]
                if not (0 <= instrument < self.instrument_count and 0 <= field < QUOTE_COUNT):
                    raise IndexError(f"instrument was {instrument}, field was {field}")
                # The mark is published again as it was: what programs have prepared may depend on the quote.
                again[k].index, again[k].priced = instrument, self.specs[instrument].priced
                again[k].price, again[k].time_ns = self.specs[instrument].mark, self.specs[instrument].mark_ns
                again[k].open_interest = self.marks[instrument].open_interest
                quotes[k] = self.quotes[instrument]
                quotes[k].values[field] = row[2]
            self.publish(again, quotes, 0, count)
        finally:
            free(again)
            free(quotes)

    cdef int publish(
        self, const PriceRow* rows, const Quotes* quotes, int32_t asset_count, int32_t mark_count,
    ) except -1:
        cdef double** blocks = <double**>allocate(self.instrument_count, sizeof(double*))
        cdef int made
        with nogil:
            # Only this writer changes what is read here, so the long part needs no lock.
            made = self.prepare_prices(rows, quotes, asset_count, mark_count, blocks)
            if made:
                pthread_rwlock_wrlock(&self.lock)
                self.write_prices(rows, quotes, asset_count, mark_count)
                swap_blocks(self.blocks, blocks, self.instrument_count)
                pthread_rwlock_unlock(&self.lock)
        self.free_blocks(blocks)
        if not made:
            raise MemoryError("out of memory")
        return 0

    cdef void write_prices(
        self, const PriceRow* rows, const Quotes* quotes, int32_t asset_count, int32_t mark_count,
    ) noexcept nogil:
        cdef int32_t k
        cdef Asset* asset
        for k in range(asset_count):
            asset = self.assets + rows[k].index
            asset.price, asset.price_ns = rows[k].price, rows[k].time_ns
            asset.fresh_until = rows[k].time_ns + rows[k].max_age_ns
            asset.status, asset.totals = 0, rows[k].totals
            weigh(asset, self.view.program)
        for k in range(asset_count, asset_count + mark_count):
            self.specs[rows[k].index].mark = rows[k].price
            self.specs[rows[k].index].mark_ns = rows[k].time_ns
            self.specs[rows[k].index].priced = rows[k].priced
            self.quotes[rows[k].index] = quotes[k - asset_count]
            self.marks[rows[k].index].open_interest = rows[k].open_interest
            derive(self.marks + rows[k].index, self.specs + rows[k].index, self.assets)
        # Only what a changed price reaches is derived again; a changed asset may reach every instrument.
        if asset_count:
            for k in range(self.instrument_count):
                derive(self.marks + k, self.specs + k, self.assets)

    cdef int prepare_prices(
        self, const PriceRow* rows, const Quotes* quotes, int32_t asset_count, int32_t mark_count, double** blocks,
    ) noexcept nogil:
        """Prepare what new prices change, on copies; return 0 where memory is out."""
        cdef const Program* program = self.view.program
        cdef Instrument one
        cdef Arena arena
        cdef Asset* assets = NULL
        cdef int32_t* row_of = NULL
        cdef int32_t k, row
        cdef int made = 1
        if program == NULL or not program.has_models:
            return 1
        memset(&arena, 0, sizeof(Arena))
        assets = <Asset*>arena_take(&arena, (self.asset_count + 1) * sizeof(Asset))
        row_of = <int32_t*>arena_take(&arena, (self.instrument_count + 1) * sizeof(int32_t))
        if arena.failed:
            arena_free(&arena)
            return 0
        memcpy(assets, self.assets, self.asset_count * sizeof(Asset))
        memset(row_of, 255, self.instrument_count * sizeof(int32_t))
        for k in range(asset_count):
            assets[rows[k].index].price, assets[rows[k].index].price_ns = rows[k].price, rows[k].time_ns
            assets[rows[k].index].fresh_until = rows[k].time_ns + rows[k].max_age_ns
            assets[rows[k].index].status = 0
        for k in range(mark_count):
            row_of[rows[asset_count + k].index] = k
        for k in range(self.instrument_count):
            row = row_of[k]
            # Of assets, programs read the price of what an instrument settles in; a first price counts as a change.
            if row < 0 and (not asset_count or self.settles_as_before(k, assets)):
                continue
            one.mark, one.spec, one.quotes = self.marks[k], self.specs[k], self.quotes[k]
            one.parameters = self.parameters[k]
            if row >= 0:
                one.spec.mark, one.spec.mark_ns = rows[asset_count + row].price, rows[asset_count + row].time_ns
                one.spec.priced = rows[asset_count + row].priced
                one.mark.open_interest = rows[asset_count + row].open_interest
                one.quotes = quotes[row]
            if not is_prepared(program, &one.spec):
                continue
            derive(&one.mark, &one.spec, assets)
            blocks[k] = prepared(&self.view, program, &one, &arena)
            made &= blocks[k] != NULL
        arena_free(&arena)
        return made

    cdef inline int settles_as_before(self, int32_t instrument, const Asset* assets) noexcept nogil:
        """Say whether new prices of assets leave what an instrument settles in where it is."""
        cdef const Asset* before = self.assets + self.specs[instrument].settlement
        cdef const Asset* after = assets + self.specs[instrument].settlement
        return before.price == after.price and before.status == after.status

    def price_of(self, int instrument):
        """Return (mark, time_ns, open interest, value of +1, value of one unit of the settlement asset)."""
        cdef Spec spec
        cdef Mark mark
        pthread_rwlock_rdlock(&self.lock)
        spec, mark = self.specs[instrument], self.marks[instrument]
        pthread_rwlock_unlock(&self.lock)
        return spec.mark, spec.mark_ns, mark.open_interest, mark.unit_value, mark.fx

    def quotes_of(self, int instrument):
        """Return what else is published of an instrument, by number of `marginrules.machine.Field`."""
        cdef Quotes quotes
        cdef int32_t k
        pthread_rwlock_rdlock(&self.lock)
        quotes = self.quotes[instrument]
        pthread_rwlock_unlock(&self.lock)
        return {k: quotes.values[k] for k in range(QUOTE_COUNT) if quotes.values[k] == quotes.values[k]}

    # Program

    def activate(self, Tables tables not None, list products, list max_ages, list asset_rules, list class_profiles,
                 dict account_profiles, series=(), parameters=(), wrong_ways=()):
        """
        Switch to another program; every check sees the old one or the new one, never both.

        Args:
            products: per instrument id, the product or -1.
            max_ages: per instrument id, the greatest age of its mark.
            asset_rules: per asset id, the collateral rule or -1.
            class_profiles: per class id.
            account_profiles: account id -> profile, for accounts with overrides of their own.
            series: rows (scenario table, family, moves), see `set_series`.
            parameters: per instrument id, what the program sets for it; or nothing at all.
            wrong_ways: per instrument id, bits of the collateral for which exposure to it is wrong-way; or nothing at all.
        """
        cdef Series old_series = self.series, new_series = Series(tables, series)
        cdef int32_t k, account_count = len(account_profiles)
        cdef int64_t* numbers = <int64_t*>allocate(
            2 * self.instrument_count + self.asset_count + len(class_profiles) + 2 * account_count, sizeof(int64_t))
        cdef int64_t* ages = numbers + self.instrument_count
        cdef int64_t* rules = ages + self.instrument_count
        cdef int64_t* classes = rules + self.asset_count
        cdef int64_t* special = classes + len(class_profiles)
        cdef Tables replaced = self.tables  # freed only after the switch
        cdef double** blocks = NULL
        cdef Parameters* set = NULL
        cdef uint64_t* wrong = NULL
        cdef int made = 1
        try:
            wrong = <uint64_t*>allocate(self.instrument_count, sizeof(uint64_t))
            for k, bits in enumerate(wrong_ways):
                wrong[k] = bits
            blocks = <double**>allocate(self.instrument_count, sizeof(double*))
            set = <Parameters*>allocate(self.instrument_count, sizeof(Parameters))
            for k in range(self.instrument_count):
                read_parameters(set + k, parameters[k] if parameters else ())
            for k in range(self.instrument_count):
                numbers[k], ages[k] = products[k], max_ages[k]
            for k in range(self.asset_count):
                rules[k] = asset_rules[k]
            for k, profile in enumerate(class_profiles):
                classes[k] = profile
            for k, (account, profile) in enumerate(account_profiles.items()):
                special[2 * k], special[2 * k + 1] = account, profile
            with nogil:
                made = self.prepare_all(&tables.program, <const double* const*>new_series.rows,
                                        new_series.stride, numbers, set, blocks)
            if not made:
                raise MemoryError("out of memory")
            with nogil:
                pthread_rwlock_wrlock(&self.lock)
                self.view.program = &tables.program
                self.view.series, self.view.series_stride = <const double* const*>new_series.rows, new_series.stride
                swap_blocks(self.blocks, blocks, self.instrument_count)
                self.view.owner, self.view.series_owner = <void*>tables, <void*>new_series
                self.view.revision += 1
                if self.instrument_count:
                    memcpy(self.parameters, set, self.instrument_count * sizeof(Parameters))
                for k in range(self.instrument_count):
                    self.specs[k].max_age_ns, self.specs[k].wrong_way = ages[k], wrong[k]
                    self.bind(k, <int>numbers[k])
                for k in range(self.asset_count):
                    self.assets[k].rule = <int32_t>rules[k]
                    weigh(self.assets + k, self.view.program)
                self.write_profiles(classes, special, account_count)
                pthread_rwlock_unlock(&self.lock)
            self.tables, self.series = tables, new_series
        finally:
            free(wrong)
            free(set)
            self.free_blocks(blocks)
            free(numbers)

    def set_series(self, list series):
        """
        Replace the moves of all underlyings in historical scenarios.

        Args:
            series: rows (scenario table, family, moves as fractions, one for each scenario, the newest first).
        """
        cdef Series old_series = self.series, new_series
        cdef double** blocks = NULL
        cdef int made
        if self.tables is None:
            return
        new_series = Series(self.tables, series)
        try:
            blocks = <double**>allocate(self.instrument_count, sizeof(double*))
            with nogil:
                made = self.prepare_all(self.view.program, <const double* const*>new_series.rows,
                                        new_series.stride, NULL, self.parameters, blocks)
            if not made:
                raise MemoryError("out of memory")
            with nogil:
                pthread_rwlock_wrlock(&self.lock)
                self.view.series, self.view.series_stride = <const double* const*>new_series.rows, new_series.stride
                self.view.series_owner = <void*>new_series
                swap_blocks(self.blocks, blocks, self.instrument_count)
                pthread_rwlock_unlock(&self.lock)
            self.series = new_series
        finally:
            self.free_blocks(blocks)

    cdef void free_blocks(self, double** blocks) noexcept:
        cdef int32_t k
        if blocks != NULL:
            for k in range(self.instrument_count):
                free(blocks[k])
        free(blocks)

    cdef int prepare_all(
        self, const Program* program, const double* const* series, int32_t stride, const int64_t* products,
        const Parameters* set, double** blocks,
    ) noexcept nogil:
        """Prepare every instrument for a program or for other series; return 0 where memory is out."""
        cdef View view = self.view
        cdef Instrument one
        cdef Arena arena
        cdef int32_t k
        cdef int made = 1
        memset(&arena, 0, sizeof(Arena))
        view.program, view.series, view.series_stride = program, series, stride
        for k in range(self.instrument_count):
            one.mark, one.spec, one.quotes = self.marks[k], self.specs[k], self.quotes[k]
            one.parameters = set[k]
            if products != NULL:
                one.spec.product = <int32_t>products[k]
            if is_prepared(program, &one.spec):
                blocks[k] = prepared(&view, program, &one, &arena)
                made &= blocks[k] != NULL
        arena_free(&arena)
        return made

    cdef void write_profiles(self, const int64_t* classes, const int64_t* special, int32_t count) noexcept nogil:
        cdef int32_t k, pool
        for k in range(self.pool_count):
            self.pools[k].profile = <int32_t>classes[self.accounts[self.pools[k].account].class_id]
        for k in range(count):
            pool = self.accounts[special[2 * k]].pool_first
            while pool >= 0:
                self.pools[pool].profile = <int32_t>special[2 * k + 1]
                pool = self.pools[pool].next

    # Book

    def add_account(self, int class_id):
        """Add an account without pools; return its id."""
        cdef int made = 0
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            if grow(<void**>&self.accounts, self.account_count, &self.account_room, sizeof(Account)):
                self.accounts[self.account_count].pool_first = -1
                self.accounts[self.account_count].class_id = class_id
                self.account_count += 1
                made = 1
            pthread_rwlock_unlock(&self.lock)
        if not made:
            raise MemoryError("out of memory")
        return self.account_count - 1

    def set_account(self, int account, int class_id, int64_t sequence):
        self.accounts[account].class_id = class_id
        self.accounts[account].sequence = sequence

    def account_state(self, int account):
        """Return (class id, sequence)."""
        cdef Account a
        pthread_rwlock_rdlock(&self.lock)
        a = self.accounts[account]
        pthread_rwlock_unlock(&self.lock)
        return a.class_id, a.sequence

    def pools_of(self, int account):
        """Return the pool ids of an account, the cross pool first."""
        cdef int32_t k
        cdef list found = []
        pthread_rwlock_rdlock(&self.lock)
        k = self.accounts[account].pool_first
        pthread_rwlock_unlock(&self.lock)
        # Locked step by step: growing a list may run Python code, and the lock is not for Python code.
        while k >= 0:
            found.append(k)
            pthread_rwlock_rdlock(&self.lock)
            k = self.pools[k].next
            pthread_rwlock_unlock(&self.lock)
        found.sort()
        return found

    def add_pool(self, int account, int isolated):
        """Add an empty pool; return its id. `isolated`: the instrument id of an isolated pool, or -1."""
        cdef Pool* pool
        cdef int made = 0
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            if grow(<void**>&self.pools, self.pool_count, &self.pool_room, sizeof(Pool)):
                pool = self.pools + self.pool_count
                pool.account = account
                pool.isolated = isolated
                pool.next = self.accounts[account].pool_first
                self.accounts[account].pool_first = self.pool_count
                self.pool_count += 1
                made = 1
            pthread_rwlock_unlock(&self.lock)
        if not made:
            raise MemoryError("out of memory")
        return self.pool_count - 1

    def pool_state(self, int pool):
        """Return (account id, isolated instrument id or -1, profile, restriction)."""
        cdef Pool p
        pthread_rwlock_rdlock(&self.lock)
        p = self.pools[pool]
        pthread_rwlock_unlock(&self.lock)
        return p.account, p.isolated, p.profile, p.restriction

    def set_restriction(self, int pool, int restriction):
        self.pools[pool].restriction = restriction

    def put_pool(self, int pool, int profile, double due, list balances, list positions, list orders):
        """
        Replace what a pool holds; readers see the old content or the new.

        Args:
            due: fees and funding due.
            balances: rows (asset id, amount).
            positions: rows (instrument id, signed quantity, entry price or 0 where held outright, leverage or 0).
            orders: rows (instrument id, signed quantity, price or 0 for the mark, leverage or 0).
        """
        cdef Pool made
        cdef Pool old
        cdef Pool* target
        made.position_count, made.balance_count, made.order_count = len(positions), len(balances), 0
        made.positions = <Position*>(malloc(len(positions) * sizeof(Position)) if positions else NULL)
        made.balances = <Balance*>(malloc(len(balances) * sizeof(Balance)) if balances else NULL)
        made.orders = <OrderSum*>(malloc(len(orders) * sizeof(OrderSum)) if orders else NULL)
        made.open_orders = <OpenOrder*>(malloc(len(orders) * sizeof(OpenOrder)) if orders else NULL)
        made.open_order_count = 0
        if (positions and made.positions == NULL) or (balances and made.balances == NULL) or (
                orders and (made.orders == NULL or made.open_orders == NULL)):
            free_pool(&made)
            raise MemoryError("out of memory")
        try:
            self.write_holdings(&made, balances, positions)
            self.sum_orders(&made, orders)
        except:  # noqa: E722 - whatever it was, what was allocated goes back
            free_pool(&made)
            raise
        made.due = due
        made.profile = profile
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            target = self.pools + pool
            old = target[0]
            target.positions, target.balances, target.orders = made.positions, made.balances, made.orders
            target.open_orders, target.open_order_count = made.open_orders, made.open_order_count
            target.position_count, target.balance_count = made.position_count, made.balance_count
            target.order_count = made.order_count
            target.due = made.due
            target.profile = made.profile
            pthread_rwlock_unlock(&self.lock)
        free_pool(&old)

    cdef int write_holdings(self, Pool* made, list balances, list positions) except -1:
        cdef Spec* spec
        cdef int32_t k
        for k, (instrument, quantity, entry_price, leverage) in enumerate(positions):
            spec = self.specs + <int>instrument
            made.positions[k].instrument = instrument
            made.positions[k].unused = 0
            made.positions[k].quantity = quantity
            made.positions[k].cost = 0.0 if spec.outright else cost_of(spec, quantity, entry_price)
            made.positions[k].leverage_rate = 1.0 / <double>leverage if leverage else 0.0
        for k, (asset, amount) in enumerate(balances):
            made.balances[k].asset = asset
            made.balances[k].amount = amount
            made.balances[k].unused = 0
        return 0

    def put_orders(self, int pool, list orders):
        """Replace the open orders of a pool by rows (instrument id, signed quantity, price or 0, leverage or 0)."""
        cdef Pool made
        cdef Pool* target = self.pools + pool
        cdef OrderSum* old
        cdef OpenOrder* old_list
        made = target[0]
        made.order_count = made.open_order_count = 0
        made.orders, made.open_orders = NULL, NULL
        try:
            if orders:
                made.orders = <OrderSum*>allocate(len(orders), sizeof(OrderSum))
                made.open_orders = <OpenOrder*>allocate(len(orders), sizeof(OpenOrder))
            self.sum_orders(&made, orders)
        except:  # noqa: E722 - whatever it was, what was allocated goes back
            free(made.orders)
            free(made.open_orders)
            raise
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            old, old_list = target.orders, target.open_orders
            target.orders, target.order_count = made.orders, made.order_count
            target.open_orders, target.open_order_count = made.open_orders, made.open_order_count
            pthread_rwlock_unlock(&self.lock)
        free(old)
        free(old_list)

    cdef int sum_orders(self, Pool* made, list orders) except -1:
        cdef Proposal proposal
        cdef Spec* spec
        for instrument, quantity, price, leverage in orders:
            spec = self.specs + <int>instrument
            proposal.instrument = instrument
            proposal.quantity = quantity
            proposal.price = price
            proposal.leverage_rate = 1.0 / <double>leverage if leverage else 0.0
            add_order(made, spec, &proposal, proposal.price if proposal.price > 0.0 else spec.mark)
        return 0

    def add_balance(self, int pool, int asset, double amount):
        """Add an amount of an asset to a pool; negative takes away."""
        cdef Pool* target = self.pools + pool
        cdef Balance* bigger
        cdef Balance* old
        cdef int32_t k = 0
        bigger = <Balance*>allocate(target.balance_count + 1, sizeof(Balance))
        if target.balance_count:
            memcpy(bigger, target.balances, target.balance_count * sizeof(Balance))
        for k in range(target.balance_count + 1):
            if k == target.balance_count:
                bigger[k].asset = asset
            if bigger[k].asset == asset:
                bigger[k].amount += amount
                break
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            old = target.balances
            target.balances = bigger
            if k == target.balance_count:
                target.balance_count += 1
            pthread_rwlock_unlock(&self.lock)
        free(old)

    def move_balance(self, int source, int target, int asset, double left, double held):
        """Set what two pools hold of an asset, both at once: no reader sees it in both, or in neither."""
        cdef Balance* first = NULL
        cdef Balance* second = NULL
        cdef int32_t first_count, second_count
        if not (0 <= source < self.pool_count and 0 <= target < self.pool_count and source != target):
            raise IndexError(f"pool ids were {source} and {target}")
        try:
            first = <Balance*>allocate(self.pools[source].balance_count + 1, sizeof(Balance))
            second = <Balance*>allocate(self.pools[target].balance_count + 1, sizeof(Balance))
            first_count = with_balance(self.pools + source, asset, left, first)
            second_count = with_balance(self.pools + target, asset, held, second)
            with nogil:
                pthread_rwlock_wrlock(&self.lock)
                first, self.pools[source].balances = self.pools[source].balances, first
                second, self.pools[target].balances = self.pools[target].balances, second
                self.pools[source].balance_count, self.pools[target].balance_count = first_count, second_count
                pthread_rwlock_unlock(&self.lock)
        finally:
            free(first)
            free(second)

    def set_position(self, int pool, int instrument, double quantity, double entry_price, double leverage):
        """Replace one position of a pool; a quantity of 0 removes it."""
        cdef Pool* target = self.pools + pool
        cdef Position* made = <Position*>allocate(target.position_count + 1, sizeof(Position))
        cdef Position* old
        cdef Spec* spec = self.specs + instrument
        cdef int32_t k, count = target.position_count, at = position_of(target, instrument)
        if count > 0:
            memcpy(made, target.positions, <size_t>count * sizeof(Position))
        if quantity == 0.0:
            if at >= 0:
                for k in range(at, count - 1):
                    made[k] = made[k + 1]
                count -= 1
        else:
            if at < 0:
                at = count
                count += 1
            made[at].instrument = instrument
            made[at].quantity = quantity
            made[at].cost = 0.0 if spec.outright else cost_of(spec, quantity, entry_price)
            made[at].leverage_rate = 1.0 / leverage if leverage > 0.0 else 0.0
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            old = target.positions
            target.positions, target.position_count = made, count
            for k in range(target.order_count):
                target.orders[k].position = position_of(target, target.orders[k].instrument)
            pthread_rwlock_unlock(&self.lock)
        free(old)

    def pool_content(self, int pool):
        """Return (due, balances, positions) in the rows of `put_pool`; an entry price is derived from the cost."""
        cdef Scratch copy = Scratch(self, pool, 0)
        cdef Pool* p = &copy.pool
        cdef Position* position
        cdef Spec* spec
        cdef int32_t k
        cdef list positions = []
        for k in range(p.position_count):
            position = p.positions + k
            spec = copy.specs + position.instrument
            entry = 0.0
            if not spec.outright and position.quantity != 0.0:
                entry = (-position.quantity * spec.multiplier / position.cost if spec.inverse
                         else position.cost / (position.quantity * spec.multiplier))
            positions.append((position.instrument, position.quantity, float(f"{entry:.12g}"),
                              float(f"{1.0 / position.leverage_rate:.12g}") if position.leverage_rate > 0.0 else 0.0))
        return p.due, [(p.balances[k].asset, p.balances[k].amount) for k in range(p.balance_count)], positions

    def costs_of(self, int pool):
        """Return rows (cost, rate of the leverage setting or 0) of the positions, in their order, to the last bit."""
        cdef Scratch copy = Scratch(self, pool, 0)
        cdef int32_t k
        return [(copy.pool.positions[k].cost, copy.pool.positions[k].leverage_rate)
                for k in range(copy.pool.position_count)]

    def set_costs(self, int pool, list rows):
        """Set what `costs_of` returned, after `put_pool` with the same positions: entry prices have fewer digits."""
        cdef Pool* target = self.pools + pool
        cdef int32_t k, count = target.position_count
        cdef double* values = <double*>allocate(2 * len(rows), sizeof(double))
        if len(rows) != count:
            free(values)
            raise AssertionError("each position has its row")
        try:
            for k in range(count):
                values[2 * k], values[2 * k + 1] = rows[k]
            with nogil:
                pthread_rwlock_wrlock(&self.lock)
                for k in range(count):
                    target.positions[k].cost = values[2 * k]
                    target.positions[k].leverage_rate = values[2 * k + 1]
                pthread_rwlock_unlock(&self.lock)
        finally:
            free(values)

    def holdings(self, int pool):
        """
        Return rows (instrument id, quantity, notional, unrealised pnl, initial margin, maintenance margin).

        What is margined in a portfolio shows what it would need alone; not a number where that cannot be said.
        """
        cdef Scratch copy = Scratch(self, pool, 0)
        cdef Pool* p = &copy.pool
        cdef Position* position
        cdef Mark* mark
        cdef const Rule* rule
        cdef const Program* program = copy.view.program
        cdef pair needed
        cdef Margin alone
        cdef int32_t k
        cdef list rows = []
        if program == NULL:
            return rows
        for k in range(p.position_count):
            position = p.positions + k
            mark = copy.marks + position.instrument
            rule = rule_of(rules_of(program, p.profile), mark)
            needed = requirement_of(
                rule, mark.open_interest, fabs(position.quantity * mark.unit_value), position.leverage_rate)
            alone.initial, alone.maintenance = pair_initial(needed), pair_maintenance(needed)
            if rule.portfolio >= 0:
                copy.margin_alone(k, rule.portfolio, &alone)
            rows.append((position.instrument, position.quantity, fabs(position.quantity * mark.unit_value),
                         position.quantity * mark.unit_value - position.cost * mark.fx,
                         alone.initial, alone.maintenance))
        return rows

    # Answers

    def assess(self, int pool, int64_t now):
        """Assess one pool at a time."""
        cdef Assessment made = Assessment.__new__(Assessment)
        if not 0 <= pool < self.pool_count:
            raise IndexError(f"pool id was {pool}")
        pthread_rwlock_rdlock(&self.lock)
        evaluate(&self.view, self.pools + pool, now, &made.result)
        pthread_rwlock_unlock(&self.lock)
        return made

    def assess_range(self, int first, int count, int64_t now, Batch out not None):
        """Assess pools `first` to `first + count` into `out` without the GIL; each chunk sees one state."""
        cdef int32_t done = 0, stop
        if first < 0 or count < 0 or first + count > self.pool_count or count > out.count:
            raise IndexError(f"pools {first} to {first + count} of {self.pool_count}")
        with nogil:
            while done < count:
                stop = count if count - done < CHUNK else done + CHUNK
                pthread_rwlock_rdlock(&self.lock)
                evaluate_range(&self.view, self.pools + first + done, stop - done, now, out.results + done)
                pthread_rwlock_unlock(&self.lock)
                done = stop

    def check_order(self, int pool, int instrument, double quantity, double price, double leverage, bint reduce_only,
                    int64_t now, bint want_largest=True):
        """
        Decide one order; nothing is changed.

        Returns:
            (accepted, reason bits, before, after, largest passing quantity).
        """
        cdef Verdict verdict
        cdef Proposal proposal
        if not (0 <= pool < self.pool_count and 0 <= instrument < self.instrument_count):
            raise IndexError(f"pool id was {pool}, instrument id was {instrument}")
        proposal.instrument, proposal.reduce_only = instrument, reduce_only
        proposal.quantity, proposal.price = quantity, price
        proposal.leverage_rate = 1.0 / leverage if leverage > 0.0 else 0.0
        with nogil:
            pthread_rwlock_rdlock(&self.lock)
            check_order(&self.view, self.pools + pool, &proposal, now, want_largest, &verdict)
            pthread_rwlock_unlock(&self.lock)
        return (verdict.accepted != 0, verdict.flags, wrap(&verdict.before), wrap(&verdict.after),
                verdict.quantity_max)

    def what_if(self, int pool, int64_t now, list balances, list fills, list moves, list asset_moves):
        """
        Assess a copy of a pool after deposits, fills and price moves; nothing is changed.

        Args:
            balances: rows (asset id, amount to add).
            fills: rows (instrument id, signed quantity, price or 0 for the mark, leverage or 0).
            moves: rows (instrument id, mark).
            asset_moves: rows (asset id, price).
        """
        cdef Scratch scratch = Scratch(self, pool, len(balances) + 2 * len(fills))
        for asset, price in asset_moves:
            scratch.move_asset(asset, price)
        for instrument, mark in moves:
            scratch.move_mark(instrument, mark)
        for asset, amount in balances:
            scratch.deposit(asset, amount)
        for instrument, quantity, price, leverage in fills:
            scratch.fill(instrument, quantity, price, leverage)
        return scratch.assess(now)

    def liquidation_price(self, int pool, int instrument, int64_t now, double ratio, bint is_smooth=False):
        """
        Return the mark at which equity is `ratio` x MM, all other positions counted; None where no mark does that.

        Where the instrument settles in its own underlying, the price of that asset moves along.

        Args:
            is_smooth: formulas do not round amounts.
        """
        return Scratch(self, pool, 0).root(instrument, now, ratio, is_smooth)

    def figure(self, int pool, int code, bint of_pool, int instrument, int portfolio, int64_t now, inputs=()):
        """
        Compute a figure that the rulebook defines; nothing is changed.

        Args:
            code: of the active program.
            of_pool: of the pool as a whole; else of its position in `instrument`, where that is not negative; else of
                each group of `portfolio`.
            inputs: what the figure is given, in the order of its program.

        Returns:
            (reason bits, rows (instrument ids, value)); of a value with scenarios, one row for each scenario in the
            order of its table. No rows where the pool cannot be assessed; a value that is not finite has its reason
            bits too.
        """
        cdef Scratch copy = Scratch(self, pool, 0)
        return copy.figure(copy.assess(now), code, of_pool, instrument, portfolio, inputs)
