/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit of scenario margin: one contiguous row of losses for each instrument, sums over positions lane by lane, and
 * the worst. The equity of the pool is summed up as well; nothing else is looked at.
 */

#include <stdint.h>

enum { SCENARIOS = 33, POSITIONS = 100 };

typedef struct {
    const int32_t *instrument;  /* [pool][position] */
    const double *quantity;
    const double *cost;
    const double *cash;         /* [pool] */
} book;

typedef struct {
    const double *rows;         /* [instrument][scenario]: gain of +1 */
    const double *value;        /* [instrument]: of +1 */
} market;

typedef struct {
    double *equity;
    double *worst;
} answers;

void assess_scenarios(const market *restrict now, const book *restrict pools, int32_t count, answers *restrict out)
{
    for (int32_t pool = 0; pool < count; pool++) {
        const int32_t *instrument = pools->instrument + (int64_t)pool * POSITIONS;
        const double *quantity = pools->quantity + (int64_t)pool * POSITIONS;
        const double *cost = pools->cost + (int64_t)pool * POSITIONS;
        double sums[SCENARIOS] = {0.0}, equity = pools->cash[pool], lowest = 0.0;
        for (int k = 0; k < POSITIONS; k++) {
            const double *row = now->rows + (int64_t)instrument[k] * SCENARIOS;
            equity += quantity[k] * now->value[instrument[k]] - cost[k];
            for (int s = 0; s < SCENARIOS; s++)
                sums[s] += quantity[k] * row[s];
        }
        for (int s = 0; s < SCENARIOS; s++)
            lowest = sums[s] < lowest ? sums[s] : lowest;
        out->equity[pool] = equity;
        out->worst[pool] = -lowest;
    }
}
