# A second program, asked of the same pools in the same state as the active one.

cdef extern from *:
    """
    static inline void count_one(int64_t *counter) { __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED); }
    static inline int64_t count_of(const int64_t *counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }
    static inline void clear_count(int64_t *counter) { __atomic_store_n(counter, 0, __ATOMIC_RELAXED); }
    """
    void count_one(int64_t* counter) nogil
    int64_t count_of(const int64_t* counter)
    void clear_count(int64_t* counter)


cdef inline void shadow_pool(const Pool* pool, Pool* out) noexcept nogil:
    """Write a pool as the shadow's program sees it: the same holdings by another profile. Nothing is copied but pointers."""
    out[0] = pool[0]
    out.profile = pool.shadow_profile


cdef inline void unfit(const View* shadow, Result* out) noexcept nogil:
    """Say that the shadow's program has nothing for accounts of this class."""
    memset(out, 0, sizeof(Result))
    out.flags, out.revision = NO_RULEBOOK, shadow.revision


cdef void evaluate_shadow(const View* shadow, const Pool* pool, int64_t now, Result* out) noexcept nogil:
    """Assess one pool by the shadow's program."""
    cdef Pool seen
    if pool.shadow_profile < 0:
        unfit(shadow, out)
        return
    shadow_pool(pool, &seen)
    evaluate(shadow, &seen, now, out)


cdef void check_shadow_order_on(
    const View* shadow, const Pool* pool, const Proposal* proposal, int64_t now, Copies* copies, Verdict* out,
) noexcept nogil:
    """Decide one order by the shadow's program; the largest quantity is not looked for."""
    cdef Pool seen
    if pool.shadow_profile < 0:
        memset(out, 0, sizeof(Verdict))
        unfit(shadow, &out.before)
        out.after, out.flags = out.before, out.before.flags
        return
    shadow_pool(pool, &seen)
    check_order_on(shadow, &seen, proposal, now, 0, copies, out)


cdef void check_shadow_order(
    const View* shadow, const Pool* pool, const Proposal* proposal, int64_t now, Verdict* out,
) noexcept nogil:
    cdef Copies copies
    copies.made = 0
    check_shadow_order_on(shadow, pool, proposal, now, &copies, out)
    free_copies(&copies)


cdef void compare_order(
    const View* view, const View* shadow, const Pool* pool, const Proposal* proposal, int64_t now, int want_largest,
    Verdict* out, Verdict* other,
) noexcept nogil:
    """Decide one order by both programs, on the same copies of the pool."""
    cdef Copies copies
    copies.made = 0
    check_order_on(view, pool, proposal, now, want_largest, &copies, out)
    check_shadow_order_on(shadow, pool, proposal, now, &copies, other)
    free_copies(&copies)


cdef tuple verdict_of(const Verdict* verdict):
    return verdict.accepted != 0, verdict.flags, wrap(&verdict.before), wrap(&verdict.after)
