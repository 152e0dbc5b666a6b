# Scratch memory that a caller lends: taken from the front, never given back, copied by value to give back all at once.

cdef struct Span:
    char* at
    char* end


cdef inline void* take(Span* arena, size_t size) noexcept nogil:
    """Return `size` bytes, aligned to 16; NULL where there are not so many left, and then ever after."""
    cdef size_t left = arena.end - arena.at
    cdef char* taken = arena.at
    size = (size + 15) & ~<size_t>15
    if left < size:
        arena.at = arena.end
        return NULL
    arena.at += size
    return taken


cdef inline uint64_t mix(uint64_t h, uint64_t value) noexcept nogil:
    h = (h ^ value) * <uint64_t>0x9E3779B97F4A7C15
    return h ^ (h >> 29)
