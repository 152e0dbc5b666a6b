# What one pool is worth and what it must hold. Pure: the same view, pool and time give the same bits.

cdef struct Sums:            # over the positions of one pool
    pair needed
    double pnl
    int64_t fresh_until
    int64_t ladders
    int32_t flags


cdef inline double greater(double a, double b) noexcept nogil:
    return a if a > b else b


cdef inline double lesser(double a, double b) noexcept nogil:
    return a if a < b else b


cdef inline double cost_of(const Spec* spec, double quantity, double price) noexcept nogil:
    """Return what a quantity costs at a price, in the settlement asset; selling costs less than nothing."""
    if spec.inverse:
        return -quantity * spec.multiplier / price
    return quantity * spec.multiplier * price


cdef inline int64_t ladder_bits(int32_t ladder) noexcept nogil:
    """
    Return the number of a ladder and, above it, its complement.

    In the union of several, a bit that stands in both halves tells that the ladders differ: one operation a position.
    """
    return <int64_t>(<uint64_t><uint32_t>ladder | <uint64_t>(~<uint32_t>ladder) << 32)


cdef inline const Rule* rules_of(const Program* program, int32_t profile) noexcept nogil:
    return <const Rule*>(<const char*>program.rules + profile * program.profile_stride)


cdef inline const Rule* rule_of(const Rule* rules, const Mark* mark) noexcept nogil:
    return <const Rule*>(<const char*>rules + mark.rule_offset)


cdef inline pair greatest_line(const Rule* rule, double notional) noexcept nogil:
    """Return IM and MM by the tiers: the greatest of the lines, which is in the window that the cuts point at."""
    cdef int64_t k, window = 0
    cdef const Line* line
    cdef pair both = pair_both(notional), most
    # Written as a negation, the test is the carry of one comparison, and counting it one addition.
    for k in range(3):
        window += not (rule.cuts[k] >= notional)
    line = <const Line*>(rule.lines + window * rule.stride)
    most = pair_greater(line_at(line, both), line_at(line + 1, both))
    for k in range(2, rule.rest + 2):
        most = pair_greater(most, line_at(line + k, both))
    return most


cdef inline pair line_at(const Line* line, pair notional) noexcept nogil:
    return pair_subtract(pair_multiply(notional, pair_at(line.rates)), pair_at(line.deductions))


cdef inline pair adjusted(
    const Rule* rule, pair most, double open_interest, double notional, double leverage_rate,
) noexcept nogil:
    """Raise IM by open interest, then to what the leverage setting demands."""
    cdef double share, im
    if rule.open_interest_upper > 0.0:
        # dYdX v4: rate + (1 - rate) x (open interest - lower) / (upper - lower), between the rate and 1.
        share = (open_interest - rule.open_interest_lower) / (rule.open_interest_upper - rule.open_interest_lower)
        # What is not a number comes through: `greater` and `lesser` return their second operand then.
        share = lesser(1.0, greater(0.0, share))
        im = pair_initial(most)
        most = pair_with_initial(most, im + (notional - im) * share)
    return pair_raise_initial(most, notional * masked(leverage_rate, rule.leverage_mask))


cdef inline pair requirement_of(
    const Rule* rule, double open_interest, double notional, double leverage_rate,
) noexcept nogil:
    """Return IM and MM of one position: the greatest of the tier lines, adjusted; IM is never below MM."""
    cdef pair most = greatest_line(rule, notional)
    return pair_level(adjusted(rule, most, open_interest, notional, leverage_rate))


cdef inline double counted(const CollateralRule* rule, double value) noexcept nogil:
    """Return the value of a holding after haircut and cap; a debt counts in full."""
    cdef double after = value
    cdef int64_t k
    for k in range(rule.credit_count):
        after = lesser(after, value * rule.credits[k].rate + rule.credits[k].constant)
    # Whether a pool is in debt cannot be predicted, so both are computed and one is taken. What is not a number stays.
    return debt_or(value, lesser(after, rule.cap))


cdef inline double collateral_of(const View* view, const Pool* pool, int64_t now, int32_t* flags) noexcept nogil:
    """Return the collateral value of a pool and add the reasons for which it cannot be trusted."""
    cdef const Program* program = view.program
    cdef const Balance* balance = pool.balances
    cdef const Balance* end = balance + pool.balance_count
    cdef const Asset* asset
    cdef double total = 0.0
    cdef int32_t found = 0
    while balance != end:
        asset = view.assets + balance.asset
        found |= asset.status | (STALE_PRICE if now > asset.fresh_until else 0)
        if asset.rule >= 0:
            total += counted(program.collateral_rules + asset.rule, balance.amount * asset.price)
        else:
            found |= UNKNOWN_COLLATERAL
        balance += 1
    flags[0] |= found
    return total


cdef double loss_of_fill(const View* view, const Rule* rule, const OrderSum* order, int is_buy) noexcept nogil:
    """
    Return how much equity falls when the open orders of one side fill; 0 where it rises, not a number stays.

    What is bought counts at its mark, and for nothing where the rulebook leaves its value out of equity.
    """
    cdef const Mark* mark = view.marks + order.instrument
    if rule.is_excluded and not view.specs[order.instrument].outright:
        return 0.0  # its cost is left out as well
    if is_buy:
        return greater(0.0, order.buy_cost * mark.fx - (0.0 if rule.is_excluded else order.buy_quantity * mark.unit_value))
    return greater(0.0, order.sell_cost * mark.fx + (0.0 if rule.is_excluded else order.sell_quantity * mark.unit_value))


cdef inline double margin_of_orders(
    const View* view, const Pool* pool, const Rule* rule, const OrderSum* order, int32_t* flags,
) noexcept nogil:
    """Return by how much the open orders of an instrument that is margined by tiers raise IM."""
    cdef const Mark* mark = view.marks + order.instrument
    cdef double quantity, leverage_rate, held, none, bought, sold
    quantity = pool.positions[order.position].quantity if order.position >= 0 else 0.0
    held = pool.positions[order.position].leverage_rate if order.position >= 0 else 0.0
    leverage_rate = greater(held, order.leverage_rate)
    if not (leverage_rate > 0.0):
        flags[0] |= <int32_t>rule.leverage_bit
    none = pair_initial(requirement_of(rule, mark.open_interest, fabs(quantity * mark.unit_value), held))
    bought = pair_initial(requirement_of(
        rule, mark.open_interest, fabs((quantity + order.buy_quantity) * mark.unit_value), leverage_rate))
    sold = pair_initial(requirement_of(
        rule, mark.open_interest, fabs((quantity - order.sell_quantity) * mark.unit_value), leverage_rate))
    bought += loss_of_fill(view, rule, order, 1)
    sold += loss_of_fill(view, rule, order, 0)
    if not (isfinite(bought) and isfinite(sold)):
        flags[0] |= NOT_FINITE
    return greater(greater(bought, sold) - none, 0.0)


cdef double with_orders(
    const View* view, const Pool* pool, const Rule* rules, int64_t now, double im, int32_t* flags,
) noexcept nogil:
    """Return IM raised to the worse of the two fills of each instrument's open orders, losses on the fill included."""
    cdef const OrderSum* order
    cdef const Mark* mark
    cdef const Rule* rule
    cdef int32_t k
    for k in range(pool.order_count):
        order = pool.orders + k
        mark = view.marks + order.instrument
        rule = rule_of(rules, mark)
        if now > mark.fresh_until:
            flags[0] |= unfitness(view, order.instrument, now)
        if rule.portfolio >= 0:
            continue  # its portfolio counts them
        im += margin_of_orders(view, pool, rule, order, flags)
    return im


cdef int64_t fresh_until(const Spec* spec, const Asset* assets) noexcept nogil:
    """Return the last moment at which every price behind an instrument may be used and it has not expired."""
    cdef int64_t moment = prices_fresh_until(spec, assets)
    if spec.expires_ns != 0 and spec.expires_ns - 1 < moment:
        moment = spec.expires_ns - 1
    return moment


cdef inline int64_t prices_fresh_until(const Spec* spec, const Asset* assets) noexcept nogil:
    cdef int64_t moment = spec.mark_ns + spec.max_age_ns
    return assets[spec.settlement].fresh_until if assets[spec.settlement].fresh_until < moment else moment


cdef int32_t unfitness(const View* view, int32_t instrument, int64_t now) noexcept nogil:
    """Return why an instrument cannot be used now; runs only when something cannot."""
    cdef const Spec* spec = view.specs + instrument
    cdef int32_t found = view.marks[instrument].status
    if now > prices_fresh_until(spec, view.assets):
        found |= STALE_PRICE
    if spec.expires_ns != 0 and now >= spec.expires_ns:
        found |= EXPIRED_INSTRUMENT
    return found


cdef int32_t unfitness_of(const View* view, const Pool* pool, int64_t now) noexcept nogil:
    """Return why the instruments of a pool's positions cannot be used now."""
    cdef int32_t k, found = 0
    for k in range(pool.position_count):
        found |= unfitness(view, pool.positions[k].instrument, now)
    return found


cdef inline int32_t level_of(const Ladder* ladder, double equity, double mm) noexcept nogil:
    """Return how many thresholds are breached; what is not a number breaches all."""
    cdef int64_t k
    cdef int32_t level = 0
    for k in range(ladder.threshold_count):
        level += not (equity >= ladder.thresholds[k] * mm)
    return level


cdef inline void add_positions(
    const View* view, const Pool* pool, const Rule* rules, bint has_adjustment, bint has_models, Sums* sums,
) noexcept nogil:
    """
    Sum up the positions, in their order.

    No branch depends on data: in a market of thousands of pools a predictor learns nothing, and one wrong guess costs
    as much as a position. `has_adjustment` and `has_models` are constants in every call, so the compiler makes loops of
    their own of this. Where there are models, what is margined in portfolios is told apart: most books have little else.
    """
    cdef const Position* position = pool.positions
    cdef const Position* end = position + pool.position_count
    cdef const Mark* marks = view.marks
    cdef const Mark* mark
    cdef const Rule* rule
    cdef pair needed = pair_both(0.0), most
    cdef double pnl = 0.0, value
    cdef int64_t fresh = INT64_MAX, ladders = 0
    cdef int32_t flags = 0
    while position != end:
        mark = marks + position.instrument
        rule = rule_of(rules, mark)
        value = position.quantity * mark.unit_value
        fresh = mark.fresh_until if mark.fresh_until < fresh else fresh
        ladders |= rule.ladders
        pnl += value - position.cost * mark.fx
        if has_models and rule.portfolio >= 0:
            position += 1
            continue
        most = greatest_line(rule, fabs(value))
        if has_adjustment:
            flags |= <int32_t>rule.leverage_bit if not (position.leverage_rate > 0.0) else 0
            most = adjusted(rule, most, mark.open_interest, fabs(value), position.leverage_rate)
            most = pair_level(most)
        needed = pair_add(needed, most)
        position += 1
    sums.needed = needed
    sums.pnl = pnl
    sums.fresh_until = fresh
    sums.ladders = ladders
    sums.flags = flags


cdef inline void assess_pool(
    const View* view, const Pool* pool, int64_t now, Arena* arena, Result* out,
) noexcept nogil:
    """
    Assess one pool.

    Equity = collateral after haircuts + unrealised profit and loss - fees and funding due. Any bit of `INVALID_MASK` in
    `out.flags` means that the figures must not be used.
    """
    cdef const Program* program = view.program
    cdef const Rule* rules
    cdef Sums sums
    cdef Margin margin
    cdef double equity, im, mm, collateral, added = 0.0
    cdef int32_t flags, found = 0, number
    if program == NULL:
        memset(out, 0, sizeof(Result))
        out.flags = NO_RULEBOOK
        return
    rules = rules_of(program, pool.profile)
    if program.has_models:
        if program.has_adjustment:
            add_positions(view, pool, rules, 1, 1, &sums)
        else:
            add_positions(view, pool, rules, 0, 1, &sums)
    elif program.has_adjustment:
        add_positions(view, pool, rules, 1, 0, &sums)
    else:
        add_positions(view, pool, rules, 0, 0, &sums)
    flags = sums.flags
    if now > sums.fresh_until:
        flags |= unfitness_of(view, pool, now)
    im = pair_initial(sums.needed)
    mm = pair_maintenance(sums.needed)
    if pool.order_count:
        im = with_orders(view, pool, rules, now, im, &found)
        flags |= found
    if program.has_terms:
        collateral = collateral_by_terms(view, pool, now, &found, &added)
        flags |= found
        im += added
    else:
        collateral = collateral_of(view, pool, now, &flags)
    if program.has_models:
        margin.initial, margin.maintenance = im, mm
        flags |= add_models(view, pool, rules, collateral, &sums.pnl, arena, &margin)
        im, mm = margin.initial, margin.maintenance
    equity = collateral + sums.pnl - pool.due
    # IM is a sum of amounts of which none is negative or below its MM: where it is finite, so is MM.
    flags |= reasons_of(equity, NOT_FINITE) | reasons_of(im, NOT_FINITE)
    # Pools that mix products of several ladders follow the book's own ladder.
    number = <int32_t>sums.ladders
    if <uint32_t>sums.ladders & <uint32_t>(sums.ladders >> 32) or pool.position_count == 0:
        number = program.default_ladders[pool.profile]
    out.equity, out.initial_margin, out.maintenance_margin = equity, im, mm
    out.collateral_value, out.unrealized_pnl = collateral, sums.pnl
    out.level = level_of(program.ladders + number, equity, mm)
    out.ladder, out.flags, out.revision = number, flags, view.revision


cdef void evaluate(const View* view, const Pool* pool, int64_t now, Result* out) noexcept nogil:
    """Assess one pool, see `assess_pool`."""
    evaluate_range(view, pool, 1, now, out)


cdef void evaluate_range(const View* view, const Pool* pools, int32_t count, int64_t now, Result* out) noexcept nogil:
    """Assess `count` pools that lie side by side; without a call for each."""
    cdef Arena* arena = NULL
    cdef int32_t k
    if view.program != NULL and view.program.has_models:
        arena = thread_arena()
        if arena == NULL:
            memset(out, 0, count * sizeof(Result))
            for k in range(count):
                out[k].flags = NOT_FINITE
            return
    for k in range(count):
        assess_pool(view, pools + k, now, arena, out + k)
    if arena != NULL:
        arena_return(arena)
