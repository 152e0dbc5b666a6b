# What a market looks like after the prices of underlyings have moved: each instrument follows its underlying.

cdef struct Anchor:          # what an option's price hangs on, before any move
    double forward
    double years
    double volatility        # published, or else that of the mark
    double model             # price by Black-76
    int64_t is_known

cdef struct Move:            # how far something has been moved from where it was published
    double factor            # of the price
    double volatility        # of the volatility, a factor as well


cdef inline int is_in_coin(const Spec* spec) noexcept nogil:
    """Tell options that are settled in their own underlying: their marks are in coins, strike and forward are not."""
    return spec.kind == OPTION and spec.underlying >= 0 and spec.underlying == spec.settlement


cdef double model_price(const Spec* spec, double forward, double years, double volatility) noexcept nogil:
    """Return an option's price by Black-76, undiscounted, in its settlement asset."""
    cdef double right = spec.right, price = NAN
    if is_in_coin(spec):
        price_black76_inverse(1, &right, &forward, &spec.strike, &years, &volatility, &price)
    else:
        price_black76(1, &right, &forward, &spec.strike, &years, &volatility, &price)
    return price


cdef void anchor_of(const Spec* spec, const Quotes* quotes, Anchor* out) noexcept nogil:
    """
    Find what an option's price hangs on; not a number where that is not known.

    The forward is the one published, or else index x exp((rate - dividend yield) x years), both rates 0 where they are not
    known. Years run from the time of the mark to expiry, 365 days each.
    """
    cdef double right = spec.right, rate = quotes.values[FIELD_RATE], yielded = quotes.values[FIELD_DIVIDEND_YIELD]
    cdef double growth, price
    out.years = greater(0.0, <double>(spec.expires_ns - spec.mark_ns) / 86400e9 / 365.0)
    out.forward = quotes.values[FIELD_FORWARD]
    if isnan(out.forward):
        growth = ((0.0 if isnan(rate) else rate) - (0.0 if isnan(yielded) else yielded)) * out.years
        exp_lanes(1, &growth, &growth)
        out.forward = quotes.values[FIELD_INDEX] * growth
    out.volatility = quotes.values[FIELD_VOLATILITY]
    if isnan(out.volatility) and out.years > 0.0:
        price = spec.mark * out.forward if is_in_coin(spec) else spec.mark
        implied_black76(1, &right, &price, &out.forward, &spec.strike, &out.years, &out.volatility)
    elif isnan(out.volatility):
        out.volatility = 0.0  # an expired option is worth what it is in the money by
    out.model = model_price(spec, out.forward, out.years, out.volatility)
    out.is_known = 1


cdef void follow(
    const Spec* base, const Quotes* published, const Anchor* anchor, const Move* move, Spec* spec, Quotes* quotes,
) noexcept nogil:
    """
    Mark an instrument after a move of its underlying; not a number where it cannot be priced.

    What is no option follows in proportion. An option gains model(moved) - model(now), so that a mark which is not the
    model's keeps its distance; it is never worth less than nothing.
    """
    quotes.values[FIELD_INDEX] = published.values[FIELD_INDEX] * move.factor
    quotes.values[FIELD_FORWARD] = published.values[FIELD_FORWARD] * move.factor
    quotes.values[FIELD_AUCTION_PRICE] = published.values[FIELD_AUCTION_PRICE] * move.factor
    quotes.values[FIELD_VOLATILITY] = published.values[FIELD_VOLATILITY] * move.volatility
    if move.factor == 1.0 and move.volatility == 1.0:
        spec.mark = base.mark
    elif base.kind != OPTION:
        spec.mark = base.mark * move.factor
    else:
        spec.mark = base.mark + (model_price(
            base, anchor.forward * move.factor, anchor.years, anchor.volatility * move.volatility) - anchor.model)
        # Written so that what is not a number stays.
        if spec.mark < 0.0:
            spec.mark = 0.0


cdef void derive_moved(Mark* mark, const Spec* spec, const Asset* assets) noexcept nogil:
    """Derive what the hot loop reads; an option that could not be priced lacks data, and not a price."""
    mark.status &= ~MISSING_DATA
    derive(mark, spec, assets)
    if spec.priced and isnan(spec.mark):
        mark.status |= MISSING_DATA
        if assets[spec.settlement].price > 0.0 and not assets[spec.settlement].status & MISSING_PRICE:
            mark.status &= ~MISSING_PRICE


cdef double notional_of(const View* view, int32_t instrument) noexcept nogil:
    """
    Return the notional of a quantity of 1.

    That of an option is multiplier x index; the forward, else the strike, stands in where none is published.
    """
    cdef const Spec* spec = view.specs + instrument
    cdef const double* quotes = <const double*>view.quotes[instrument].values
    cdef double price = quotes[FIELD_INDEX]
    if spec.kind != OPTION:
        return fabs(view.marks[instrument].unit_value)
    price = quotes[FIELD_FORWARD] if isnan(price) else price
    price = spec.strike if isnan(price) else price
    # What is settled in its own underlying has that price in `fx` already.
    price = 1.0 if is_in_coin(spec) else price
    return spec.multiplier * view.marks[instrument].fx * price


cdef double gross_notional(const View* view, const Pool* pool) noexcept nogil:
    """Return the sum of the positions' notionals, none netted."""
    cdef double total = 0.0
    cdef int32_t k
    for k in range(pool.position_count):
        total += fabs(pool.positions[k].quantity) * notional_of(view, pool.positions[k].instrument)
    return total


cdef void trade(
    Pool* pool, const Spec* spec, int32_t instrument, double quantity, double price, double leverage_rate,
) noexcept nogil:
    """
    Trade a quantity as the book does: what is closed is realised into the balance of the settlement asset.

    Room for one more position and one more balance must be there.
    """
    cdef int32_t k = position_of(pool, instrument)
    cdef double held, closed, share
    if k >= 0 and pool.positions[k].quantity * quantity < 0.0:
        held = pool.positions[k].quantity
        # What is left by the noise of decimal fractions is nothing.
        if fabs(held + quantity) <= 1e-12 * fabs(held):
            quantity = -held
        if not spec.outright:
            closed = held if fabs(quantity) >= fabs(held) else -quantity
            share = pool.positions[k].cost * (closed / held)
            pool.positions[k].quantity -= closed
            pool.positions[k].cost -= share
            add_amount(pool, spec.settlement, cost_of(spec, closed, price) - share)
            quantity += closed
    if quantity != 0.0:
        add_fill(pool, spec, instrument, quantity, price, leverage_rate)
    if k >= 0 and pool.positions[k].quantity == 0.0:
        remove_position(pool, k)


cdef void remove_position(Pool* pool, int32_t at) noexcept nogil:
    cdef int32_t k
    pool.position_count -= 1
    for k in range(at, pool.position_count):
        pool.positions[k] = pool.positions[k + 1]
    for k in range(pool.order_count):
        pool.orders[k].position = position_of(pool, pool.orders[k].instrument)


cdef void add_amount(Pool* pool, int32_t asset, double amount) noexcept nogil:
    """Add to a balance; room for one more must be there."""
    cdef int32_t k
    for k in range(pool.balance_count):
        if pool.balances[k].asset == asset:
            pool.balances[k].amount += amount
            return
    pool.balances[pool.balance_count].asset, pool.balances[pool.balance_count].unused = asset, 0
    pool.balances[pool.balance_count].amount = amount
    pool.balance_count += 1
