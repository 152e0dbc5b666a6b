/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops over lanes: the same operation for many positions, subgroups or scenarios.
 *
 * They are in C because the compiler makes vectors of them only as plain loops over plain pointers. Lanes never meet in
 * an element-wise loop, and sums over positions go position by position for each lane, so vectors of any width give the
 * same bits. Not-a-number goes through everything, and says why it is none, see `absent`.
 */
#ifndef MARGINRULES_LOOPS_H
#define MARGINRULES_LOOPS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#define LOOPS __attribute__((optimize("O3", "-ffp-contract=off")))
#else
#define LOOPS
#endif
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#define WIDE_LOOPS LOOPS __attribute__((target_clones("avx2", "default")))
#else
#define WIDE_LOOPS LOOPS
#endif

/* Four lanes at once, written out where the compiler's own loops stay narrow; half as wide where the machine is. */
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t quad_mask __attribute__((vector_size(32)));

#define LANE_NAN ((double)NAN)
#define IS_NAN(x) ((x) != (x))

/*
 * What is not known is not a number, with the reason bits in its payload. Arithmetic hands on the payload of an operand,
 * so that a result says why it is none: data was missing, or, without a payload, arithmetic came to an end. A choice
 * that does not take a missing value forgets it. A processor that drops payloads says the latter of both.
 */
#define ABSENT_BITS UINT64_C(0x7FFC4D5200000000)

static inline double absent(int32_t reasons) {
    const uint64_t bits = ABSENT_BITS | (uint32_t)reasons;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The reason bits of a number: 0 where it is finite, `otherwise` where nothing but arithmetic made it what it is. */
static inline int32_t reasons_of(double x, int32_t otherwise) {
    uint64_t bits;
    if (x - x == 0.0) return 0;
    memcpy(&bits, &x, sizeof bits);
    return (bits & UINT64_C(0x7FFFFFFF00000000)) == ABSENT_BITS ? (int32_t)bits : otherwise;
}

/* A stride of 0 repeats one value in every lane. */
#define BINARY_LANES(name, expression)                                                                                 \
    LOOPS static void name(int64_t n, const double *a, int64_t sa, const double *b, int64_t sb, double *out) {        \
        int64_t i;                                                                                                     \
        if (sa && sb)                                                                                                  \
            for (i = 0; i < n; i++) { const double x = a[i], y = b[i]; out[i] = (expression); }                        \
        else if (sa) {                                                                                                 \
            const double y = b[0];                                                                                     \
            for (i = 0; i < n; i++) { const double x = a[i]; out[i] = (expression); }                                  \
        } else if (sb) {                                                                                               \
            const double x = a[0];                                                                                     \
            for (i = 0; i < n; i++) { const double y = b[i]; out[i] = (expression); }                                  \
        } else {                                                                                                       \
            const double x = a[0], y = b[0], z = (expression);                                                         \
            for (i = 0; i < n; i++) out[i] = z;                                                                        \
        }                                                                                                              \
    }

#define UNARY_LANES(name, expression)                                                                                  \
    LOOPS static void name(int64_t n, const double *a, int64_t sa, double *out) {                                      \
        int64_t i;                                                                                                     \
        for (i = 0; i < n; i++) { const double x = a[i * sa]; out[i] = (expression); }                                 \
    }

#define UNKNOWN (IS_NAN(x) ? x : y)
#define KNOWN(truth) ((IS_NAN(x) || IS_NAN(y)) ? UNKNOWN : ((truth) ? 1.0 : 0.0))

BINARY_LANES(lanes_add, x + y)
BINARY_LANES(lanes_subtract, x - y)
BINARY_LANES(lanes_multiply, x *y)
/* What is infinite could be passed by: the lesser of 5 and x / 0 would be 5. So nothing is divided by nothing. */
BINARY_LANES(lanes_divide, (y == 0.0 || (!IS_NAN(y) && IS_NAN(y - y))) ? LANE_NAN : x / y)
/* Of two that are equal the first, as Python does: 0 and -0 are. */
BINARY_LANES(lanes_least, IS_NAN(x) ? x : (IS_NAN(y) || y < x) ? y : x)
BINARY_LANES(lanes_greatest, IS_NAN(x) ? x : (IS_NAN(y) || y > x) ? y : x)
BINARY_LANES(lanes_less, KNOWN(x < y))
BINARY_LANES(lanes_less_equal, KNOWN(x <= y))
BINARY_LANES(lanes_equal, KNOWN(x == y))
BINARY_LANES(lanes_unequal, KNOWN(x != y))
/* A guard decides alone: `is_option and volatility > 1` is no for a future that has no volatility. */
BINARY_LANES(lanes_and, (x == 0.0 || y == 0.0) ? 0.0 : (IS_NAN(x) || IS_NAN(y)) ? UNKNOWN : 1.0)
BINARY_LANES(lanes_or, ((x != 0.0 && !IS_NAN(x)) || (y != 0.0 && !IS_NAN(y))) ? 1.0
                       : (IS_NAN(x) || IS_NAN(y)) ? UNKNOWN : 0.0)
UNARY_LANES(lanes_copy, x)
UNARY_LANES(lanes_negate, -x)
UNARY_LANES(lanes_absolute, fabs(x))
UNARY_LANES(lanes_not, IS_NAN(x) ? x : (x == 0.0 ? 1.0 : 0.0))
UNARY_LANES(lanes_floor, floor(x))
UNARY_LANES(lanes_ceiling, ceil(x))
UNARY_LANES(lanes_round, round(x))
UNARY_LANES(lanes_square_root, sqrt(x))

LOOPS static void lanes_fill(int64_t n, double value, double *out) {
    for (int64_t i = 0; i < n; i++) out[i] = value;
}

/*
 * The greatest whole number that is not above a * b / c. Where all three are whole numbers below 2^53, and the result is
 * too, it is exact: the product is kept as the sum of two doubles, and the remainder says whether the quotient was a step
 * too far. Beyond that, and of what is not whole, it is as good as doubles are.
 */
static double share_below(double a, double b, double c) {
    const double product = a * b, lost = fma(a, b, -product);
    double quotient = floor(product / c), rest = fma(-quotient, c, product) + lost;
    for (int k = 0; k < 2 && rest < 0.0; k++) { quotient -= 1.0; rest += c; }
    for (int k = 0; k < 2 && rest >= c; k++) { quotient += 1.0; rest -= c; }
    return quotient;
}

static void lanes_share(int64_t n, const double *a, const double *b, const double *c, int want_up, int is_smooth,
                        double *out) {
    for (int64_t i = 0; i < n; i++) {
        const double sign = (c[i] < 0.0) != (want_up != 0) ? -1.0 : 1.0, plain = a[i] * b[i] / c[i];
        out[i] = !(isfinite(plain) && isfinite(c[i])) ? LANE_NAN
               : is_smooth        ? plain
               : want_up          ? -share_below(sign * a[i], b[i], fabs(c[i]))
                                  : share_below(sign * a[i], b[i], fabs(c[i]));
    }
}

LOOPS static void lanes_select(int64_t n, const double *c, const double *a, const double *b, double *out) {
    for (int64_t i = 0; i < n; i++) out[i] = IS_NAN(c[i]) ? c[i] : (c[i] != 0.0 ? a[i] : b[i]);
}

/* Rows of a tier table: floor, rate, value at the floor; the last row whose floor is not above x counts. */
LOOPS static void lanes_tiered(int64_t n, const double *rows, int64_t row_count, const double *x, int64_t sx,
                               double *out) {
    for (int64_t i = 0; i < n; i++) {
        const double at = x[i * sx], size = fabs(at);
        int64_t k = 0;
        while (k + 1 < row_count && rows[3 * (k + 1)] <= size) k++;
        out[i] = IS_NAN(at) ? at : rows[3 * k + 2] + rows[3 * k + 1] * (size - rows[3 * k]);
    }
}

/* Accumulate lane by lane. */
LOOPS static void lanes_total(int64_t n, const double *a, int64_t sa, double *out) {
    if (sa)
        for (int64_t i = 0; i < n; i++) out[i] += a[i];
    else
        for (int64_t i = 0; i < n; i++) out[i] += a[0];
}

LOOPS static void lanes_smallest(int64_t n, const double *a, int64_t sa, double *out) {
    for (int64_t i = 0; i < n; i++) {
        const double x = a[i * sa];
        out[i] = (IS_NAN(x) || x < out[i]) ? x : out[i];
    }
}

LOOPS static void lanes_largest(int64_t n, const double *a, int64_t sa, double *out) {
    for (int64_t i = 0; i < n; i++) {
        const double x = a[i * sa];
        out[i] = (IS_NAN(x) || x > out[i]) ? x : out[i];
    }
}

LOOPS static void lanes_total_product(int64_t n, double factor, const double *a, double *out) {
    for (int64_t i = 0; i < n; i++) out[i] += factor * a[i];
}

enum { BLOCK = 64 }; /* lanes of a row that is short */

/* Short rows, as those of a grid: the sums of a block of lanes stay in registers. */
WIDE_LOOPS static void dot_of_short(int64_t n, int64_t row_count, const double *factors, const double *const *rows,
                                    double *out) {
    int64_t i = 0, r;
    for (; i + 16 <= n; i += 16) {
        quad a = {0.0}, b = {0.0}, c = {0.0}, d = {0.0};
        for (r = 0; r < row_count; r++) {
            const quad *row = (const quad *)(rows[r] + i);
            const double factor = factors[r];
            a += factor * row[0];
            b += factor * row[1];
            c += factor * row[2];
            d += factor * row[3];
        }
        ((quad *)(out + i))[0] = a;
        ((quad *)(out + i))[1] = b;
        ((quad *)(out + i))[2] = c;
        ((quad *)(out + i))[3] = d;
    }
    for (; i + 4 <= n; i += 4) {
        quad a = {0.0};
        for (r = 0; r < row_count; r++) a += factors[r] * *(const quad *)(rows[r] + i);
        *(quad *)(out + i) = a;
    }
    for (; i < n; i++) {
        double sum = 0.0;
        for (r = 0; r < row_count; r++) sum += factors[r] * rows[r][i];
        out[i] = sum;
    }
}

/* Long rows, as those of a history: four at a time, each read from end to end, as memory likes best. */
WIDE_LOOPS static void dot_of_long(int64_t n, int64_t row_count, const double *factors, const double *const *rows,
                                   double *restrict out) {
    int64_t i, r = 0;
    for (i = 0; i < n; i++) out[i] = 0.0;
    for (; r + 4 <= row_count; r += 4) {
        const double *a = rows[r], *b = rows[r + 1], *c = rows[r + 2], *d = rows[r + 3];
        const double fa = factors[r], fb = factors[r + 1], fc = factors[r + 2], fd = factors[r + 3];
        for (i = 0; i < n; i++) out[i] = (((out[i] + fa * a[i]) + fb * b[i]) + fc * c[i]) + fd * d[i];
    }
    for (; r < row_count; r++) {
        const double *a = rows[r], fa = factors[r];
        for (i = 0; i < n; i++) out[i] += fa * a[i];
    }
}

/*
 * out[i] = sum over rows r of factors[r] * rows[r][i], rows in their order: each lane is summed in the same order
 * whatever the width.
 */
static void lanes_dot(int64_t n, int64_t row_count, const double *factors, const double *const *rows, double *out) {
    if (n > BLOCK)
        dot_of_long(n, row_count, factors, rows, out);
    else
        dot_of_short(n, row_count, factors, rows, out);
}

/* Reductions over scenarios. */
WIDE_LOOPS static int64_t lanes_has_nan(int64_t n, const double *a) {
    quad_mask unequal = {0};
    int64_t found, i = 0;
    for (; i + 4 <= n; i += 4) {
        const quad x = *(const quad *)(a + i);
        unequal |= (quad_mask)(x != x);
    }
    found = unequal[0] | unequal[1] | unequal[2] | unequal[3];
    for (; i < n; i++) found |= IS_NAN(a[i]);
    return found;
}

static double first_nan(int64_t n, const double *a) {
    for (int64_t i = 0; i < n; i++)
        if (IS_NAN(a[i])) return a[i];
    return LANE_NAN;
}

/* The least of all, in four strands: which of two equal values is kept makes no difference. */
WIDE_LOOPS static double lanes_lowest(int64_t n, const double *a) {
    double found = a[0];
    quad least = {found, found, found, found};
    int64_t i = 0;
    if (lanes_has_nan(n, a)) return first_nan(n, a);
    for (; i + 4 <= n; i += 4) {
        const quad x = *(const quad *)(a + i);
        const quad_mask lower = (quad_mask)(x < least);
        least = (quad)(((quad_mask)x & lower) | ((quad_mask)least & ~lower));
    }
    for (; i < n; i++) found = a[i] < found ? a[i] : found;
    for (i = 0; i < 4; i++) found = least[i] < found ? least[i] : found;
    return found;
}

static double lanes_highest(int64_t n, const double *a) {
    double found = a[0];
    if (lanes_has_nan(n, a)) return first_nan(n, a);
    for (int64_t i = 1; i < n; i++) found = a[i] > found ? a[i] : found;
    return found;
}

static double lanes_average(int64_t n, const double *a, const double *weights) {
    double sum = 0.0, total = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += weights[i] * a[i];
        total += weights[i];
    }
    return sum / total;
}

typedef struct { double value, weight; int64_t index; } weighted_lane;

static int compare_weighted(const void *a, const void *b) {
    const weighted_lane *x = (const weighted_lane *)a, *y = (const weighted_lane *)b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Keep the `most` lowest values, sorted, the earlier first among equals: for few values, or where few are kept. */
static void lowest_values(int64_t n, const double *a, int64_t most, double *kept) {
    int64_t count = 0, i, k;
    for (i = 0; i < n; i++) {
        const double x = a[i];
        if (count == most && !(x < kept[most - 1])) continue;
        for (k = count < most ? count++ : most - 1; k > 0 && kept[k - 1] > x; k--) kept[k] = kept[k - 1];
        kept[k] = x;
    }
}

enum { COLUMNS = 4, RANKS = 8, CLASSES = COLUMNS * RANKS, FEW_CLASSES = 24, RANKED = 64 };

#define CHOSEN(mask, x, y) ((quad)(((quad_mask)(x) & (mask)) | ((quad_mask)(y) & ~(mask))))
#define LOWER_OF(x, y)                                                                                                 \
    do {                                                                                                               \
        const quad other = (y);                                                                                        \
        x = CHOSEN((quad_mask)(other < x), other, x);                                                                  \
    } while (0)
#define ORDERED(i, j)                                                                                                  \
    do {                                                                                                               \
        const quad x = least[i], y = least[j];                                                                         \
        const quad_mask turned = (quad_mask)(y < x);                                                                   \
        least[i] = CHOSEN(turned, y, x);                                                                               \
        least[j] = CHOSEN(turned, x, y);                                                                               \
    } while (0)

/*
 * A value that at least `most` of n values do not exceed, `most` up to FEW_CLASSES and n not below CLASSES. The values
 * fall into classes, each with its least; classes are sorted in columns. In every column the first few ranks are not
 * above the last of them, so all columns together have enough values up to the greatest of that rank.
 */
WIDE_LOOPS static double bound_of_lowest(int64_t n, const double *a, int64_t most) {
    const quad *at = (const quad *)a;
    quad least[RANKS] = {at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]};
    const int64_t rank = (most - 1) / COLUMNS;
    double bound;
    int64_t i, c;
    for (i = CLASSES; i + CLASSES <= n; i += CLASSES) {
        at = (const quad *)(a + i);
        LOWER_OF(least[0], at[0]);
        LOWER_OF(least[1], at[1]);
        LOWER_OF(least[2], at[2]);
        LOWER_OF(least[3], at[3]);
        LOWER_OF(least[4], at[4]);
        LOWER_OF(least[5], at[5]);
        LOWER_OF(least[6], at[6]);
        LOWER_OF(least[7], at[7]);
    }
    /* Lanes beyond the last whole row of classes are left out: without them the bound is the higher. */
    /* Batcher's sorting network of eight. */
    ORDERED(0, 1); ORDERED(2, 3); ORDERED(4, 5); ORDERED(6, 7);
    ORDERED(0, 2); ORDERED(1, 3); ORDERED(4, 6); ORDERED(5, 7);
    ORDERED(1, 2); ORDERED(5, 6);
    ORDERED(0, 4); ORDERED(1, 5); ORDERED(2, 6); ORDERED(3, 7);
    ORDERED(2, 4); ORDERED(3, 5);
    ORDERED(1, 2); ORDERED(3, 4); ORDERED(5, 6);
    bound = least[rank][0];
    for (c = 1; c < COLUMNS; c++) bound = least[rank][c] > bound ? least[rank][c] : bound;
    return bound;
}

/* Sort up to RANKED values, the earlier first among equals: each goes where as many stand before it as are less. */
WIDE_LOOPS static void sort_by_rank(int64_t n, const double *a, double *sorted) {
    double padded[RANKED];
    int64_t taken[RANKED] = {0}, i, k;
    for (i = 0; i < n; i++) padded[i] = a[i];
    for (; i & 3; i++) padded[i] = INFINITY;
    for (i = 0; i < n; i++) {
        const double x = a[i];
        quad_mask lower = {0};
        for (k = 0; k < n; k += 4) lower += (quad_mask)(*(const quad *)(padded + k) < x);
        k = -(lower[0] + lower[1] + lower[2] + lower[3]);
        sorted[k + taken[k]++] = x;
    }
}

/*
 * Keep the `most` lowest of n values, sorted, the earlier first among equals. No branch depends on values until few are
 * left: a guess that is wrong at every other value costs more than looking at all of them twice.
 *
 * `kept` has room for `most` values and RANKED at least, `scratch` for n.
 */
static void sort_lowest(int64_t n, const double *a, int64_t most, double *kept, double *scratch) {
    int64_t count = 0, i;
    double bound;
    if (most > FEW_CLASSES || n < 2 * CLASSES) {
        lowest_values(n, a, most, kept);
        return;
    }
    bound = bound_of_lowest(n, a, most);
    for (i = 0; i < n; i++) {
        scratch[count] = a[i];
        count += a[i] <= bound;
    }
    if (count <= RANKED)
        sort_by_rank(count, scratch, kept);
    else
        lowest_values(count, scratch, most, kept);
}

enum { FEW_LANES = 64 };

/* The lowest values of some lanes, kept from one reduction to the next. */
typedef struct {
    const double *lanes;    /* whose they are; NULL: none are kept */
    int64_t count;
    double values[FEW_LANES];
} lowest_kept;

/* How many of n scenarios of equal weight a tail of probability p takes, the last one in part. */
static inline int64_t tail_count(int64_t n, double p) {
    const int64_t most = (int64_t)ceil(p * (double)n * (1.0 - 1e-12));
    return most < 1 ? 1 : most;
}

/*
 * The lower tail of a distribution of n weighted values, of probability p, 0 < p <= 1: its quantile, the lowest value at
 * which the cumulated weight reaches p of the total (no interpolation), or its mean, the last value counting in part.
 *
 * `scratch` has room for n weighted lanes. The share of a rounding error of 1e-12 counts as reached. Where `kept` is of
 * the same lanes and has enough, nothing is looked for again; else it gets `ahead` of them, or as many as are needed.
 */
static double lanes_tail(int64_t n, const double *a, const double *weights, int is_equal, double p, int want_mean,
                         weighted_lane *scratch, lowest_kept *kept, int64_t ahead) {
    double total = 0.0, wanted, sum = 0.0, cumulated = 0.0;
    int64_t i;
    const int is_known = kept->lanes == a;
    if (!is_known && lanes_has_nan(n, a)) return first_nan(n, a);
    if (!(p > 0.0 && p <= 1.0)) return IS_NAN(p) ? p : LANE_NAN;
    if (is_equal && tail_count(n, p) <= FEW_LANES) {
        const double share = p * (double)n;
        const int64_t most = tail_count(n, p);
        if (!is_known || kept->count < most) {
            kept->lanes = a;
            kept->count = ahead > most && ahead <= FEW_LANES ? ahead : most;
            sort_lowest(n, a, kept->count, kept->values, (double *)scratch);
        }
        if (!want_mean) return kept->values[most - 1];
        for (i = 0; i < most - 1; i++) sum += kept->values[i];
        sum += kept->values[most - 1] * (share - (double)(most - 1));
        return sum / share;
    }
    for (i = 0; i < n; i++) {
        scratch[i].value = a[i];
        scratch[i].weight = is_equal ? 1.0 : weights[i];
        scratch[i].index = i;
        total += scratch[i].weight;
    }
    qsort(scratch, (size_t)n, sizeof(weighted_lane), compare_weighted);
    wanted = p * total;
    for (i = 0; i < n; i++) {
        if (cumulated + scratch[i].weight >= wanted * (1.0 - 1e-12)) break;
        cumulated += scratch[i].weight;
        sum += scratch[i].weight * scratch[i].value;
    }
    if (i == n) i = n - 1;
    if (!want_mean) return scratch[i].value;
    return (sum + (wanted - cumulated) * scratch[i].value) / wanted;
}

#endif
