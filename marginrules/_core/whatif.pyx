# A private copy of one pool and the whole market, to be changed and assessed at will.

cdef enum:
    NODES_ROOM = 1024        # of the grid of factors, for the nodes that every search has
    SPARE = 8                # entries by which the room of a pool grows

cdef double NODE_FIRST = 0.01, NODE_LAST = 100.0
cdef double NODE_STEP = 1.0242741160862  # 384 of them from the first node to the last

cdef struct Group:           # instruments that follow one underlying
    int32_t* members
    int32_t* touched         # members, and what settles in the asset that moves along
    int32_t member_count
    int32_t touched_count
    int32_t asset            # the underlying, where it is one; or -1

cdef struct Walk:            # an open order on the way of the price
    double at                # factor at which it fills
    int32_t order


@cython.final
cdef class Scratch:
    """
    Copy one pool with the whole market, or the market alone, and change the copy.

    Not for more than one thread. A move is remembered beside what was published, and everything is computed from there:
    a move there and back leaves the same bits.
    """

    cdef View view
    cdef Pool pool
    cdef Pool kept           # as it came
    cdef Mark* marks
    cdef Spec* specs
    cdef Quotes* quotes
    cdef Parameters* parameters
    cdef Asset* assets
    cdef double** blocks     # prepared when they are needed
    cdef Spec* base_specs    # what was published, once something has moved
    cdef Quotes* base_quotes
    cdef Asset* base_assets
    cdef Anchor* anchors
    cdef Move* moves         # by instrument, then by asset
    cdef int32_t room        # entries that the pool may still get
    cdef readonly int instrument_count, asset_count
    cdef Tables tables  # keeps the program alive, whatever the engine activates meanwhile
    cdef Series series

    def __cinit__(self, Engine engine not None, which, int extra=0):
        """`which`: a pool's id, or None for a copy of the market alone."""
        cdef int made, pool = -1 if which is None else which
        if which is not None and not 0 <= pool < engine.pool_count:
            raise IndexError(f"pool id was {pool}")
        memset(&self.pool, 0, sizeof(Pool))
        memset(&self.kept, 0, sizeof(Pool))
        self.room = extra + 1
        pthread_rwlock_rdlock(&engine.lock)
        self.view = engine.active.view
        # Under the read lock nothing else can be activated, so the owners of what is active are alive.
        self.tables = <Tables>self.view.owner if self.view.owner != NULL else None
        self.series = <Series>self.view.series_owner if self.view.series_owner != NULL else None
        self.instrument_count, self.asset_count = engine.instrument_count, engine.asset_count
        self.marks = <Mark*>malloc((engine.instrument_count + 1) * sizeof(Mark))
        self.specs = <Spec*>malloc((engine.instrument_count + 1) * sizeof(Spec))
        self.quotes = <Quotes*>malloc((engine.instrument_count + 1) * sizeof(Quotes))
        self.parameters = <Parameters*>malloc((engine.instrument_count + 1) * sizeof(Parameters))
        self.assets = <Asset*>malloc((engine.asset_count + 1) * sizeof(Asset))
        self.blocks = <double**>calloc(engine.instrument_count + 1, sizeof(double*))
        made = self.marks != NULL and self.specs != NULL and self.quotes != NULL and self.assets != NULL
        made = made and self.blocks != NULL and self.parameters != NULL
        if made and pool >= 0:
            made = copy_pool(engine.pools + pool, self.room, &self.pool)
            made = made and copy_pool(engine.pools + pool, 0, &self.kept)
        if made and engine.instrument_count:
            memcpy(self.marks, engine.active.marks, engine.instrument_count * sizeof(Mark))
            memcpy(self.specs, engine.active.specs, engine.instrument_count * sizeof(Spec))
            memcpy(self.quotes, engine.active.quotes, engine.instrument_count * sizeof(Quotes))
            memcpy(self.parameters, engine.active.parameters, engine.instrument_count * sizeof(Parameters))
        if made and engine.asset_count:
            memcpy(self.assets, engine.active.assets, engine.asset_count * sizeof(Asset))
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
        free_pool(&self.kept)
        free(self.marks)
        free(self.specs)
        free(self.quotes)
        free(self.parameters)
        free(self.assets)
        free(self.base_specs)
        free(self.base_quotes)
        free(self.base_assets)
        free(self.anchors)
        free(self.moves)

    # Prices of their own

    cdef void move_asset(self, int asset, double price):
        cdef int32_t k
        self.assets[asset].price = price
        if self.base_assets != NULL:
            self.base_assets[asset].price = price / self.moves[self.instrument_count + asset].factor
        for k in range(self.instrument_count):
            if self.specs[k].settlement == asset:
                self.derive(k)

    cdef void move_mark(self, int instrument, double mark):
        self.specs[instrument].mark = mark
        self.specs[instrument].priced = 1
        if self.base_specs != NULL:
            self.base_specs[instrument] = self.specs[instrument]
            self.base_quotes[instrument] = self.quotes[instrument]
            self.moves[instrument].factor = self.moves[instrument].volatility = 1.0
            self.anchors[instrument].is_known = 0
        self.derive(instrument)

    cdef void derive(self, int instrument) noexcept nogil:
        derive_moved(self.marks + instrument, self.specs + instrument, self.assets)
        free(self.blocks[instrument])
        self.blocks[instrument] = NULL

    cdef void smooth(self, int is_smooth) noexcept nogil:
        """Switch the rounding of amounts off or on; what was prepared may have been rounded."""
        cdef int32_t k
        if self.view.is_smooth == is_smooth:
            return
        self.view.is_smooth = is_smooth
        for k in range(self.instrument_count):
            free(self.blocks[k])
            self.blocks[k] = NULL

    # Moves of underlyings

    cdef int remember(self) except -1:
        """Keep what was published, before the first move."""
        cdef int32_t k, count = self.instrument_count + self.asset_count
        if self.moves != NULL:
            return 0
        if self.base_specs == NULL:
            self.base_specs = <Spec*>allocate(self.instrument_count, sizeof(Spec))
        if self.base_quotes == NULL:
            self.base_quotes = <Quotes*>allocate(self.instrument_count, sizeof(Quotes))
        if self.base_assets == NULL:
            self.base_assets = <Asset*>allocate(self.asset_count, sizeof(Asset))
        if self.anchors == NULL:
            self.anchors = <Anchor*>allocate(self.instrument_count, sizeof(Anchor))
        memcpy(self.base_specs, self.specs, self.instrument_count * sizeof(Spec))
        memcpy(self.base_quotes, self.quotes, self.instrument_count * sizeof(Quotes))
        memcpy(self.base_assets, self.assets, self.asset_count * sizeof(Asset))
        self.moves = <Move*>allocate(count, sizeof(Move))
        for k in range(count):
            self.moves[k].factor = self.moves[k].volatility = 1.0
        return 0

    cdef void follow(self, int32_t k) noexcept nogil:
        """Mark one instrument by its move."""
        if self.base_specs[k].kind == OPTION and not self.anchors[k].is_known:
            anchor_of(self.base_specs + k, self.base_quotes + k, self.anchors + k)
        if self.base_specs[k].priced:
            follow(self.base_specs + k, self.base_quotes + k, self.anchors + k, self.moves + k, self.specs + k,
                   self.quotes + k)
        self.derive(k)

    cdef void place(self, const Group* group, double factor, double volatility) noexcept nogil:
        """Put an underlying at a factor of what was published."""
        cdef int32_t k
        for k in range(group.member_count):
            self.moves[group.members[k]].factor = factor
            self.moves[group.members[k]].volatility = volatility
        if group.asset >= 0:
            self.moves[self.instrument_count + group.asset].factor = factor
            self.assets[group.asset].price = self.base_assets[group.asset].price * factor
            self.assets[group.asset].totals.volatility = self.base_assets[group.asset].totals.volatility * volatility
            weigh(self.assets + group.asset, self.view.program)
        for k in range(group.touched_count):
            self.follow(group.touched[k])

    cdef int gather(self, list instruments, int asset, int only_held, Group* out) except -1:
        """List what a move reaches; `only_held`: of this pool alone."""
        cdef int32_t k, number
        cdef char* wanted
        memset(out, 0, sizeof(Group))
        if not -1 <= asset < self.asset_count:
            raise IndexError(f"asset id was {asset}")
        self.remember()
        wanted = <char*>allocate(self.instrument_count, 1)
        try:
            for number in instruments:
                if not 0 <= number < self.instrument_count:
                    raise IndexError(f"instrument id was {number}")
                wanted[number] = 1
            out.asset = asset
            out.members = <int32_t*>allocate(2 * self.instrument_count, sizeof(int32_t))
            out.touched = out.members + self.instrument_count
            if only_held:
                for k in range(self.pool.position_count):
                    self.reach(out, self.pool.positions[k].instrument, wanted)
                for k in range(self.pool.order_count):
                    self.reach(out, self.pool.orders[k].instrument, wanted)
            else:
                for k in range(self.instrument_count):
                    self.reach(out, k, wanted)
        finally:
            free(wanted)
        return 0

    cdef void reach(self, Group* out, int32_t k, char* wanted) noexcept nogil:
        """Add an instrument to what a move reaches, once; `wanted`: 1 what follows the underlying, 2 what was seen."""
        if wanted[k] & 2:
            return
        if wanted[k]:
            out.members[out.member_count] = k
            out.member_count += 1
        if wanted[k] or out.asset >= 0 and self.specs[k].settlement == out.asset:
            out.touched[out.touched_count] = k
            out.touched_count += 1
        wanted[k] |= 2

    cdef int is_held(self, int32_t instrument) noexcept nogil:
        cdef int32_t k
        for k in range(self.pool.position_count):
            if self.pool.positions[k].instrument == instrument:
                return 1
        for k in range(self.pool.order_count):
            if self.pool.orders[k].instrument == instrument:
                return 1
        return 0

    def place_underlying(self, list instruments, int asset, double factor, double volatility=1.0,
                         bint only_held=False):
        """
        Put an underlying, and all that hangs on it, at a factor of what was published.

        Args:
            instruments: ids of those on the underlying.
            asset: of the underlying, where it is collateral or something settles in it; or -1.
            factor: of its price: linear and inverse marks, published index, forward and auction price, and the asset follow in
                proportion; options by Black-76, see `follow`. Above 0.
            volatility: factor of volatilities, published and implied.
            only_held: leave the instruments where they are that the pool does not hold or order.
        """
        cdef Group group
        if not (isfinite(factor) and factor > 0.0 and isfinite(volatility) and volatility > 0.0):
            raise ValueError(f"factors were {factor} and {volatility}")
        self.gather(instruments, asset, only_held, &group)
        with nogil:
            self.place(&group, factor, volatility)
        free(group.members)

    def move_underlying(self, list instruments, int asset, double factor, double volatility_shift=0.0):
        """Move an underlying from where it stands now; `volatility_shift`: -0.25 takes a quarter off volatilities."""
        cdef Move now
        self.remember()
        now.factor = now.volatility = 1.0
        if instruments:
            now = self.moves[<int>instruments[0]]
        elif 0 <= asset < self.asset_count:
            now = self.moves[self.instrument_count + asset]
        factor *= now.factor
        # The noise of a factor and its inverse is no move.
        factor = 1.0 if fabs(factor - 1.0) < 4e-16 else factor
        volatility = (1.0 + volatility_shift) * now.volatility
        self.place_underlying(instruments, asset, factor, 1.0 if fabs(volatility - 1.0) < 4e-16 else volatility)

    def instruments(self):
        """Return the ids of the instruments in which the pool has positions or open orders."""
        return [k for k in range(self.instrument_count) if self.is_held(k)]

    def held_assets(self):
        """Return the ids of the assets of which the pool has a balance."""
        return [self.pool.balances[k].asset for k in range(self.pool.balance_count) if self.pool.balances[k].amount]

    def unpriced(self):
        """Return the ids of the pool's instruments that could not be priced after the moves."""
        return [k for k in range(self.instrument_count) if self.is_held(k) and self.marks[k].status & MISSING_DATA]

    def mark_of(self, int instrument):
        """Return (mark, value of +1)."""
        if not 0 <= instrument < self.instrument_count:
            raise IndexError(f"instrument id was {instrument}")
        return self.specs[instrument].mark, self.marks[instrument].unit_value

    def notional_of(self, int instrument):
        """Return the notional of a quantity of 1: of an option by the price of its underlying."""
        if not 0 <= instrument < self.instrument_count:
            raise IndexError(f"instrument id was {instrument}")
        return notional_of(&self.view, instrument)

    def option_volatility(self, int instrument):
        """Return the volatility by which an option is moved: published, or that of its mark; may be not a number."""
        cdef Anchor anchor
        if not 0 <= instrument < self.instrument_count or self.specs[instrument].kind != OPTION:
            raise IndexError(f"instrument id was {instrument}")
        self.remember()
        anchor_of(self.base_specs + instrument, self.base_quotes + instrument, &anchor)
        return anchor.volatility

    # Preparing and assessing

    cdef void prepare(self, int instrument) noexcept nogil:
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

    cdef void prepare_all(self) noexcept nogil:
        cdef int32_t k
        if self.view.program != NULL and self.view.program.has_models:
            for k in range(self.instrument_count):
                self.prepare(k)

    cdef void evaluate(self, int64_t now, Result* out) noexcept nogil:
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

    def assess(self, int64_t now):
        """Assess the copy as it is by now."""
        cdef Assessment made = Assessment.__new__(Assessment)
        with nogil:
            self.evaluate(now, &made.result)
        return made

    def gross_notional(self):
        """Return the sum of the positions' notionals, none netted."""
        return gross_notional(&self.view, &self.pool)

    # Changing the pool

    cdef int make_room(self) except -1:
        """See to it that one more of everything fits."""
        cdef Pool bigger
        if self.room > 0:
            self.room -= 1
            return 0
        if not copy_pool(&self.pool, SPARE, &bigger):
            raise MemoryError("out of memory")
        free_pool(&self.pool)
        self.pool = bigger
        self.room = SPARE - 1
        return 0

    cpdef deposit(self, int asset, double amount):
        """Add an amount of an asset."""
        if not 0 <= asset < self.asset_count:
            raise IndexError(f"asset id was {asset}")
        self.make_room()
        add_amount(&self.pool, asset, amount)

    cpdef fill(self, int instrument, double quantity, double price, double leverage):
        """Fill a quantity at a price, or at the mark where it is 0; profit and loss stays with the position."""
        if not 0 <= instrument < self.instrument_count:
            raise IndexError(f"instrument id was {instrument}")
        self.make_room()
        add_fill(&self.pool, self.specs + instrument, instrument, quantity,
                 price if price > 0.0 else self.specs[instrument].mark, 1.0 / leverage if leverage > 0.0 else 0.0)

    def trade(self, int instrument, double quantity, double price=0.0, double leverage=0.0):
        """Fill a quantity as the book does: what is closed is realised into the settlement balance."""
        if not 0 <= instrument < self.instrument_count:
            raise IndexError(f"instrument id was {instrument}")
        self.make_room()
        trade(&self.pool, self.specs + instrument, instrument, quantity,
              price if price > 0.0 else self.specs[instrument].mark, 1.0 / leverage if leverage > 0.0 else 0.0)

    def cancel_orders(self):
        """Drop all open orders."""
        self.pool.order_count = self.pool.open_order_count = 0

    def restore(self):
        """Give the pool back what it came with; moves of prices stay."""
        cdef Pool copy
        if not copy_pool(&self.kept, SPARE, &copy):
            raise MemoryError("out of memory")
        free_pool(&self.pool)
        self.pool = copy
        self.room = SPARE

    # Searching a price

    cdef double margin_at(self, int instrument, double mark, double scale_asset, int64_t now, double ratio):
        """Return equity - ratio x MM with the instrument at another mark."""
        cdef Result result
        if scale_asset > 0.0:
            self.move_asset(self.specs[instrument].settlement, scale_asset)
        self.move_mark(instrument, mark)
        self.evaluate(now, &result)
        return result.equity - ratio * result.maintenance_margin

    cdef object root(self, int instrument, int64_t now, double ratio, bint is_smooth):
        """Return the mark of one instrument, moved alone, at which equity is ratio x MM."""
        cdef Result result
        cdef double mark = self.specs[instrument].mark, price = 0.0, here, low, high, middle, factor
        cdef int32_t k, found = 0, p = position_of(&self.pool, instrument)
        self.smooth(is_smooth)
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

    cdef void at(self, const Group* group, double factor, int64_t now, Result* out) noexcept nogil:
        """Assess with the underlying at a factor; figures are not numbers where they must not be used."""
        self.place(group, factor, 1.0)
        self.evaluate(now, out)
        if out.flags & INVALID_MASK:
            out.equity = out.maintenance_margin = NAN

    cdef double margin(self, const Group* group, double factor, int64_t now, double ratio) noexcept nogil:
        """Return equity - ratio x MM with the underlying at a factor."""
        cdef Result result
        self.at(group, factor, now, &result)
        return result.equity - ratio * result.maintenance_margin

    cdef double refine(
        self, const Group* group, int64_t now, double ratio, double low, double high, double at_low, double at_high,
    ) noexcept nogil:
        """
        Return the factor at which equity is ratio x MM between two of which one lies on each side.

        Equity and requirements are straight lines in long stretches: where the line through both ends meets 0, and right
        beside it, is tried before the middle. The end that is nearer to 0 is returned, a few bits wide; not a number
        where a figure on the way is not.
        """
        cdef double middle, at_middle, last = 0.0
        cdef int32_t k
        for k in range(300):
            if high - low <= high * 4e-16:
                break
            middle = low + (high - low) * 0.5
            if k % 3 == 0:
                middle = low + (high - low) * (at_low / (at_low - at_high))
            elif k % 3 == 1 and last != 0.0:
                middle = low + high * 1e-15 if last == low else high - high * 1e-15
            if not low < middle < high:
                middle = low + (high - low) * 0.5
                if middle == low or middle == high:
                    break
            at_middle = self.margin(group, middle, now, ratio)
            if isnan(at_middle):
                return NAN
            last = middle
            if (at_middle >= 0.0) == (at_low >= 0.0):
                low, at_low = middle, at_middle
            else:
                high, at_high = middle, at_middle
        return low if fabs(at_low) <= fabs(at_high) else high

    cdef int32_t grid(self, const Group* group, double* nodes) noexcept nogil:
        """
        Write the factors at which a search looks, rising, and return how many: room for `NODES_ROOM` and one a member.

        From 0.01 to 100 each is 2.4 % above the one before, and beyond, to 1e-8 and 1e8, twice it; then come today's price
        and, where the price of the underlying is known, the strikes.
        """
        cdef int32_t count = 0, k, i
        cdef double factor = NODE_FIRST, price
        for k in range(385):
            nodes[count] = factor
            count += 1
            factor *= NODE_STEP
        factor = NODE_FIRST
        for k in range(20):
            factor *= 0.5
            nodes[count] = factor
            nodes[count + 1] = NODE_FIRST * NODE_LAST / factor
            count += 2
        nodes[count] = 1.0
        count += 1
        for k in range(group.member_count):
            i = group.members[k]
            if self.base_specs[i].kind != OPTION:
                continue
            price = self.base_quotes[i].values[FIELD_INDEX]
            price = self.base_quotes[i].values[FIELD_FORWARD] if isnan(price) else price
            if price > 0.0 and self.base_specs[i].strike > 0.0:
                nodes[count] = self.base_specs[i].strike / price
                count += 1
        sort_doubles(nodes, count)
        return count

    def crossings(self, list instruments, int asset, int64_t now, list ratios):
        """
        Find where equity is ratio x MM as an underlying moves, everything else counted.

        The whole grid is assessed once, and each change of sign between two nodes refined. Roundings of amounts are off.

        Args:
            instruments, asset: as for `place_underlying`; only those in the pool count.
            ratios: of equity to MM.

        Returns:
            (for each ratio all factors, rising; reason bits of what could not be assessed, 0 where all could).
        """
        cdef Group group
        cdef double* nodes = NULL
        cdef double* figures
        cdef double* roots
        cdef double ratio, low, high
        cdef int32_t count = 0, k, flags = 0, found
        cdef Result result
        self.gather(instruments, asset, 1, &group)
        try:
            nodes = <double*>allocate(4 * (NODES_ROOM + group.member_count), sizeof(double))
            figures = nodes + NODES_ROOM + group.member_count
            roots = figures + 2 * (NODES_ROOM + group.member_count)
            answers = []
            with nogil:
                self.smooth(1)
                count = self.grid(&group, nodes)
                for k in range(count):
                    self.at(&group, nodes[k], now, &result)
                    flags |= result.flags & INVALID_MASK
                    figures[2 * k], figures[2 * k + 1] = result.equity, result.maintenance_margin
            for ratio in ratios:
                found = 0
                with nogil:
                    for k in range(count - 1):
                        low = figures[2 * k] - ratio * figures[2 * k + 1]
                        high = figures[2 * k + 2] - ratio * figures[2 * k + 3]
                        if isnan(low) or isnan(high) or (low >= 0.0) == (high >= 0.0):
                            continue
                        roots[found] = self.refine(&group, now, ratio, nodes[k], nodes[k + 1], low, high)
                        if isnan(roots[found]):
                            flags |= NOT_FINITE
                        else:
                            found += 1
                answers.append([roots[k] for k in range(found)])
            with nogil:
                self.place(&group, 1.0, 1.0)
                self.smooth(0)
        finally:
            free(group.members)
            free(nodes)
        return answers, flags

    cdef double breach(
        self, const Group* group, int64_t now, double ratio, const double* nodes, int32_t count, double start,
        double stop,
    ) noexcept nogil:
        """Return the first factor on the way from one to another at which a sign changes; not a number where none does."""
        cdef double here = self.margin(group, start, now, ratio), there, before = start, at
        cdef int32_t k, i, rises = stop > start
        for k in range(count + 1):
            i = k if rises else count - 1 - k
            at = stop
            if k < count:
                at = nodes[i]
                if not (before < at < stop if rises else stop < at < before):
                    continue
            there = self.margin(group, at, now, ratio)
            if isnan(there) or isnan(here):
                return NAN
            if (here >= 0.0) != (there >= 0.0):
                return (self.refine(group, now, ratio, before, at, here, there) if rises
                        else self.refine(group, now, ratio, at, before, there, here))
            before, here = at, there
        return NAN

    def breach_with_orders(self, list instruments, int asset, int64_t now, double ratio, list orders):
        """
        Find where equity is ratio x MM if resting orders of one side fill on the way there.

        The price goes from order to order, best first, and each fills at its own price as long as the pool has not
        breached before. What is left then is searched in the direction that hurts it, and in the other after that; a pool
        that is below already, in the direction that heals. All other open orders are left out.

        Args:
            orders: rows (instrument id, signed quantity, price or 0 for at the mark, leverage or 0) of one side, none of
                an option, whose price is not that of the underlying.

        Returns:
            (factor or None, how many orders filled, reason bits).
        """
        cdef Group group
        cdef double* nodes = NULL
        cdef double here, slope, standing = 1.0, at, found = NAN, last = 1e8
        cdef int32_t count, filled = 0, is_over = 0
        cdef Result result
        memset(&group, 0, sizeof(Group))
        self.cancel_orders()
        for instrument, quantity, price, leverage in orders:
            self.make_room()
            # What the orders open must follow the price too.
            if position_of(&self.pool, instrument) < 0:
                add_fill(&self.pool, self.specs + <int>instrument, instrument, 0.0, 1.0,
                         1.0 / <double>leverage if leverage else 0.0)
        self.gather(instruments, asset, 1, &group)
        try:
            nodes = <double*>allocate(NODES_ROOM + group.member_count, sizeof(double))
            self.smooth(1)
            count = self.grid(&group, nodes)
            self.at(&group, 1.0, now, &result)
            if result.flags & INVALID_MASK:
                return None, 0, result.flags & INVALID_MASK
            waiting = []
            for instrument, quantity, price, leverage in orders:
                if price > 0.0:
                    at = price / self.base_specs[<int>instrument].mark
                    waiting.append((at, quantity, instrument, leverage, price))
                else:
                    self.trade(instrument, quantity, 0.0, leverage)
                    filled += 1
            waiting.sort(key=lambda row: -row[0] if row[1] > 0.0 else row[0])
            for at, quantity, instrument, leverage, price in waiting:
                here = self.margin(&group, standing, now, ratio)
                if not here >= 0.0:
                    break
                # One that the price has reached already fills at its own price where the price stands.
                if (at < standing) == (quantity > 0.0):
                    found = self.breach(&group, now, ratio, nodes, count, standing, at)
                    if not isnan(found):
                        is_over = 1
                        break
                    standing = at
                self.place(&group, standing, 1.0)
                self.trade(instrument, quantity, price, leverage)
                filled += 1
            if not is_over:
                here = self.margin(&group, standing, now, ratio)
                self.at(&group, standing * (1.0 + 1e-6), now, &result)
                slope = result.equity
                self.at(&group, standing * (1.0 - 1e-6), now, &result)
                slope -= result.equity
                last = 1e8 if (slope > 0.0) != (here >= 0.0) else 1e-8
                found = self.breach(&group, now, ratio, nodes, count, standing, last)
                if isnan(found):
                    found = self.breach(&group, now, ratio, nodes, count, standing, 1.0 / last)
            self.place(&group, 1.0, 1.0)
            self.smooth(0)
        finally:
            free(group.members)
            free(nodes)
        return (None if isnan(found) else found), filled, 0

    def figure(self, Assessment standing not None, int number, bint of_pool, int instrument, int portfolio, inputs=()):
        """Compute a figure, see `Engine.figure`; `standing` is what `assess` says of the copy as it is."""
        cdef Result result = standing.result
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
        cdef double* out
        cdef int64_t k, j, g, count = 0, groups, kept, stride, scenarios, most
        cdef list rows = []
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
            most = self.pool.position_count + self.pool.order_count + 1
            members = <Member*>arena_take(&arena, 2 * most * sizeof(Member))
            group_of = <int32_t*>arena_take(&arena, most * sizeof(int32_t))
            blocks = <const double**>arena_take(&arena, most * sizeof(double*))
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
            # As in the requirement, an instrument of which there are only open orders is a member that holds nothing.
            for k in range(self.pool.order_count):
                j = self.pool.orders[k].instrument
                if self.pool.orders[k].position < 0 and not of_pool and (
                        j == instrument if instrument >= 0 else rule_of(rules, self.marks + j).portfolio == portfolio):
                    memset(members + count, 0, sizeof(Member))
                    members[count].instrument, members[count].order = <int32_t>j, <int32_t>k
                    members[count].leverage_rate = self.pool.orders[k].leverage_rate
                    count += 1
            f.figures, f.inputs, f.blocks = &figures, given, blocks
            groups = 1
            memset(group_of, 0, (count + 1) * sizeof(int32_t))
            if not of_pool:
                groups = partition(&self.view, members, count,
                                   0 if instrument >= 0 else self.view.program.portfolios[portfolio].by, group_of,
                                   &arena)
            group = members + most
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
                out = place_of(&f, code.outputs[0], &stride)
                whose = tuple([group[k].instrument for k in range(kept)])
                # Of a value with scenarios, the operand names their table.
                scenarios = table_of(&f, (code.outputs[0] & ((1 << PLACE_BITS) - 1)) >> TABLE_BITS).count if stride else 1
                for k in range(scenarios):
                    flags |= reasons_of(out[k], NOT_FINITE)
                    rows.append((whose, out[k]))
        finally:
            arena_free(&arena)
        return flags, rows


cdef extern from "stdlib.h" nogil:
    void qsort(void* base, size_t count, size_t size, int (*compare)(const void*, const void*) noexcept nogil)


cdef int compare_doubles(const void* a, const void* b) noexcept nogil:
    cdef double x = (<const double*>a)[0], y = (<const double*>b)[0]
    return (x > y) - (x < y)


cdef void sort_doubles(double* values, int32_t count) noexcept nogil:
    qsort(values, count, sizeof(double), compare_doubles)
