// SPDX-License-Identifier: Apache-2.0

#include "american_rule.h"

struct american_rule american_rule;

// cos(i pi / 10) for i to 5, and the positive nodes and the weights of Gauss and Legendre for 16 and 32 points.
static const double COSINE[] = {1.0, 0x1.e6f0e134454ffp-1, 0x1.9e3779b97f4a8p-1, 0x1.2cf2304755a5ep-1,
                                0x1.3c6ef372fe950p-2, 0.0};
static const double NODE_16[] = {
    0x1.852bd6676a9f9p-4, 0x1.205cae642337cp-2, 0x1.d50259a43a772p-2, 0x1.3c5a466d5e8b8p-1,
    0x1.82c45dda4726bp-1, 0x1.bb3403514e483p-1, 0x1.e39f56616f9b0p-1, 0x1.fa92c264d787ep-1};
static const double WEIGHT_16[] = {
    0x1.83feae80e4dfcp-3, 0x1.75f8c77e0c00fp-3, 0x1.5a6ebbb5a75fcp-3, 0x1.325f61bca3cbfp-3,
    0x1.fe7af2bad386ap-4, 0x1.85c4ee79cc258p-4, 0x1.fdfb1a2c1265dp-5, 0x1.bcddab4b7c211p-6};
static const double NODE_32[] = {
    0x1.8bbc8488cc499p-5, 0x1.27e0ea717f237p-3, 0x1.ea0f7e19c094bp-3, 0x1.53d55ce57bdf6p-2,
    0x1.af76b57c6f8f1p-2, 0x1.038862866b29dp-1, 0x1.2ce9146962ca4p-1, 0x1.537a89c487f8ap-1,
    0x1.76e0931d693bap-1, 0x1.96c69481c4bc5p-1, 0x1.b2e04fd686a13p-1, 0x1.caea9b4574cb9p-1,
    0x1.deac0259f7f42p-1, 0x1.edf5518053baap-1, 0x1.f8a212714bcdcp-1, 0x1.fe995e70409b6p-1};
static const double WEIGHT_32[] = {
    0x1.8b6d9eaec77adp-4, 0x1.87bc776f8c6d7p-4, 0x1.8062fc0f6fef9p-4, 0x1.7572bdb3f6e51p-4,
    0x1.6705e18e13ed1p-4, 0x1.553ee25ebebc6p-4, 0x1.40483e126fd14p-4, 0x1.2854103b35e0cp-4,
    0x1.0d9b9a62cac10p-4, 0x1.e0bd76c924981p-5, 0x1.a1c6ae961fbfap-5, 0x1.5ee963a335495p-5,
    0x1.18c5800a355d9p-5, 0x1.a0060a8531ffap-6, 0x1.0aa3c248696c9p-6, 0x1.cbf8bc743cc5cp-8};

// Shares and weights of the integral over (0, 1) of what is 2 z dz of the time that is gone, z^2.
static void fill_quadrature(int count, const double* node, const double* weight, double* share, double* weights) {
    for (int k = 0; k < count; k++) {
        int half = count / 2, from = k < half ? half - 1 - k : k - half;
        share[k] = 0.5 * (1.0 + (k < half ? -node[from] : node[from]));
        weights[k] = weight[from];
    }
}

// The barycentric formula: what each node counts for at `root`.
static void fill_interpolation(const struct american_rule* rule, double root, double* counts) {
    double at = 2.0 * root - 1.0, sum = 0.0;
    for (int j = 0; j <= AMERICAN_NODES; j++) {
        counts[j] = rule->share[j] / (at - rule->node[j]);
        sum += counts[j];
    }
    for (int j = 0; j <= AMERICAN_NODES; j++)
        counts[j] /= sum;
}

// No point of the quadrature is ever a node, so nothing is divided by zero.
__attribute__((constructor)) static void fill_american_rule(void) {
    struct american_rule* rule = &american_rule;
    fill_quadrature(AMERICAN_INNER, NODE_16, WEIGHT_16, rule->inner_share, rule->inner_weight);
    fill_quadrature(AMERICAN_OUTER, NODE_32, WEIGHT_32, rule->outer_share, rule->outer_weight);
    for (int j = 0; j <= AMERICAN_NODES; j++) {
        rule->node[j] = j <= AMERICAN_NODES / 2 ? -COSINE[j] : COSINE[AMERICAN_NODES - j];
        rule->share[j] = (j % 2 ? -1.0 : 1.0) * (j == 0 || j == AMERICAN_NODES ? 0.5 : 1.0);
        rule->root[j] = 0.5 * (1.0 + rule->node[j]);
    }
    // At expiry itself nothing is integrated.
    for (int i = 1; i <= AMERICAN_NODES; i++)
        for (int k = 0; k < AMERICAN_INNER; k++) {
            double share = rule->inner_share[k];
            fill_interpolation(rule, rule->root[i] * __builtin_sqrt(1.0 - share * share), rule->inner[i][k]);
        }
}
