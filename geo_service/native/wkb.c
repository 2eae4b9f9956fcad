/* Well-known binary to ragged arrays, in two passes: count, then fill.

   ISO and EWKB, both byte orders; Z and M are dropped. Points, lines, polygons and their multi
   forms; curves and collections that hold anything are refused, as are broken buffers, open or short rings and
   coordinates that are not finite. Whether rings cross is not looked at. */

#include <math.h>

#include "kernel.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernel reads numbers as they stand in memory, which has to be little-endian"
#endif

enum { POINT = 1, LINE, POLYGON, MULTI_POINT, MULTI_LINE, MULTI_POLYGON, COLLECTION };

/* Reasons to refuse; geo_service/spatial/ragged.py words them in this order. */
enum { BROKEN = 1, UNSUPPORTED, NOT_FINITE, OPEN_RING, SHORT_RING, SHORT_LINE };

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    int is_swapped;
    int fault;
} reader;

typedef struct {
    int64_t vertices, rings, parts;
    double *xy;    /* NULL while counting */
    int64_t *ring; /* end of each ring */
    int64_t *part; /* end of each part */
} sink;

static uint32_t read_count(reader *from) {
    uint32_t value = 0;
    if (from->end - from->at < 4) {
        from->fault = BROKEN;
        return 0;
    }
    memcpy(&value, from->at, 4);
    from->at += 4;
    return from->is_swapped ? __builtin_bswap32(value) : value;
}

static double read_double(const uint8_t *at, int is_swapped) {
    uint64_t bits;
    double value;
    memcpy(&bits, at, 8);
    if (is_swapped) bits = __builtin_bswap64(bits);
    memcpy(&value, &bits, 8);
    return value;
}

/* Read byte order, type and the optional reference system; return the flat type. */
static uint32_t read_header(reader *from, uint32_t *width) {
    if (from->end - from->at < 5 || from->at[0] > 1) {
        from->fault = BROKEN;
        return 0;
    }
    from->is_swapped = from->at[0] == 0;
    from->at += 1;
    uint32_t code = read_count(from);
    uint32_t has_z = (code >> 31) & 1, has_m = (code >> 30) & 1;
    if ((code >> 29) & 1) (void)read_count(from);
    code &= 0x1fffffff;
    uint32_t kind = code % 1000, iso = code / 1000;
    if (iso > 3 || kind < POINT || kind > COLLECTION) {
        from->fault = UNSUPPORTED;
        return 0;
    }
    if (iso == 1 || iso == 3) has_z = 1;
    if (iso >= 2) has_m = 1;
    *width = 8 * (2 + has_z + has_m);
    return kind;
}

static void read_vertices(reader *from, sink *to, uint32_t count, uint32_t width) {
    if ((uint64_t)(from->end - from->at) < (uint64_t)count * width) {
        from->fault = BROKEN;
        return;
    }
    if (to->xy != NULL) {
        double *xy = to->xy + 2 * to->vertices;
        for (uint32_t i = 0; i < count; i++) {
            double x = read_double(from->at + (size_t)i * width, from->is_swapped);
            double y = read_double(from->at + (size_t)i * width + 8, from->is_swapped);
            if (!isfinite(x) || !isfinite(y)) from->fault = NOT_FINITE;
            xy[2 * i] = x;
            xy[2 * i + 1] = y;
        }
    }
    from->at += (size_t)count * width;
    to->vertices += count;
}

static void end_ring(sink *to) {
    if (to->ring != NULL) to->ring[to->rings] = to->vertices;
    to->rings++;
}

static void end_part(sink *to) {
    if (to->part != NULL) to->part[to->parts] = to->rings;
    to->parts++;
}

/* Twice the signed area of a closed ring, measured from its first vertex. */
static double ring_area_2(const double *xy, int64_t count) {
    double sum = 0;
    for (int64_t i = 1; i + 1 < count; i++) {
        double ax = xy[2 * i] - xy[0], ay = xy[2 * i + 1] - xy[1];
        double bx = xy[2 * i + 2] - xy[0], by = xy[2 * i + 3] - xy[1];
        sum += ax * by - ay * bx;
    }
    return sum;
}

/* Turn a shell counter-clockwise and a hole clockwise; refuse a ring that is open or short. */
static int orient_ring(double *xy, int64_t count, int is_hole) {
    if (count < 4) return SHORT_RING;
    int64_t last = count - 1;
    if (xy[0] != xy[2 * last] || xy[1] != xy[2 * last + 1]) return OPEN_RING;
    if ((ring_area_2(xy, count) < 0) == !is_hole) {
        for (int64_t i = 0, k = last; i < k; i++, k--) {
            double x = xy[2 * i], y = xy[2 * i + 1];
            xy[2 * i] = xy[2 * k];
            xy[2 * i + 1] = xy[2 * k + 1];
            xy[2 * k] = x;
            xy[2 * k + 1] = y;
        }
    }
    return 0;
}

static void read_polygon(reader *from, sink *to, uint32_t width) {
    uint32_t rings = read_count(from);
    for (uint32_t i = 0; i < rings && !from->fault; i++) {
        int64_t first = to->vertices;
        read_vertices(from, to, read_count(from), width);
        if (to->xy != NULL && !from->fault)
            from->fault = orient_ring(to->xy + 2 * first, to->vertices - first, i > 0);
        end_ring(to);
    }
    if (rings > 0) end_part(to);
}

static void read_line(reader *from, sink *to, uint32_t width) {
    uint32_t count = read_count(from);
    if (count == 0) return;
    if (count == 1) from->fault = SHORT_LINE;
    read_vertices(from, to, count, width);
    end_ring(to);
    end_part(to);
}

static void read_point(reader *from, sink *to, uint32_t width) {
    if ((uint64_t)(from->end - from->at) < width) {
        from->fault = BROKEN;
        return;
    }
    /* An empty point is written with NaN for both. */
    if (isnan(read_double(from->at, from->is_swapped)) &&
        isnan(read_double(from->at + 8, from->is_swapped))) {
        from->at += width;
        return;
    }
    read_vertices(from, to, 1, width);
    end_ring(to);
    end_part(to);
}

static void read_simple(reader *from, sink *to, uint32_t kind, uint32_t width) {
    if (kind == POINT) read_point(from, to, width);
    if (kind == LINE) read_line(from, to, width);
    if (kind == POLYGON) read_polygon(from, to, width);
}

/* Read one geometry; return its dimension. */
static uint8_t read_geometry(reader *from, sink *to) {
    uint32_t width = 0, kind = read_header(from, &width);
    if (from->fault) return 0;
    if (kind <= POLYGON) {
        read_simple(from, to, kind, width);
    } else if (kind == COLLECTION) { /* an empty one is how some say "nothing" */
        if (read_count(from) > 0) from->fault = UNSUPPORTED;
        kind = POINT;
    } else {
        uint32_t members = read_count(from), wanted = kind - 3;
        for (uint32_t i = 0; i < members && !from->fault; i++) {
            uint32_t member = read_header(from, &width);
            if (!from->fault && member != wanted) from->fault = BROKEN;
            if (!from->fault) read_simple(from, to, member, width);
        }
        kind = wanted;
    }
    if (!from->fault && from->at != from->end) from->fault = BROKEN;
    return (uint8_t)(kind - 1);
}

/* Both passes. Return GEO_OK or the position of the first geometry refused, and why. */
static int64_t walk(const uint8_t *data, const int64_t *offset, int64_t count, sink *to,
                    int64_t *geometry, uint8_t *dimension, int32_t *why) {
    for (int64_t i = 0; i < count; i++) {
        reader from = {data + offset[i], data + offset[i + 1], 0, 0};
        if (from.end > from.at) { /* no bytes: a missing geometry, taken as empty */
            uint8_t found = read_geometry(&from, to);
            if (dimension != NULL) dimension[i] = found;
        }
        if (from.fault) {
            *why = from.fault;
            return i;
        }
        if (geometry != NULL) geometry[i + 1] = to->parts;
    }
    return GEO_OK;
}

/* Count what `count` geometries hold: total[0] vertices, total[1] rings, total[2] parts. */
GEO_EXPORT int64_t geo_wkb_count(const uint8_t *data, const int64_t *offset, int64_t count,
                                 int64_t *total, int32_t *why) {
    sink to = {0};
    int64_t fault = walk(data, offset, count, &to, NULL, NULL, why);
    total[0] = to.vertices;
    total[1] = to.rings;
    total[2] = to.parts;
    return fault;
}

/* Fill arrays of the sizes counted; the first element of each offset array is left as it is. */
GEO_EXPORT int64_t geo_wkb_fill(const uint8_t *data, const int64_t *offset, int64_t count,
                                double *xy, int64_t *ring, int64_t *part, int64_t *geometry,
                                uint8_t *dimension, int32_t *why) {
    sink to = {0, 0, 0, xy, ring + 1, part + 1};
    return walk(data, offset, count, &to, geometry, dimension, why);
}

/* Bounds of each geometry as west, south, east, north; NaN for an empty one. */
GEO_EXPORT void geo_bounds(const geo_ragged *shapes, double *bounds) {
    for (int64_t i = 0; i < shapes->count; i++) {
        int64_t first = shapes->ring[geo_first_ring(shapes, i)];
        int64_t end = shapes->ring[geo_end_ring(shapes, i)];
        double *box = bounds + 4 * i;
        box[0] = box[1] = box[2] = box[3] = NAN;
        if (first == end) continue;
        box[0] = box[2] = shapes->xy[2 * first];
        box[1] = box[3] = shapes->xy[2 * first + 1];
        for (int64_t k = first + 1; k < end; k++) {
            double x = shapes->xy[2 * k], y = shapes->xy[2 * k + 1];
            if (x < box[0]) box[0] = x;
            if (x > box[2]) box[2] = x;
            if (y < box[1]) box[1] = y;
            if (y > box[3]) box[3] = y;
        }
    }
}

/* Planar area of each geometry; 0 for points, lines and empty ones. */
GEO_EXPORT void geo_areas(const geo_ragged *shapes, double *area) {
    for (int64_t i = 0; i < shapes->count; i++) {
        double sum = 0;
        if (shapes->dimension[i] == 2) {
            for (int64_t r = geo_first_ring(shapes, i); r < geo_end_ring(shapes, i); r++) {
                int64_t first = shapes->ring[r];
                sum += ring_area_2(shapes->xy + 2 * first, shapes->ring[r + 1] - first);
            }
        }
        area[i] = sum / 2;
    }
}

GEO_EXPORT int32_t geo_kernel_version(void) { return GEO_KERNEL_VERSION; }
