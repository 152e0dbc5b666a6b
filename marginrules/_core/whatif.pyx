# A private copy of one pool and the whole market, to be changed and assessed at will.

@cython.final
cdef class Scratch:
    cdef View view
    cdef Pool pool
    cdef Mark* marks
    cdef Spec* specs
    cdef Quotes* quotes
    cdef Asset* assets
    cdef int instrument_count
    cdef Tables tables  # keeps the program alive, whatever the engine activates meanwhile

    def __cinit__(self, Engine engine not None, int pool, int extra):
        cdef int made
        if not 0 <= pool < engine.pool_count:
            raise IndexError(f"pool id was {pool}")
        memset(&self.pool, 0, sizeof(Pool))
        pthread_rwlock_rdlock(&engine.lock)
        self.view = engine.view
        # Under the read lock no other program can be activated, so the owner of this one is alive.
        self.tables = <Tables>self.view.owner if self.view.owner != NULL else None
        self.instrument_count = engine.instrument_count
        self.marks = <Mark*>malloc((engine.instrument_count + 1) * sizeof(Mark))
        self.specs = <Spec*>malloc((engine.instrument_count + 1) * sizeof(Spec))
        self.quotes = <Quotes*>malloc((engine.instrument_count + 1) * sizeof(Quotes))
        self.assets = <Asset*>malloc((engine.asset_count + 1) * sizeof(Asset))
        made = self.marks != NULL and self.specs != NULL and self.quotes != NULL and self.assets != NULL
        made = made and copy_pool(engine.pools + pool, extra + 1, &self.pool)
        if made and engine.instrument_count:
            memcpy(self.marks, engine.marks, engine.instrument_count * sizeof(Mark))
            memcpy(self.specs, engine.specs, engine.instrument_count * sizeof(Spec))
            memcpy(self.quotes, engine.quotes, engine.instrument_count * sizeof(Quotes))
        if made and engine.asset_count:
            memcpy(self.assets, engine.assets, engine.asset_count * sizeof(Asset))
        pthread_rwlock_unlock(&engine.lock)
        if not made:
            raise MemoryError("out of memory")
        self.view.marks, self.view.specs, self.view.assets = self.marks, self.specs, self.assets
        self.view.quotes = self.quotes

    def __dealloc__(self):
        free_pool(&self.pool)
        free(self.marks)
        free(self.specs)
        free(self.quotes)
        free(self.assets)

    cdef void move_asset(self, int asset, double price):
        cdef int32_t k
        self.assets[asset].price = price
        for k in range(self.instrument_count):
            if self.specs[k].settlement == asset:
                derive(self.marks + k, self.specs + k, self.assets)

    cdef void move_mark(self, int instrument, double mark):
        self.specs[instrument].mark = mark
        self.specs[instrument].priced = 1
        derive(self.marks + instrument, self.specs + instrument, self.assets)

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
        evaluate(&self.view, &self.pool, now, &made.result)
        return made

    cdef double margin_at(self, int instrument, double mark, double scale_asset, int64_t now, double ratio):
        """Return equity - ratio x MM with the instrument at another mark."""
        cdef Result result
        if scale_asset > 0.0:
            self.move_asset(self.specs[instrument].settlement, scale_asset)
        self.move_mark(instrument, mark)
        evaluate(&self.view, &self.pool, now, &result)
        return result.equity - ratio * result.maintenance_margin

    cdef object root(self, int instrument, int64_t now, double ratio):
        cdef Result result
        cdef double mark = self.specs[instrument].mark, price = 0.0, here, low, high, middle, factor
        cdef int32_t k, found = 0, p = position_of(&self.pool, instrument)
        evaluate(&self.view, &self.pool, now, &result)
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
