/* The part of each of many subjects that a zone covers, ring by ring.

   A part is, vertex for vertex and bit for bit, what GEOS' overlay makes of the same polygons: its
   points where sides cross, the vertex it begins at, its direction (clockwise), the order of
   several parts. So a county's findings do not depend on who cut them. What is not plain is left
   to GEOS: subjects of several rings, zones of which two rings come near, sides that touch or
   nearly do.

   A subject's ring is followed while it is inside the zone; where it leaves, the zone's boundary
   leads to where it enters again (Weiler and Atherton, 1977). */

#include <math.h>

#include "kernel.h"

enum { BLOCK = 16, MOST_CROSSINGS = 128 };

/* Closer than this in metres is not plain. */
#define NEAR_M 1e-6

typedef struct {
    double west, south, east, north;
} box;

typedef struct {
    const geo_ragged *zones;
    box *blocks;          /* of every BLOCK vertices of a ring, and the side after them */
    int64_t *first_block; /* of each ring, and the end */
    int8_t *inside_left;  /* of each ring, whether the zone lies to the left of its sides */
} zone_sides;

typedef struct {
    int32_t subject_side, zone_side; /* in their rings */
    double subject_m, zone_m;        /* how far along them */
    double x, y;
    int8_t enters; /* whether the subject's ring enters the zone, followed as it is given */
    int8_t is_done;
    int32_t next_on_zone; /* the crossing that comes after this on the zone's ring */
} crossing;

typedef struct {
    crossing at[MOST_CROSSINGS];
    int32_t count;
    int32_t along_zone[MOST_CROSSINGS];
} crossings;

/* ------------------------------------------------------------------ zones */

static box box_of(const double *xy, int64_t first, int64_t end) {
    box all = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int64_t v = first; v < end; v++) {
        all.west = smaller(all.west, xy[2 * v]);
        all.east = larger(all.east, xy[2 * v]);
        all.south = smaller(all.south, xy[2 * v + 1]);
        all.north = larger(all.north, xy[2 * v + 1]);
    }
    return all;
}

static inline int boxes_meet(const box *a, const box *b) {
    return a->west <= b->east && b->west <= a->east && a->south <= b->north &&
           b->south <= a->north;
}

/* Twice the signed area of a closed ring, positive if it is counter-clockwise. */
static double turned(const double *xy, int64_t first, int64_t end) {
    double sum = 0, x = xy[2 * first], y = xy[2 * first + 1];
    for (int64_t v = first; v + 1 < end; v++) {
        sum += (xy[2 * v] - x) * (xy[2 * v + 3] - y) - (xy[2 * v + 2] - x) * (xy[2 * v + 1] - y);
    }
    return sum;
}

GEO_EXPORT void geo_sides_free(zone_sides *sides) {
    if (sides == NULL) return;
    free(sides->blocks);
    free(sides->first_block);
    free(sides->inside_left);
    free(sides);
}

/* Index the sides of zones, whose arrays stay where they are as long as the index is used. */
GEO_EXPORT zone_sides *geo_sides_build(const geo_ragged *zones) {
    int64_t rings = zones->part[zones->geometry[zones->count]], blocks = 0;
    zone_sides *sides = calloc(1, sizeof *sides);
    if (sides == NULL) return NULL;
    sides->zones = zones;
    sides->first_block = malloc(((size_t)rings + 1) * sizeof *sides->first_block);
    sides->inside_left = malloc((size_t)rings + 1);
    if (sides->first_block == NULL || sides->inside_left == NULL) goto failed;
    for (int64_t r = 0; r < rings; r++) {
        sides->first_block[r] = blocks;
        blocks += (zones->ring[r + 1] - zones->ring[r] + BLOCK - 1) / BLOCK;
    }
    sides->first_block[rings] = blocks;
    sides->blocks = malloc(((size_t)blocks + 1) * sizeof *sides->blocks);
    if (sides->blocks == NULL) goto failed;
    for (int64_t p = 0; p < zones->geometry[zones->count]; p++) {
        for (int64_t r = zones->part[p]; r < zones->part[p + 1]; r++) {
            int64_t first = zones->ring[r], end = zones->ring[r + 1];
            int is_shell = r == zones->part[p], is_left = turned(zones->xy, first, end) > 0;
            sides->inside_left[r] = is_shell == is_left;
            for (int64_t b = sides->first_block[r]; b < sides->first_block[r + 1]; b++) {
                int64_t from = first + (b - sides->first_block[r]) * BLOCK;
                int64_t to = from + BLOCK + 1 < end ? from + BLOCK + 1 : end;
                sides->blocks[b] = box_of(zones->xy, from, to);
            }
        }
    }
    return sides;
failed:
    geo_sides_free(sides);
    return NULL;
}

/* How often a ray from a point to the east crosses some sides of a ring. */
static int64_t met_by_ray(const double *xy, int64_t first, int64_t end, double x, double y) {
    int64_t met = 0;
    for (int64_t v = first; v < end; v++) {
        const double *a = xy + 2 * v;
        if ((a[1] > y) == (a[3] > y)) continue;
        met += x < a[0] + (y - a[1]) / (a[3] - a[1]) * (a[2] - a[0]);
    }
    return met;
}

/* The sides of a block of a ring: from the first of two vertices to before the second. */
static inline void block_sides(const zone_sides *sides, int64_t ring, int64_t block, int64_t *from,
                               int64_t *to) {
    *from = sides->zones->ring[ring] + (block - sides->first_block[ring]) * BLOCK;
    *to = *from + BLOCK < sides->zones->ring[ring + 1] - 1 ? *from + BLOCK
                                                           : sides->zones->ring[ring + 1] - 1;
}

/* Whether a point lies inside a zone; of points on a side either. */
static int is_in_zone(const zone_sides *sides, int64_t zone, double x, double y) {
    const geo_ragged *zones = sides->zones;
    int64_t met = 0, from, to;
    for (int64_t r = geo_first_ring(zones, zone); r < geo_end_ring(zones, zone); r++) {
        for (int64_t b = sides->first_block[r]; b < sides->first_block[r + 1]; b++) {
            const box *own = &sides->blocks[b];
            if (own->south > y || own->north < y || own->east < x) continue;
            block_sides(sides, r, b, &from, &to);
            met += met_by_ray(zones->xy, from, to, x, y);
        }
    }
    return met % 2 == 1;
}

/* ------------------------------------------------------------------ crossings */

/* How far a point lies to the left of a line through a side of a length. */
static inline double left_of(const double *a, double length, double x, double y) {
    return ((a[2] - a[0]) * (y - a[1]) - (a[3] - a[1]) * (x - a[0])) / length;
}

/* A number as the sum of two doubles, of which the second is what rounding left of the first. */
typedef struct {
    double high, low;
} pair_of_doubles;

static inline pair_of_doubles sum_of(double a, double b) {
    double high = a + b, of_b = high - a;
    return (pair_of_doubles){high, (a - (high - of_b)) + (b - of_b)};
}

static inline pair_of_doubles product_of(double a, double b) {
    double high = a * b, wide_a = 134217729.0 * a, wide_b = 134217729.0 * b; /* 2^27 + 1 */
    double a1 = wide_a - (wide_a - a), b1 = wide_b - (wide_b - b), a2 = a - a1, b2 = b - b1;
    return (pair_of_doubles){high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2};
}

static inline pair_of_doubles less(pair_of_doubles a, pair_of_doubles b) {
    pair_of_doubles high = sum_of(a.high, -b.high), low = sum_of(a.low, -b.low);
    high = sum_of(high.high, high.low + low.high);
    return sum_of(high.high, high.low + low.low);
}

static inline pair_of_doubles times(pair_of_doubles a, pair_of_doubles b) {
    pair_of_doubles made = product_of(a.high, b.high);
    return sum_of(made.high, made.low + (a.high * b.low + a.low * b.high));
}

/* a / b rounded once, for quotients whose first digits division of doubles gives. */
static inline double over(pair_of_doubles a, pair_of_doubles b) {
    double first = a.high / b.high;
    pair_of_doubles rest = less(a, times((pair_of_doubles){first, 0}, b));
    return first + rest.high / b.high;
}

/* The point where two sides cross, rounded once: in doubles of twice the digits, from homogeneous
   coordinates, as GEOS computes it (algorithm/CGAlgorithmsDD.cpp). */
static void crossing_point(const double *p, const double *q, double *x, double *y) {
    pair_of_doubles px = sum_of(p[1], -p[3]), py = sum_of(p[2], -p[0]);
    pair_of_doubles qx = sum_of(q[1], -q[3]), qy = sum_of(q[2], -q[0]);
    pair_of_doubles pw = less(product_of(p[0], p[3]), product_of(p[2], p[1]));
    pair_of_doubles qw = less(product_of(q[0], q[3]), product_of(q[2], q[1]));
    pair_of_doubles w = less(times(px, qy), times(qx, py));
    *x = over(less(times(py, qw), times(qy, pw)), w);
    *y = over(less(times(qx, pw), times(px, qw)), w);
}

/* Add where a side of a zone crosses a subject's ring; 0 if that is not plain. */
static int add_crossings(crossings *found, const double *ring, int64_t vertices, const double *q,
                         int32_t zone_side, int inside_left) {
    double length = hypot(q[2] - q[0], q[3] - q[1]);
    box side = box_of(q, 0, 2);
    if (length < NEAR_M) return 0;
    for (int64_t v = 0; v + 1 < vertices; v++) {
        const double *p = ring + 2 * v;
        box own = box_of(p, 0, 2);
        own.west -= NEAR_M, own.south -= NEAR_M, own.east += NEAR_M, own.north += NEAR_M;
        if (!boxes_meet(&own, &side)) continue;
        double own_length = hypot(p[2] - p[0], p[3] - p[1]);
        double p1 = left_of(q, length, p[0], p[1]), p2 = left_of(q, length, p[2], p[3]);
        double q1 = left_of(p, own_length, q[0], q[1]), q2 = left_of(p, own_length, q[2], q[3]);
        if (own_length < NEAR_M) return 0;
        if ((p1 > NEAR_M && p2 > NEAR_M) || (p1 < -NEAR_M && p2 < -NEAR_M)) continue;
        if ((q1 > NEAR_M && q2 > NEAR_M) || (q1 < -NEAR_M && q2 < -NEAR_M)) continue;
        if (fabs(p1) <= NEAR_M || fabs(p2) <= NEAR_M) return 0;
        if (fabs(q1) <= NEAR_M || fabs(q2) <= NEAR_M) return 0;
        if (found->count == MOST_CROSSINGS) return 0;
        crossing *one = &found->at[found->count++];
        one->subject_side = (int32_t)v;
        one->zone_side = zone_side;
        crossing_point(p, q, &one->x, &one->y);
        one->subject_m = hypot(one->x - p[0], one->y - p[1]);
        one->zone_m = hypot(one->x - q[0], one->y - q[1]);
        one->enters = (p2 > 0) == (inside_left != 0);
        one->is_done = 0;
    }
    return 1;
}

static int by_subject(const void *one, const void *other) {
    const crossing *a = one, *b = other;
    if (a->subject_side != b->subject_side) return a->subject_side < b->subject_side ? -1 : 1;
    return a->subject_m < b->subject_m ? -1 : a->subject_m > b->subject_m;
}

/* Put crossings in order along the subject's ring, and link those along the zone's; 0 if two are
   too near each other, or do not alternate between entering and leaving. */
static int put_in_order(crossings *found) {
    int32_t count = found->count, *along = found->along_zone;
    if (count % 2) return 0;
    qsort(found->at, (size_t)count, sizeof *found->at, by_subject);
    for (int32_t k = 0; k < count; k++) {
        const crossing *one = &found->at[k], *next = &found->at[(k + 1) % count];
        if (one->enters == next->enters) return 0;
        if (k + 1 < count && one->subject_side == next->subject_side &&
            next->subject_m - one->subject_m < NEAR_M)
            return 0;
        int32_t place = k;
        for (; place > 0; place--) {
            const crossing *before = &found->at[along[place - 1]];
            if (before->zone_side < one->zone_side ||
                (before->zone_side == one->zone_side && before->zone_m <= one->zone_m))
                break;
            along[place] = along[place - 1];
        }
        along[place] = k;
    }
    for (int32_t k = 0; k < count; k++) {
        crossing *one = &found->at[along[k]];
        const crossing *next = &found->at[along[(k + 1) % count]];
        if (one->enters == next->enters) return 0;
        if (k + 1 < count && one->zone_side == next->zone_side &&
            next->zone_m - one->zone_m < NEAR_M)
            return 0;
        one->next_on_zone = along[(k + 1) % count];
    }
    return 1;
}

/* ------------------------------------------------------------------ rings */

typedef struct {
    double *xy;
    int64_t count, room;
} path;

static inline void add_vertex(path *made, double x, double y) {
    if (made->count < made->room) {
        made->xy[2 * made->count] = x;
        made->xy[2 * made->count + 1] = y;
    }
    made->count++;
}

/* Add the vertices of a closed ring of `sides` sides that lie between a point on one side and a
   point on another, going on or back; `is_around` says that the whole ring lies between them. */
static void follow(path *made, const double *ring, int64_t sides, int64_t from, int64_t to,
                   int is_on, int is_around) {
    int64_t steps = is_on ? to - from : from - to;
    if (steps < 0 || (steps == 0 && is_around)) steps += sides;
    for (int64_t k = 0; k < steps; k++) {
        int64_t v = is_on ? from + 1 + k : from - k;
        v = ((v % sides) + sides) % sides;
        add_vertex(made, ring[2 * v], ring[2 * v + 1]);
    }
}

/* Move the first `shift` vertices of a ring behind the others. */
static int rotate(double *xy, int64_t count, int64_t shift) {
    double *moved = malloc((size_t)shift * 2 * sizeof *moved);
    if (moved == NULL) return 0;
    memcpy(moved, xy, (size_t)shift * 2 * sizeof *moved);
    memmove(xy, xy + 2 * shift, (size_t)(count - shift) * 2 * sizeof *xy);
    memcpy(xy + 2 * (count - shift), moved, (size_t)shift * 2 * sizeof *moved);
    free(moved);
    return 1;
}

typedef struct {
    const double *subject, *zone; /* closed rings */
    int64_t subject_sides, zone_sides;
    int is_on;      /* whether the subject's ring is clockwise, as the part's will be */
    int is_zone_on; /* whether the zone's is followed as it is given */
} pair_of_rings;

/* Add the ring of a part that begins with the subject's way from a crossing; 0 if the ways do not
   close, or a vertex stands twice in a row. */
static int add_ring(const pair_of_rings *pair, crossings *found, int32_t origin, path *made,
                    int64_t *ends, int64_t *rings, int64_t ring_room) {
    int64_t start = made->count, first_vertex = -1;
    int32_t count = found->count, at = origin;
    do {
        crossing *here = &found->at[at];
        if (here->is_done || here->enters != pair->is_on) return 0;
        here->is_done = 1;
        int32_t reached = (at + (pair->is_on ? 1 : count - 1)) % count;
        const crossing *there = &found->at[reached];
        int64_t before = made->count;
        int is_around = pair->is_on ? there->subject_m < here->subject_m
                                    : there->subject_m > here->subject_m;
        follow(made, pair->subject, pair->subject_sides, here->subject_side, there->subject_side,
               pair->is_on, is_around);
        if (pair->is_on && reached <= at) {
            /* This way passes the first vertex of the subject's ring. */
            first_vertex = before + (pair->subject_sides - 1 - here->subject_side);
        }
        add_vertex(made, there->x, there->y);
        int32_t next = there->next_on_zone;
        if (!pair->is_zone_on) {
            for (next = 0; found->at[next].next_on_zone != reached; next++) {
            }
        }
        const crossing *again = &found->at[next];
        int is_zone_around = pair->is_zone_on ? again->zone_m < there->zone_m
                                              : again->zone_m > there->zone_m;
        follow(made, pair->zone, pair->zone_sides, there->zone_side, again->zone_side,
               pair->is_zone_on, is_zone_around);
        add_vertex(made, again->x, again->y);
        at = next;
    } while (at != origin);
    int64_t vertices = made->count - start;
    if (made->count + 1 > made->room || *rings >= ring_room) {
        made->count++;
        (*rings)++;
        return 1; /* there is no room: the caller sees that and comes again */
    }
    double *ring = made->xy + 2 * start;
    if (first_vertex >= 0 && !rotate(ring, vertices, first_vertex - start + 1)) return 0;
    for (int64_t v = 0; v < vertices; v++) {
        const double *a = ring + 2 * v, *b = ring + 2 * ((v + 1) % vertices);
        if (a[0] == b[0] && a[1] == b[1]) return 0;
    }
    add_vertex(made, ring[0], ring[1]);
    ends[(*rings)++] = made->count;
    return vertices >= 3;
}

/* Add a subject's whole ring as GEOS returns it: clockwise, from its second vertex. */
static int add_whole(const pair_of_rings *pair, path *made, int64_t *ends, int64_t *rings,
                     int64_t ring_room) {
    int64_t sides = pair->subject_sides;
    for (int64_t k = 0; k <= sides; k++) {
        int64_t v = pair->is_on ? (k + 1) % sides : (2 * sides - 1 - k) % sides;
        add_vertex(made, pair->subject[2 * v], pair->subject[2 * v + 1]);
    }
    if (*rings < ring_room) ends[*rings] = made->count;
    (*rings)++;
    return 1;
}

/* Cut one subject; the number of rings of its part, or -1 if it is left to GEOS. */
static int64_t cut(const zone_sides *sides, const geo_ragged *subjects, int64_t subject,
                   int64_t zone, crossings *found, path *made, int64_t *ends, int64_t rings,
                   int64_t ring_room) {
    const geo_ragged *zones = sides->zones;
    int64_t own_ring = geo_first_ring(subjects, subject), began = rings, from, to;
    if (geo_end_ring(subjects, subject) - own_ring != 1) return -1;
    if (geo_end_ring(zones, zone) == geo_first_ring(zones, zone)) return -1;
    int64_t first = subjects->ring[own_ring], end = subjects->ring[own_ring + 1];
    const double *ring = subjects->xy + 2 * first;
    box around = box_of(subjects->xy, first, end);
    around.west -= NEAR_M, around.south -= NEAR_M, around.east += NEAR_M, around.north += NEAR_M;
    int64_t near_ring = -1, vertices = end - first;
    found->count = 0;
    for (int64_t v = 0; v + 1 < vertices; v++) {
        if (ring[2 * v] == ring[2 * v + 2] && ring[2 * v + 1] == ring[2 * v + 3]) return -1;
    }
    for (int64_t r = geo_first_ring(zones, zone); r < geo_end_ring(zones, zone); r++) {
        for (int64_t b = sides->first_block[r]; b < sides->first_block[r + 1]; b++) {
            if (!boxes_meet(&around, &sides->blocks[b])) continue;
            block_sides(sides, r, b, &from, &to);
            for (int64_t v = from; v < to; v++) {
                const double *q = zones->xy + 2 * v;
                box side = box_of(q, 0, 2);
                if (!boxes_meet(&around, &side)) continue;
                if (near_ring >= 0 && near_ring != r) return -1;
                near_ring = r;
                if (!add_crossings(found, ring, vertices, q, (int32_t)(v - zones->ring[r]),
                                   sides->inside_left[r]))
                    return -1;
            }
        }
    }
    pair_of_rings pair = {ring, NULL, vertices - 1, 0, 0, 0};
    pair.is_on = turned(subjects->xy, first, end) < 0;
    if (found->count == 0) {
        /* Unless the zone's ring lies inside the subject, this is all inside or all outside. */
        if (near_ring >= 0) {
            const double *q = zones->xy + 2 * zones->ring[near_ring];
            if (met_by_ray(subjects->xy, first, end - 1, q[0], q[1]) % 2 == 1) return -1;
        }
        if (!is_in_zone(sides, zone, ring[0], ring[1])) return 0;
        add_whole(&pair, made, ends, &rings, ring_room);
        return rings - began;
    }
    if (!put_in_order(found)) return -1;
    pair.zone = zones->xy + 2 * zones->ring[near_ring];
    pair.zone_sides = zones->ring[near_ring + 1] - zones->ring[near_ring] - 1;
    pair.is_zone_on = !sides->inside_left[near_ring];
    /* GEOS begins with the first way inside after the first vertex; one that passes this vertex
       comes first. Clockwise it is followed from where it enters, else from where it leaves. */
    int32_t count = found->count, is_in = !found->at[0].enters;
    for (int32_t k = 0; k < count; k++) {
        int32_t way = (k + (is_in ? count - 1 : 0)) % count;
        if (found->at[way].enters == 0) continue;
        int32_t origin = pair.is_on ? way : (way + 1) % count;
        if (found->at[origin].is_done) continue;
        if (!add_ring(&pair, found, origin, made, ends, &rings, ring_room)) return -1;
    }
    return rings - began;
}

/* For each pair of a subject and a zone from `first` the part of the subject that the zone covers:
   `count[i]` rings, each of them a polygon, or -1 where it is left to GEOS. Vertices and the ends
   of rings are written one after the other as long as there is room. Returns the first pair that
   was not done, `end` when all were. */
GEO_EXPORT int64_t geo_sides_cut(const zone_sides *sides, const geo_ragged *subjects,
                                 const int64_t *subject, const int64_t *zone, int64_t first,
                                 int64_t end, int64_t vertex_room, int64_t ring_room,
                                 int64_t *count, int64_t *ends, double *xy) {
    crossings found;
    path made = {xy, 0, vertex_room};
    int64_t rings = 0;
    for (int64_t i = first; i < end; i++) {
        int64_t before = made.count;
        count[i] = cut(sides, subjects, subject[i], zone[i], &found, &made, ends, rings, ring_room);
        if (made.count > vertex_room || rings + count[i] > ring_room) return i;
        if (count[i] <= 0) made.count = before;
        else rings += count[i];
    }
    return end;
}
