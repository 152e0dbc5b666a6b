# What a grouping looks like from Python: for tests, and to explain one.

@cython.final
cdef class StrategyGrouping:
    """
    Group legs held into recognised strategies.

    Args:
        legs: rows (right, signed quantity, fields by `machine.Field`); right is +1 call, -1 put, 0 stock.
        strategies: rows (legs, joins, condition, initial, maintenance); legs are rows (right, side, ratio), joins rows
            (first leg, second leg, field, relation: 0 equal, 1 less, 2 less or equal), and a formula is (address of its
            code, inputs: rows (leg, field)) or None.
        run: address of the function that runs formulas, a `LaneCode`; 0: costs are given by `price`.
        multiplier_field: number of the field that holds the multiplier.
        candidates: greatest number of candidates; beyond, those of most legs are left out.

    Raises:
        ValueError: where legs are too many, or rows do not have the shape above.
        MemoryError: where memory is out.
    """

    cdef Grouping grouping
    cdef GroupingResult result
    cdef GroupingLimits limits
    cdef StrategyTable table
    cdef Span arena
    cdef char* memory
    cdef GroupLeg* legs
    cdef StrategyRow* rows
    cdef list owned          # addresses of arrays, freed with this
    cdef int32_t leg_count

    def __cinit__(self, legs, strategies, size_t run=0, int multiplier_field=4, int candidates=16_384):
        cdef int32_t k, j
        cdef size_t size
        self.owned = []
        self.leg_count = len(legs)
        if len(legs) > LEGS_MOST or len(strategies) > 64:
            raise ValueError("at most 512 legs and 64 strategies")
        self.limits = usual_grouping_limits()
        self.limits.candidates = candidates
        self.legs = <GroupLeg*>self.own(len(legs), sizeof(GroupLeg))
        for k, (right, quantity, fields) in enumerate(legs):
            self.legs[k].right, self.legs[k].quantity = right, quantity
            self.legs[k].fields = self.numbers(fields)
            if len(fields) != len(legs[0][2]) or not 0 <= multiplier_field < len(fields):
                raise ValueError("every leg has as many fields as the first")
        self.rows = <StrategyRow*>self.own(len(strategies), sizeof(StrategyRow))
        for k, row in enumerate(strategies):
            self.set_strategy(self.rows + k, row, len(legs[0][2]) if legs else 256)
        self.table.rows, self.table.count = self.rows, len(strategies)
        self.table.field_count, self.table.multiplier_field = len(legs[0][2]) if legs else 0, multiplier_field
        self.table.run = <LaneCode><void*>run
        size = grouping_bytes(self.leg_count, &self.limits)
        self.memory = <char*>malloc(size)
        if self.memory == NULL:
            raise MemoryError("no memory to group strategies")
        self.arena.at, self.arena.end = self.memory, self.memory + size
        self.find()

    def __dealloc__(self):
        free(self.memory)
        for address in self.owned or ():
            free(<void*><size_t>address)

    cdef void* own(self, size_t count, size_t size) except NULL:
        cdef void* memory = allocate(count, size)
        self.owned.append(<size_t>memory)
        return memory

    cdef const double* numbers(self, values) except NULL:
        cdef double* made = <double*>self.own(len(values), sizeof(double))
        cdef int32_t k
        for k, value in enumerate(values):
            made[k] = value
        return made

    cdef int set_program(self, LaneProgram* program, given, int32_t leg_count, int32_t field_count) except -1:
        cdef int32_t* inputs
        cdef int32_t k
        if given is None:
            return 0
        program.code = <const void*><size_t>given[0]
        program.input_count = len(given[1])
        inputs = <int32_t*>self.own(len(given[1]), sizeof(int32_t))
        program.inputs = inputs
        for k, (leg, field) in enumerate(given[1]):
            if not (0 <= leg < leg_count and 0 <= field < field_count) or k >= LANE_INPUTS:
                raise ValueError("an input is a leg of the strategy and a field, 64 at most")
            inputs[k] = leg << 8 | field
        return 0

    cdef int set_strategy(self, StrategyRow* row, given, int32_t field_count) except -1:
        cdef int32_t k
        cdef StrategyJoin* joins
        legs, pairs, condition, initial, maintenance = given
        if not 1 <= len(legs) <= STRATEGY_LEGS:
            raise ValueError("a strategy has one to four legs")
        row.leg_count, row.join_count = len(legs), len(pairs)
        for k, (right, side, ratio) in enumerate(legs):
            row.legs[k].right, row.legs[k].side, row.legs[k].ratio = right, side, ratio
        joins = <StrategyJoin*>self.own(len(pairs), sizeof(StrategyJoin))
        row.joins = joins
        for k, (first, second, field, relation) in enumerate(pairs):
            if not (0 <= first < len(legs) and 0 <= second < len(legs) and 0 <= field < field_count):
                raise ValueError("a join names two legs and a field")
            joins[k].first, joins[k].second, joins[k].field, joins[k].relation = first, second, field, relation
        self.set_program(&row.condition, condition, len(legs), field_count)
        self.set_program(&row.requirements[0], initial, len(legs), field_count)
        self.set_program(&row.requirements[1], maintenance, len(legs), field_count)
        return 0

    def find(self):
        """Find the candidates again, from the beginning; their conditions are applied where `run` was given."""
        cdef bint has_code = self.table.run != NULL
        with nogil:
            self.arena.at = self.memory
            if find_candidates(&self.table, self.legs, self.leg_count, &self.limits, &self.arena, &self.grouping):
                if has_code:
                    apply_conditions(&self.grouping, self.arena)

    @property
    def candidates(self):
        """Return for each candidate its strategy, the legs given in the order of the strategy's, and its cost."""
        cdef const Candidate* c
        cdef int32_t k, j
        made = []
        for k in range(self.grouping.candidate_count):
            c = self.grouping.candidates + k
            made.append((c.strategy, tuple([self.grouping.order[c.legs[j]] for j in range(c.leg_count)]), c.cost))
        return made

    def price(self, costs):
        """Give the cost of one unit of each candidate; None: its condition does not hold."""
        cdef int32_t k
        if len(costs) != self.grouping.candidate_count:
            raise ValueError("one cost for each candidate")
        for k, cost in enumerate(costs):
            self.grouping.candidates[k].cost = INFINITE if cost is None else cost
            if cost is not None and not -INFINITE < self.grouping.candidates[k].cost < INFINITE:
                self.grouping.status = UNPRICED

    def price_by_code(self, int requirement):
        """Compute the cost of one unit of each candidate; requirement: 0 initial, 1 maintenance."""
        if self.table.run == NULL or not 0 <= requirement <= 1:
            raise ValueError("no formulas to run")
        for k in range(self.table.count):
            if self.rows[<int>k].requirements[requirement].code == NULL:
                raise ValueError("a strategy has no such formula")
        with nogil:
            price_candidates(&self.grouping, requirement, self.arena)

    def solve(self, double fallback=INFINITE, nodes=None, work=None):
        """
        Return (cost, whether nothing costs less, nodes searched, status) of the cheapest grouping.

        Status 0: grouped; 1: no grouping was found; 2: something is not a number; 3: too large. Cost is not a number
        unless it is 0. Fallback: the cost is not above this.
        """
        cdef GroupingLimits limits = self.limits
        limits.nodes = limits.nodes if nodes is None else nodes
        limits.work = limits.work if work is None else work
        with nogil:
            solve_grouping(&self.grouping, &limits, fallback, self.arena, &self.result)
        return self.result.cost, bool(self.result.is_proven), self.result.nodes, self.result.status

    @property
    def pivots(self): return self.result.pivots
    @property
    def bound(self): return self.result.bound
    @property
    def is_whole(self): return bool(self.grouping.is_whole)
    @property
    def is_complete(self): return bool(self.grouping.is_complete)

    @property
    def groups(self):
        """Return the grouping found: (strategy, legs, amount, cost of one unit) of each candidate used."""
        cdef int32_t k
        return [(*row[:2], self.grouping.amounts[<int>k], row[2])
                for k, row in enumerate(self.candidates) if self.grouping.amounts[<int>k] != 0.0]
