/* Areas of overlap without constructing an overlap.

   With s = +1 for an edge that has the inside below it and -1 for one that has it above, a polygon
   is the sum over its edges of s [y < y_edge(x)]. So the area that two polygons share is
   the sum over pairs of edges of s_a s_b times the integral of min(y_a, y_b) over their common x:
   exact with holes and several parts, no nodes to find, no topology to build.

   To have few pairs, zones are cut once into the cells of a uniform grid. A cell keeps, for each
   zone, the pieces of edge inside it and a flat edge along its upper side wherever the zone goes
   on above; what lies below the cell counts nothing when y is taken from its lower side. In a cell
   where zones of the layer overlap, pieces of the outline of their union are kept as well.

   Polygons are taken as valid: the caller has checked them. */

#include <math.h>

#include "kernel.h"

/* What rounding may leave where there is nothing: of the cell's size a width, of its area an area,
   of a subject's width times the cell's size the subject's area. */
#define NO_WIDTH 1e-13
#define NO_AREA 1e-13
#define NO_SUBJECT_AREA 1e-12

/* A subject is met edge by edge in every cell of its box up to this product, above it is cut. */
#define SMALL 2048

/* With more zones than this in a cell, their union is made without asking which pairs overlap. */
#define MANY 8

enum { EMPTY = 0, PARTIAL = 1, FULL = 2 };

/* A piece of edge in coordinates of its cell: y = y + slope (x - left) for left <= x <= right. */
typedef struct {
    double left, right, y, slope, sign;
} edge;

/* The winding number along the upper side of a cell changes by `step` at x. */
typedef struct {
    double x;
    int64_t cell;
    int32_t step;
} crossing;

typedef struct {
    edge *edge;
    int64_t *edge_cell;
    crossing *crossing;
    int64_t edges, crossings, edge_room, edge_cell_room, crossing_room;
} pieces;

/* One geometry cut into the cells of a window of the grid; cells are numbered up the columns. */
typedef struct {
    int64_t first_column, first_row, columns, rows;
    pieces found;
    /* per cell of the window: winding number at the upper left corner, where its pieces end */
    int32_t *winding;
    int64_t *edge_end, *crossing_end;
    edge *sorted;
    crossing *sorted_crossing;
    int64_t winding_room, edge_end_room, crossing_end_room, sorted_room, sorted_crossing_room;
} cut;

typedef struct {
    double west, south, cell;
    int64_t columns, rows, zones;
    /* entries (a zone in a cell) by cell, then zone; edges by entry */
    int64_t *cell_entry;
    int32_t *entry_zone;
    int64_t *entry_edge;
    double *entry_area;
    edge *edges;
    /* the union of the zones in a cell: state, where its edges are, area */
    uint8_t *state;
    int64_t *cover_first;
    int32_t *cover_count;
    double *cover_area;
    int64_t entries, edge_count, edge_room, overlapping_cells;
} zone_grid;

/* Column or row of a coordinate; cell k reaches from k * cell to just below (k + 1) * cell. */
static int64_t cell_of(double value, double cell) {
    int64_t k = (int64_t)smaller(larger(value / cell, -1e15), 1e15);
    /* The cast goes towards 0, and the division may have been rounded up to the next whole. */
    if (value < (double)k * cell) k--;
    else if (value >= (double)(k + 1) * cell) k++;
    return k;
}

static int64_t limited(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static double y_at(const edge *e, double x) { return e->y + e->slope * (x - e->left); }

/* ------------------------------------------------------------------ pairs of edges */

/* Integral of min(y_a, y_b) over the x that both edges have. */
static inline double pair_integral(const edge *a, const edge *b) {
    double left = a->left > b->left ? a->left : b->left;
    double right = a->right < b->right ? a->right : b->right;
    double width = right - left;
    if (width <= 0) return 0;
    double a_left = y_at(a, left), b_left = y_at(b, left);
    double a_right = a_left + a->slope * width, b_right = b_left + b->slope * width;
    double gap_left = a_left - b_left, gap_right = a_right - b_right;
    if (gap_left <= 0 && gap_right <= 0) return (a_left + a_right) / 2 * width;
    if (gap_left >= 0 && gap_right >= 0) return (b_left + b_right) / 2 * width;
    /* They cross: it is b less the triangle in which a is lower. */
    double part = gap_left / (gap_left - gap_right);
    double less = gap_left < 0 ? part * gap_left : (1 - part) * gap_right;
    return (b_left + b_right + less) / 2 * width;
}

static double shared_area(const edge *a, int64_t a_count, const edge *b, int64_t b_count) {
    double sum = 0;
    for (int64_t i = 0; i < a_count; i++) {
        double row = 0;
        for (int64_t k = 0; k < b_count; k++) row += b[k].sign * pair_integral(&a[i], &b[k]);
        sum += a[i].sign * row;
    }
    return sum;
}

/* Area under signed edges, which is the area that they enclose. */
static double own_area(const edge *edges, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double width = edges[i].right - edges[i].left;
        sum += edges[i].sign * (edges[i].y + edges[i].slope * width / 2) * width;
    }
    return sum;
}

/* ------------------------------------------------------------------ cutting into cells */

static int add_edge(pieces *to, int64_t cell, edge piece) {
    if (!GEO_RESERVE(to->edge, to->edge_room, to->edges + 1)) return 0;
    if (!GEO_RESERVE(to->edge_cell, to->edge_cell_room, to->edges + 1)) return 0;
    to->edge[to->edges] = piece;
    to->edge_cell[to->edges++] = cell;
    return 1;
}

static int add_crossing(pieces *to, int64_t cell, double x, int32_t step) {
    if (!GEO_RESERVE(to->crossing, to->crossing_room, to->crossings + 1)) return 0;
    to->crossing[to->crossings++] = (crossing){x, cell, step};
    return 1;
}

/* Cut a piece that stays in one column into rows. Coordinates are those of the grid. */
static int cut_column(const zone_grid *grid, cut *into, int64_t column, const double from[2],
                      const double to[2], int32_t sign) {
    double cell = grid->cell, side = (double)column * cell;
    int64_t low = into->first_row - 1, high = into->first_row + into->rows;
    int64_t start = limited(cell_of(from[1], cell), low, high);
    int64_t stop = limited(cell_of(to[1], cell), low, high);
    int64_t up = stop > start ? 1 : -1;
    int64_t base = (column - into->first_column) * into->rows - into->first_row;
    double x = from[0], y = from[1];
    for (int64_t row = start;; row += up) {
        double end_x = to[0], end_y = to[1];
        if (row != stop) {
            int64_t border = up > 0 ? row + 1 : row;
            end_y = (double)border * cell;
            end_x = from[0] + (end_y - from[1]) * ((to[0] - from[0]) / (to[1] - from[1]));
            if (end_x < x) end_x = x;
            if (end_x > to[0]) end_x = to[0];
            /* Upwards, what lies right of the crossing has the edge above it; sign says which. */
            int32_t step = up > 0 ? sign : -sign;
            if (border > into->first_row && border <= into->first_row + into->rows &&
                !add_crossing(&into->found, base + border - 1, end_x - side, step))
                return 0;
        }
        if (row > low && row < high && end_x - x > NO_WIDTH * cell) {
            double bottom = (double)row * cell, width = end_x - x;
            edge piece = {x - side, end_x - side, y - bottom, (end_y - y) / width, sign};
            if (!add_edge(&into->found, base + row, piece)) return 0;
        }
        if (row == stop) return 1;
        x = end_x;
        y = end_y;
    }
}

/* Cut one edge, from one vertex of its ring to the next, into columns. */
static int cut_edge(const zone_grid *grid, cut *into, const double *from, const double *to) {
    double a[2] = {from[0] - grid->west, from[1] - grid->south};
    double b[2] = {to[0] - grid->west, to[1] - grid->south};
    double cell = grid->cell;
    int is_forward = a[0] <= b[0];
    const double *l = is_forward ? a : b, *r = is_forward ? b : a;
    /* Rings have their inside on the left. */
    int32_t sign = is_forward ? -1 : 1;
    int64_t first = cell_of(l[0], cell), last = cell_of(r[0], cell);
    if (l[0] == r[0]) {
        /* An upright edge has no width; on a column's left side it is part of the corner. */
        if (l[0] == (double)first * cell || first < into->first_column ||
            first >= into->first_column + into->columns)
            return 1;
        return cut_column(grid, into, first, l, r, sign);
    }
    double slope = (r[1] - l[1]) / (r[0] - l[0]);
    double low = l[1] < r[1] ? l[1] : r[1], high = l[1] < r[1] ? r[1] : l[1];
    int64_t column = first > into->first_column ? first : into->first_column;
    int64_t stop = into->first_column + into->columns - 1;
    if (last < stop) stop = last;
    double p[2] = {l[0], l[1]};
    for (; column <= stop; column++) {
        double side = (double)column * cell, next = (double)(column + 1) * cell;
        if (side > l[0]) {
            p[0] = side;
            p[1] = smaller(larger(l[1] + (side - l[0]) * slope, low), high);
        }
        if (side >= r[0]) break;
        if (side >= l[0]) { /* the edge passes the column's left side: it counts for corners below */
            int64_t row = limited(cell_of(p[1], cell), into->first_row - 1,
                                  into->first_row + into->rows) - into->first_row;
            if (row > 0) into->winding[(column - into->first_column) * into->rows + row - 1] += sign;
        }
        double q[2] = {r[0], r[1]};
        if (next < r[0]) {
            q[0] = next;
            q[1] = smaller(larger(l[1] + (next - l[0]) * slope, low), high);
        }
        if (!cut_column(grid, into, column, p, q, sign)) return 0;
    }
    return 1;
}

/* Sort the pieces by cell: count, sum up, place. */
static int sort_pieces(cut *into) {
    int64_t cells = into->columns * into->rows;
    pieces *found = &into->found;
    if (!GEO_RESERVE(into->edge_end, into->edge_end_room, cells + 1)) return 0;
    if (!GEO_RESERVE(into->crossing_end, into->crossing_end_room, cells + 1)) return 0;
    if (!GEO_RESERVE(into->sorted, into->sorted_room, found->edges + 1)) return 0;
    if (!GEO_RESERVE(into->sorted_crossing, into->sorted_crossing_room, found->crossings + 1))
        return 0;
    memset(into->edge_end, 0, (size_t)(cells + 1) * sizeof *into->edge_end);
    memset(into->crossing_end, 0, (size_t)(cells + 1) * sizeof *into->crossing_end);
    for (int64_t i = 0; i < found->edges; i++) into->edge_end[found->edge_cell[i] + 1]++;
    for (int64_t i = 0; i < found->crossings; i++) into->crossing_end[found->crossing[i].cell + 1]++;
    for (int64_t i = 0; i < cells; i++) {
        into->edge_end[i + 1] += into->edge_end[i];
        into->crossing_end[i + 1] += into->crossing_end[i];
    }
    /* Element i is now where cell i starts; placing moves it to where cell i ends. */
    for (int64_t i = 0; i < found->edges; i++)
        into->sorted[into->edge_end[found->edge_cell[i]]++] = found->edge[i];
    for (int64_t i = 0; i < found->crossings; i++)
        into->sorted_crossing[into->crossing_end[found->crossing[i].cell]++] = found->crossing[i];
    return 1;
}

/* Cut one polygon into the cells of its box; return 0 when memory is out. */
static int cut_geometry(const zone_grid *grid, const geo_ragged *shapes, int64_t place,
                        const int64_t window[4], cut *into) {
    into->first_column = window[0];
    into->first_row = window[1];
    into->columns = window[2] - window[0] + 1;
    into->rows = window[3] - window[1] + 1;
    into->found.edges = into->found.crossings = 0;
    int64_t cells = into->columns * into->rows;
    if (!GEO_RESERVE(into->winding, into->winding_room, cells)) return 0;
    memset(into->winding, 0, (size_t)cells * sizeof *into->winding);
    for (int64_t r = geo_first_ring(shapes, place); r < geo_end_ring(shapes, place); r++)
        for (int64_t v = shapes->ring[r]; v + 1 < shapes->ring[r + 1]; v++)
            if (!cut_edge(grid, into, shapes->xy + 2 * v, shapes->xy + 2 * v + 2)) return 0;
    for (int64_t column = 0; column < into->columns; column++) {
        int32_t *winding = into->winding + column * into->rows;
        for (int64_t row = into->rows - 1; row > 0; row--) winding[row - 1] += winding[row];
    }
    return sort_pieces(into);
}

static int compare_crossings(const void *a, const void *b) {
    double left = ((const crossing *)a)->x, right = ((const crossing *)b)->x;
    return (left > right) - (left < right);
}

static void sort_crossings(crossing *list, int64_t count) {
    if (count > 32) {
        qsort(list, (size_t)count, sizeof *list, compare_crossings);
        return;
    }
    for (int64_t i = 1; i < count; i++) {
        crossing moved = list[i];
        int64_t k = i;
        for (; k > 0 && list[k - 1].x > moved.x; k--) list[k] = list[k - 1];
        list[k] = moved;
    }
}

/* Append one cell's edges to an array: the pieces inside, and flat ones along the upper side where
   the polygon goes on above. Return how many, or -1 when memory is out. */
static int64_t take_cell(const cut *from, int64_t at, double cell, edge **list, int64_t *room,
                         int64_t used) {
    int64_t first = at > 0 ? from->edge_end[at - 1] : 0;
    int64_t first_crossing = at > 0 ? from->crossing_end[at - 1] : 0;
    int64_t edges = from->edge_end[at] - first;
    int64_t crossings = from->crossing_end[at] - first_crossing;
    crossing *change = from->sorted_crossing + first_crossing;
    if (!geo_reserve(list, room, used + edges + crossings + 1, sizeof **list)) return -1;
    edge *to = *list + used;
    memcpy(to, from->sorted + first, (size_t)edges * sizeof *to);
    sort_crossings(change, crossings);
    int64_t taken = edges;
    int32_t winding = from->winding[at];
    double left = 0;
    for (int64_t i = 0; i <= crossings; i++) {
        double right = i < crossings ? change[i].x : cell;
        if (winding != 0 && right - left > NO_WIDTH * cell) {
            to[taken++] = (edge){left, right, cell, 0, winding};
            left = right;
        }
        if (winding == 0) left = right;
        if (i < crossings) winding += change[i].step;
    }
    return taken;
}

static void free_cut(cut *used) {
    free(used->found.edge);
    free(used->found.edge_cell);
    free(used->found.crossing);
    free(used->winding);
    free(used->edge_end);
    free(used->crossing_end);
    free(used->sorted);
    free(used->sorted_crossing);
}

/* ------------------------------------------------------------------ union within a cell */

typedef struct {
    double y;
    int64_t edge;
} standing;

typedef struct {
    double *x;
    int64_t *active;
    standing *order;
    int64_t *open_from, *open_to;
    double *open_sign;
    int64_t x_room, active_room, order_room, from_room, to_room, sign_room;
} slabs;

static int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static int compare_left(const void *a, const void *b) {
    double left = ((const edge *)a)->left, right = ((const edge *)b)->left;
    return (left > right) - (left < right);
}

static int compare_standing(const void *a, const void *b) {
    const standing *left = a, *right = b;
    if (left->y != right->y) return left->y < right->y ? 1 : -1; /* from the top */
    return (left->edge > right->edge) - (left->edge < right->edge);
}

/* All x between which edges neither start, end nor cross. Edges are sorted by their left end. */
static int64_t slab_borders(const edge *edges, int64_t count, slabs *use) {
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!GEO_RESERVE(use->x, use->x_room, n + 2 * count)) return -1;
        use->x[n++] = edges[i].left;
        use->x[n++] = edges[i].right;
        for (int64_t k = i + 1; k < count && edges[k].left < edges[i].right; k++) {
            double left = edges[k].left;
            double right = smaller(edges[i].right, edges[k].right);
            double gap_left = y_at(&edges[i], left) - y_at(&edges[k], left);
            double gap_right = y_at(&edges[i], right) - y_at(&edges[k], right);
            if (gap_left * gap_right >= 0) continue;
            if (!GEO_RESERVE(use->x, use->x_room, n + 2 * count)) return -1;
            use->x[n++] = left + (right - left) * (gap_left / (gap_left - gap_right));
        }
    }
    qsort(use->x, (size_t)n, sizeof *use->x, compare_doubles);
    return n;
}

static edge cut_out(const edge *of, double left, double right, double sign) {
    return (edge){left, right, y_at(of, left), of->slope, sign};
}

/* Append the outline of the union of polygons, given as the edges of all of them (which are
   sorted here), to the grid's edges. Between two neighbouring x of slab_borders, edges stand in
   one order from top to bottom; the outline is where the count of polygons leaves or reaches 0.
   Return 0 when memory is out. */
static int append_union(zone_grid *grid, edge *edges, int64_t count, slabs *use) {
    qsort(edges, (size_t)count, sizeof *edges, compare_left);
    int64_t borders = slab_borders(edges, count, use);
    if (borders < 0 || !GEO_RESERVE(use->active, use->active_room, count) ||
        !GEO_RESERVE(use->order, use->order_room, count) ||
        !GEO_RESERVE(use->open_from, use->from_room, count) ||
        !GEO_RESERVE(use->open_to, use->to_room, count) ||
        !GEO_RESERVE(use->open_sign, use->sign_room, count))
        return 0;
    for (int64_t i = 0; i < count; i++) use->open_sign[i] = 0;
    double none = NO_WIDTH * grid->cell;
    int64_t next = 0, active = 0, from = 0;
    for (int64_t slab = 1; slab < borders; slab++) {
        double left = use->x[from], right = use->x[slab];
        if (right - left <= none) continue;
        double middle = (left + right) / 2;
        while (next < count && edges[next].left < middle) use->active[active++] = next++;
        int64_t kept = 0;
        for (int64_t i = 0; i < active; i++) {
            if (edges[use->active[i]].right <= middle) continue;
            use->active[kept] = use->active[i];
            use->order[kept].edge = use->active[i];
            use->order[kept].y = y_at(&edges[use->active[i]], middle);
            kept++;
        }
        active = kept;
        qsort(use->order, (size_t)active, sizeof *use->order, compare_standing);
        double winding = 0;
        for (int64_t i = 0; i < active; i++) {
            int64_t e = use->order[i].edge;
            double before = winding;
            winding += edges[e].sign;
            double sign = (double)(winding > 0.5) - (double)(before > 0.5);
            if (sign == 0) continue;
            if (use->open_sign[e] == sign && use->open_to[e] == from) {
                use->open_to[e] = slab;
                continue;
            }
            if (use->open_sign[e] != 0) {
                if (!GEO_RESERVE(grid->edges, grid->edge_room, grid->edge_count + 1)) return 0;
                grid->edges[grid->edge_count++] = cut_out(
                    &edges[e], use->x[use->open_from[e]], use->x[use->open_to[e]], use->open_sign[e]);
            }
            use->open_sign[e] = sign;
            use->open_from[e] = from;
            use->open_to[e] = slab;
        }
        from = slab;
    }
    for (int64_t e = 0; e < count; e++) {
        if (use->open_sign[e] == 0) continue;
        if (!GEO_RESERVE(grid->edges, grid->edge_room, grid->edge_count + 1)) return 0;
        grid->edges[grid->edge_count++] = cut_out(
            &edges[e], use->x[use->open_from[e]], use->x[use->open_to[e]], use->open_sign[e]);
    }
    return 1;
}

static void free_slabs(slabs *used) {
    free(used->x);
    free(used->active);
    free(used->order);
    free(used->open_from);
    free(used->open_to);
    free(used->open_sign);
}

/* ------------------------------------------------------------------ building */

/* Columns and rows of a geometry's box within the grid; 0 when it lies outside or is no surface. */
static int find_window(const zone_grid *grid, const geo_ragged *shapes, int64_t place,
                       double box[4], int64_t window[4]) {
    int64_t first = shapes->ring[geo_first_ring(shapes, place)];
    int64_t end = shapes->ring[geo_end_ring(shapes, place)];
    if (first == end || shapes->dimension[place] != 2 || grid->columns == 0) return 0;
    box[0] = box[1] = INFINITY;
    box[2] = box[3] = -INFINITY;
    for (int64_t v = first; v < end; v++) {
        double x = shapes->xy[2 * v] - grid->west, y = shapes->xy[2 * v + 1] - grid->south;
        if (x < box[0]) box[0] = x;
        if (x > box[2]) box[2] = x;
        if (y < box[1]) box[1] = y;
        if (y > box[3]) box[3] = y;
    }
    window[0] = cell_of(box[0], grid->cell);
    window[1] = cell_of(box[1], grid->cell);
    window[2] = cell_of(box[2], grid->cell);
    window[3] = cell_of(box[3], grid->cell);
    if (window[2] < 0 || window[3] < 0 || window[0] >= grid->columns || window[1] >= grid->rows)
        return 0;
    window[0] = limited(window[0], 0, grid->columns - 1);
    window[1] = limited(window[1], 0, grid->rows - 1);
    window[2] = limited(window[2], 0, grid->columns - 1);
    window[3] = limited(window[3], 0, grid->rows - 1);
    return 1;
}

/* Entries and their edges while zones are cut one after the other. */
typedef struct {
    edge *edges;
    int64_t *cell;
    int32_t *zone;
    int64_t *edge_end;
    int64_t entries, edge_count, edge_room, cell_room, zone_room, end_room;
} collected;

static int collect_zone(const zone_grid *grid, const geo_ragged *zones, int64_t zone, cut *use,
                        collected *to) {
    double box[4];
    int64_t window[4];
    if (!find_window(grid, zones, zone, box, window)) return 1;
    if (!cut_geometry(grid, zones, zone, window, use)) return 0;
    for (int64_t at = 0; at < use->columns * use->rows; at++) {
        int64_t count = take_cell(use, at, grid->cell, &to->edges, &to->edge_room, to->edge_count);
        if (count < 0) return 0;
        if (count == 0) continue;
        if (!GEO_RESERVE(to->cell, to->cell_room, to->entries + 1) ||
            !GEO_RESERVE(to->zone, to->zone_room, to->entries + 1) ||
            !GEO_RESERVE(to->edge_end, to->end_room, to->entries + 1))
            return 0;
        to->edge_count += count;
        to->cell[to->entries] = (use->first_column + at / use->rows) * grid->rows +
                                use->first_row + at % use->rows;
        to->zone[to->entries] = (int32_t)zone;
        to->edge_end[to->entries++] = to->edge_count;
    }
    return 1;
}

/* Bring entries from the order of zones into the order of cells. */
static int arrange(zone_grid *grid, const collected *from) {
    int64_t cells = grid->columns * grid->rows;
    grid->entries = from->entries;
    grid->edge_count = from->edge_count;
    grid->edge_room = from->edge_count + 1;
    grid->cell_entry = calloc((size_t)cells + 1, sizeof *grid->cell_entry);
    grid->entry_zone = malloc(((size_t)from->entries + 1) * sizeof *grid->entry_zone);
    grid->entry_edge = malloc(((size_t)from->entries + 1) * sizeof *grid->entry_edge);
    grid->entry_area = malloc(((size_t)from->entries + 1) * sizeof *grid->entry_area);
    grid->edges = malloc((size_t)grid->edge_room * sizeof *grid->edges);
    int64_t *place = malloc(((size_t)from->entries + 1) * sizeof *place);
    if (!grid->cell_entry || !grid->entry_zone || !grid->entry_edge || !grid->entry_area ||
        !grid->edges || !place) {
        free(place);
        return 0;
    }
    for (int64_t i = 0; i < from->entries; i++) grid->cell_entry[from->cell[i] + 1]++;
    for (int64_t i = 0; i < cells; i++) grid->cell_entry[i + 1] += grid->cell_entry[i];
    for (int64_t i = 0; i < from->entries; i++) place[grid->cell_entry[from->cell[i]]++] = i;
    for (int64_t i = cells; i > 0; i--) grid->cell_entry[i] = grid->cell_entry[i - 1];
    grid->cell_entry[0] = 0;
    int64_t edges = 0;
    for (int64_t i = 0; i < from->entries; i++) {
        int64_t old = place[i], first = old > 0 ? from->edge_end[old - 1] : 0;
        int64_t count = from->edge_end[old] - first;
        memcpy(grid->edges + edges, from->edges + first, (size_t)count * sizeof *grid->edges);
        grid->entry_zone[i] = from->zone[old];
        grid->entry_edge[i] = edges;
        grid->entry_area[i] = own_area(grid->edges + edges, count);
        edges += count;
    }
    grid->entry_edge[from->entries] = edges;
    free(place);
    return 1;
}

/* Whether two zones of a cell have area in common. */
static int has_overlap(const zone_grid *grid, int64_t first, int64_t end) {
    double none = NO_AREA * grid->cell * grid->cell;
    for (int64_t a = first; a < end; a++) {
        for (int64_t b = a + 1; b < end; b++) {
            const edge *left = grid->edges + grid->entry_edge[a];
            const edge *right = grid->edges + grid->entry_edge[b];
            if (shared_area(left, grid->entry_edge[a + 1] - grid->entry_edge[a], right,
                            grid->entry_edge[b + 1] - grid->entry_edge[b]) > none)
                return 1;
        }
    }
    return 0;
}

/* Say for each cell what the zones together cover of it. */
static int cover(zone_grid *grid) {
    int64_t cells = grid->columns * grid->rows;
    double whole = grid->cell * grid->cell, none = NO_AREA * whole;
    grid->state = calloc((size_t)cells + 1, sizeof *grid->state);
    grid->cover_first = calloc((size_t)cells + 1, sizeof *grid->cover_first);
    grid->cover_count = calloc((size_t)cells + 1, sizeof *grid->cover_count);
    grid->cover_area = calloc((size_t)cells + 1, sizeof *grid->cover_area);
    if (!grid->state || !grid->cover_first || !grid->cover_count || !grid->cover_area) return 0;
    if (!GEO_RESERVE(grid->edges, grid->edge_room, grid->edge_count + 1)) return 0;
    int64_t full_edge = grid->edge_count++;
    grid->edges[full_edge] = (edge){0, grid->cell, grid->cell, 0, 1};
    slabs use = {0};
    edge *copy = NULL;
    int64_t copy_room = 0;
    int is_done = 1;
    for (int64_t at = 0; at < cells && is_done; at++) {
        int64_t first = grid->cell_entry[at], end = grid->cell_entry[at + 1];
        if (first == end) continue;
        int64_t start = grid->entry_edge[first], count = grid->entry_edge[end] - start;
        double area = 0, largest = 0;
        for (int64_t i = first; i < end; i++) {
            area += grid->entry_area[i];
            if (grid->entry_area[i] > largest) largest = grid->entry_area[i];
        }
        int is_mixed = end - first > 1 && largest < whole - none;
        if (is_mixed && (end - first > MANY || has_overlap(grid, first, end))) {
            is_done = GEO_RESERVE(copy, copy_room, count);
            if (!is_done) break;
            memcpy(copy, grid->edges + start, (size_t)count * sizeof *copy);
            start = grid->edge_count;
            is_done = append_union(grid, copy, count, &use);
            count = grid->edge_count - start;
            area = own_area(grid->edges + start, count);
            grid->overlapping_cells++;
        }
        if (largest >= whole - none || area >= whole - none) {
            start = full_edge;
            count = 1;
            area = whole;
        }
        grid->state[at] = area >= whole ? FULL : PARTIAL;
        grid->cover_first[at] = start;
        grid->cover_count[at] = (int32_t)count;
        grid->cover_area[at] = area;
    }
    free(copy);
    free_slabs(&use);
    return is_done;
}

GEO_EXPORT void geo_zones_free(zone_grid *grid) {
    if (grid == NULL) return;
    free(grid->cell_entry);
    free(grid->entry_zone);
    free(grid->entry_edge);
    free(grid->entry_area);
    free(grid->edges);
    free(grid->state);
    free(grid->cover_first);
    free(grid->cover_count);
    free(grid->cover_area);
    free(grid);
}

/* Cut zones into a grid of columns x rows cells that holds them all; NULL when memory is out. */
GEO_EXPORT zone_grid *geo_zones_build(const geo_ragged *zones, double west, double south,
                                      double cell, int64_t columns, int64_t rows) {
    zone_grid *grid = calloc(1, sizeof *grid);
    if (grid == NULL) return NULL;
    grid->west = west;
    grid->south = south;
    grid->cell = cell;
    grid->columns = columns;
    grid->rows = rows;
    grid->zones = zones->count;
    cut use = {0};
    collected to = {0};
    int is_done = 1;
    for (int64_t zone = 0; zone < zones->count && is_done; zone++)
        is_done = collect_zone(grid, zones, zone, &use, &to);
    free_cut(&use);
    is_done = is_done && arrange(grid, &to);
    free(to.edges);
    free(to.cell);
    free(to.zone);
    free(to.edge_end);
    is_done = is_done && cover(grid);
    if (is_done) return grid;
    geo_zones_free(grid);
    return NULL;
}

/* Numbers for a person who tunes: entries, edges, cells where zones overlap, bytes. */
GEO_EXPORT void geo_zones_facts(const zone_grid *grid, int64_t facts[4]) {
    facts[0] = grid->entries;
    facts[1] = grid->edge_count;
    facts[2] = grid->overlapping_cells;
    facts[3] = grid->edge_room * (int64_t)sizeof *grid->edges + grid->entries * 20 +
               grid->columns * grid->rows * 29;
}

/* ------------------------------------------------------------------ subjects */

/* What one call works with, kept from subject to subject. */
typedef struct {
    cut pieces;
    edge *edges, *near;
    double *zone_area; /* per zone, for the largest; NULL where the union is asked for */
    uint8_t *is_met;
    int32_t *met;
    int64_t edge_room, near_room, met_count;
} work;

/* The edges of a small subject in coordinates of one cell, cut to its width and lower side. */
static int64_t subject_edges(const geo_ragged *shapes, int64_t place, double west, double south,
                             double cell, work *use) {
    int64_t first = shapes->ring[geo_first_ring(shapes, place)];
    int64_t end = shapes->ring[geo_end_ring(shapes, place)];
    if (!GEO_RESERVE(use->edges, use->edge_room, end - first)) return -1;
    int64_t count = 0;
    double none = NO_WIDTH * cell;
    for (int64_t r = geo_first_ring(shapes, place); r < geo_end_ring(shapes, place); r++) {
        const double *xy = shapes->xy + 2 * shapes->ring[r];
        double ax = xy[0] - west, ay = xy[1] - south;
        for (int64_t v = shapes->ring[r] + 1; v < shapes->ring[r + 1]; v++) {
            double px = ax, py = ay;
            xy = shapes->xy + 2 * v;
            ax = xy[0] - west;
            ay = xy[1] - south;
            edge e = {px, ax, py, 0, -1};
            double end_y = ay;
            if (px > ax) {
                e = (edge){ax, px, ay, 0, 1};
                end_y = py;
            }
            double width = e.right - e.left;
            if (width <= none || e.right <= 0 || e.left >= cell || (e.y <= 0 && end_y <= 0))
                continue;
            e.slope = (end_y - e.y) / width;
            if (e.left < 0) {
                e.y -= e.slope * e.left;
                e.left = 0;
            }
            if (e.right > cell) e.right = cell;
            end_y = y_at(&e, e.right);
            if (e.y <= 0 && end_y <= 0) continue;
            if (e.y < 0) { /* cut off what lies below the cell */
                double x = e.left - e.y / e.slope;
                e.left = x < e.right ? x : e.right;
                e.y = 0;
            } else if (end_y < 0) {
                double x = e.left - e.y / e.slope;
                e.right = x > e.left ? x : e.left;
            }
            if (e.right - e.left > none) use->edges[count++] = e;
        }
    }
    return count;
}

/* Area that a subject's edges share with a zone's. The zone's edges left or right of the subject
   are passed over, and those below `low`, where the subject has no part: with every edge of the
   subject above it, its terms cancel. */
static double area_with(const edge *subject, int64_t count, double low, const edge *zone,
                        int64_t zone_count, work *use) {
    if (count == 0) return 0;
    if (!GEO_RESERVE(use->near, use->near_room, zone_count)) return NAN;
    double left = subject[0].left, right = subject[0].right;
    for (int64_t i = 1; i < count; i++) {
        if (subject[i].left < left) left = subject[i].left;
        if (subject[i].right > right) right = subject[i].right;
    }
    int64_t near = 0;
    for (int64_t k = 0; k < zone_count; k++) {
        if (zone[k].left >= right || zone[k].right <= left) continue;
        if (zone[k].y <= low && y_at(&zone[k], zone[k].right) <= low) continue;
        use->near[near++] = zone[k];
    }
    return shared_area(subject, count, use->near, near);
}

static void add_to_zone(work *use, int32_t zone, double area) {
    if (!use->is_met[zone]) {
        use->is_met[zone] = 1;
        use->met[use->met_count++] = zone;
    }
    use->zone_area[zone] += area;
}

/* Area that one cell's zones share with edges that lie above `low`; with edges NULL the subject
   fills the cell. Where each zone is asked for, it is added to theirs. NaN: memory is out. */
static double meet_cell(const zone_grid *grid, int64_t at, const edge *edges, int64_t count,
                        double low, work *use) {
    if (use->zone_area == NULL) {
        if (edges == NULL) return grid->cover_area[at];
        return area_with(edges, count, low, grid->edges + grid->cover_first[at],
                         grid->cover_count[at], use);
    }
    for (int64_t i = grid->cell_entry[at]; i < grid->cell_entry[at + 1]; i++) {
        const edge *zone = grid->edges + grid->entry_edge[i];
        int64_t zone_count = grid->entry_edge[i + 1] - grid->entry_edge[i];
        double area = edges == NULL ? grid->entry_area[i]
                                    : area_with(edges, count, low, zone, zone_count, use);
        if (isnan(area)) return NAN;
        if (area != 0) add_to_zone(use, grid->entry_zone[i], area);
    }
    return 0;
}

/* Sum over the cells of a subject that is cut itself; NaN when memory is out. */
static double meet_large(const zone_grid *grid, const geo_ragged *shapes, int64_t place,
                         const int64_t window[4], work *use) {
    cut *own = &use->pieces;
    if (!cut_geometry(grid, shapes, place, window, own)) return NAN;
    double sum = 0;
    for (int64_t i = 0; i < own->columns * own->rows; i++) {
        int64_t at = (own->first_column + i / own->rows) * grid->rows + own->first_row + i % own->rows;
        if (grid->state[at] == EMPTY && use->zone_area == NULL) continue;
        if (grid->cell_entry[at] == grid->cell_entry[at + 1]) continue;
        int64_t before = i > 0 ? own->edge_end[i - 1] : 0;
        int64_t crossed = i > 0 ? own->crossing_end[i - 1] : 0;
        int is_cut = own->edge_end[i] > before || own->crossing_end[i] > crossed;
        if (!is_cut && own->winding[i] == 0) continue;
        int64_t count = 0;
        if (is_cut) {
            count = take_cell(own, i, grid->cell, &use->edges, &use->edge_room, 0);
            if (count < 0) return NAN;
        }
        sum += meet_cell(grid, at, is_cut ? use->edges : NULL, count, 0, use);
    }
    return sum;
}

/* Sum over the cells of a small subject's box; NaN when memory is out. */
static double meet_small(const zone_grid *grid, const geo_ragged *shapes, int64_t place,
                         const double box[4], const int64_t window[4], work *use) {
    double sum = 0;
    for (int64_t column = window[0]; column <= window[2]; column++) {
        for (int64_t row = window[1]; row <= window[3]; row++) {
            int64_t at = column * grid->rows + row;
            if (grid->cell_entry[at] == grid->cell_entry[at + 1]) continue;
            int64_t count = subject_edges(shapes, place, grid->west + (double)column * grid->cell,
                                          grid->south + (double)row * grid->cell, grid->cell, use);
            if (count < 0) return NAN;
            double low = box[1] - (double)row * grid->cell;
            sum += meet_cell(grid, at, use->edges, count, low > 0 ? low : 0, use);
        }
    }
    return sum;
}

/* Whether all cells of a window are in one state; -1 when they are not. */
static int common_state(const zone_grid *grid, const int64_t window[4]) {
    int state = grid->state[window[0] * grid->rows + window[1]];
    for (int64_t column = window[0]; column <= window[2]; column++)
        for (int64_t row = window[1]; row <= window[3]; row++)
            if (grid->state[column * grid->rows + row] != state) return -1;
    return state;
}

static double meet(const zone_grid *grid, const geo_ragged *shapes, int64_t place,
                   const double box[4], const int64_t window[4], work *use) {
    int64_t vertices = shapes->ring[geo_end_ring(shapes, place)] -
                       shapes->ring[geo_first_ring(shapes, place)];
    int64_t cells = (window[2] - window[0] + 1) * (window[3] - window[1] + 1);
    if (cells == 1 || cells * vertices <= SMALL)
        return meet_small(grid, shapes, place, box, window, use);
    return meet_large(grid, shapes, place, window, use);
}

static void free_work(work *used) {
    free_cut(&used->pieces);
    free(used->edges);
    free(used->near);
    free(used->zone_area);
    free(used->is_met);
    free(used->met);
}

/* Area of each subject from `first` to before `end` that zones cover, overlapping zones counted
   once; `whole` holds the subjects' areas. */
GEO_EXPORT int64_t geo_zones_covered(const zone_grid *grid, const geo_ragged *shapes,
                                     const double *whole, int64_t first, int64_t end,
                                     double *area) {
    work use = {0};
    int64_t outcome = GEO_OK;
    for (int64_t i = first; i < end && outcome == GEO_OK; i++) {
        double box[4], sum = 0;
        int64_t window[4];
        area[i] = 0;
        if (!find_window(grid, shapes, i, box, window)) continue;
        int state = common_state(grid, window);
        if (state == EMPTY) continue;
        int is_within = box[0] >= 0 && box[1] >= 0 && box[2] < (double)grid->columns * grid->cell &&
                        box[3] < (double)grid->rows * grid->cell;
        if (state == FULL && is_within) {
            area[i] = whole[i];
            continue;
        }
        sum = meet(grid, shapes, i, box, window, &use);
        if (isnan(sum)) outcome = GEO_NO_MEMORY;
        double none = NO_SUBJECT_AREA * grid->cell * (box[2] - box[0]);
        /* What rounding leaves of a touching border is no overlap, and of a covered subject none. */
        area[i] = sum <= none ? 0 : sum >= whole[i] - none ? whole[i] : sum;
    }
    free_work(&use);
    return outcome;
}

/* For each subject the zone that it shares most area with, and that area; -1 and 0 for none.
   Of zones with equal areas the first. */
GEO_EXPORT int64_t geo_zones_largest(const zone_grid *grid, const geo_ragged *shapes,
                                     const double *whole, int64_t first, int64_t end,
                                     int32_t *zone, double *area) {
    work use = {0};
    int64_t outcome = GEO_OK;
    use.zone_area = calloc((size_t)grid->zones + 1, sizeof *use.zone_area);
    use.is_met = calloc((size_t)grid->zones + 1, sizeof *use.is_met);
    use.met = malloc(((size_t)grid->zones + 1) * sizeof *use.met);
    if (!use.zone_area || !use.is_met || !use.met) outcome = GEO_NO_MEMORY;
    for (int64_t i = first; i < end && outcome == GEO_OK; i++) {
        double box[4];
        int64_t window[4];
        zone[i] = -1;
        area[i] = 0;
        if (!find_window(grid, shapes, i, box, window)) continue;
        use.met_count = 0;
        if (isnan(meet(grid, shapes, i, box, window, &use))) outcome = GEO_NO_MEMORY;
        double none = NO_SUBJECT_AREA * grid->cell * (box[2] - box[0]);
        for (int64_t k = 0; k < use.met_count; k++) {
            int32_t found = use.met[k];
            double sum = use.zone_area[found];
            use.zone_area[found] = 0;
            use.is_met[found] = 0;
            if (sum <= none) continue;
            if (sum > area[i] + none || (sum >= area[i] - none && found < zone[i])) {
                zone[i] = found;
                area[i] = sum;
            }
        }
        if (area[i] >= whole[i] - none && zone[i] >= 0) area[i] = whole[i];
    }
    free_work(&use);
    return outcome;
}

/* For each subject from `first` every zone that it shares area with, in the order of zones, and
   that area. Zones and areas are written one after the other as long as there is `room` for all
   zones of a subject; `count[i]` says how many subject i has. Returns the first subject that was
   not measured, `end` when all were. */
GEO_EXPORT int64_t geo_zones_shares(const zone_grid *grid, const geo_ragged *shapes,
                                    const double *whole, int64_t first, int64_t end, int64_t room,
                                    int64_t *count, int32_t *zone, double *area) {
    work use = {0};
    int64_t written = 0, i = first;
    use.zone_area = calloc((size_t)grid->zones + 1, sizeof *use.zone_area);
    use.is_met = calloc((size_t)grid->zones + 1, sizeof *use.is_met);
    use.met = malloc(((size_t)grid->zones + 1) * sizeof *use.met);
    int is_out = !use.zone_area || !use.is_met || !use.met;
    for (; i < end && !is_out; i++) {
        double box[4];
        int64_t window[4], start = written;
        count[i] = 0;
        if (!find_window(grid, shapes, i, box, window)) continue;
        if (common_state(grid, window) == EMPTY) continue;
        use.met_count = 0;
        if (isnan(meet(grid, shapes, i, box, window, &use))) is_out = 1;
        double none = NO_SUBJECT_AREA * grid->cell * (box[2] - box[0]);
        int has_room = written + use.met_count <= room;
        for (int64_t k = 0; k < use.met_count; k++) {
            int32_t found = use.met[k];
            double sum = use.zone_area[found];
            use.zone_area[found] = 0;
            use.is_met[found] = 0;
            if (sum <= none || !has_room) continue;
            int64_t at = written++;
            for (; at > start && zone[at - 1] > found; at--) {
                zone[at] = zone[at - 1];
                area[at] = area[at - 1];
            }
            zone[at] = found;
            area[at] = sum >= whole[i] - none ? whole[i] : sum;
        }
        if (!has_room) break;
        count[i] = written - start;
    }
    free_work(&use);
    return is_out ? GEO_NO_MEMORY : i;
}
