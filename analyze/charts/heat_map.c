/* Cells are boxes, so that they stay sharp at any size and can be told from their surroundings in grey. */
#include "analyze/charts/heat_map.h"

#include <math.h>
#include <string.h>

#include "analyze/charts/house_style.h"
#include "analyze/charts/text_layout.h"

/* Sizes in pixels of 1280 x 720, fonts in the house's. */
enum {
    WIDTH = 1280,
    HEIGHT = 720,
    LARGEST_CELL = 300, /* of few names */
    LARGEST_HEIGHT = 170,
    TEXT_FONT = 18,
    BELOW_FONT = 12,
    HIGH_CELL = 38, /* holds two lines */
    TITLE_ROOM = 34,
    NAME_GAP = 10,
    NAME_FONT = 14,
    SMALLEST_FONT = 10
};
static const double slope = 0.6; /* of names that do not fit above one another: their height over their width */

/* Where the cells are, and how texts fit. */
struct layout {
    double left, right, bottom, top; /* of the cells */
    double cell_width, cell_height;
    int row_font, column_font, text_font, below_font;
    bool leaning;        /* columns' names */
    double row_names;    /* their width */
    double column_names; /* their height */
};

static double widest_name(const struct heat_map *map, double font)
{
    double widest = 0;
    for (size_t i = 0; i < map->side; i++)
        widest = fmax(widest, text_width(map->names[i], font));
    return fmin(widest, map->most_name);
}

/* The largest font up to `most` in which texts that are `width` pixels wide at 10 fit. */
static int fitting_font(double width, double pixels, double height, int most)
{
    int font = most;
    while (font > SMALLEST_FONT && (width * font / 10 > pixels || font * 1.5 > height))
        font--;
    return font;
}

static double widest_text(const struct heat_map *map, bool below)
{
    double widest = 0;
    for (size_t i = 0; i < map->side * map->side; i++)
        widest = fmax(widest, text_width(below ? map->cells[i].below : map->cells[i].text, 10));
    return widest;
}

static double cell_height_of(const struct heat_map *map, double column_names)
{
    double titles = map->column_title != NULL ? TITLE_ROOM : 0;
    return fmin((map->top - map->bottom - titles - column_names - NAME_GAP) / (double)map->side, LARGEST_HEIGHT);
}

static struct layout lay_out(const struct heat_map *map)
{
    const double side = (double)map->side;
    const bool has_below = widest_text(map, true) > 0;
    struct layout layout = {.top = map->top};
    layout.row_names = widest_name(map, NAME_FONT) + NAME_GAP;
    layout.left = map->left + (map->row_title != NULL ? TITLE_ROOM : 0) + layout.row_names;
    layout.cell_width = fmin((map->right - layout.left) / side, LARGEST_CELL);
    layout.column_font = fitting_font(widest_name(map, 10), layout.cell_width - 6, HEIGHT, NAME_FONT);
    layout.leaning = layout.column_font < 12;
    if (layout.leaning)
        layout.column_font = fitting_font(0, 0, layout.cell_width, NAME_FONT);
    layout.column_names =
        layout.leaning ? widest_name(map, layout.column_font) * slope + 10 : 1.5 * layout.column_font;
    layout.cell_height = cell_height_of(map, layout.column_names);
    layout.left += (map->right - layout.left - layout.cell_width * side) / 2;
    layout.right = layout.left + layout.cell_width * side;
    layout.bottom = layout.top - layout.cell_height * side;
    layout.row_font = fitting_font(0, 0, layout.cell_height, NAME_FONT);
    layout.text_font = fitting_font(widest_text(map, false), layout.cell_width - 6,
                                    has_below ? layout.cell_height * 0.5 : layout.cell_height, TEXT_FONT);
    layout.below_font =
        fitting_font(widest_text(map, true), layout.cell_width - 6, layout.cell_height * 0.45, BELOW_FONT);
    return layout;
}

bool heat_map_has_room_below(const struct heat_map *map)
{
    const struct layout layout = lay_out(map);
    return layout.cell_height >= HIGH_CELL;
}

static void write_data(FILE *out, const struct heat_map *map)
{
    fprintf(out, "$cells << EOD\n# column\trow\tshade\tnumber\t%s\t%s",
            map->row_title != NULL ? map->row_title : "name of the row",
            map->column_title != NULL ? map->column_title : "name of the column");
    if (map->below_title != NULL)
        fprintf(out, "\t%s", map->below_title);
    fputs("\n", out);
    for (size_t row = 0; row < map->side; row++)
        for (size_t column = 0; column < map->side; column++) {
            const struct heat_cell *cell = &map->cells[row * map->side + column];
            char row_name[256], column_name[256];
            if (isnan(cell->shade) && cell->text[0] == 0 && cell->below[0] == 0)
                continue;
            fprintf(out, "%zu\t%zu\t%.4g\t%s\t%s\t%s", column + 1, row + 1, cell->shade, cell->text,
                    text_fit(row_name, sizeof row_name, map->names[row], NAME_FONT, WIDTH),
                    text_fit(column_name, sizeof column_name, map->names[column], NAME_FONT, WIDTH));
            fputs(map->below_title != NULL ? "\t" : "", out);
            fprintf(out, "%s\n", cell->below);
        }
    fputs("EOD\n", out);
}

/* In tics' names gnuplot takes % as the begin of a format. Returns `room`. */
static const char *double_percents(char *room, size_t bytes, const char *text)
{
    size_t used = 0;
    for (; *text != 0 && used + 2 < bytes; text++) {
        if (*text == '%')
            room[used++] = '%';
        room[used++] = *text;
    }
    room[used] = 0;
    return room;
}

static void write_names(FILE *out, const struct heat_map *map, const char *axis, int font, double pixels)
{
    fprintf(out, "set %stics (", axis);
    for (size_t i = 0; i < map->side; i++) {
        char fitted[256], name[2 * sizeof fitted];
        text_fit(fitted, sizeof fitted, map->names[i], font, pixels);
        fputs(i > 0 ? ", " : "", out);
        house_style_quote(out, double_percents(name, sizeof name, fitted));
        fprintf(out, " %zu", i + 1);
    }
    fputs(")\n", out);
}

static void write_axes(FILE *out, const struct heat_map *map, const struct layout *layout)
{
    const double end = (double)map->side + 0.5;
    fprintf(out,
            "set lmargin at screen %.4f\n"
            "set rmargin at screen %.4f\n"
            "set bmargin at screen %.4f\n"
            "set tmargin at screen %.4f\n"
            "set xrange [0.5:%g]\n"
            "set yrange [%g:0.5]\n"
            "unset border\n"
            "unset grid\n"
            "unset key\n"
            "set xtics scale 0 font ',%d' %s\n"
            "set ytics scale 0 font ',%d'\n",
            layout->left / WIDTH, layout->right / WIDTH, layout->bottom / HEIGHT, layout->top / HEIGHT, end, end,
            layout->column_font, layout->leaning ? "rotate by 37 right" : "norotate center", layout->row_font);
    write_names(out, map, "x", layout->column_font, layout->leaning ? map->most_name : layout->cell_width - 6);
    write_names(out, map, "y", layout->row_font, map->most_name);
    if (map->row_title != NULL) {
        fputs("set label ", out);
        house_style_quote(out, map->row_title);
        fprintf(out, " at screen %.4f, %.4f center rotate by 90 font ',14' textcolor rgb ink\n",
                (layout->left - layout->row_names - TITLE_ROOM * 0.67) / WIDTH,
                (layout->bottom + layout->top) / 2 / HEIGHT);
    }
    if (map->column_title != NULL) {
        fputs("set label ", out);
        house_style_quote(out, map->column_title);
        fprintf(out, " at screen %.4f, %.4f center font ',14' textcolor rgb ink\n",
                (layout->left + layout->right) / 2 / WIDTH,
                (layout->bottom - layout->column_names - NAME_GAP - TITLE_ROOM / 2.0) / HEIGHT);
    }
}

void heat_map_write(FILE *out, const struct heat_map *map, enum chart_theme theme)
{
    const struct layout layout = lay_out(map);
    const bool has_below = widest_text(map, true) > 0;
    const double up = has_below ? 0.16 : 0; /* of a cell's height */
    write_data(out, map);
    write_axes(out, map, &layout);
    fprintf(out,
            "heat = 0x%s\n"
            "# opacity from 6%% to 55%%, on which the ink is readable\n"
            "shade(s) = int(255 * (0.94 - 0.49 * s)) * 2**24 + heat\n"
            "plot $cells using 1:2:($1 - 0.485):($1 + 0.485):($2 - 0.47):($2 + 0.47):(shade($3)) "
            "with boxxyerror fillstyle solid noborder linecolor rgb variable, \\\n"
            "     $cells using 1:($2 - %g):4 with labels font ',%d' textcolor rgb ink",
            house_style_theme(theme)->colours[0] + 1, up, layout.text_font);
    if (has_below)
        fprintf(out, ", \\\n     $cells using 1:($2 + 0.24):7 with labels font ',%d' textcolor rgb ink",
                layout.below_font);
    fputs("\n", out);
}
