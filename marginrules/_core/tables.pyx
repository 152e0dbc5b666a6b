# One compiled rulebook as C arrays, built once from plain Python lists and never changed.

cdef void* allocate(size_t count, size_t size) except NULL:
    cdef void* memory = calloc(count if count else 1, size)
    if memory == NULL:
        raise MemoryError("out of memory while building program tables")
    return memory


@cython.final
cdef class Tables:
    """
    Hold the program tables of one rulebook.

    Args:
        lines: rows (initial rate, initial deduction, maintenance rate, maintenance deduction).
        rules: [profile][product] rows (line_first, line_count, ladder, leverage_mode, open_interest_lower,
            open_interest_upper).
        credits: rows (rate, constant).
        collateral: rows (credit_first, credit_count, cap, concentration).
        ladders: one falling list of thresholds (fractions) each.
        default_ladders: [profile].
    """

    cdef Program program
    cdef readonly int product_count
    cdef readonly int profile_count

    def __cinit__(self, list lines, list rules, list credits, list collateral, list ladders, list default_ladders):
        cdef Program* p = &self.program
        cdef int32_t k, j, at = 0
        p.profile_count = len(rules)
        p.product_count = len(rules[0])
        p.ladder_count = len(ladders)
        p.collateral_count = len(collateral)
        self.product_count = p.product_count
        self.profile_count = p.profile_count
        cdef Line* line = <Line*>allocate(len(lines), sizeof(Line))
        p.lines = line
        for k, row in enumerate(lines):
            line[k].initial_rate, line[k].initial_deduction = row[0], row[1]
            line[k].maintenance_rate, line[k].maintenance_deduction = row[2], row[3]
        # The row after the last product belongs to instruments that match none: no requirement, but a reason bit.
        cdef Rule* rule = <Rule*>allocate(p.profile_count * (p.product_count + 1), sizeof(Rule))
        p.rules = rule
        cdef int32_t* default = <int32_t*>allocate(p.profile_count, sizeof(int32_t))
        p.default_ladders = default
        for k, products in enumerate(rules):
            default[k] = default_ladders[k]
            for row in products:
                rule[at].line_first, rule[at].line_count, rule[at].ladder = row[0], row[1], row[2]
                rule[at].leverage_mode = row[3]
                rule[at].open_interest_lower, rule[at].open_interest_upper = row[4], row[5]
                p.has_open_interest |= rule[at].open_interest_upper > 0.0
                at += 1
            rule[at].ladder = default_ladders[k]
            at += 1
        cdef Credit* credit = <Credit*>allocate(len(credits), sizeof(Credit))
        p.credits = credit
        for k, row in enumerate(credits):
            credit[k].rate, credit[k].constant = row
        cdef CollateralRule* asset = <CollateralRule*>allocate(len(collateral), sizeof(CollateralRule))
        p.collateral_rules = asset
        for k, row in enumerate(collateral):
            asset[k].credit_first, asset[k].credit_count, asset[k].cap, asset[k].concentration = row
            p.has_concentration |= asset[k].concentration < 1.0
        cdef Ladder* ladder = <Ladder*>allocate(len(ladders), sizeof(Ladder))
        p.ladders = ladder
        cdef double* threshold = <double*>allocate(sum(len(row) for row in ladders), sizeof(double))
        p.thresholds = threshold
        at = 0
        for k, row in enumerate(ladders):
            ladder[k].threshold_first = at
            ladder[k].threshold_count = len(row)
            for j in range(ladder[k].threshold_count):
                threshold[at] = row[j]
                at += 1

    def __dealloc__(self):
        free(<void*>self.program.lines)
        free(<void*>self.program.rules)
        free(<void*>self.program.default_ladders)
        free(<void*>self.program.credits)
        free(<void*>self.program.collateral_rules)
        free(<void*>self.program.ladders)
        free(<void*>self.program.thresholds)
