# May an order be accepted? The pool is copied, the order added to the copy, and the copy assessed by the same function.

cdef struct Proposal:
    int32_t instrument
    int32_t reduce_only
    double quantity          # signed
    double price             # limit price; 0: at the mark
    double leverage_rate

cdef struct Verdict:
    Result before
    Result after             # equity and MM as if the order fills; IM at the worse of the two fills
    double quantity_max      # not signed
    int32_t accepted
    int32_t flags


cdef int copy_pool(const Pool* source, int32_t extra, Pool* target) noexcept nogil:
    """Copy a pool with room for `extra` more positions, balances and order sums; return 0 when memory is out."""
    target[0] = source[0]
    target.positions = <Position*>malloc((source.position_count + extra) * sizeof(Position))
    target.balances = <Balance*>malloc((source.balance_count + extra) * sizeof(Balance))
    target.orders = <OrderSum*>malloc((source.order_count + extra) * sizeof(OrderSum))
    target.open_orders = <OpenOrder*>malloc((source.open_order_count + extra) * sizeof(OpenOrder))
    if target.positions == NULL or target.balances == NULL or target.orders == NULL or target.open_orders == NULL:
        free_pool(target)
        return 0
    if source.position_count:
        memcpy(target.positions, source.positions, source.position_count * sizeof(Position))
    if source.balance_count:
        memcpy(target.balances, source.balances, source.balance_count * sizeof(Balance))
    if source.order_count:
        memcpy(target.orders, source.orders, source.order_count * sizeof(OrderSum))
    if source.open_order_count:
        memcpy(target.open_orders, source.open_orders, source.open_order_count * sizeof(OpenOrder))
    return 1


cdef void free_pool(Pool* pool) noexcept nogil:
    free(pool.positions)
    free(pool.balances)
    free(pool.orders)
    free(pool.open_orders)
    pool.positions = NULL
    pool.balances = NULL
    pool.orders = NULL
    pool.open_orders = NULL


cdef int32_t position_of(const Pool* pool, int32_t instrument) noexcept nogil:
    cdef int32_t k
    for k in range(pool.position_count):
        if pool.positions[k].instrument == instrument:
            return k
    return -1


cdef OrderSum* order_sum_of(Pool* pool, int32_t instrument) noexcept nogil:
    """Return the sum of open orders in an instrument; make an empty one where there is none (room must be there)."""
    cdef int32_t k
    for k in range(pool.order_count):
        if pool.orders[k].instrument == instrument:
            return pool.orders + k
    memset(pool.orders + pool.order_count, 0, sizeof(OrderSum))
    pool.orders[pool.order_count].instrument = instrument
    pool.orders[pool.order_count].position = position_of(pool, instrument)
    pool.order_count += 1
    return pool.orders + pool.order_count - 1


cdef void add_order(Pool* pool, const Spec* spec, const Proposal* proposal, double price) noexcept nogil:
    """Add an open order to the pool's sums and to its list; room for one more of each must be there."""
    cdef OrderSum* total = order_sum_of(pool, proposal.instrument)
    cdef OpenOrder* order = pool.open_orders + pool.open_order_count
    order.instrument, order.quantity, order.price = proposal.instrument, proposal.quantity, proposal.price
    pool.open_order_count += 1
    cdef double cost = cost_of(spec, proposal.quantity, price)
    if proposal.quantity > 0.0:
        total.buy_quantity += proposal.quantity
        total.buy_cost += cost
    else:
        total.sell_quantity -= proposal.quantity
        total.sell_cost += cost
    total.leverage_rate = greater(total.leverage_rate, proposal.leverage_rate)


cdef void add_fill(
    Pool* pool, const Spec* spec, int32_t instrument, double quantity, double price, double leverage_rate,
) noexcept nogil:
    """
    Fill a quantity at a price; room for one more position and one more balance must be there.

    A fill of what is held outright moves the settlement asset. A fill of another contract moves its cost: the value paid for the position as a
    whole, so that profit and loss stays one subtraction whether the fill opens, closes or turns the position. What a
    closing fill realises therefore stays inside the position's profit and loss until a snapshot books it.
    """
    cdef int32_t k = position_of(pool, instrument), b
    cdef double cost = cost_of(spec, quantity, price)
    if k < 0:
        k = pool.position_count
        memset(pool.positions + k, 0, sizeof(Position))
        pool.positions[k].instrument = instrument
        pool.positions[k].leverage_rate = leverage_rate
        pool.position_count += 1
        for b in range(pool.order_count):
            if pool.orders[b].instrument == instrument:
                pool.orders[b].position = k
    pool.positions[k].quantity += quantity
    if not spec.outright:
        pool.positions[k].cost += cost
        return
    for b in range(pool.balance_count):
        if pool.balances[b].asset == spec.settlement:
            pool.balances[b].amount -= cost
            return
    pool.balances[pool.balance_count].asset = spec.settlement
    pool.balances[pool.balance_count].amount = -cost
    pool.balance_count += 1


cdef double reducible(const Pool* pool, const Proposal* proposal) noexcept nogil:
    """Return how much an order's side may still trade before it turns the position; resting orders have had their part."""
    cdef int32_t k, p = position_of(pool, proposal.instrument)
    cdef double held, resting = 0.0
    if p < 0:
        return 0.0
    held = pool.positions[p].quantity
    if held * proposal.quantity >= 0.0:
        return 0.0
    for k in range(pool.order_count):
        if pool.orders[k].instrument == proposal.instrument:
            resting = pool.orders[k].buy_quantity if proposal.quantity > 0.0 else pool.orders[k].sell_quantity
    return greater(fabs(held) - resting, 0.0)


cdef inline int is_reducing(const Pool* pool, const Proposal* proposal) noexcept nogil:
    """Say whether an order, with all resting orders of its side, can only bring the position nearer to nothing."""
    return fabs(proposal.quantity) <= reducible(pool, proposal)


cdef int is_not_riskier(const Result* before, const Result* after) noexcept nogil:
    """
    Say whether risk does not rise: MM does not rise and MM / equity does not worsen, compared crosswise.

    Source: dYdX v4 subaccount updates below initial margin; where both requirements are nothing, equity must not fall.
    """
    if not (after.maintenance_margin <= before.maintenance_margin):
        return 0
    if before.maintenance_margin == 0.0:
        return after.equity >= before.equity
    return after.equity * before.maintenance_margin >= before.equity * after.maintenance_margin


cdef int try_order(
    const View* view, const Pool* pool, Pool* opened, Pool* filled, const Proposal* proposal, int64_t now,
    const Result* before, Result* after,
) noexcept nogil:
    """
    Assess the pool with an order of this quantity; return the reason bits, 0 or RISK_NOT_RAISED when it passes.

    Args:
        opened, filled: copies of `pool` with room for one more entry; overwritten.
    """
    cdef const Spec* spec = view.specs + proposal.instrument
    cdef double price = proposal.price if proposal.price > 0.0 else spec.mark
    cdef Result with_order
    cdef double filled_margin
    cdef int flags, changes_value
    if proposal.reduce_only and not is_reducing(pool, proposal):
        after[0] = before[0]
        return WOULD_NOT_REDUCE
    if pool.restriction == REDUCE_ONLY and not is_reducing(pool, proposal):
        after[0] = before[0]
        return POOL_REDUCE_ONLY
    restore_pool(pool, opened)
    add_order(opened, spec, proposal, price)
    evaluate(view, opened, now, &with_order)
    restore_pool(pool, filled)
    add_fill(filled, spec, proposal.instrument, proposal.quantity, price, proposal.leverage_rate)
    filled.order_count = filled.open_order_count = 0
    evaluate(view, filled, now, after)
    filled_margin = after.initial_margin
    after.initial_margin = with_order.initial_margin
    flags = (with_order.flags | after.flags) & INVALID_MASK
    if flags:
        return flags
    # A fill of what is held outright turns one value into another, which may count for less; and any fill may make
    # collateral count for less that is wrong-way to it.
    changes_value = spec.outright or view.program.has_wrong_way
    if before.equity >= with_order.initial_margin and (not changes_value or after.equity >= filled_margin):
        return 0
    # Neither this order's own fill nor all resting orders together may raise risk.
    if is_not_riskier(before, after) and with_order.initial_margin <= before.initial_margin:
        return RISK_NOT_RAISED
    return INSUFFICIENT_MARGIN


cdef void restore_pool(const Pool* source, Pool* copy) noexcept nogil:
    """Make a copy equal to its source again, without allocating."""
    copy.position_count = source.position_count
    copy.balance_count = source.balance_count
    copy.order_count = source.order_count
    copy.open_order_count = source.open_order_count
    if source.position_count:
        memcpy(copy.positions, source.positions, source.position_count * sizeof(Position))
    if source.balance_count:
        memcpy(copy.balances, source.balances, source.balance_count * sizeof(Balance))
    if source.order_count:
        memcpy(copy.orders, source.orders, source.order_count * sizeof(OrderSum))
    if source.open_order_count:
        memcpy(copy.open_orders, source.open_orders, source.open_order_count * sizeof(OpenOrder))


cdef inline int passes(int flags) noexcept nogil:
    return flags == 0 or flags == RISK_NOT_RAISED


cdef double largest_passing(
    const View* view, const Pool* pool, Pool* opened, Pool* filled, const Proposal* proposal, int64_t now,
    const Result* before,
) noexcept nogil:
    """
    Return the largest quantity, as a multiple of the instrument's step, that would pass; 0 when none would.

    Requirements are convex in the quantity and equity after the fill is linear, so for a pool with positive equity
    what passes is one interval from 0: doubling finds its far side, bisection its edge. The answer has been tried.
    """
    cdef double step = view.specs[proposal.instrument].quantity_step
    cdef double sign = 1.0 if proposal.quantity > 0.0 else -1.0
    cdef double low = 0.0, high = fabs(proposal.quantity), middle, down = 1.0
    cdef double spare_low = before.equity - before.initial_margin, spare_high = 0.0, spare
    cdef Result after
    cdef Proposal tried = proposal[0]
    cdef int32_t k, doublings = 64
    if proposal.reduce_only or pool.restriction == REDUCE_ONLY:
        high = reducible(pool, proposal)  # nothing above it can pass
        doublings = 1
        if not (high > 0.0):
            return 0.0
    for k in range(doublings):
        tried.quantity = sign * high
        if not passes(try_order(view, pool, opened, filled, &tried, now, before, &after)):
            spare_high = before.equity - after.initial_margin
            break
        spare_low = before.equity - after.initial_margin
        low = high
        if doublings == 1:
            break
        high *= 2.0
        if high > 1e15:
            return low
    for k in range(300):
        # Ten digits are enough: the answer is floored to its step, or is what has been tried.
        if high - low <= high * 1e-10:
            break
        middle = low + (high - low) * 0.5
        if k % 3 == 0 and spare_low >= 0.0 and spare_high < 0.0:
            # Free equity is a straight line between the edges of tiers: its zero is mostly found at once ...
            middle = low + (high - low) * (spare_low / (spare_low - spare_high))
        elif k % 3 == 1:
            middle = low + low * 5e-11  # ... and a little above it the search ends.
        if not (low < middle < high):
            middle = low + (high - low) * 0.5
        tried.quantity = sign * middle
        if passes(try_order(view, pool, opened, filled, &tried, now, before, &after)):
            low = middle
            spare_low = before.equity - after.initial_margin
        else:
            high = middle
            spare_high = before.equity - after.initial_margin
    if step > 0.0:
        low = floor(low / step * (1.0 + 2e-10)) * step
        # Each miss doubles the way down: where what passes is not one interval, or the quantity has more steps than a
        # double counts, walking one by one would never end.
        for k in range(64):
            tried.quantity = sign * low
            if low <= 0.0 or passes(try_order(view, pool, opened, filled, &tried, now, before, &after)):
                break
            low = (floor(low / step + 0.5) - down) * step
            down *= 2.0
        else:
            return 0.0
    return greater(low, 0.0)


cdef struct Copies:          # of one pool, with room for one more entry; made when they are first needed
    Pool opened
    Pool filled
    int32_t made


cdef int make_copies(const Pool* pool, Copies* copies) noexcept nogil:
    """Return 0 where memory is out. The copies are for any pool that differs from this one in nothing but its profile."""
    if not copies.made and copy_pool(pool, 1, &copies.opened):
        copies.made = copy_pool(pool, 1, &copies.filled)
        if not copies.made:
            free_pool(&copies.opened)
    copies.opened.profile = copies.filled.profile = pool.profile
    return copies.made


cdef void free_copies(Copies* copies) noexcept nogil:
    if copies.made:
        free_pool(&copies.opened)
        free_pool(&copies.filled)


cdef void check_order(
    const View* view, const Pool* pool, const Proposal* proposal, int64_t now, int want_largest, Verdict* out,
) noexcept nogil:
    """Decide one order; nothing is changed."""
    cdef Copies copies
    copies.made = 0
    check_order_on(view, pool, proposal, now, want_largest, &copies, out)
    free_copies(&copies)


cdef void check_order_on(
    const View* view, const Pool* pool, const Proposal* proposal, int64_t now, int want_largest, Copies* copies,
    Verdict* out,
) noexcept nogil:
    """Decide one order on copies, which the caller frees."""
    memset(out, 0, sizeof(Verdict))
    evaluate(view, pool, now, &out.before)
    out.after = out.before
    out.flags = out.before.flags & INVALID_MASK
    if out.flags:
        return
    if pool.restriction == BLOCKED:
        out.flags = POOL_BLOCKED
        return
    if not (isfinite(proposal.quantity) and proposal.quantity != 0.0 and proposal.price >= 0.0
            and isfinite(proposal.price)):
        out.flags = INVALID_ORDER
        return
    if not make_copies(pool, copies):
        out.flags = INVALID_ORDER
        return
    out.flags = try_order(view, pool, &copies.opened, &copies.filled, proposal, now, &out.before, &out.after)
    out.accepted = passes(out.flags)
    if want_largest and not (out.flags & INVALID_MASK):
        out.quantity_max = largest_passing(view, pool, &copies.opened, &copies.filled, proposal, now, &out.before)
