# What changes when a price does, and room for more of everything.

cdef double NAN = float("nan")


cdef struct PriceRow:
    int32_t index
    double price
    int64_t time_ns
    int64_t max_age_ns
    double open_interest


cdef struct QuoteRow:
    int32_t index
    int32_t field
    double value


cdef void forget_quotes(Quotes* quotes) noexcept nogil:
    cdef int32_t k
    for k in range(QUOTE_COUNT):
        quotes.values[k] = NAN


cdef int grow(void** memory, int count, int* room, size_t size) noexcept nogil:
    """Make room for one more, zeroed; return 0 when memory is out. Growth is by half again, to keep the slack small."""
    cdef void* bigger
    cdef int wanted
    if count < room[0]:
        memset(<char*>memory[0] + count * size, 0, size)
        return 1
    wanted = room[0] + room[0] // 2 + 64
    bigger = realloc(memory[0], wanted * size)
    if bigger == NULL:
        return 0
    memory[0] = bigger
    room[0] = wanted
    memset(<char*>memory[0] + count * size, 0, size)
    return 1


cdef inline int is_worthless(const Spec* spec) noexcept nogil:
    return spec.kind == OPTION and spec.priced and spec.mark == 0.0


cdef void derive(Mark* mark, const Spec* spec, const Asset* assets) noexcept nogil:
    """Compute from the prices what the hot loop reads, once per change."""
    cdef const Asset* settlement = assets + spec.settlement
    mark.status &= ~(MISSING_PRICE | NOT_FINITE)
    mark.status |= 0 if 0.0 <= mark.open_interest < INFINITE else NOT_FINITE
    mark.fx = settlement.price
    # A settlement asset worth nothing would make every requirement nothing; an option alone may be worthless.
    if (spec.mark > 0.0 or is_worthless(spec)) and settlement.price > 0.0 and not settlement.status & MISSING_PRICE:
        mark.unit_value = cost_of(spec, 1.0, spec.mark) * settlement.price
    else:
        mark.status |= MISSING_PRICE
        mark.unit_value = NAN
    # What cannot be used at all is never fresh: the hot loop has to look at one thing only.
    mark.fresh_until = fresh_until(spec, assets) if mark.status == 0 else INT64_MIN
