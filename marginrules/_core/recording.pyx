# How the margins of a pool come about: noted by the very run that computes them, where somebody asks.
#
# What is computed for open orders is not noted: those runs only say what orders add.

cdef struct RecordedUse:     # of one strategy, by a grouping
    int32_t strategy
    int32_t leg_count
    double amount
    double cost              # of one unit
    int32_t instruments[STRATEGY_LEGS]
    double quantities[STRATEGY_LEGS]     # of the whole amount, signed

cdef struct RecordedGrouping:
    RecordedGrouping* next
    RecordedUse* uses
    int32_t use_count
    int32_t book
    int32_t requirement      # 0 initial, 1 maintenance
    int32_t status           # of the grouping, see grouping.pyx
    int32_t is_proven
    double cost

cdef struct RecordedGroup:
    RecordedGroup* next
    RecordedGrouping* first
    RecordedGrouping* last
    int32_t* instruments
    int32_t instrument_count
    int32_t portfolio        # -1: the pool's own formulas; its margin is what they came upon
    int32_t flags
    double initial
    double maintenance
    double ordered           # IM added for open orders

cdef struct Record:
    Arena arena
    RecordedGroup* first
    RecordedGroup* last
    int32_t has_groupings    # of the last group

cdef extern from * nogil:
    """
    static int64_t searches_cut_so_far;
    static void count_cut_search(void) { __atomic_fetch_add(&searches_cut_so_far, 1, __ATOMIC_RELAXED); }
    static int64_t cut_searches(void) { return __atomic_load_n(&searches_cut_so_far, __ATOMIC_RELAXED); }
    """
    void count_cut_search()
    int64_t cut_searches()


cdef void begin_record(const View* view, int32_t portfolio, const Member* members, int64_t count) noexcept nogil:
    """Begin to note a group; groupings found from now on are of it."""
    cdef Record* record = view.record
    cdef RecordedGroup* group
    cdef int64_t k
    if record == NULL:
        return
    group = <RecordedGroup*>arena_take(&record.arena, sizeof(RecordedGroup))
    record.has_groupings = 0
    if group == NULL:
        return
    memset(group, 0, sizeof(RecordedGroup))
    group.portfolio = portfolio
    group.instruments = <int32_t*>arena_take(&record.arena, (count + 1) * sizeof(int32_t))
    if group.instruments == NULL:
        return
    group.instrument_count = <int32_t>count
    for k in range(count):
        group.instruments[k] = members[k].instrument
    if record.last == NULL:
        record.first = group
    else:
        record.last.next = group
    record.last, record.has_groupings = group, 1


cdef void end_groupings(const View* view) noexcept nogil:
    if view.record != NULL:
        view.record.has_groupings = 0


cdef void record_margin(
    const View* view, double initial, double maintenance, double ordered, int32_t flags,
) noexcept nogil:
    """Note what the group begun last must hold."""
    cdef RecordedGroup* group
    if view.record == NULL or view.record.last == NULL:
        return
    group = view.record.last
    group.initial, group.maintenance, group.ordered, group.flags = initial, maintenance, ordered, flags


cdef int32_t instrument_of_leg(const Frame* f, int32_t leg) noexcept nogil:
    """Return the instrument of a leg, in the order of `legs_of`."""
    cdef int64_t k
    for k in range(f.member_count):
        if f.view.specs[f.members[k].instrument].kind in (OPTION, SPOT):
            if leg == 0:
                return f.members[k].instrument
            leg -= 1
    return -1


cdef void record_grouping(
    const Frame* f, int32_t book, int32_t requirement, const Grouping* grouping, const GroupingResult* result,
) noexcept nogil:
    """Note a grouping under the group that is being computed."""
    cdef Record* record = f.view.record
    cdef RecordedGrouping* made
    cdef RecordedUse* use
    cdef const Candidate* c
    cdef int32_t k, i, leg, count = 0
    if record == NULL or not record.has_groupings:
        return
    made = <RecordedGrouping*>arena_take(&record.arena, sizeof(RecordedGrouping))
    if made == NULL:
        return
    memset(made, 0, sizeof(RecordedGrouping))
    made.book, made.requirement, made.status = book, requirement, result.status
    made.is_proven, made.cost = result.is_proven, result.cost
    if result.status == GROUPED:
        for k in range(grouping.candidate_count):
            count += grouping.amounts[k] != 0.0
        made.uses = <RecordedUse*>arena_take(&record.arena, (count + 1) * sizeof(RecordedUse))
        if made.uses == NULL:
            return
        for k in range(grouping.candidate_count):
            if grouping.amounts[k] == 0.0:
                continue
            c, use = grouping.candidates + k, made.uses + made.use_count
            use.strategy, use.leg_count, use.amount, use.cost = c.strategy, c.leg_count, grouping.amounts[k], c.cost
            for i in range(c.leg_count):
                leg = grouping.order[c.legs[i]]
                use.instruments[i] = instrument_of_leg(f, leg)
                use.quantities[i] = use.amount * c.shares[i] * (1.0 if grouping.legs[leg].quantity > 0.0 else -1.0)
            made.use_count += 1
    if record.last.last == NULL:
        record.last.first = made
    else:
        record.last.last.next = made
    record.last.last = made
