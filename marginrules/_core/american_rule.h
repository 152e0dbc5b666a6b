// SPDX-License-Identifier: Apache-2.0
//
// Where the integrals of American options are looked at, the same for all options; filled once, when the library is loaded.

#ifndef MARGINRULES_AMERICAN_RULE_H
#define MARGINRULES_AMERICAN_RULE_H

// With these the median price is right to 1e-11 of the strike; where it is not, `american.h` says by how much.
enum { AMERICAN_NODES = 10, AMERICAN_INNER = 16, AMERICAN_OUTER = 32 };

struct american_rule {
    double root[AMERICAN_NODES + 1];        // square root of the share of time to expiry
    double inner_share[AMERICAN_INNER];     // square root of the share that is gone
    double inner_weight[AMERICAN_INNER];
    double inner[AMERICAN_NODES + 1][AMERICAN_INNER][AMERICAN_NODES + 1];  // of each node in what is interpolated
    double outer_share[AMERICAN_OUTER];
    double outer_weight[AMERICAN_OUTER];
    double node[AMERICAN_NODES + 1];        // from -1 to 1
    double share[AMERICAN_NODES + 1];       // of each node in the barycentric formula
};

__attribute__((visibility("hidden"))) extern struct american_rule american_rule;

#endif
