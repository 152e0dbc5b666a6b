# Which pools of the whole book are most exposed: all are assessed in one market, and put in order.

cdef enum:
    BY_RATIO                 # equity / MM
    BY_ABSORBING             # (equity - MM) / gross notional
    BY_SHORTFALL             # equity - MM

cdef struct Ranked:
    double key               # falls as exposure rises
    int32_t pool


cdef int compare_ranked(const void* a, const void* b) noexcept nogil:
    cdef const Ranked* x = <const Ranked*>a
    cdef const Ranked* y = <const Ranked*>b
    if x.key != y.key:
        return 1 if x.key > y.key else -1
    return (x.pool > y.pool) - (x.pool < y.pool)


cdef double exposure_key(const Result* result, double notional, int32_t by) noexcept nogil:
    """Return what pools are ordered by; one that cannot be assessed comes first, since nobody knows that it is healthy."""
    cdef double spare = result.equity - result.maintenance_margin, against = result.maintenance_margin, key
    if result.flags & INVALID_MASK:
        return -INFINITE
    if by == BY_SHORTFALL:
        return spare
    key = result.equity
    if by == BY_ABSORBING:
        key, against = spare, notional
    if against > 0.0:
        key /= against
    else:
        key = INFINITE if key >= 0.0 else -INFINITE
    return -INFINITE if isnan(key) else key


def rank(Engine engine not None, Scratch market not None, int by, int64_t now, double after_key, int after_pool,
         int size):
    """
    Assess every pool of a book in another market, and return one page of them, the most exposed first.

    Args:
        market: a copy of the engine's market, moved or not.
        by: 0 equity / MM; 1 (equity - MM) / gross notional; 2 equity - MM.
        after_key, after_pool: of the last row of the page before; -infinity and -1 for the first page.

    Returns:
        (rows (key, pool id, assessment, gross notional); how many pools there are, how many cannot be assessed, how
        many have less equity than MM; whether more rows follow). None where instruments or a program came in meanwhile.
    """
    cdef Result* results = NULL
    cdef double* notionals
    cdef Ranked* ranked = NULL
    cdef int32_t count = engine.pool_count, done = 0, stop, k, kept = 0, unknown = 0, breached = 0, is_same = 1
    cdef double key
    try:
        results = <Result*>allocate(count + 1, sizeof(Result) + sizeof(double))
        notionals = <double*>(results + count + 1)
        ranked = <Ranked*>allocate(count + 1, sizeof(Ranked))
        with nogil:
            market.prepare_all()
            while done < count and is_same:
                stop = count if count - done < CHUNK else done + CHUNK
                pthread_rwlock_rdlock(&engine.lock)
                # Pools name instruments and profiles by numbers that this market must know.
                is_same = (engine.instrument_count == market.instrument_count
                           and engine.asset_count == market.asset_count
                           and engine.active.view.revision == market.view.revision)
                if is_same:
                    evaluate_range(&market.view, engine.pools + done, stop - done, now, results + done)
                    for k in range(done, stop):
                        notionals[k] = gross_notional(&market.view, engine.pools + k)
                pthread_rwlock_unlock(&engine.lock)
                done = stop
            if is_same:
                for k in range(count):
                    key = exposure_key(results + k, notionals[k], by)
                    unknown += results[k].flags & INVALID_MASK != 0
                    breached += (results[k].flags & INVALID_MASK == 0
                                 and not results[k].equity >= results[k].maintenance_margin)
                    if key > after_key or key == after_key and k > after_pool:
                        ranked[kept].key, ranked[kept].pool = key, k
                        kept += 1
                qsort(ranked, kept, sizeof(Ranked), compare_ranked)
        if not is_same:
            return None
        rows = [(ranked[k].key, ranked[k].pool, wrap(results + ranked[k].pool), notionals[ranked[k].pool])
                for k in range(min(size, kept))]
        return rows, count, unknown, breached, kept > size
    finally:
        free(results)
        free(ranked)
