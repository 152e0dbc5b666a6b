# An initial and a maintenance amount side by side: one instruction for both where the machine has it.

cdef extern from *:
    """
    /* Each lane rounds as the scalar operation does, so both ways below give the same bits. */
    #if defined(__SSE2__)
    #include <emmintrin.h>
    typedef __m128d pair;
    /* Aligned loads: what `malloc` returns is aligned to 16 bytes, and so is each row behind it. */
    static inline pair pair_at(const double* two) { return _mm_load_pd(two); }
    static inline pair pair_both(double one) { return _mm_set1_pd(one); }
    static inline pair pair_add(pair a, pair b) { return _mm_add_pd(a, b); }
    static inline pair pair_subtract(pair a, pair b) { return _mm_sub_pd(a, b); }
    static inline pair pair_multiply(pair a, pair b) { return _mm_mul_pd(a, b); }
    /* a > b ? a : b, and therefore b where one is not a number. */
    static inline pair pair_greater(pair a, pair b) { return _mm_max_pd(a, b); }
    static inline pair pair_raise_initial(pair a, double one) { return _mm_max_sd(a, _mm_set_sd(one)); }
    static inline pair pair_with_initial(pair a, double one) { return _mm_move_sd(a, _mm_set_sd(one)); }
    /* IM is never below MM. */
    static inline pair pair_level(pair a) { return _mm_max_sd(a, _mm_unpackhi_pd(a, a)); }
    /* value > 0 ? after : value, without a branch; what is not a number stays what it is. */
    static inline double debt_or(double value, double after) {
        pair v = _mm_set_sd(value), mask = _mm_cmpngt_sd(v, _mm_setzero_pd());
        return _mm_cvtsd_f64(_mm_or_pd(_mm_and_pd(mask, v), _mm_andnot_pd(mask, _mm_set_sd(after))));
    }
    static inline double pair_initial(pair a) { return _mm_cvtsd_f64(a); }
    static inline double pair_maintenance(pair a) { return _mm_cvtsd_f64(_mm_unpackhi_pd(a, a)); }
    #else
    typedef struct { double initial, maintenance; } pair;
    static inline pair pair_at(const double* two) { pair p = {two[0], two[1]}; return p; }
    static inline pair pair_both(double one) { pair p = {one, one}; return p; }
    static inline pair pair_add(pair a, pair b) {
        pair p = {a.initial + b.initial, a.maintenance + b.maintenance}; return p;
    }
    static inline pair pair_subtract(pair a, pair b) {
        pair p = {a.initial - b.initial, a.maintenance - b.maintenance}; return p;
    }
    static inline pair pair_multiply(pair a, pair b) {
        pair p = {a.initial * b.initial, a.maintenance * b.maintenance}; return p;
    }
    static inline pair pair_raise_initial(pair a, double one) {
        a.initial = a.initial > one ? a.initial : one; return a;
    }
    static inline pair pair_greater(pair a, pair b) {
        a.initial = a.initial > b.initial ? a.initial : b.initial;
        a.maintenance = a.maintenance > b.maintenance ? a.maintenance : b.maintenance;
        return a;
    }
    static inline pair pair_with_initial(pair a, double one) { a.initial = one; return a; }
    static inline pair pair_level(pair a) { return pair_raise_initial(a, a.maintenance); }
    static inline double debt_or(double value, double after) { return value > 0.0 ? after : value; }
    static inline double pair_initial(pair a) { return a.initial; }
    static inline double pair_maintenance(pair a) { return a.maintenance; }
    #endif

    /* into[k] -= factor * of[k]: the compiler does not take two at a time where the rows might overlap. */
    #if defined(__SSE2__)
    static inline void subtract_multiple(double* into, const double* of, double factor, int count) {
        pair both = pair_both(factor);
        int k = 0;
        for (; k + 1 < count; k += 2)
            _mm_storeu_pd(into + k, _mm_sub_pd(_mm_loadu_pd(into + k), _mm_mul_pd(both, _mm_loadu_pd(of + k))));
        if (k < count) into[k] -= factor * of[k];
    }
    #else
    static inline void subtract_multiple(double* into, const double* of, double factor, int count) {
        for (int k = 0; k < count; k++) into[k] -= factor * of[k];
    }
    #endif

    #include <string.h>
    #include <stdint.h>
    /* `value` where the mask is all ones, 0.0 where it is 0, whatever the value. */
    static inline double masked(double value, int64_t mask) {
        int64_t bits;
        memcpy(&bits, &value, sizeof bits);
        bits &= mask;
        memcpy(&value, &bits, sizeof bits);
        return value;
    }
    """
    ctypedef struct pair:
        pass
    pair pair_at(const double* two) nogil
    pair pair_both(double one) nogil
    pair pair_add(pair a, pair b) nogil
    pair pair_subtract(pair a, pair b) nogil
    pair pair_multiply(pair a, pair b) nogil
    pair pair_greater(pair a, pair b) nogil
    pair pair_raise_initial(pair a, double one) nogil
    pair pair_with_initial(pair a, double one) nogil
    pair pair_level(pair a) nogil
    double debt_or(double value, double after) nogil
    double pair_initial(pair a) nogil
    double pair_maintenance(pair a) nogil
    void subtract_multiple(double* into, const double* of, double factor, int count) nogil
    double masked(double value, int64_t mask) nogil
