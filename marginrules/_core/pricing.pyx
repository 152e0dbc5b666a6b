# Option pricing for Python, on buffers of doubles; the work is done in `pricing.c`, where units and errors are described.

from cpython cimport array
from cpython.buffer cimport (
    PyBUF_FORMAT,
    PyBUF_C_CONTIGUOUS,
    PyBuffer_Release,
    PyObject_CheckBuffer,
    PyObject_GetBuffer,
)

cdef extern from "pricing.h" nogil:
    enum lane_function_name "lane_function":
        EXP_LANES, LOG_LANES, POW_LANES, NORMAL_CDF
        PRICE_BLACK76, PRICE_BLACK76_INVERSE, PRICE_BLACK_SCHOLES, PRICE_AMERICAN
        GREEKS_BLACK76, GREEKS_BLACK_SCHOLES, GREEKS_AMERICAN
        IMPLIED_BLACK76, IMPLIED_BLACK_SCHOLES, IMPLIED_AMERICAN
    void lane_function(lane_function_name which, int64_t n, const double* const* given, double* const* out)
    int limit_lanes "limit_lanes"(int most)
    void exp_lanes(int64_t n, const double* x, double* out)
    void log_lanes(int64_t n, const double* x, double* out)
    void pow_lanes(int64_t n, const double* base, const double* exponent, double* out)
    void normal_cdf "normal_cdf"(int64_t n, const double* x, double* out)
    void price_black76(int64_t n, const double* right, const double* forward, const double* strike, const double* years,
                       const double* volatility, double* out)
    void price_black76_inverse(int64_t n, const double* right, const double* forward, const double* strike,
                               const double* years, const double* volatility, double* out)
    void price_black_scholes(int64_t n, const double* right, const double* spot, const double* strike,
                             const double* years, const double* volatility, const double* rate,
                             const double* dividend_yield, double* out)
    void price_american(int64_t n, const double* right, const double* spot, const double* strike, const double* years,
                        const double* volatility, const double* rate, const double* dividend_yield, double* out)
    void greeks_black76(int64_t n, const double* right, const double* forward, const double* strike,
                        const double* years, const double* volatility, double* price, double* delta, double* gamma,
                        double* vega, double* theta, double* rho)
    void greeks_black_scholes(int64_t n, const double* right, const double* spot, const double* strike,
                              const double* years, const double* volatility, const double* rate,
                              const double* dividend_yield, double* price, double* delta, double* gamma, double* vega,
                              double* theta, double* rho)
    void greeks_american(int64_t n, const double* right, const double* spot, const double* strike,
                         const double* years, const double* volatility, const double* rate,
                         const double* dividend_yield, double* price, double* delta, double* gamma, double* vega,
                         double* theta, double* rho)
    void implied_black76(int64_t n, const double* right, const double* price, const double* forward,
                         const double* strike, const double* years, double* out)
    void implied_black_scholes(int64_t n, const double* right, const double* price, const double* spot,
                               const double* strike, const double* years, const double* rate,
                               const double* dividend_yield, double* out)
    void implied_american(int64_t n, const double* right, const double* price, const double* spot,
                          const double* strike, const double* years, const double* rate,
                          const double* dividend_yield, double* out)

cdef array.array DOUBLES = array.array("d")


@cython.final
cdef class Columns:
    """Hold the arguments of one call as equally long arrays: buffers of doubles as they are, single numbers repeated."""

    cdef Py_buffer views[8]
    cdef const double* starts[8]
    cdef int view_count
    cdef list kept
    cdef Py_ssize_t length

    def __cinit__(self, tuple given):
        cdef Py_buffer* view
        cdef Py_ssize_t k
        cdef bint has_buffer = False
        self.kept = []
        self.length = 1
        for k in range(len(given)):
            if not is_column(given[k]):
                continue
            view = self.views + self.view_count
            PyObject_GetBuffer(given[k], view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
            self.view_count += 1
            if view.ndim != 1 or view.format == NULL or view.format[0] != b"d" or view.format[1] != 0:
                raise TypeError(f"argument {k + 1} was no one-dimensional buffer of doubles")
            if has_buffer and view.shape[0] != self.length:
                raise ValueError(f"argument {k + 1} was {view.shape[0]} long, one before it {self.length}")
            has_buffer = True
            self.length = view.shape[0]
            self.starts[k] = <const double*>view.buf
        for k in range(len(given)):
            if not is_column(given[k]):
                self.starts[k] = self.repeat(given[k], self.length)

    cdef const double* repeat(self, double value, Py_ssize_t count) except NULL:
        cdef array.array repeated = array.clone(DOUBLES, max(count, 1), zero=False)
        cdef Py_ssize_t k
        for k in range(max(count, 1)):
            repeated.data.as_doubles[k] = value
        self.kept.append(repeated)
        return repeated.data.as_doubles

    cdef object apply(self, lane_function_name which):
        """Return one array."""
        cdef array.array made = array.clone(DOUBLES, self.length, zero=False)
        cdef double* out = made.data.as_doubles
        with nogil:
            lane_function(which, self.length, self.starts, &out)
        return made

    cdef tuple apply_greeks(self, lane_function_name which):
        """Return six arrays: price, delta, gamma, vega, theta, rho."""
        cdef double* out[6]
        cdef array.array made
        cdef list found = []
        cdef int k
        for k in range(6):
            made = array.clone(DOUBLES, self.length, zero=False)
            out[k] = made.data.as_doubles
            found.append(made)
        with nogil:
            lane_function(which, self.length, self.starts, out)
        return tuple(found)

    def __dealloc__(self):
        cdef int k
        for k in range(self.view_count):
            PyBuffer_Release(self.views + k)


cdef bint is_column(object given):
    """Tell arrays from numbers, some of which (those of numpy) are buffers too."""
    return not isinstance(given, float) and PyObject_CheckBuffer(given)


def use_lanes(int most):
    """Never use more than this many lanes at a time, for tests; return what was allowed before."""
    return limit_lanes(most)


def exponential(x):
    """Return exp(x), within 1 ulp."""
    return Columns((x,)).apply(EXP_LANES)


def logarithm(x):
    """Return ln(x), within 1 ulp; -infinity at 0, not a number below."""
    return Columns((x,)).apply(LOG_LANES)


def power(base, exponent):
    """Return exp(exponent x ln(base)); exact for the exponents 0, 1/2, 1 and 2."""
    return Columns((base, exponent)).apply(POW_LANES)


def normal_distribution(x):
    """Return N(x)."""
    return Columns((x,)).apply(NORMAL_CDF)


def black76(right, forward, strike, years, volatility):
    """Return undiscounted prices after Black-76; `right` is +1 for calls, -1 for puts."""
    return Columns((right, forward, strike, years, volatility)).apply(PRICE_BLACK76)


def black76_inverse(right, forward, strike, years, volatility):
    """Return the same in coins: divided by the forward, for options settled in the underlying."""
    return Columns((right, forward, strike, years, volatility)).apply(PRICE_BLACK76_INVERSE)


def black_scholes(right, spot, strike, years, volatility, rate, dividend_yield):
    """Return discounted prices; rates are continuously compounded."""
    return Columns((right, spot, strike, years, volatility, rate, dividend_yield)).apply(PRICE_BLACK_SCHOLES)


def american(right, spot, strike, years, volatility, rate, dividend_yield):
    """Return prices with exercise at any time."""
    return Columns((right, spot, strike, years, volatility, rate, dividend_yield)).apply(PRICE_AMERICAN)


def black76_greeks(right, forward, strike, years, volatility):
    """Return price, delta, gamma, vega (to 1.00), theta (a year) and rho (to 1.00, at a rate of 0), undiscounted."""
    return Columns((right, forward, strike, years, volatility)).apply_greeks(GREEKS_BLACK76)


def black_scholes_greeks(right, spot, strike, years, volatility, rate, dividend_yield):
    """Return price, delta, gamma, vega (to 1.00), theta (a year) and rho (to 1.00)."""
    return Columns((right, spot, strike, years, volatility, rate, dividend_yield)).apply_greeks(GREEKS_BLACK_SCHOLES)


def american_greeks(right, spot, strike, years, volatility, rate, dividend_yield):
    """Return price, delta, gamma, vega (to 1.00), theta (a year) and rho (to 1.00), by differences of prices."""
    return Columns((right, spot, strike, years, volatility, rate, dividend_yield)).apply_greeks(GREEKS_AMERICAN)


def black76_implied(right, price, forward, strike, years):
    """Return volatilities; not a number where the price is at or beyond the bounds of arbitrage."""
    return Columns((right, price, forward, strike, years)).apply(IMPLIED_BLACK76)


def black_scholes_implied(right, price, spot, strike, years, rate, dividend_yield):
    """Return volatilities; not a number where the price is at or beyond the bounds of arbitrage."""
    return Columns((right, price, spot, strike, years, rate, dividend_yield)).apply(IMPLIED_BLACK_SCHOLES)


def american_implied(right, price, spot, strike, years, rate, dividend_yield):
    """Return volatilities; not a number where the price is at or beyond the bounds of arbitrage."""
    return Columns((right, price, spot, strike, years, rate, dividend_yield)).apply(IMPLIED_AMERICAN)
