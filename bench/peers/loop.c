/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit: flat arrays, sizes known to the compiler, no branch that depends on data, no check that the workload does
 * not need. Two ways to find the requirement, each the better one under some flags; the bench takes the faster.
 */

#include <math.h>
#include <stdint.h>

enum { TIERS = 5, POSITIONS = 10, THRESHOLDS = 5, PRODUCTS = 8 };

/* One bracket as a line from the origin, its two requirements side by side. */
typedef struct {
    double rate[2];
    double deduction[2];
} line;

typedef struct {
    double mark[PRODUCTS];
    double cap[PRODUCTS][TIERS];
    line lines[PRODUCTS][TIERS];
    double threshold[THRESHOLDS];
} rulebook;

typedef struct {
    const int32_t *product;     /* [pool][position] */
    const double *quantity;
    const double *cost;
    const double *cash;         /* [pool] */
} book;

typedef struct {
    double *equity;
    double *initial;
    double *maintenance;
    int32_t *level;
} answers;

static inline int32_t level_of(const rulebook *rules, double equity, double maintenance)
{
    int32_t level = 0;
    for (int k = 0; k < THRESHOLDS; k++)
        level += !(equity >= rules->threshold[k] * maintenance);
    return level;
}

/* The bracket is the number of caps below the notional. */
void assess_by_tier(const rulebook *restrict rules, const book *restrict pools, int32_t count, answers *restrict out)
{
    for (int32_t pool = 0; pool < count; pool++) {
        const int32_t *product = pools->product + (int64_t)pool * POSITIONS;
        const double *quantity = pools->quantity + (int64_t)pool * POSITIONS;
        const double *cost = pools->cost + (int64_t)pool * POSITIONS;
        double pnl = 0.0, initial = 0.0, maintenance = 0.0;
        for (int k = 0; k < POSITIONS; k++) {
            double value = quantity[k] * rules->mark[product[k]];
            double notional = fabs(value);
            int tier = 0;
            for (int j = 0; j < TIERS - 1; j++)
                tier += notional > rules->cap[product[k]][j];
            const line *at = &rules->lines[product[k]][tier];
            pnl += value - cost[k];
            initial += notional * at->rate[0] - at->deduction[0];
            maintenance += notional * at->rate[1] - at->deduction[1];
        }
        double equity = pools->cash[pool] + pnl;
        out->equity[pool] = equity;
        out->initial[pool] = initial;
        out->maintenance[pool] = maintenance;
        out->level[pool] = level_of(rules, equity, maintenance);
    }
}

/* Rising rates make the requirement the greatest of the lines. */
void assess_by_line(const rulebook *restrict rules, const book *restrict pools, int32_t count, answers *restrict out)
{
    for (int32_t pool = 0; pool < count; pool++) {
        const int32_t *product = pools->product + (int64_t)pool * POSITIONS;
        const double *quantity = pools->quantity + (int64_t)pool * POSITIONS;
        const double *cost = pools->cost + (int64_t)pool * POSITIONS;
        double pnl = 0.0, initial = 0.0, maintenance = 0.0;
        for (int k = 0; k < POSITIONS; k++) {
            double value = quantity[k] * rules->mark[product[k]];
            double notional = fabs(value);
            const line *at = rules->lines[product[k]];
            double one = notional * at->rate[0];
            double other = notional * at->rate[1];
            for (int j = 1; j < TIERS; j++) {
                double a = notional * at[j].rate[0] - at[j].deduction[0];
                double b = notional * at[j].rate[1] - at[j].deduction[1];
                one = one > a ? one : a;
                other = other > b ? other : b;
            }
            pnl += value - cost[k];
            initial += one;
            maintenance += other;
        }
        double equity = pools->cash[pool] + pnl;
        out->equity[pool] = equity;
        out->initial[pool] = initial;
        out->maintenance[pool] = maintenance;
        out->level[pool] = level_of(rules, equity, maintenance);
    }
}
