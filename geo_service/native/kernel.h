/* What the parts of the kernel share: ragged geometry, growing arrays, and what is exported.

   Every length is in the unit of the coordinates (metres here). Rings are stored closed, shells
   counter-clockwise and holes clockwise (wkb.c sees to it), so an area is a plain signed sum. */

#ifndef GEO_KERNEL_H
#define GEO_KERNEL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#define GEO_EXPORT __declspec(dllexport)
#else
#define GEO_EXPORT __attribute__((visibility("default")))
#endif

/* Raised with every change of what is exported; geo_service/native/__init__.py asks for it. */
#define GEO_KERNEL_VERSION 3

/* What a call returns besides counts and positions, which are not negative. */
enum { GEO_OK = -1, GEO_NO_MEMORY = -2 };

/* Geometry i has parts geometry[i] .. geometry[i+1], part p has rings part[p] .. part[p+1], ring r
   has the vertices ring[r] .. ring[r+1]. A path or a point is a part with one "ring". */
typedef struct {
    const double *xy;
    const int64_t *ring;
    const int64_t *part;
    const int64_t *geometry;
    const uint8_t *dimension; /* 0 point, 1 line, 2 surface; of an empty geometry it may be any */
    int64_t count;
} geo_ragged;

/* Unlike fmin and fmax these are one instruction: no coordinate is NaN. */
static inline double smaller(double a, double b) { return a < b ? a : b; }
static inline double larger(double a, double b) { return a > b ? a : b; }

static inline int64_t geo_first_ring(const geo_ragged *shapes, int64_t place) {
    return shapes->part[shapes->geometry[place]];
}

static inline int64_t geo_end_ring(const geo_ragged *shapes, int64_t place) {
    return shapes->part[shapes->geometry[place + 1]];
}

/* Make room for `wanted` elements of `size` bytes in the array that a pointer at `array` holds;
   return 0 when memory is out. By memcpy, since the pointer may be of any type. */
static inline int geo_reserve(void *array, int64_t *capacity, int64_t wanted, size_t size) {
    if (wanted <= *capacity) return 1;
    int64_t grown = *capacity * 2 > wanted ? *capacity * 2 : wanted + 16;
    void *old, *moved;
    memcpy(&old, array, sizeof old);
    moved = realloc(old, (size_t)grown * size);
    if (moved == NULL) return 0;
    memcpy(array, &moved, sizeof moved);
    *capacity = grown;
    return 1;
}

#define GEO_RESERVE(array, capacity, wanted) \
    geo_reserve(&(array), &(capacity), (wanted), sizeof *(array))

#endif
