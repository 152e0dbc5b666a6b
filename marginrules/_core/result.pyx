# What an assessment looks like from Python: one, or a batch of them.

@cython.final
@cython.freelist(64)
cdef class Assessment:
    """Say what one pool is worth, what it must hold, and how many thresholds of its ladder are breached."""

    cdef Result result

    @property
    def equity(self): return self.result.equity
    @property
    def initial_margin(self): return self.result.initial_margin
    @property
    def maintenance_margin(self): return self.result.maintenance_margin
    @property
    def collateral_value(self): return self.result.collateral_value
    @property
    def unrealized_pnl(self): return self.result.unrealized_pnl
    @property
    def level(self): return self.result.level
    @property
    def ladder(self): return self.result.ladder
    @property
    def flags(self): return self.result.flags
    @property
    def revision(self): return self.result.revision
    @property
    def is_valid(self): return self.result.flags & INVALID_MASK == 0

    @property
    def margin_ratio(self):
        """Equity / maintenance margin; infinite, with the sign of the equity, where nothing is required."""
        if self.result.maintenance_margin > 0.0:
            return self.result.equity / self.result.maintenance_margin
        return float("inf") if self.result.equity >= 0.0 else float("-inf")

    @property
    def margin_excess(self):
        return greater(self.result.equity - self.result.initial_margin, 0.0)

    @property
    def margin_deficiency(self):
        return greater(self.result.initial_margin - self.result.equity, 0.0)


cdef Assessment wrap(const Result* result):
    cdef Assessment made = Assessment.__new__(Assessment)
    made.result = result[0]
    return made


@cython.final
cdef class Batch:
    """Hold the results of `count` pools, written by `Engine.assess_range` without the GIL."""

    cdef Result* results
    cdef readonly int count

    def __cinit__(self, int count):
        self.count = count
        self.results = <Result*>allocate(count, sizeof(Result))

    def __dealloc__(self):
        free(self.results)

    def __getitem__(self, int index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        return wrap(self.results + index)

    def breaching(self, int count):
        """Return the indices, among the first `count`, of pools that can be assessed and breach a threshold."""
        cdef int32_t k
        return [k for k in range(count) if self.results[k].level != 0 and not self.results[k].flags & INVALID_MASK]
