/* Each text tries places around its point, the near ones first, and takes the best. */
#include "analyze/charts/label_places.h"

#include <math.h>

#include "analyze/charts/house_style.h"
#include "analyze/charts/text_layout.h"

/* Pixels of a line of text for each point of its font. */
static const double line_height = 1.5;

/* ---- what is taken --------------------------------------------------------------------------------------- */

/* The cell of a pixel, inside the picture. */
static int cell_of(double pixel, int cells)
{
    double cell = floor(pixel / LABEL_CELL);
    return cell < 0 ? 0 : cell >= cells ? cells - 1 : (int)cell;
}

/* Calls `visit` for the cells on a line, near enough. */
static void walk_line(struct label_places *places, double x0, double y0, double x1, double y1,
                      void (*visit)(enum label_use *cell, int *count), int *count)
{
    int steps = (int)(fmax(fabs(x1 - x0), fabs(y1 - y0)) / LABEL_CELL) + 1;
    for (int i = 0; i <= steps; i++) {
        double x = x0 + (x1 - x0) * i / steps, y = y0 + (y1 - y0) * i / steps;
        visit(&places->taken[cell_of(y, LABEL_ROWS)][cell_of(x, LABEL_COLUMNS)], count);
    }
}

static void take(enum label_use *cell, int *count)
{
    (void)count;
    *cell = *cell == LABEL_FREE ? LABEL_DRAWN : *cell;
}

static void count_text(enum label_use *cell, int *count)
{
    *count += *cell == LABEL_TEXT;
}

void label_places_take_line(struct label_places *places, double x0, double y0, double x1, double y1)
{
    walk_line(places, x0, y0, x1, y1, take, NULL);
}

static void fill(struct label_places *places, struct box box, enum label_use use)
{
    int right = cell_of(box.right, LABEL_COLUMNS), top = cell_of(box.top, LABEL_ROWS);
    for (int row = cell_of(box.bottom, LABEL_ROWS); row <= top; row++)
        for (int column = cell_of(box.left, LABEL_COLUMNS); column <= right; column++)
            places->taken[row][column] = use;
}

void label_places_take_box(struct label_places *places, struct box box)
{
    fill(places, box, LABEL_DRAWN);
}

static int count_taken(const struct label_places *places, struct box box)
{
    int count = 0, right = cell_of(box.right, LABEL_COLUMNS), top = cell_of(box.top, LABEL_ROWS);
    for (int row = cell_of(box.bottom, LABEL_ROWS); row <= top; row++)
        for (int column = cell_of(box.left, LABEL_COLUMNS); column <= right; column++)
            count += places->taken[row][column] != LABEL_FREE;
    return count;
}

/* ---- places ---------------------------------------------------------------------------------------------- */

static bool is_inside(struct box box, struct box area)
{
    return box.left >= area.left && box.right <= area.right && box.bottom >= area.bottom && box.top <= area.top;
}

/* Moves a box into the area. */
static struct box brought_inside(struct box box, struct box area)
{
    double right = fmax(fmin(0, area.right - box.right), area.left - box.left);
    double up = fmax(fmin(0, area.top - box.top), area.bottom - box.bottom);
    return (struct box){box.left + right, box.bottom + up, box.right + right, box.top + up};
}

/* Where the line from a point to a text ends. */
static void line_end(struct box box, double *x, double *y)
{
    *x = fmax(box.left, fmin(*x, box.right));
    *y = fmax(box.bottom, fmin(*y, box.top));
}

struct box label_places_find(struct label_places *places, double x, double y, double width, double height,
                             bool *apart)
{
    static const double distances[] = {8, 14, 24, 36, 50, 70, 95, 125, 160, 200}; /* pixels */
    enum { DISTANCES = sizeof distances / sizeof *distances, DIRECTIONS = 16 };
    const double turn = 2 * acos(-1);
    struct box best = {x + distances[0], y - height / 2, x + distances[0] + width, y + height / 2};
    int least = -1;
    best = brought_inside(best, places->area);
    *apart = false;
    for (int d = 0; d < DISTANCES && least != 0; d++)
        for (int i = 0; i < DIRECTIONS && least != 0; i++) {
            double angle = turn * i / DIRECTIONS;
            double centre_x = x + cos(angle) * (distances[d] + width / 2);
            double centre_y = y + sin(angle) * (distances[d] + height / 2);
            struct box box = {centre_x - width / 2, centre_y - height / 2, centre_x + width / 2,
                              centre_y + height / 2};
            if (!is_inside(box, places->area))
                continue;
            int covered = count_taken(places, box);
            double end_x = x, end_y = y;
            line_end(box, &end_x, &end_y);
            walk_line(places, x, y, end_x, end_y, count_text, &covered);
            if (least >= 0 && covered >= least)
                continue;
            least = covered;
            best = box;
            *apart = d > 1;
        }
    fill(places, best, LABEL_TEXT);
    return best;
}

void label_places_write(FILE *out, struct label_places *places, double x, double y, const char *text, int font_size)
{
    bool apart;
    struct box box = label_places_find(places, x, y, text_width(text, font_size), line_height * font_size, &apart);
    fputs("set label ", out);
    house_style_quote(out, text);
    fprintf(out, " at screen %.4f, %.4f center font ',%d' textcolor rgb ink front\n",
            (box.left + box.right) / 2 / PICTURE_WIDTH, (box.bottom + box.top) / 2 / PICTURE_HEIGHT, font_size);
    if (!apart)
        return;
    double end_x = x, end_y = y;
    line_end(box, &end_x, &end_y);
    fprintf(out, "set arrow from screen %.4f, %.4f to screen %.4f, %.4f nohead linecolor rgb axis linewidth 1\n",
            x / PICTURE_WIDTH, y / PICTURE_HEIGHT, end_x / PICTURE_WIDTH, end_y / PICTURE_HEIGHT);
    label_places_take_line(places, x, y, end_x, end_y);
}
