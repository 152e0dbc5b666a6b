# One compiled rulebook as C arrays, built once from plain Python lists and never changed.

cdef void* allocate(size_t count, size_t size) except NULL:
    cdef void* memory = calloc(count if count else 1, size)
    if memory == NULL:
        raise MemoryError("out of memory while building program tables")
    return memory


cdef double INFINITE = float("inf")
cdef tuple NO_CUTS = (INFINITE, INFINITE, INFINITE)


cdef tuple windows_of(list lines):
    """
    Lay the lines of one rule out in four windows of neighbours; return (rows, stride, rest, cuts).

    Only neighbours can be greatest at one notional, so it is enough to look at a few of them. Two windows share one
    line, and the cut between them lies inside that line's tier, far from both ends: there the other lines are smaller
    by more than they could be off by rounding. A window therefore gives the very bits that all lines would give. Rows
    that are no such tiers make one window of all.
    """
    first = lines[0]
    # A requirement is never negative. Tiers that start from nothing see to that; others get a line at nothing.
    if first[0] < 0.0 or first[1] > 0.0 or first[2] < 0.0 or first[3] > 0.0:
        lines = [(0.0, 0.0, 0.0, 0.0), *lines]
    cdef int width = max((len(lines) + 2) // 4 + 1, 2)
    cdef list cuts = [cut_inside(lines, j * (width - 1)) for j in (1, 2, 3)]
    if None in cuts:
        width, cuts = max(len(lines), 2), list(NO_CUTS)
    return lines + lines[len(lines) - 1:] * (4 * width - 3 - len(lines)), width - 1, width - 2, tuple(cuts)


cdef object cut_inside(list lines, int k):
    """Return a notional well inside tier `k`; infinity where the tiers end before it, None where there is none."""
    if k >= len(lines) - 1:
        return INFINITE
    ends = ([0.0], [])
    for side in (0, 2):
        for end, (low, high) in enumerate(((k - 1, k), (k, k + 1))):
            if lines[high][side] > lines[low][side]:
                ends[end].append((lines[high][side + 1] - lines[low][side + 1]) /
                                 (lines[high][side] - lines[low][side]))
    cut = (max(ends[0]) + min(ends[1])) * 0.5 if ends[1] else -1.0
    return cut if cut > 0.0 and all(is_below(row, lines[k], j < k, cut) for j, row in enumerate(lines)) else None


cdef bint is_below(row, top, bint is_earlier, double cut):
    """Say whether, on its side of the cut, a line stays below `top` by far more than rounding, or is the same line."""
    cdef int side
    for side in (0, 2):
        rate, deduction = row[side], row[side + 1]
        rise = (top[side] - rate) if is_earlier else (rate - top[side])
        gap = (top[side] * cut - top[side + 1]) - (rate * cut - deduction)
        scale = (abs(top[side]) + abs(rate)) * cut + abs(top[side + 1]) + abs(deduction)
        if (rate, deduction) != (top[side], top[side + 1]) and not (
                rise >= 1e-12 * (abs(top[side]) + abs(rate)) and gap > 1e-12 * scale):
            return False
    return True


cdef bint is_level(list lines):
    """
    Say whether IM is nowhere below MM, so that nobody has to look at each notional.

    Both are straight between the points where neighbouring lines meet: it is enough to look there, at nothing and at
    the rates of the last line.
    """
    cdef list meetings = [0.0]
    for low, high in zip(lines, lines[1:]):
        meetings += [(high[side + 1] - low[side + 1]) / (high[side] - low[side])
                     for side in (0, 2) if high[side] > low[side]]
    for notional in meetings:
        im, mm = (max(0.0, max(row[side] * notional - row[side + 1] for row in lines)) for side in (0, 2))
        if not im >= mm * (1.0 - 1e-12):
            return False
    return all(row[0] >= row[2] for row in lines)


cdef void set_lines(Rule* rule, const Line* lines, tuple windows):
    first, stride, rest, cuts = windows
    rule.lines = <const char*>(lines + <int>first)
    rule.stride, rule.rest = stride * sizeof(Line), rest
    for k in range(3):
        rule.cuts[<int>k] = cuts[k]


cdef int build_terms(Program* p, list given) except -1:
    """Lay out what is said of assets beyond haircuts by value."""
    cdef Tenor* tenor = <Tenor*>allocate(sum(len(one.tenors) for one in given if one), sizeof(Tenor))
    p.tenors = tenor
    cdef Terms* terms = <Terms*>allocate(len(given), sizeof(Terms))
    p.terms = terms
    cdef int32_t k, at = 0
    for k, one in enumerate(given):
        terms[k].liability = terms[k].wrong_way_share = terms[k].initial_share = 1.0
        terms[k].volatility_rate = -1.0
        terms[k].matures_ns = terms[k].call_ns = INT64_MAX
        terms[k].call_price = terms[k].deposits = terms[k].borrows = INFINITE
        if one is None:
            continue
        p.has_terms = 1
        terms[k].liability = one.liability
        terms[k].volatility_rate, terms[k].volatility_floor = one.volatility_rate, one.volatility_floor
        terms[k].tenors, terms[k].tenor_count = tenor + at, len(one.tenors)
        for to_ns, rate in one.tenors:
            tenor[at].to_ns, tenor[at].rate = to_ns, rate
            at += 1
        terms[k].matures_ns, terms[k].call_ns, terms[k].call_price = one.matures_ns, one.call_ns, one.call_price
        terms[k].deposits, terms[k].borrows = one.deposits, one.borrows
        terms[k].wrong_way, terms[k].wrong_way_share = one.wrong_way, one.wrong_way_share
        terms[k].initial_share = one.initial_share
        p.has_wrong_way |= terms[k].wrong_way != 0
        p.has_initial_share |= terms[k].initial_share < 1.0
    return 0


@cython.final
cdef class Tables:
    """
    Hold the program tables of one rulebook.

    Args:
        lines: rows (initial rate, initial deduction, maintenance rate, maintenance deduction).
        rules: [profile][product] rows (line_first, line_count, ladder, leverage_mode, open_interest_lower,
            open_interest_upper, portfolio or -1, 1 where the value is no part of equity); the last two may be missing.
        credits: rows (rate, constant).
        collateral: rows (credit_first, credit_count, cap, concentration, `marginrules.terms.CollateralTerms`); the
            last may be missing.
        ladders: one falling list of thresholds (fractions) each.
        default_ladders: [profile].
        models: `marginrules.machine.Models`, where there are formulas.
    """

    cdef Program program
    cdef readonly int product_count
    cdef readonly int profile_count

    def __cinit__(self, list lines, list rules, list credits, list collateral, list ladders, list default_ladders,
                  object models=None):
        cdef Program* p = &self.program
        cdef int32_t k, j, at = 0
        p.profile_count = len(rules)
        p.product_count = len(rules[0])
        p.profile_stride = (p.product_count + 1) * <int64_t>sizeof(Rule)
        p.ladder_count = len(ladders)
        p.collateral_count = len(collateral)
        self.product_count = p.product_count
        self.profile_count = p.profile_count
        p.pool_code = -1
        if models is not None:
            build_models(p, models)
        # Rules share lines, and profiles share rules: each range of lines is laid out once. The first is of no tier.
        cdef list laid = [(0.0, 0.0, 0.0, 0.0)] * 2
        cdef dict windows = {(0, 0): (0, 0, 0, NO_CUTS)}
        for products in rules:
            for row in products:
                if (row[0], row[1]) not in windows and row[1] > 0:
                    padded, stride, rest, cuts = windows_of(lines[row[0]:row[0] + row[1]])
                    p.has_adjustment |= not is_level(lines[row[0]:row[0] + row[1]])
                    windows[row[0], row[1]] = len(laid), stride, rest, cuts
                    laid += padded
        cdef Line* line = <Line*>allocate(len(laid), sizeof(Line))
        p.lines = line
        for k, row in enumerate(laid):
            line[k].rates[0], line[k].deductions[0], line[k].rates[1], line[k].deductions[1] = row
        # The row after the last product belongs to instruments that match none: no requirement, but a reason bit.
        cdef Rule* rule = <Rule*>allocate(p.profile_count * (p.product_count + 1), sizeof(Rule))
        p.rules = rule
        cdef int32_t* default = <int32_t*>allocate(p.profile_count, sizeof(int32_t))
        p.default_ladders = default
        for k, products in enumerate(rules):
            default[k] = default_ladders[k]
            for row in products:
                set_lines(rule + at, line, windows[(row[0], row[1]) if row[1] > 0 else (0, 0)])
                rule[at].ladders = ladder_bits(row[2])
                if row[3] == FROM_LEVERAGE:
                    rule[at].leverage_mask, rule[at].leverage_bit = -1, MISSING_LEVERAGE
                    p.has_adjustment = 1
                rule[at].open_interest_lower, rule[at].open_interest_upper = row[4], row[5]
                p.has_adjustment |= rule[at].open_interest_upper > 0.0
                rule[at].portfolio, rule[at].is_excluded = row[6:8] if len(row) > 6 else (-1, 0)
                p.has_models |= rule[at].is_excluded
                if rule[at].portfolio >= p.portfolio_count:
                    raise ValueError(f"portfolio was {rule[at].portfolio} of {p.portfolio_count}")
                at += 1
            set_lines(rule + at, line, windows[0, 0])
            rule[at].portfolio = -1
            rule[at].ladders = ladder_bits(default_ladders[k])
            at += 1
        cdef Credit* credit = <Credit*>allocate(len(credits), sizeof(Credit))
        p.credits = credit
        for k, row in enumerate(credits):
            credit[k].rate, credit[k].constant = row
        cdef CollateralRule* asset = <CollateralRule*>allocate(len(collateral), sizeof(CollateralRule))
        p.collateral_rules = asset
        for k, row in enumerate(collateral):
            asset[k].credits, asset[k].credit_count = credit + <int>row[0], row[1]
            asset[k].cap, asset[k].concentration = row[2], row[3]
            p.has_terms |= asset[k].concentration < 1.0
        build_terms(p, [row[4] if len(row) > 4 else None for row in collateral])
        cdef Ladder* ladder = <Ladder*>allocate(len(ladders), sizeof(Ladder))
        p.ladders = ladder
        cdef double* threshold = <double*>allocate(sum(len(row) for row in ladders), sizeof(double))
        p.thresholds = threshold
        at = 0
        for k, row in enumerate(ladders):
            ladder[k].thresholds = threshold + at
            ladder[k].threshold_count = len(row)
            for j in range(ladder[k].threshold_count):
                threshold[at] = row[j]
                at += 1

    def __dealloc__(self):
        free_models(&self.program)
        free(<void*>self.program.lines)
        free(<void*>self.program.rules)
        free(<void*>self.program.default_ladders)
        free(<void*>self.program.credits)
        free(<void*>self.program.collateral_rules)
        free(<void*>self.program.terms)
        free(<void*>self.program.tenors)
        free(<void*>self.program.ladders)
        free(<void*>self.program.thresholds)
