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
cdef class Profiles:
    """Hold which profile of a program each class of accounts has, and accounts with overrides of their own."""

    cdef int32_t* of_classes
    cdef int32_t* of_accounts    # pairs (account, profile)
    cdef int32_t account_count

    def __cinit__(self, list classes, dict accounts):
        cdef int32_t k
        self.of_classes = <int32_t*>allocate(len(classes), sizeof(int32_t))
        self.of_accounts = <int32_t*>allocate(2 * len(accounts), sizeof(int32_t))
        self.account_count = len(accounts)
        for k, profile in enumerate(classes):
            self.of_classes[k] = profile
        for k, (account, profile) in enumerate(accounts.items()):
            self.of_accounts[2 * k], self.of_accounts[2 * k + 1] = account, profile

    def __dealloc__(self):
        free(self.of_classes)
        free(self.of_accounts)


@cython.final
cdef class Engine:
    """
    Hold book, market and active program, and answer from them.

    Ids are dense integers in the order of creation. Methods that change state are called by one writer; methods that
    read may be called from any thread at any time.
    """

    cdef pthread_rwlock_t lock
    cdef Reading active
    cdef Reading shadow      # of a program that is asked beside the active one; empty where there is none
    cdef Tables tables
    cdef Tables shadow_tables
    cdef Series series
    cdef Series shadow_series
    cdef int64_t compared    # order checks of which the shadow was asked, since it came
    cdef Pool* pools
    cdef Account* accounts
    cdef readonly int instrument_count, asset_count, pool_count, account_count
    cdef int pool_room, account_room

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
        free_reading(&self.active)
        free_reading(&self.shadow)
        free(self.pools)
        free(self.accounts)
        pthread_rwlock_destroy(&self.lock)

    # No section under the write lock touches a Python object or wants the GIL: a reader may wait for the lock while it
    # holds the GIL, and must never wait for a writer that waits for the GIL.

    # Market

    def add_asset(self, int rule, int shadow_rule=-1):
        """Add an asset without a price; return its id. `rule`: its collateral rule, or -1; the shadow has another."""
        cdef int made = 0
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            made = make_room_for_asset(&self.active)
            if self.shadow.view.program != NULL:
                made = made and make_room_for_asset(&self.shadow)
            if made:
                append_asset(&self.active, rule)
                if self.shadow.view.program != NULL:
                    append_asset(&self.shadow, shadow_rule)
                self.asset_count += 1
            pthread_rwlock_unlock(&self.lock)
        if not made:
            raise MemoryError("out of memory")
        return self.asset_count - 1

    def add_instrument(self, int settlement, int underlying, bint inverse, int kind, double multiplier,
                       double quantity_step, int64_t expires_ns, int product, int64_t max_age_ns,
                       double strike=0.0, int right=0, int family=-1, parameters=(), uint64_t wrong_way=0,
                       shadow=None):
        """
        Add an instrument without a mark; return its id.

        Args:
            kind: as `marginrules.codes.InstrumentKind` numbers it.
            product: of the active program, or -1.
            strike, right: of an option; `right` is +1 for a call, -1 for a put.
            family: number of its underlying, which need not be an asset; the same for all instruments on it.
            parameters: what the active program sets for it.
            wrong_way: bits of the collateral for which exposure to its underlying is wrong-way.
            shadow: (product, max_age_ns, parameters, wrong_way) by the shadow's program, where there is a shadow.
        """
        cdef Spec spec, shadow_spec
        cdef int made = 0, shadow_product = -1
        cdef Parameters set, shadow_set
        read_parameters(&set, parameters)
        memset(&spec, 0, sizeof(Spec))
        spec.settlement, spec.underlying, spec.inverse, spec.kind = settlement, underlying, inverse, kind
        spec.outright = kind == SPOT or kind == OPTION
        spec.multiplier, spec.quantity_step = multiplier, quantity_step
        spec.strike, spec.right, spec.family = strike, right, family
        spec.expires_ns, spec.max_age_ns, spec.wrong_way = expires_ns, max_age_ns, wrong_way
        shadow_spec = spec
        shadow_spec.max_age_ns = shadow_spec.wrong_way = 0
        read_parameters(&shadow_set, shadow[2] if shadow is not None else ())
        if shadow is not None:
            shadow_product, shadow_spec.max_age_ns, shadow_spec.wrong_way = shadow[0], shadow[1], shadow[3]
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            made = make_room_for_instrument(&self.active)
            if self.shadow.view.program != NULL:
                made = made and make_room_for_instrument(&self.shadow)
            if made:
                append_instrument(&self.active, &spec, &set, product)
                if self.shadow.view.program != NULL:
                    append_instrument(&self.shadow, &shadow_spec, &shadow_set, shadow_product)
                self.instrument_count += 1
            pthread_rwlock_unlock(&self.lock)
        if not made:
            raise MemoryError("out of memory")
        return self.instrument_count - 1

    def set_prices(self, list assets, list instruments, shadow=None):
        """
        Publish prices; all become visible at once.

        Args:
            assets: rows (asset id, price in the rulebook's currency, time_ns, max_age_ns, volatility a year, value of all
                deposits, value of all borrows); the last three are not a number where not known, or may be left out.
            instruments: rows (instrument id, mark, time_ns, open interest in the rulebook's currency, quotes); the
                quotes, which may be left out, are pairs (number of a `marginrules.machine.Field`, value) and replace
                all that were known. Open interest among them is what programs read, else they read that of the row.
            shadow: (assets, instruments) as the shadow's program takes them, where it takes them otherwise.
        """
        cdef Published given = Published(assets, instruments)
        self.publish(given, given if shadow is None else Published(shadow[0], shadow[1]))

    def set_quotes(self, list rows):
        """
        Publish single quotes beside those known.

        Args:
            rows: (instrument id, number of a `marginrules.machine.Field`, value or not a number); an instrument once.
        """
        has_shadow = self.shadow.view.program != NULL
        self.publish(requote(&self.active, rows), requote(&self.shadow, rows) if has_shadow else None)

    cdef int publish(self, Published given, Published shadow) except -1:
        """Publish prices; `shadow`: as the shadow's program takes them, ignored where there is no shadow."""
        cdef double** blocks = <double**>allocate(self.instrument_count, sizeof(double*))
        cdef double** shadow_blocks = NULL
        cdef int made, has_shadow = self.shadow.view.program != NULL
        try:
            shadow_blocks = <double**>allocate(self.instrument_count, sizeof(double*))
            with nogil:
                # Only this writer changes what is read here, so the long part needs no lock.
                made = prepare_prices(&self.active, &given.prices, blocks)
                if has_shadow:
                    made = made and prepare_prices(&self.shadow, &shadow.prices, shadow_blocks)
                if made:
                    pthread_rwlock_wrlock(&self.lock)
                    write_prices(&self.active, &given.prices)
                    swap_blocks(self.active.blocks, blocks, self.instrument_count)
                    if has_shadow:
                        write_prices(&self.shadow, &shadow.prices)
                        swap_blocks(self.shadow.blocks, shadow_blocks, self.instrument_count)
                    pthread_rwlock_unlock(&self.lock)
            if not made:
                raise MemoryError("out of memory")
        finally:
            free_blocks(blocks, self.instrument_count)
            free_blocks(shadow_blocks, self.instrument_count)
        return 0

    def price_of(self, int instrument):
        """Return (mark, time_ns, open interest, value of +1, value of one unit of the settlement asset)."""
        cdef Spec spec
        cdef Mark mark
        pthread_rwlock_rdlock(&self.lock)
        spec, mark = self.active.specs[instrument], self.active.marks[instrument]
        pthread_rwlock_unlock(&self.lock)
        return spec.mark, spec.mark_ns, mark.open_interest, mark.unit_value, mark.fx

    def quotes_of(self, int instrument):
        """Return what else is published of an instrument, by number of `marginrules.machine.Field`."""
        cdef Quotes quotes
        cdef int32_t k
        pthread_rwlock_rdlock(&self.lock)
        quotes = self.active.quotes[instrument]
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
        cdef Fitting fitting = Fitting(tables, self.instrument_count, self.asset_count, series)
        cdef Profiles profiles = Profiles(class_profiles, account_profiles)
        cdef Tables replaced = self.tables  # freed only after the switch, as is the series
        cdef Series old_series = self.series
        cdef int made
        fitting.read(products, max_ages, asset_rules, parameters, wrong_ways)
        with nogil:
            made = prepare_all(&self.active, &fitting.fit)
        if not made:
            raise MemoryError("out of memory")
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            bind_all(&self.active, &fitting.fit)
            self.active.view.owner, self.active.view.series_owner = <void*>tables, <void*>fitting.series
            self.active.view.revision += 1
            self.write_profiles(profiles, 0)
            pthread_rwlock_unlock(&self.lock)
        self.tables, self.series = tables, fitting.series

    def set_series(self, list series, list shadow_series=None):
        """
        Replace the moves of all underlyings in historical scenarios.

        Args:
            series: rows (scenario table, family, moves as fractions, one for each scenario, the newest first); None: no
                change.
            shadow_series: such rows for the tables of the shadow's program, where there is a shadow; None: no change.
        """
        if series is not None and self.tables is not None:
            self.series = self.replace_series(&self.active, self.tables, series)
        if shadow_series is not None and self.shadow_tables is not None:
            self.shadow_series = self.replace_series(&self.shadow, self.shadow_tables, shadow_series)

    cdef Series replace_series(self, Reading* reading, Tables tables, list series):
        """Return the new series, which the caller has to keep; the ones before may go then."""
        cdef Series made_series = Series(tables, series)
        cdef Fit fit
        cdef int made
        memset(&fit, 0, sizeof(Fit))
        fit.program, fit.parameters = &tables.program, reading.parameters
        fit.series, fit.series_stride = <const double* const*>made_series.rows, made_series.stride
        fit.blocks = <double**>allocate(self.instrument_count, sizeof(double*))
        with nogil:
            made = prepare_all(reading, &fit)
            if made:
                pthread_rwlock_wrlock(&self.lock)
                reading.view.series, reading.view.series_stride = fit.series, fit.series_stride
                reading.view.series_owner = <void*>made_series
                swap_blocks(reading.blocks, fit.blocks, self.instrument_count)
                pthread_rwlock_unlock(&self.lock)
        free_blocks(fit.blocks, self.instrument_count)
        if not made:
            raise MemoryError("out of memory")
        return made_series

    cdef void write_profiles(self, Profiles profiles, int is_shadow) noexcept nogil:
        cdef int32_t k, pool
        for k in range(self.pool_count):
            self.set_profile(k, profiles.of_classes[self.accounts[self.pools[k].account].class_id], is_shadow)
        for k in range(profiles.account_count):
            pool = self.accounts[profiles.of_accounts[2 * k]].pool_first
            while pool >= 0:
                self.set_profile(pool, profiles.of_accounts[2 * k + 1], is_shadow)
                pool = self.pools[pool].next

    cdef inline void set_profile(self, int32_t pool, int32_t profile, int is_shadow) noexcept nogil:
        if is_shadow:
            self.pools[pool].shadow_profile = profile
        else:
            self.pools[pool].profile = profile

    # Shadow

    def shade(self, Tables tables not None, int number, list products, list max_ages, list asset_rules,
              list class_profiles, dict account_profiles, series=(), parameters=(), wrong_ways=(), list assets=None):
        """
        Ask another program beside the active one from now on, in the place of any that was; see `compare_order`.

        It reads the same market and the same pools, by its own products, ages, haircuts, profiles and prepared arrays.
        Every later change of the market reaches both at once.

        Args:
            number: tells this shadow from those before and after; stands as `revision` in what it says.
            products ... wrong_ways: as in `activate`; a class without a profile, -1, is refused everything.
            assets: rows as in `set_prices`, published again: how long a price may be used is the program's to say.
        """
        cdef Fitting fitting = Fitting(tables, self.instrument_count, self.asset_count, series)
        cdef Profiles profiles = Profiles(class_profiles, account_profiles)
        cdef Published again = Published(assets or [], [])
        cdef Reading reading, replaced
        cdef Tables old_tables = self.shadow_tables  # freed only after the switch
        cdef Series old_series = self.shadow_series
        cdef int made
        memset(&reading, 0, sizeof(Reading))
        fitting.read(products, max_ages, asset_rules, parameters, wrong_ways)
        with nogil:
            # Nobody else knows this reading yet, and only this writer changes what it is made from.
            made = copy_reading(&self.active, &reading)
            if made:
                made = prepare_all(&reading, &fitting.fit)
                bind_all(&reading, &fitting.fit)
                write_prices(&reading, &again.prices)
            reading.view.owner, reading.view.series_owner = <void*>tables, <void*>fitting.series
            reading.view.revision = number
            if made:
                pthread_rwlock_wrlock(&self.lock)
                replaced, self.shadow = self.shadow, reading
                self.write_profiles(profiles, 1)
                self.compared = 0
                pthread_rwlock_unlock(&self.lock)
        if not made:
            free_reading(&reading)
            raise MemoryError("out of memory")
        free_reading(&replaced)
        self.shadow_tables, self.shadow_series = tables, fitting.series

    def unshade(self):
        """Ask no other program any more."""
        cdef Reading replaced
        cdef Reading none
        memset(&none, 0, sizeof(Reading))
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            replaced, self.shadow = self.shadow, none
            pthread_rwlock_unlock(&self.lock)
        free_reading(&replaced)
        self.shadow_tables = self.shadow_series = None

    @property
    def checks_compared(self):
        """Order checks of which the shadow was asked, since it came."""
        return count_of(&self.compared)

    def forget_compared(self):
        """Count the checks compared from 0 again."""
        clear_count(&self.compared)

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
                pool.shadow_profile = -1
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

    def put_pool(self, int pool, int profile, double due, list balances, list positions, list orders,
                 int shadow_profile=-1):
        """
        Replace what a pool holds; readers see the old content or the new.

        Args:
            due: fees and funding due.
            balances: rows (asset id, amount).
            positions: rows (instrument id, signed quantity, entry price or 0 where held outright, leverage or 0).
            orders: rows (instrument id, signed quantity, price or 0 for the mark, leverage or 0).
            shadow_profile: by the shadow's program; -1: it has none for this account.
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
        with nogil:
            pthread_rwlock_wrlock(&self.lock)
            target = self.pools + pool
            old = target[0]
            target.positions, target.balances, target.orders = made.positions, made.balances, made.orders
            target.open_orders, target.open_order_count = made.open_orders, made.open_order_count
            target.position_count, target.balance_count = made.position_count, made.balance_count
            target.order_count = made.order_count
            target.due = made.due
            target.profile, target.shadow_profile = profile, shadow_profile
            pthread_rwlock_unlock(&self.lock)
        free_pool(&old)

    cdef int write_holdings(self, Pool* made, list balances, list positions) except -1:
        cdef Spec* spec
        cdef int32_t k
        for k, (instrument, quantity, entry_price, leverage) in enumerate(positions):
            spec = self.active.specs + <int>instrument
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
            spec = self.active.specs + <int>instrument
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
        cdef Spec* spec = self.active.specs + instrument
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

    def pool_instruments(self, int pool):
        """Return the ids of the instruments in which a pool has positions or open orders, and how many assets it holds."""
        cdef Pool copy
        cdef int32_t k
        cdef int made
        if not 0 <= pool < self.pool_count:
            raise IndexError(f"pool id was {pool}")
        pthread_rwlock_rdlock(&self.lock)
        made = copy_pool(self.pools + pool, 0, &copy)
        pthread_rwlock_unlock(&self.lock)
        if not made:
            raise MemoryError("out of memory")
        held = {copy.positions[k].instrument for k in range(copy.position_count)}
        held |= {copy.orders[k].instrument for k in range(copy.order_count)}
        free_pool(&copy)
        return held, copy.balance_count

    def assets_held(self):
        """Return the ids of the assets of which any pool has a balance."""
        cdef int32_t k, b, count = self.asset_count
        cdef char* found = <char*>allocate(count, 1)
        with nogil:
            pthread_rwlock_rdlock(&self.lock)
            for k in range(self.pool_count):
                for b in range(self.pools[k].balance_count):
                    if self.pools[k].balances[b].asset < count:
                        found[self.pools[k].balances[b].asset] = 1
            pthread_rwlock_unlock(&self.lock)
        held = [k for k in range(count) if found[k]]
        free(found)
        return held

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
        evaluate(&self.active.view, self.pools + pool, now, &made.result)
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
                evaluate_range(&self.active.view, self.pools + first + done, stop - done, now, out.results + done)
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
        self.read_proposal(pool, instrument, quantity, price, leverage, reduce_only, &proposal)
        with nogil:
            pthread_rwlock_rdlock(&self.lock)
            check_order(&self.active.view, self.pools + pool, &proposal, now, want_largest, &verdict)
            pthread_rwlock_unlock(&self.lock)
        return (verdict.accepted != 0, verdict.flags, wrap(&verdict.before), wrap(&verdict.after),
                verdict.quantity_max)

    def compare_order(self, int pool, int instrument, double quantity, double price, double leverage,
                      bint reduce_only, int64_t now, bint want_largest=True):
        """
        Decide one order as `check_order` does, and ask the shadow's program of it in the same state.

        Returns:
            (accepted, reason bits, before, after, largest passing quantity, shadow), where the last is (accepted,
            reason bits, before, after) by the shadow's program; None where it says the same, or nobody is asked. Its
            `before.revision` is the number given to `shade`.
        """
        cdef Verdict verdict, shadow
        cdef Proposal proposal
        cdef int has_shadow
        self.read_proposal(pool, instrument, quantity, price, leverage, reduce_only, &proposal)
        with nogil:
            pthread_rwlock_rdlock(&self.lock)
            has_shadow = self.shadow.view.program != NULL
            if has_shadow:
                compare_order(&self.active.view, &self.shadow.view, self.pools + pool, &proposal, now, want_largest,
                              &verdict, &shadow)
                count_one(&self.compared)
            else:
                check_order(&self.active.view, self.pools + pool, &proposal, now, want_largest, &verdict)
            pthread_rwlock_unlock(&self.lock)
        differs = has_shadow and (verdict.accepted != shadow.accepted or verdict.flags != shadow.flags)
        return (verdict.accepted != 0, verdict.flags, wrap(&verdict.before), wrap(&verdict.after),
                verdict.quantity_max, verdict_of(&shadow) if differs else None)

    def check_shadow_order(self, int pool, int instrument, double quantity, double price, double leverage,
                           bint reduce_only, int64_t now):
        """Return what the shadow's program says of an order, as `compare_order` does; None where there is no shadow."""
        cdef Verdict shadow
        cdef Proposal proposal
        cdef int has_shadow
        self.read_proposal(pool, instrument, quantity, price, leverage, reduce_only, &proposal)
        with nogil:
            pthread_rwlock_rdlock(&self.lock)
            has_shadow = self.shadow.view.program != NULL
            if has_shadow:
                check_shadow_order(&self.shadow.view, self.pools + pool, &proposal, now, &shadow)
            pthread_rwlock_unlock(&self.lock)
        return verdict_of(&shadow) if has_shadow else None

    def assess_shadow(self, int pool, int64_t now):
        """Assess one pool by the shadow's program; None where there is no shadow."""
        cdef Assessment made = Assessment.__new__(Assessment)
        cdef int has_shadow
        if not 0 <= pool < self.pool_count:
            raise IndexError(f"pool id was {pool}")
        pthread_rwlock_rdlock(&self.lock)
        has_shadow = self.shadow.view.program != NULL
        if has_shadow:
            evaluate_shadow(&self.shadow.view, self.pools + pool, now, &made.result)
        pthread_rwlock_unlock(&self.lock)
        return made if has_shadow else None

    def assess_shadow_range(self, int first, int count, int64_t now, Batch out not None):
        """Assess pools by the shadow's program as `assess_range` does; say whether there is one."""
        cdef int32_t done = 0, stop, k
        cdef int has_shadow = 1
        if first < 0 or count < 0 or first + count > self.pool_count or count > out.count:
            raise IndexError(f"pools {first} to {first + count} of {self.pool_count}")
        with nogil:
            while done < count and has_shadow:
                stop = count if count - done < CHUNK else done + CHUNK
                pthread_rwlock_rdlock(&self.lock)
                has_shadow = self.shadow.view.program != NULL
                if has_shadow:
                    for k in range(done, stop):
                        evaluate_shadow(&self.shadow.view, self.pools + first + k, now, out.results + k)
                pthread_rwlock_unlock(&self.lock)
                done = stop
        return has_shadow != 0

    cdef int read_proposal(self, int pool, int instrument, double quantity, double price, double leverage,
                           bint reduce_only, Proposal* out) except -1:
        if not (0 <= pool < self.pool_count and 0 <= instrument < self.instrument_count):
            raise IndexError(f"pool id was {pool}, instrument id was {instrument}")
        out.instrument, out.reduce_only = instrument, reduce_only
        out.quantity, out.price = quantity, price
        out.leverage_rate = 1.0 / leverage if leverage > 0.0 else 0.0
        return 0

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
