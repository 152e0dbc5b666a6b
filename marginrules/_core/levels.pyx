# How many pools would stand at another step by the shadow's program than by the active one.

cdef enum:
    NO_STEP = 0
    UNKNOWN_STEP = 1         # the pool cannot be assessed

cdef struct StepNumbers:     # of one program: [ladder][level]
    int32_t* numbers
    int32_t* firsts          # by ladder
    int32_t ladder_count


cdef inline int32_t step_of(const StepNumbers* steps, const Result* result) noexcept nogil:
    if result.flags & INVALID_MASK:
        return UNKNOWN_STEP
    return steps.numbers[steps.firsts[result.ladder] + result.level]


cdef int read_steps(StepNumbers* out, list ladders, int32_t step_count) except -1:
    cdef int32_t k, number, at = 0
    out.firsts = <int32_t*>allocate(len(ladders), sizeof(int32_t))
    out.numbers = <int32_t*>allocate(sum(map(len, ladders)), sizeof(int32_t))
    out.ladder_count = len(ladders)
    for k, levels in enumerate(ladders):
        out.firsts[k] = at
        for number in levels:
            if not 0 <= number < step_count:
                raise IndexError(f"step was {number} of {step_count}")
            out.numbers[at] = number
            at += 1
    return 0


@cython.final
cdef class LevelDifferences:
    """
    Count pools by the pair of steps at which the active program and the shadow's put them, where they differ.

    Args:
        step_count: steps are numbered by their names: 0 is none, 1 a pool that cannot be assessed.
        active, shadow: [ladder][level] the number of the step, level 0 included.
    """

    cdef StepNumbers active
    cdef StepNumbers shadow
    cdef int32_t step_count
    cdef int32_t* last       # by pool: active step x step_count + shadow step where they differ, else 0
    cdef int last_count, last_room
    cdef int64_t* now_counts
    cdef int64_t* total_counts

    def __cinit__(self, int step_count, list active, list shadow):
        self.step_count = step_count
        self.now_counts = <int64_t*>allocate(step_count * step_count, sizeof(int64_t))
        self.total_counts = <int64_t*>allocate(step_count * step_count, sizeof(int64_t))
        read_steps(&self.active, active, step_count)
        read_steps(&self.shadow, shadow, step_count)

    def __dealloc__(self):
        free(self.active.numbers)
        free(self.active.firsts)
        free(self.shadow.numbers)
        free(self.shadow.firsts)
        free(self.last)
        free(self.now_counts)
        free(self.total_counts)

    cdef int note(self, int32_t pool, const Result* active, const Result* shadow) except -1:
        cdef int32_t before = step_of(&self.active, active), after = step_of(&self.shadow, shadow), pair
        pair = before * self.step_count + after if before != after else 0
        while self.last_count <= pool:
            if not grow(<void**>&self.last, self.last_count, &self.last_room, sizeof(int32_t)):
                raise MemoryError("out of memory")
            self.last_count += 1
        if pair == self.last[pool]:
            return 0
        if self.last[pool]:
            self.now_counts[self.last[pool]] -= 1
        if pair:
            self.now_counts[pair] += 1
            self.total_counts[pair] += 1
        self.last[pool] = pair
        return 0

    def note_pool(self, int pool, Assessment active not None, Assessment shadow not None):
        """Take what both programs say of one pool at one moment."""
        self.note(pool, &active.result, &shadow.result)

    def note_range(self, int count, Batch active not None, Batch shadow not None):
        """Take what both programs say of the first `count` pools at one moment."""
        cdef int32_t k
        if count > active.count or count > shadow.count:
            raise IndexError(f"{count} of {active.count} and {shadow.count}")
        for k in range(count):
            self.note(k, active.results + k, shadow.results + k)

    def now(self):
        """Return how many pools differ: {(active step, shadow step): count}."""
        return self.pairs(self.now_counts)

    def total(self):
        """Return how often a pool came to differ, in the form of `now`."""
        return self.pairs(self.total_counts)

    cdef dict pairs(self, const int64_t* counts):
        cdef int32_t k
        return {(k // self.step_count, k % self.step_count): counts[k]
                for k in range(self.step_count * self.step_count) if counts[k]}
