/* Distance from each subject to the nearest of many lines, and which line that is.

   The segments stand in runs along their line, the runs in the order of a space-filling curve, and
   over them a tree of boxes. A search starts from the segment that was nearest to the subject
   before, so that most boxes are too far away from the start. A subject with many edges is
   searched for run by run.

   A subject that crosses a line, has it inside, or lies in a surface among the lines is at 0. */

#include <math.h>

#include "kernel.h"

enum { RUN = 8, FAN = 8, SUBJECT_RUN = 16, DEPTH = 24 };

typedef struct {
    double west, south, east, north;
} box;

typedef struct {
    double ax, ay, bx, by;
} segment;

typedef struct {
    double x, y;
    int32_t line;
} start_point;

typedef struct {
    segment *segments;
    int32_t *line;  /* of each segment */
    box *boxes;     /* level after level, the runs first */
    int64_t level_first[DEPTH + 1], level_count[DEPTH];
    int levels;
    int64_t count, lines;
    start_point *starts; /* the first vertex of each part, from west to east */
    int64_t start_count;
    uint8_t *is_surface; /* of each line */
    box *surface_box;    /* of each line; of all surfaces in the last */
    int has_surface;
} line_grid;

typedef struct {
    double distance_2;
    int64_t segment; /* nearest so far; -1 for none */
    int32_t line;
} best;

/* ------------------------------------------------------------------ distances */

/* Squared distance of two boxes; 0 when they meet. */
static inline double box_distance_2(const box *a, const box *b) {
    double x = larger(larger(a->west - b->east, b->west - a->east), 0);
    double y = larger(larger(a->south - b->north, b->south - a->north), 0);
    return x * x + y * y;
}

static inline double point_distance_2(double x, double y, const segment *s) {
    double dx = s->bx - s->ax, dy = s->by - s->ay, px = x - s->ax, py = y - s->ay;
    double along = px * dx + py * dy, length_2 = dx * dx + dy * dy;
    if (along <= 0) return px * px + py * py;
    if (along >= length_2) {
        double qx = x - s->bx, qy = y - s->by;
        return qx * qx + qy * qy;
    }
    double aside = px * dy - py * dx;
    return aside * aside / length_2;
}

static inline double turn(const segment *s, double x, double y) {
    return (s->bx - s->ax) * (y - s->ay) - (s->by - s->ay) * (x - s->ax);
}

static double segment_distance_2(const segment *a, const segment *b) {
    double b_from_a = turn(a, b->ax, b->ay), b_to_a = turn(a, b->bx, b->by);
    if ((b_from_a > 0) != (b_to_a > 0)) {
        double a_from_b = turn(b, a->ax, a->ay), a_to_b = turn(b, a->bx, a->by);
        if (b_from_a * b_to_a < 0 && a_from_b * a_to_b < 0) return 0;
    }
    double from_a = smaller(point_distance_2(a->ax, a->ay, b), point_distance_2(a->bx, a->by, b));
    double from_b = smaller(point_distance_2(b->ax, b->ay, a), point_distance_2(b->bx, b->by, a));
    return smaller(from_a, from_b);
}

static void add_to_box(box *to, double x, double y) {
    if (x < to->west) to->west = x;
    if (x > to->east) to->east = x;
    if (y < to->south) to->south = y;
    if (y > to->north) to->north = y;
}

static const box NOWHERE = {INFINITY, INFINITY, -INFINITY, -INFINITY};

static box segment_box(const segment *s) {
    return (box){smaller(s->ax, s->bx), smaller(s->ay, s->by), larger(s->ax, s->bx),
                 larger(s->ay, s->by)};
}

/* ------------------------------------------------------------------ building */

typedef struct {
    uint64_t key;
    int64_t first, count;
} run;

static uint64_t spread(uint32_t value) {
    uint64_t bits = value;
    bits = (bits | bits << 16) & 0x0000ffff0000ffffULL;
    bits = (bits | bits << 8) & 0x00ff00ff00ff00ffULL;
    bits = (bits | bits << 4) & 0x0f0f0f0f0f0f0f0fULL;
    bits = (bits | bits << 2) & 0x3333333333333333ULL;
    return (bits | bits << 1) & 0x5555555555555555ULL;
}

static int compare_runs(const void *a, const void *b) {
    const run *left = a, *right = b;
    if (left->key != right->key) return left->key < right->key ? -1 : 1;
    return (left->first > right->first) - (left->first < right->first);
}

static int compare_starts(const void *a, const void *b) {
    const start_point *left = a, *right = b;
    if (left->x != right->x) return left->x < right->x ? -1 : 1;
    return (left->line > right->line) - (left->line < right->line);
}

GEO_EXPORT void geo_lines_free(line_grid *grid) {
    if (grid == NULL) return;
    free(grid->segments);
    free(grid->line);
    free(grid->boxes);
    free(grid->starts);
    free(grid->is_surface);
    free(grid->surface_box);
    free(grid);
}

/* Cut all lines into runs of segments, in the order they come. A point is a run of one. */
static int64_t cut_runs(const geo_ragged *lines, line_grid *grid, segment *segments, int32_t *line,
                        run *runs, box *all) {
    int64_t count = 0;
    *all = NOWHERE;
    for (int64_t i = 0; i < lines->count; i++) {
        box *own = &grid->surface_box[i];
        *own = NOWHERE;
        grid->is_surface[i] = lines->dimension[i] == 2;
        for (int64_t p = lines->geometry[i]; p < lines->geometry[i + 1]; p++) {
            const double *from = lines->xy + 2 * lines->ring[lines->part[p]];
            grid->starts[grid->start_count++] = (start_point){from[0], from[1], (int32_t)i};
            for (int64_t r = lines->part[p]; r < lines->part[p + 1]; r++) {
                int64_t first = lines->ring[r], end = lines->ring[r + 1];
                int64_t pieces = end - first > 1 ? end - first - 1 : end - first;
                for (int64_t k = 0; k < pieces; k++) {
                    const double *a = lines->xy + 2 * (first + k);
                    const double *b = end - first > 1 ? a + 2 : a;
                    if (k % RUN == 0) runs[count++] = (run){0, grid->count, 0};
                    runs[count - 1].count++;
                    line[grid->count] = (int32_t)i;
                    segments[grid->count++] = (segment){a[0], a[1], b[0], b[1]};
                    add_to_box(own, a[0], a[1]);
                    add_to_box(own, b[0], b[1]);
                }
            }
        }
        if (own->west > own->east) continue;
        add_to_box(all, own->west, own->south);
        add_to_box(all, own->east, own->north);
        if (grid->is_surface[i]) {
            grid->has_surface = 1;
            add_to_box(&grid->surface_box[lines->count], own->west, own->south);
            add_to_box(&grid->surface_box[lines->count], own->east, own->north);
        }
    }
    return count;
}

/* Put the runs in the order of the curve; short ones are filled up, so that run k starts at k RUN. */
static int order_runs(line_grid *grid, const segment *segments, const int32_t *line, run *runs,
                      int64_t count, const box *all) {
    double scale_x = all->east > all->west ? 65535 / (all->east - all->west) : 0;
    double scale_y = all->north > all->south ? 65535 / (all->north - all->south) : 0;
    for (int64_t k = 0; k < count; k++) {
        const segment *middle = &segments[runs[k].first + runs[k].count / 2];
        runs[k].key = spread((uint32_t)((middle->ax - all->west) * scale_x)) |
                      spread((uint32_t)((middle->ay - all->south) * scale_y)) << 1;
    }
    qsort(runs, (size_t)count, sizeof *runs, compare_runs);
    grid->segments = malloc(((size_t)count * RUN + 1) * sizeof *grid->segments);
    grid->line = malloc(((size_t)count * RUN + 1) * sizeof *grid->line);
    if (grid->segments == NULL || grid->line == NULL) return 0;
    for (int64_t k = 0; k < count; k++) {
        for (int64_t i = 0; i < RUN; i++) {
            int64_t from = runs[k].first + (i < runs[k].count ? i : runs[k].count - 1);
            grid->segments[k * RUN + i] = segments[from];
            grid->line[k * RUN + i] = line[from];
        }
    }
    grid->count = count * RUN;
    return 1;
}

static int build_tree(line_grid *grid, int64_t runs) {
    int64_t total = 0, count = runs;
    grid->levels = 0;
    do {
        grid->level_first[grid->levels] = total;
        grid->level_count[grid->levels++] = count;
        total += count;
        count = (count + FAN - 1) / FAN;
    } while (grid->level_count[grid->levels - 1] > 1);
    grid->boxes = malloc(((size_t)total + 1) * sizeof *grid->boxes);
    if (grid->boxes == NULL) return 0;
    for (int64_t k = 0; k < runs; k++) {
        grid->boxes[k] = NOWHERE;
        for (int64_t i = k * RUN; i < (k + 1) * RUN; i++) {
            add_to_box(&grid->boxes[k], grid->segments[i].ax, grid->segments[i].ay);
            add_to_box(&grid->boxes[k], grid->segments[i].bx, grid->segments[i].by);
        }
    }
    for (int level = 1; level < grid->levels; level++) {
        const box *below = grid->boxes + grid->level_first[level - 1];
        box *own = grid->boxes + grid->level_first[level];
        for (int64_t k = 0; k < grid->level_count[level]; k++) own[k] = NOWHERE;
        for (int64_t k = 0; k < grid->level_count[level - 1]; k++) {
            add_to_box(&own[k / FAN], below[k].west, below[k].south);
            add_to_box(&own[k / FAN], below[k].east, below[k].north);
        }
    }
    return 1;
}

/* Index lines, points or surfaces; NULL when memory is out. */
GEO_EXPORT line_grid *geo_lines_build(const geo_ragged *lines) {
    line_grid *grid = calloc(1, sizeof *grid);
    if (grid == NULL) return NULL;
    size_t vertices = (size_t)lines->ring[geo_end_ring(lines, lines->count - 1)] + 1;
    size_t parts = (size_t)lines->geometry[lines->count] + 1;
    grid->lines = lines->count;
    grid->starts = malloc(parts * sizeof *grid->starts);
    grid->is_surface = malloc((size_t)lines->count + 1);
    grid->surface_box = malloc(((size_t)lines->count + 1) * sizeof *grid->surface_box);
    segment *segments = malloc(vertices * sizeof *segments);
    int32_t *line = malloc(vertices * sizeof *line);
    run *runs = malloc(vertices * sizeof *runs);
    int is_done = 0;
    if (grid->starts && grid->is_surface && grid->surface_box && segments && line && runs) {
        box all;
        grid->surface_box[lines->count] = NOWHERE;
        int64_t count = cut_runs(lines, grid, segments, line, runs, &all);
        qsort(grid->starts, (size_t)grid->start_count, sizeof *grid->starts, compare_starts);
        is_done = order_runs(grid, segments, line, runs, count, &all);
        if (is_done && count > 0) is_done = build_tree(grid, count);
    }
    free(segments);
    free(line);
    free(runs);
    if (is_done) return grid;
    geo_lines_free(grid);
    return NULL;
}

/* ------------------------------------------------------------------ searching */

/* Squared distances within this share of each other are taken as equal. */
static const double SAME = 1e-12;

static void offer(best *found, double distance_2, int64_t segment, int32_t line) {
    int is_same = distance_2 <= found->distance_2 * (1 + SAME);
    int is_less = distance_2 < found->distance_2 * (1 - SAME);
    if (!is_less && !(is_same && line < found->line)) return;
    if (distance_2 < found->distance_2) found->distance_2 = distance_2;
    found->segment = segment;
    found->line = line;
}

static void meet_segment(const line_grid *grid, int64_t at, const segment *edges, int64_t count,
                         best *found) {
    double least = INFINITY, limit = found->distance_2 * (1 + SAME);
    box own = segment_box(&grid->segments[at]);
    for (int64_t i = 0; i < count; i++) {
        box other = segment_box(&edges[i]);
        if (box_distance_2(&own, &other) > limit) continue;
        double distance_2 = segment_distance_2(&edges[i], &grid->segments[at]);
        if (distance_2 < least) least = distance_2;
    }
    if (least < INFINITY) offer(found, least, at, grid->line[at]);
}

typedef struct {
    double distance_2;
    int64_t node;
    int level;
} waiting;

/* Look for segments nearer to edges than what has been found, the nearest boxes first. */
static void search(const line_grid *grid, const segment *edges, int64_t count, best *found) {
    box own = NOWHERE;
    for (int64_t i = 0; i < count; i++) {
        add_to_box(&own, edges[i].ax, edges[i].ay);
        add_to_box(&own, edges[i].bx, edges[i].by);
    }
    waiting stack[DEPTH * FAN];
    int depth = 0;
    stack[depth++] = (waiting){0, 0, grid->levels - 1};
    while (depth > 0) {
        waiting top = stack[--depth];
        if (top.distance_2 > found->distance_2 * (1 + SAME)) continue;
        if (top.level == 0) {
            for (int64_t at = top.node * RUN; at < (top.node + 1) * RUN; at++) {
                box small = segment_box(&grid->segments[at]);
                if (box_distance_2(&small, &own) <= found->distance_2 * (1 + SAME))
                    meet_segment(grid, at, edges, count, found);
            }
            continue;
        }
        const box *below = grid->boxes + grid->level_first[top.level - 1];
        int64_t end = (top.node + 1) * FAN, bottom = depth;
        if (end > grid->level_count[top.level - 1]) end = grid->level_count[top.level - 1];
        for (int64_t node = top.node * FAN; node < end; node++) {
            waiting next = {box_distance_2(&below[node], &own), node, top.level - 1};
            if (next.distance_2 > found->distance_2 * (1 + SAME)) continue;
            int k = depth++;
            for (; k > bottom && stack[k - 1].distance_2 < next.distance_2; k--)
                stack[k] = stack[k - 1];
            stack[k] = next;
        }
    }
}

/* Whether a point lies in a surface of the subjects, by the crossings of a ray to the east. */
static int subject_holds(const geo_ragged *shapes, int64_t place, double x, double y) {
    int is_inside = 0;
    for (int64_t r = geo_first_ring(shapes, place); r < geo_end_ring(shapes, place); r++) {
        for (int64_t v = shapes->ring[r]; v + 1 < shapes->ring[r + 1]; v++) {
            const double *a = shapes->xy + 2 * v, *b = a + 2;
            if ((a[1] > y) == (b[1] > y)) continue;
            /* The point is west of the edge: on its left when the edge goes up. */
            double side = (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
            if ((side > 0) == (b[1] > a[1])) is_inside = !is_inside;
        }
    }
    return is_inside;
}

/* Lines that start inside a subject are at 0. */
static void find_inside(const line_grid *grid, const geo_ragged *shapes, int64_t place,
                        const box *own, best *found) {
    int64_t low = 0, high = grid->start_count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (grid->starts[middle].x < own->west) low = middle + 1;
        else high = middle;
    }
    for (; low < grid->start_count && grid->starts[low].x <= own->east; low++) {
        const start_point *at = &grid->starts[low];
        if (at->y < own->south || at->y > own->north) continue;
        if (found->distance_2 == 0 && at->line >= found->line) continue;
        if (subject_holds(shapes, place, at->x, at->y)) offer(found, 0, -1, at->line);
    }
}

/* Surfaces among the lines that hold a point are at 0; `is_odd` is per line and comes back clean. */
static void find_around(const line_grid *grid, double x, double y, uint8_t *is_odd, best *found) {
    const box *all = &grid->surface_box[grid->lines];
    if (x < all->west || x > all->east || y < all->south || y > all->north) return;
    for (int pass = 0; pass < 2; pass++) {
        waiting stack[DEPTH * FAN];
        int depth = 0;
        stack[depth++] = (waiting){0, 0, grid->levels - 1};
        while (depth > 0) {
            waiting top = stack[--depth];
            if (top.level == 0) {
                for (int64_t at = top.node * RUN; at < (top.node + 1) * RUN; at++) {
                    const segment *s = &grid->segments[at];
                    int32_t line = grid->line[at];
                    /* A short run repeats its last segment. */
                    if (at > top.node * RUN && s->ax == s[-1].ax && s->ay == s[-1].ay &&
                        s->bx == s[-1].bx && s->by == s[-1].by)
                        continue;
                    if (!grid->is_surface[line] || (s->ay > y) == (s->by > y)) continue;
                    if ((turn(s, x, y) > 0) != (s->by > s->ay)) continue;
                    if (pass == 0) is_odd[line] ^= 1;
                    else if (is_odd[line]) {
                        is_odd[line] = 0;
                        offer(found, 0, -1, line);
                    }
                }
                continue;
            }
            const box *below = grid->boxes + grid->level_first[top.level - 1];
            int64_t end = (top.node + 1) * FAN;
            if (end > grid->level_count[top.level - 1]) end = grid->level_count[top.level - 1];
            for (int64_t node = top.node * FAN; node < end; node++)
                if (below[node].south <= y && below[node].north >= y && below[node].east >= x)
                    stack[depth++] = (waiting){0, node, top.level - 1};
        }
    }
}

/* Search with the edges of one subject; return 0 when it has none. */
static int search_subject(const line_grid *grid, const geo_ragged *shapes, int64_t place,
                          uint8_t *is_odd, best *found, int64_t start_from) {
    segment edges[SUBJECT_RUN];
    int64_t count = 0;
    box own = NOWHERE;
    int is_first = 1;
    for (int64_t r = geo_first_ring(shapes, place); r < geo_end_ring(shapes, place); r++) {
        int64_t first = shapes->ring[r], end = shapes->ring[r + 1];
        int64_t pieces = end - first > 1 ? end - first - 1 : end - first;
        for (int64_t k = 0; k < pieces; k++) {
            const double *a = shapes->xy + 2 * (first + k), *b = end - first > 1 ? a + 2 : a;
            edges[count++] = (segment){a[0], a[1], b[0], b[1]};
            add_to_box(&own, a[0], a[1]);
            add_to_box(&own, b[0], b[1]);
            if (count < SUBJECT_RUN) continue;
            if (is_first) meet_segment(grid, start_from, edges, count, found);
            search(grid, edges, count, found);
            count = is_first = 0;
        }
    }
    if (is_first && count == 0) return 0;
    if (is_first) meet_segment(grid, start_from, edges, count, found);
    if (count > 0) search(grid, edges, count, found);
    if (shapes->dimension[place] == 2) find_inside(grid, shapes, place, &own, found);
    if (grid->has_surface) {
        for (int64_t p = shapes->geometry[place]; p < shapes->geometry[place + 1]; p++) {
            const double *at = shapes->xy + 2 * shapes->ring[shapes->part[p]];
            find_around(grid, at[0], at[1], is_odd, found);
        }
    }
    return 1;
}

/* Distance from each subject from `first` to before `end` to the nearest line, and which it is; NaN
   and -1 where there is none. Of lines equally near the first. */
GEO_EXPORT int64_t geo_lines_nearest(const line_grid *grid, const geo_ragged *shapes, int64_t first,
                                     int64_t end, double *distance, int32_t *line) {
    uint8_t *is_odd = calloc((size_t)grid->lines + 1, 1);
    if (is_odd == NULL) return GEO_NO_MEMORY;
    int64_t last = 0;
    for (int64_t i = first; i < end; i++) {
        best found = {INFINITY, -1, INT32_MAX};
        int is_measured =
            grid->count > 0 && search_subject(grid, shapes, i, is_odd, &found, last);
        distance[i] = is_measured ? sqrt(found.distance_2) : NAN;
        line[i] = is_measured ? found.line : -1;
        if (is_measured && found.segment >= 0) last = found.segment;
    }
    free(is_odd);
    return GEO_OK;
}
