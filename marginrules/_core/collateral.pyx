# What an asset counts for where the rulebook says more of it than a haircut by value.
#
# A holding of value V = amount x price, the price capped at the call price from the call date on, counts for
#
#     max(min(V x least of the lines of its tiers, V x share) - V x further, 0) x weight, at most the cap
#
# where `share` is 1 less the greatest of the haircuts that are minimums (by volatility, for wrong-way exposure, for
# IM), `further` the haircut by the time left and `weight` the utilisation of all deposits. A debt counts its value x
# `debt_weight`. Source of the utilisation: Mango v4 health, asset weight x min(1, limit / deposits) and liability
# weight x max(1, borrows / limit).

cdef void weigh(Asset* asset, const Program* program) noexcept nogil:
    """Compute from price, totals and rule what the hot loop reads of an asset, once per change."""
    cdef const Terms* terms
    cdef double haircut
    cdef int64_t k
    asset.status &= MISSING_PRICE
    asset.share = asset.weight = asset.debt_weight = 1.0
    asset.further = 0.0
    if program == NULL or asset.rule < 0:
        return
    terms = program.terms + asset.rule
    asset.debt_weight = terms.liability
    if terms.volatility_rate >= 0.0:
        haircut = lesser(1.0, greater(terms.volatility_floor, terms.volatility_rate * asset.totals.volatility))
        # What is not a number is in no range, so a volatility that is not known is no haircut of nothing.
        if not 0.0 <= asset.totals.volatility < INFINITE:
            asset.status |= MISSING_DATA
            haircut = 1.0
        asset.share = 1.0 - haircut
    if terms.deposits < INFINITE:
        if not 0.0 <= asset.totals.deposits < INFINITE:
            asset.status |= MISSING_DATA
        elif asset.totals.deposits > terms.deposits:
            asset.weight = terms.deposits / asset.totals.deposits
    if terms.borrows < INFINITE:
        if not 0.0 <= asset.totals.borrows < INFINITE:
            asset.status |= MISSING_DATA
        elif asset.totals.borrows > terms.borrows:
            asset.debt_weight *= asset.totals.borrows / terms.borrows
    for k in range(terms.tenor_count):
        asset.further = terms.tenors[k].rate
        if terms.matures_ns - asset.price_ns <= terms.tenors[k].to_ns:
            break


cdef inline double counted_by_terms(
    const CollateralRule* rule, const Terms* terms, const Asset* asset, double amount, double share, int64_t now,
) noexcept nogil:
    """Return what a balance counts for; `share` is the greatest share of it, besides the asset's own."""
    cdef double value = amount * asset.price, after
    cdef int64_t k
    if not (value > 0.0):
        return value * asset.debt_weight
    if now >= terms.call_ns:
        value = amount * lesser(terms.call_price, asset.price)
    after = value * lesser(share, asset.share)
    for k in range(rule.credit_count):
        after = lesser(after, value * rule.credits[k].rate + rule.credits[k].constant)
    # What is not a number comes through: `greater` and `lesser` return their second operand then.
    after -= value * asset.further if asset.further > 0.0 else 0.0
    return lesser(rule.cap, greater(0.0, after) * asset.weight)


cdef double total_by_terms(
    const View* view, const Pool* pool, int64_t now, uint64_t wrong_way, bint is_initial,
) noexcept nogil:
    """Return the collateral value of a pool, where no concentrated asset counts for more than its share of the total."""
    cdef const CollateralRule* rule
    cdef const Terms* terms
    cdef const Asset* asset
    cdef double value, limit, share, total = INFINITE, counting = 0.0
    cdef int32_t k, turn, is_limited = 0
    # The first turn has no total yet, and limits nothing by it.
    for turn in range(2):
        counting = 0.0
        for k in range(pool.balance_count):
            asset = view.assets + pool.balances[k].asset
            if asset.rule < 0:
                continue
            rule, terms = view.program.collateral_rules + asset.rule, view.program.terms + asset.rule
            share = terms.wrong_way_share if terms.wrong_way & wrong_way else 1.0
            share = lesser(terms.initial_share, share) if is_initial else share
            value = counted_by_terms(rule, terms, asset, pool.balances[k].amount, share, now)
            if rule.concentration < 1.0:
                is_limited = 1
                # A limit never turns negative: where debts exceed the rest, such a holding counts nothing.
                limit = greater(total * rule.concentration, 0.0)
                value = lesser(limit, value)
            counting += value
        if not is_limited or not isfinite(counting):
            break
        total = counting
    return counting


cdef uint64_t wrong_way_of(const View* view, const Pool* pool) noexcept nogil:
    """
    Return for which collateral a pool holds wrong-way exposure: what loses when the underlying falls.

    Nothing is netted: a hedge may fail in the very event that the rule is made for.
    """
    cdef const Spec* spec
    cdef uint64_t found = 0
    cdef int32_t k
    for k in range(pool.position_count):
        spec = view.specs + pool.positions[k].instrument
        if (-pool.positions[k].quantity if spec.right < 0 else pool.positions[k].quantity) > 0.0:
            found |= spec.wrong_way
    return found


cdef double collateral_by_terms(
    const View* view, const Pool* pool, int64_t now, int32_t* flags, double* added,
) noexcept nogil:
    """
    Return the collateral value of a pool and add the reasons for which it cannot be trusted.

    Args:
        added: gets what IM demands more, where a holding counts for less there than in equity.
    """
    cdef const Asset* asset
    cdef uint64_t wrong_way = wrong_way_of(view, pool) if view.program.has_wrong_way else 0
    cdef double total
    cdef int32_t k
    for k in range(pool.balance_count):
        asset = view.assets + pool.balances[k].asset
        flags[0] |= asset.status | (STALE_PRICE if now > asset.fresh_until else 0)
        if asset.rule < 0:
            flags[0] |= UNKNOWN_COLLATERAL
        elif now >= view.program.terms[asset.rule].matures_ns:
            flags[0] |= MATURED_COLLATERAL
    total = total_by_terms(view, pool, now, wrong_way, 0)
    if view.program.has_initial_share:
        added[0] += greater(total - total_by_terms(view, pool, now, wrong_way, 1), 0.0)
    return total
