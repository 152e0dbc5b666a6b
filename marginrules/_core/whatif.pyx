# A private copy of one pool and the whole market, to be changed and assessed at will.

@cython.final
cdef class Scratch:
    cdef View view
    cdef Pool pool
    cdef Mark* marks
    cdef Spec* specs
    cdef Quotes* quotes
    cdef Parameters* parameters
    cdef Asset* assets
    cdef double** blocks     # of the pool's instruments, prepared when they are needed
    cdef int instrument_count
    cdef Tables tables  # keeps the program alive, whatever the engine activates meanwhile
    cdef Series series

    def __cinit__(self, Engine engine not None, int pool, int extra):
        cdef int made
        if not 0 <= pool < engine.pool_count:
            raise IndexError(f"pool id was {pool}")
        memset(&self.pool, 0, sizeof(Pool))
        pthread_rwlock_rdlock(&engine.lock)
        self.view = engine.view
        # Under the read lock nothing else can be activated, so the owners of what is active are alive.
        self.tables = <Tables>self.view.owner if self.view.owner != NULL else None
        self.series = <Series>self.view.series_owner if self.view.series_owner != NULL else None
        self.instrument_count = engine.instrument_count
        self.marks = <Mark*>malloc((engine.instrument_count + 1) * sizeof(Mark))
        self.specs = <Spec*>malloc((engine.instrument_count + 1) * sizeof(Spec))
        self.quotes = <Quotes*>malloc((engine.instrument_count + 1) * sizeof(Quotes))
        self.parameters = <Parameters*>malloc((engine.instrument_count + 1) * sizeof(Parameters))
        self.assets = <Asset*>malloc((engine.asset_count + 1) * sizeof(Asset))
        self.blocks = <double**>calloc(engine.instrument_count + 1, sizeof(double*))
        made = self.marks != NULL and self.specs != NULL and self.quotes != NULL and self.assets != NULL
        made = made and self.blocks != NULL and self.parameters != NULL
        made = made and copy_pool(engine.pools + pool, extra + 1, &self.pool)
        if made and engine.instrument_count:
            memcpy(self.marks, engine.marks, engine.instrument_count * sizeof(Mark))
            memcpy(self.specs, engine.specs, engine.instrument_count * sizeof(Spec))
            memcpy(self.quotes, engine.quotes, engine.instrument_count * sizeof(Quotes))
            memcpy(self.parameters, engine.parameters, engine.instrument_count * sizeof(Parameters))
        if made and engine.asset_count:
            memcpy(self.assets, engine.assets, engine.asset_count * sizeof(Asset))
        pthread_rwlock_unlock(&engine.lock)
        if not made:
            raise MemoryError("out of memory")
        self.view.marks, self.view.specs, self.view.assets = self.marks, self.specs, self.assets
        self.view.quotes, self.view.parameters = self.quotes, self.parameters
        self.view.blocks = <const double* const*>self.blocks

    def __dealloc__(self):
        cdef int32_t k
        if self.blocks != NULL:
            for k in range(self.instrument_count):
                free(self.blocks[k])
        free(self.blocks)
        free_pool(&self.pool)
        free(self.marks)
        free(self.specs)
        free(self.quotes)
        free(self.parameters)
        free(self.assets)

    cdef void move_asset(self, int asset, double price):
        cdef int32_t k
        self.assets[asset].price = price
        for k in range(self.instrument_count):
            if self.specs[k].settlement == asset:
                self.derive(k)

    cdef void move_mark(self, int instrument, double mark):
        self.specs[instrument].mark = mark
        self.specs[instrument].priced = 1
        self.derive(instrument)

    cdef void derive(self, int instrument):
        derive(self.marks + instrument, self.specs + instrument, self.assets)
        free(self.blocks[instrument])
        self.blocks[instrument] = NULL

    cdef void prepare(self, int instrument):
        """Prepare an instrument anew where something about it has changed."""
        cdef Instrument one
        cdef Arena arena
        if self.blocks[instrument] != NULL or not is_prepared(self.view.program, self.specs + instrument):
            return
        one.mark, one.spec, one.quotes = self.marks[instrument], self.specs[instrument], self.quotes[instrument]
        one.parameters = self.parameters[instrument]
        memset(&arena, 0, sizeof(Arena))
        self.blocks[instrument] = prepared(&self.view, self.view.program, &one, &arena)
        arena_free(&arena)

    cdef void evaluate(self, int64_t now, Result* out):
        cdef int32_t k
        if self.view.program != NULL and self.view.program.has_models:
            for k in range(self.pool.position_count):
                self.prepare(self.pool.positions[k].instrument)
            for k in range(self.pool.order_count):
                self.prepare(self.pool.orders[k].instrument)
        evaluate(&self.view, &self.pool, now, out)

    cdef void margin_alone(self, int position, int portfolio, Margin* out):
        """Compute what one position would need if it were alone in its portfolio."""
        cdef Member member
        cdef Arena arena
        cdef const Position* held = self.pool.positions + position
        memset(&arena, 0, sizeof(Arena))
        member_of(&self.pool, position, -1, &member)
        self.prepare(held.instrument)
        if run_group(&self.view, &self.pool, self.view.program.codes + self.view.program.portfolios[portfolio].code,
                     &member, 1, &arena, out):
            out.initial = out.maintenance = NAN
        arena_free(&arena)

    cdef void deposit(self, int asset, double amount):
        cdef int32_t k
        for k in range(self.pool.balance_count):
            if self.pool.balances[k].asset == asset:
                self.pool.balances[k].amount += amount
                return
        self.pool.balances[self.pool.balance_count].asset = asset
        self.pool.balances[self.pool.balance_count].amount = amount
        self.pool.balance_count += 1

    cdef void fill(self, int instrument, double quantity, double price, double leverage):
        add_fill(&self.pool, self.specs + instrument, instrument, quantity,
                 price if price > 0.0 else self.specs[instrument].mark, 1.0 / leverage if leverage > 0.0 else 0.0)

    cdef Assessment assess(self, int64_t now):
        cdef Assessment made = Assessment.__new__(Assessment)
        self.evaluate(now, &made.result)
        return made

    cdef double margin_at(self, int instrument, double mark, double scale_asset, int64_t now, double ratio):
        """Return equity - ratio x MM with the instrument at another mark."""
        cdef Result result
        if scale_asset > 0.0:
            self.move_asset(self.specs[instrument].settlement, scale_asset)
        self.move_mark(instrument, mark)
        self.evaluate(now, &result)
        return result.equity - ratio * result.maintenance_margin

    cdef object root(self, int instrument, int64_t now, double ratio, bint is_smooth):
        cdef Result result
        cdef double mark = self.specs[instrument].mark, price = 0.0, here, low, high, middle, factor
        cdef int32_t k, found = 0, p = position_of(&self.pool, instrument)
        self.view.is_smooth = is_smooth
        self.evaluate(now, &result)
        if p < 0 or result.flags & INVALID_MASK or self.pool.positions[p].quantity == 0.0:
            return None
        if self.specs[instrument].settlement == self.specs[instrument].underlying:
            price = self.assets[self.specs[instrument].settlement].price
        here = result.equity - ratio * result.maintenance_margin
        # A healthy pool is searched in the direction that hurts, a breached one in the direction that heals; what else
        # the pool holds or owes may turn that around, so the other direction follows.
        factor = 0.9 if (self.pool.positions[p].quantity > 0.0) == (here >= 0.0) else 1.0 / 0.9
        low = high = 1.0
        for k in range(800):
            if k == 400:
                high = 1.0
                factor = 1.0 / factor
            low = high
            high *= factor
            if (self.margin_at(instrument, mark * high, price * high, now, ratio) >= 0.0) != (here >= 0.0):
                found = 1
                break
        if not found:
            return None
        for k in range(200):
            middle = low + (high - low) * 0.5
            if middle == low or middle == high:
                break
            if (self.margin_at(instrument, mark * middle, price * middle, now, ratio) >= 0.0) == (here >= 0.0):
                low = middle
            else:
                high = middle
        return mark * high

    cdef object figure(self, int number, bint of_pool, int instrument, int portfolio, int64_t now, inputs):
        """Compute a figure, see `Engine.figure`."""
        cdef Result result
        cdef PoolFigures figures
        cdef Arena arena
        cdef Frame f
        cdef Instrument one
        cdef const double** blocks
        cdef const Code* code
        cdef const Rule* rules
        cdef Member* members
        cdef Member* group
        cdef int32_t* group_of
        cdef double* given
        cdef const int32_t* order_of
        cdef int32_t flags = 0
        cdef int64_t k, j, g, count = 0, groups, kept
        cdef list rows = []
        self.evaluate(now, &result)
        if result.flags & INVALID_MASK:
            return result.flags & INVALID_MASK, []
        if not 0 <= number < self.view.program.code_count:
            raise IndexError(f"program was {number}")
        code = self.view.program.codes + number
        if len(inputs) != code.input_count:
            raise ValueError(f"{len(inputs)} inputs for {code.input_count}")
        rules = rules_of(self.view.program, self.pool.profile)
        figures.collateral, figures.due = result.collateral_value, self.pool.due
        figures.equity, figures.unrealized_pnl = result.equity, result.unrealized_pnl
        figures.initial, figures.maintenance = result.initial_margin, result.maintenance_margin
        figures.borrowed = borrowed_of(&self.view, &self.pool)
        memset(&arena, 0, sizeof(Arena))
        try:
            given = <double*>arena_take(&arena, (code.input_count + 1) * sizeof(double))
            members = <Member*>arena_take(&arena, (2 * self.pool.position_count + 2) * sizeof(Member))
            group_of = <int32_t*>arena_take(&arena, (self.pool.position_count + 1) * sizeof(int32_t))
            blocks = <const double**>arena_take(&arena, (self.pool.position_count + 1) * sizeof(double*))
            order_of = orders_of(&self.pool, &arena)
            if arena.failed:
                raise MemoryError("out of memory")
            begin_frame(&f, &self.view, code, &self.pool, &arena)
            for k, value in enumerate(inputs):
                given[k] = value
            for k in range(self.pool.position_count):
                j = self.pool.positions[k].instrument
                if of_pool or (j == instrument if instrument >= 0 else rule_of(rules, self.marks + j).portfolio == portfolio):
                    member_of(&self.pool, <int32_t>k, order_of[k], members + count)
                    count += 1
            f.figures, f.inputs, f.blocks = &figures, given, blocks
            groups = 1
            memset(group_of, 0, (count + 1) * sizeof(int32_t))
            if not of_pool:
                groups = partition(&self.view, members, count,
                                   0 if instrument >= 0 else self.view.program.portfolios[portfolio].by, group_of,
                                   &arena)
            group = members + self.pool.position_count + 1
            for g in range(groups):
                kept = 0
                for k in range(count):
                    if group_of[k] != g:
                        continue
                    group[kept] = members[k]
                    j = members[k].instrument
                    one.mark, one.spec, one.quotes = self.marks[j], self.specs[j], self.quotes[j]
                    one.parameters = self.parameters[j]
                    blocks[kept] = <double*>arena_take(&arena, (code.block_size + 4) * sizeof(double))
                    kept += 1
                    if arena.failed or not prepare_by(&self.view, code, &one, <double*>blocks[kept - 1],
                                                        &arena):
                        raise MemoryError("out of memory")
                f.members, f.member_count = group, kept
                if not run_code(&f):
                    raise MemoryError("out of memory")
                value = output_of(&f, 0)
                flags |= reasons_of(value, NOT_FINITE)
                rows.append((tuple([group[k].instrument for k in range(kept)]), value))
        finally:
            arena_free(&arena)
        return flags, rows
