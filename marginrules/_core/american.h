// SPDX-License-Identifier: Apache-2.0
INLINE void price_american_lanes(const lanes* in, lanes* out) { (void)in; out[0] = every(__builtin_nan("")); }
INLINE void greeks_american_lanes(const lanes* in, lanes* out) { (void)in; for (int k = 0; k < 6; k++) out[k] = every(__builtin_nan("")); }
INLINE void implied_american_lanes(const lanes* in, lanes* out) { (void)in; out[0] = every(__builtin_nan("")); }
