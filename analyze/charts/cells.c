/* Unicode's braille (U+2800 and up) has a bit for each dot, and every terminal's font has it. */
#include "analyze/charts/cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/utf8.h"

enum { DOT_COLUMNS = 2, DOT_ROWS = 4, DOTS = DOT_COLUMNS * DOT_ROWS };
static const uint32_t empty = UINT32_MAX; /* no colour */

struct cell {
    uint32_t dots[DOTS]; /* colours, by row */
    char letter[5];      /* ends with a 0; "" for none */
    uint32_t letter_colour;
};

int cells_create(struct cells *out, size_t columns, size_t rows)
{
    *out = (struct cells){.columns = columns, .rows = rows};
    int status = memory_allocate(&out->cells, columns * rows, sizeof *out->cells, "a chart");
    for (size_t i = 0; status == 0 && i < columns * rows; i++)
        for (size_t j = 0; j < DOTS; j++)
            out->cells[i].dots[j] = empty;
    return status;
}

void cells_destroy(struct cells *cells)
{
    free(cells->cells);
    *cells = (struct cells){0};
}

/* ---- dots ------------------------------------------------------------------------------------------------ */

static void put_dot(struct cells *cells, long x, long y, uint32_t colour)
{
    if (x < 0 || y < 0 || x >= (long)cells->columns * DOT_COLUMNS || y >= (long)cells->rows * DOT_ROWS)
        return;
    size_t column = (size_t)x / DOT_COLUMNS, row = (size_t)y / DOT_ROWS;
    size_t dot = (size_t)y % DOT_ROWS * DOT_COLUMNS + (size_t)x % DOT_COLUMNS;
    cells->cells[row * cells->columns + column].dots[dot] = colour;
}

/* A point in dots, kept near the picture so that a line to far outside ends some time. */
static struct cells_point in_dots(const struct cells *cells, struct cells_point point)
{
    return (struct cells_point){fmin(fmax(point.x, -1), 2) * (double)cells->columns * DOT_COLUMNS,
                                fmin(fmax(point.y, -1), 2) * (double)cells->rows * DOT_ROWS};
}

void cells_line(struct cells *cells, const struct cells_point *points, size_t count, const double *dashes,
                size_t dash_count, uint32_t colour)
{
    double gone = 0; /* of the dash */
    size_t dash = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        const struct cells_point from = in_dots(cells, points[i]), to = in_dots(cells, points[i + 1]);
        const double steps = fmax(1, ceil(fmax(fabs(to.x - from.x), fabs(to.y - from.y))));
        for (double step = 0; step <= steps; step++) {
            const double share = step / steps;
            if (dash % 2 == 0)
                put_dot(cells, (long)floor(from.x + share * (to.x - from.x)),
                        (long)floor(from.y + share * (to.y - from.y)), colour);
            if (dash_count == 0)
                continue;
            gone += hypot(to.x - from.x, to.y - from.y) / steps;
            if (gone >= fmax(1, dashes[dash] * (double)cells->columns * DOT_COLUMNS)) {
                gone = 0;
                dash = (dash + 1) % dash_count;
            }
        }
    }
}

static bool is_inside(const struct cells_point *points, size_t count, double x, double y)
{
    bool inside = false;
    for (size_t i = 0, j = count - 1; i < count; j = i++)
        if ((points[i].y > y) != (points[j].y > y) &&
            x < (points[j].x - points[i].x) * (y - points[i].y) / (points[j].y - points[i].y) + points[i].x)
            inside = !inside;
    return inside;
}

void cells_fill(struct cells *cells, const struct cells_point *points, size_t count, bool pale, uint32_t colour)
{
    const double width = (double)cells->columns * DOT_COLUMNS, height = (double)cells->rows * DOT_ROWS;
    struct cells_point least = {1, 1}, most = {0, 0};
    for (size_t i = 0; i < count; i++) {
        least = (struct cells_point){fmin(least.x, points[i].x), fmin(least.y, points[i].y)};
        most = (struct cells_point){fmax(most.x, points[i].x), fmax(most.y, points[i].y)};
    }
    least = in_dots(cells, least);
    most = in_dots(cells, most);
    for (long y = (long)fmax(0, least.y); y <= (long)fmin(most.y, height); y++)
        for (long x = (long)fmax(0, least.x); x <= (long)fmin(most.x, width); x++)
            if ((!pale || (x + y) % 2 == 0) &&
                is_inside(points, count, ((double)x + 0.5) / width, ((double)y + 0.5) / height))
                put_dot(cells, x, y, colour);
}

/* ---- letters --------------------------------------------------------------------------------------------- */

static size_t count_letters(const char *text)
{
    size_t letters = 0;
    for (int bytes; *text != 0; text += bytes > 0 ? bytes : 1, letters++)
        bytes = utf8_character_bytes(text);
    return letters;
}

/* Are so many cells, and one on either side, without letters? */
static bool is_free(const struct cells *cells, long row, long column, long letters)
{
    if (row < 0 || row >= (long)cells->rows)
        return false;
    for (long i = column - 1; i <= column + letters; i++)
        if (i >= 0 && i < (long)cells->columns && cells->cells[row * (long)cells->columns + i].letter[0] != 0)
            return false;
    return true;
}

void cells_text(struct cells *cells, struct cells_point at, const char *text, enum cells_anchor anchor,
                uint32_t colour)
{
    const long letters = (long)count_letters(text), columns = (long)cells->columns;
    long row = (long)floor(at.y * (double)cells->rows);
    long column = (long)floor(at.x * (double)columns);
    column -= anchor == CELLS_ABOUT ? letters / 2 : anchor == CELLS_UP_TO ? letters : 0;
    if (column + letters > columns)
        column = columns - letters;
    if (column < 0)
        column = 0;
    if (row < 0 || row >= (long)cells->rows)
        return;
    if (!is_free(cells, row, column, letters))
        row += is_free(cells, row + 1, column, letters) ? 1 : is_free(cells, row - 1, column, letters) ? -1 : 0;
    for (; *text != 0 && column < columns; column++) {
        const size_t bytes = (size_t)utf8_character_bytes(text);
        struct cell *cell = &cells->cells[row * columns + column];
        memset(cell->letter, 0, sizeof cell->letter);
        memcpy(cell->letter, bytes > 0 ? text : "?", bytes > 0 ? bytes : 1);
        cell->letter_colour = colour;
        text += bytes > 0 ? bytes : 1;
    }
}

/* ---- writing --------------------------------------------------------------------------------------------- */

/* What is written of a cell. */
struct look {
    char text[5];
    uint32_t front, back; /* `empty`: the terminal's */
};

/* The colour that most of the dots have, but those of `other`. */
static uint32_t most_frequent(const struct cell *cell, uint32_t other)
{
    uint32_t best = empty;
    int best_count = 0;
    for (int i = 0; i < DOTS; i++) {
        int count = 0;
        for (int j = 0; j < DOTS; j++)
            count += cell->dots[j] == cell->dots[i];
        if (cell->dots[i] != empty && cell->dots[i] != other && count > best_count) {
            best = cell->dots[i];
            best_count = count;
        }
    }
    return best;
}

/* Where all dots are set, the second most frequent colour stands on a ground of the most frequent. */
static struct look look_of(const struct cell *cell, bool has_colours)
{
    /* Braille's bits go down the left column, down the right one, and then to the dots below. */
    static const unsigned char bits[DOTS] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    struct look look = {.text = " ", .front = empty, .back = empty};
    const uint32_t first = most_frequent(cell, empty);
    int set = 0;
    unsigned pattern = 0;
    for (int i = 0; i < DOTS; i++)
        set += cell->dots[i] != empty;
    const bool full = set == DOTS;
    if (cell->letter[0] != 0) {
        memcpy(look.text, cell->letter, sizeof look.text);
        look.front = cell->letter_colour == CELLS_INK ? empty : cell->letter_colour;
        look.back = full ? first : empty;
        return look;
    }
    const uint32_t second = full ? most_frequent(cell, first) : empty;
    look.front = first;
    if (full && (second == empty || !has_colours)) {
        memcpy(look.text, "\xe2\x96\x88", sizeof "\xe2\x96\x88"); /* a full block */
        return look;
    }
    if (full) {
        look.front = second;
        look.back = first;
    }
    for (int i = 0; i < DOTS; i++)
        if (full ? cell->dots[i] != first : cell->dots[i] != empty)
            pattern |= bits[i];
    if (pattern != 0)
        snprintf(look.text, sizeof look.text, "\xe2%c%c", 0xa0 | (int)(pattern >> 6), 0x80 | (int)(pattern & 0x3f));
    return look;
}

/* The nearest of the 6 x 6 x 6 colours from 16 on. */
static int nearest_of_256(uint32_t colour)
{
    int index = 16;
    for (int shift = 16, weight = 36; shift >= 0; shift -= 8, weight /= 6) {
        const int value = (int)(colour >> shift & 0xff);
        index += weight * (value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40);
    }
    return index;
}

static void write_colour(FILE *out, int ground, uint32_t colour, enum cells_colours colours)
{
    if (colour == empty)
        fprintf(out, "\033[%dm", ground + 1);
    else if (colours == CELLS_TRUE)
        fprintf(out, "\033[%d;2;%u;%u;%um", ground, colour >> 16 & 0xff, colour >> 8 & 0xff, colour & 0xff);
    else
        fprintf(out, "\033[%d;5;%dm", ground, nearest_of_256(colour));
}

static size_t row_length(const struct cells *cells, size_t row)
{
    size_t length = cells->columns;
    while (length > 0) {
        const struct look look = look_of(&cells->cells[row * cells->columns + length - 1], true);
        if (look.text[0] != ' ' || look.back != empty)
            break;
        length--;
    }
    return length;
}

static void write_row(FILE *out, const struct cells *cells, size_t row, enum cells_colours colours)
{
    enum { FRONT = 38, BACK = 48 };
    uint32_t front = empty, back = empty;
    const size_t length = row_length(cells, row);
    for (size_t column = 0; column < length; column++) {
        const struct look look = look_of(&cells->cells[row * cells->columns + column], colours != CELLS_PLAIN);
        if (colours != CELLS_PLAIN && look.front != front && look.text[0] != ' ')
            write_colour(out, FRONT, front = look.front, colours);
        if (colours != CELLS_PLAIN && look.back != back)
            write_colour(out, BACK, back = look.back, colours);
        fputs(look.text, out);
    }
    if (front != empty || back != empty)
        fputs("\033[0m", out);
    fputc('\n', out);
}

void cells_write(FILE *out, const struct cells *cells, enum cells_colours colours)
{
    size_t first = 0, end = cells->rows;
    while (first < end && row_length(cells, first) == 0)
        first++;
    while (end > first && row_length(cells, end - 1) == 0)
        end--;
    for (size_t row = first; row < end; row++)
        write_row(out, cells, row, colours);
}
