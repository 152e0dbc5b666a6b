# What one pool is worth and what it must hold. Pure: the same view, pool and time give the same bits.

cdef inline double greater(double a, double b) noexcept nogil:
    return a if a > b else b


cdef inline double lesser(double a, double b) noexcept nogil:
    return a if a < b else b


cdef inline double cost_of(const Spec* spec, double quantity, double price) noexcept nogil:
    """Return what a quantity costs at a price, in the settlement asset; selling costs less than nothing."""
    if spec.inverse:
        return -quantity * spec.multiplier / price
    return quantity * spec.multiplier * price


cdef inline void requirement_of(
    const Program* program, const Rule* rule, double open_interest, double notional, double leverage_rate,
    double* initial, double* maintenance,
) noexcept nogil:
    """Set IM and MM of one position: the greatest of the tier lines, then open interest, then the leverage setting."""
    cdef const Line* line = program.lines + rule.line_first
    cdef double im = 0.0, mm = 0.0, share
    cdef int32_t k
    for k in range(rule.line_count):
        im = greater(im, notional * line[k].initial_rate - line[k].initial_deduction)
        mm = greater(mm, notional * line[k].maintenance_rate - line[k].maintenance_deduction)
    if rule.open_interest_upper > 0.0:
        # dYdX v4: rate + (1 - rate) x (open interest - lower) / (upper - lower), between the rate and 1.
        share = (open_interest - rule.open_interest_lower) / (rule.open_interest_upper - rule.open_interest_lower)
        # What is not a number must come through: `greater` and `lesser` return their second operand then.
        share = lesser(1.0, greater(0.0, share))
        im = im + (notional - im) * share
    im = greater(notional * leverage_rate, im)
    initial[0] = greater(mm, im)
    maintenance[0] = mm


cdef inline double counted(const Program* program, const CollateralRule* rule, double value) noexcept nogil:
    """Return the value of a holding after haircut and cap; a debt counts in full."""
    cdef const Credit* credit = program.credits + rule.credit_first
    cdef double after = value
    cdef int32_t k
    if not (value > 0.0):
        return value  # a debt, or not a number: neither may disappear in a cap
    for k in range(rule.credit_count):
        after = lesser(after, value * credit[k].rate + credit[k].constant)
    return lesser(after, rule.cap)


cdef double collateral_of(const View* view, const Pool* pool, int64_t now, int32_t* flags) noexcept nogil:
    """Return the collateral value of a pool and add the reasons for which it cannot be trusted."""
    cdef const Program* program = view.program
    cdef const Asset* asset
    cdef double total = 0.0, value, limit, limited = 0.0
    cdef int32_t k
    for k in range(pool.balance_count):
        asset = view.assets + pool.balances[k].asset
        flags[0] |= asset.status
        if now > asset.fresh_until:
            flags[0] |= STALE_PRICE
        if asset.rule < 0:
            flags[0] |= UNKNOWN_COLLATERAL
            continue
        total += counted(program, program.collateral_rules + asset.rule, pool.balances[k].amount * asset.price)
    if not program.has_concentration or not isfinite(total):
        return total
    for k in range(pool.balance_count):
        asset = view.assets + pool.balances[k].asset
        if asset.rule < 0:
            continue
        value = counted(program, program.collateral_rules + asset.rule, pool.balances[k].amount * asset.price)
        # A limit never turns negative: where debts exceed the rest, a holding in a concentrated asset counts nothing.
        limit = greater(total * program.collateral_rules[asset.rule].concentration, 0.0)
        limited += value if program.collateral_rules[asset.rule].concentration >= 1.0 else lesser(value, limit)
    return limited


cdef void add_orders(const View* view, const Pool* pool, const Rule* rules, int64_t now, Result* out) noexcept nogil:
    """Raise IM to the worse of the two fills of each instrument's open orders, losses on the fill included."""
    cdef const OrderSum* order
    cdef const Mark* mark
    cdef const Rule* rule
    cdef double quantity, leverage_rate, held, none, bought, sold, mm, loss
    cdef int32_t k
    for k in range(pool.order_count):
        order = pool.orders + k
        mark = view.marks + order.instrument
        rule = rules + mark.product
        out.flags |= mark.status
        if now > mark.fresh_until:
            out.flags |= STALE_PRICE
        quantity = pool.positions[order.position].quantity if order.position >= 0 else 0.0
        leverage_rate = pool.positions[order.position].leverage_rate if order.position >= 0 else 0.0
        held = leverage_rate
        if rule.leverage_mode == FROM_LEVERAGE:
            leverage_rate = greater(leverage_rate, order.leverage_rate)
            if not (leverage_rate > 0.0):
                out.flags |= MISSING_LEVERAGE
        else:
            held = 0.0
            leverage_rate = 0.0
        requirement_of(view.program, rule, mark.open_interest, fabs(quantity * mark.unit_value), held, &none, &mm)
        requirement_of(view.program, rule, mark.open_interest,
                       fabs((quantity + order.buy_quantity) * mark.unit_value), leverage_rate, &bought, &mm)
        requirement_of(view.program, rule, mark.open_interest,
                       fabs((quantity - order.sell_quantity) * mark.unit_value), leverage_rate, &sold, &mm)
        loss = order.buy_cost * mark.fx - order.buy_quantity * mark.unit_value
        bought += greater(loss, 0.0)
        loss = order.sell_cost * mark.fx + order.sell_quantity * mark.unit_value
        sold += greater(loss, 0.0)
        if not (isfinite(bought) and isfinite(sold)):
            out.flags |= NOT_FINITE
        out.initial_margin += greater(greater(bought, sold) - none, 0.0)


cdef void explain_lateness(const View* view, const Pool* pool, int64_t now, Result* out) noexcept nogil:
    """Tell an expired instrument from a stale price; runs only when something was late."""
    cdef int32_t k
    cdef const Spec* spec
    for k in range(pool.position_count):
        spec = view.specs + pool.positions[k].instrument
        if spec.expires_ns != 0 and now >= spec.expires_ns:
            out.flags |= EXPIRED_INSTRUMENT
    for k in range(pool.order_count):
        spec = view.specs + pool.orders[k].instrument
        if spec.expires_ns != 0 and now >= spec.expires_ns:
            out.flags |= EXPIRED_INSTRUMENT


cdef void evaluate(const View* view, const Pool* pool, int64_t now, Result* out) noexcept nogil:
    """
    Assess one pool.

    Equity = collateral after haircuts + unrealised profit and loss - fees and funding due. Any bit of `INVALID_MASK` in
    `out.flags` means that the figures must not be used.
    """
    cdef const Program* program = view.program
    cdef const Rule* rules
    cdef const Rule* rule
    cdef const Position* position
    cdef const Mark* mark
    cdef const Ladder* ladder
    cdef double pnl = 0.0, im = 0.0, mm = 0.0, im_one, mm_one, leverage_rate
    cdef int32_t k, flags = 0, late = 0, ladder_min = 2147483647, ladder_max = -1, level = 0
    memset(out, 0, sizeof(Result))
    if program == NULL:
        out.flags = NO_RULEBOOK
        return
    rules = program.rules + <int64_t>pool.profile * (program.product_count + 1)
    for k in range(pool.position_count):
        position = pool.positions + k
        mark = view.marks + position.instrument
        rule = rules + mark.product
        flags |= mark.status
        late |= now > mark.fresh_until
        pnl += position.quantity * mark.unit_value - position.cost * mark.fx
        leverage_rate = position.leverage_rate if rule.leverage_mode == FROM_LEVERAGE else 0.0
        flags |= MISSING_LEVERAGE if rule.leverage_mode == FROM_LEVERAGE and not (leverage_rate > 0.0) else 0
        requirement_of(program, rule, mark.open_interest, fabs(position.quantity * mark.unit_value), leverage_rate,
                       &im_one, &mm_one)
        im += im_one
        mm += mm_one
        ladder_min = rule.ladder if rule.ladder < ladder_min else ladder_min
        ladder_max = rule.ladder if rule.ladder > ladder_max else ladder_max
    out.flags = flags | (STALE_PRICE if late else 0)
    out.initial_margin = im
    if pool.order_count:
        add_orders(view, pool, rules, now, out)
    out.collateral_value = collateral_of(view, pool, now, &out.flags)
    out.unrealized_pnl = pnl
    out.maintenance_margin = mm
    out.equity = out.collateral_value + pnl - pool.due
    if not (isfinite(out.equity) and isfinite(out.initial_margin) and isfinite(mm)):
        out.flags |= NOT_FINITE
    if out.flags & STALE_PRICE:
        explain_lateness(view, pool, now, out)
    # Pools that mix products of several ladders follow the book's own ladder.
    out.ladder = ladder_min if ladder_min == ladder_max else program.default_ladders[pool.profile]
    ladder = program.ladders + out.ladder
    for k in range(ladder.threshold_count):
        level += not (out.equity >= program.thresholds[ladder.threshold_first + k] * mm)
    out.level = level
