/* Charts in a terminal: which characters lines and areas become, and what is read of gnuplot's drawing for Tk. */
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/cells.h"
#include "analyze/charts/tk_canvas.h"
#include "tests/support/support.h"

/* What the picture is written as; freed by the caller. Destroys it. */
static char *written(struct cells *cells, enum cells_colours colours)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    cells_write(out, cells, colours);
    fclose(out);
    cells_destroy(cells);
    return text;
}

static void check(struct cells *cells, enum cells_colours colours, const char *expected)
{
    char *text = written(cells, colours);
    assert_string_equal(text, expected);
    free(text);
}

/* Braille's dots 1 2 3 7 are the left column from the top, 4 5 6 8 the right one: Unicode 15, block 2800. */
static void lines_become_dots(void **state)
{
    (void)state;
    struct cells cells;
    assert_int_equal(cells_create(&cells, 3, 1), 0);
    const struct cells_point level[] = {{0, 0.1}, {1, 0.1}};
    cells_line(&cells, level, 2, NULL, 0, 0);
    check(&cells, CELLS_PLAIN, "\u2809\u2809\u2809\n");

    assert_int_equal(cells_create(&cells, 2, 2), 0);
    const struct cells_point upright[] = {{0.1, 0}, {0.1, 1}};
    cells_line(&cells, upright, 2, NULL, 0, 0);
    check(&cells, CELLS_PLAIN, "\u2847\n\u2847\n");

    /* Half of the width in strokes: two dots, two gaps, of eight. */
    assert_int_equal(cells_create(&cells, 4, 1), 0);
    cells_line(&cells, level, 2, (const double[]){0.25, 0.25}, 2, 0);
    check(&cells, CELLS_PLAIN, "\u2809 \u2809\n");
}

static void areas_become_blocks(void **state)
{
    (void)state;
    struct cells cells;
    const struct cells_point right[] = {{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}};
    assert_int_equal(cells_create(&cells, 4, 2), 0);
    cells_fill(&cells, right, 4, false, 0);
    check(&cells, CELLS_PLAIN, "  \u2588\u2588\n  \u2588\u2588\n");

    /* A line on an area has the area's colour behind it, letters too. */
    const struct cells_point whole[] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}}, level[] = {{0, 0.1}, {1, 0.1}};
    assert_int_equal(cells_create(&cells, 2, 1), 0);
    cells_fill(&cells, whole, 4, false, 0x102030);
    cells_line(&cells, level, 2, NULL, 0, 0xff0000);
    cells_text(&cells, (struct cells_point){0.9, 0.5}, "x", CELLS_FROM, CELLS_INK);
    check(&cells, CELLS_TRUE, "\033[38;2;255;0;0m\033[48;2;16;32;48m\u2809\033[39mx\033[0m\n");

    /* Every second dot: 1, 5, 3 and 8 are set. */
    assert_int_equal(cells_create(&cells, 1, 1), 0);
    cells_fill(&cells, whole, 4, true, 0);
    check(&cells, CELLS_PLAIN, "\u2895\n");
}

static void texts_give_way_to_each_other(void **state)
{
    (void)state;
    struct cells cells;
    assert_int_equal(cells_create(&cells, 10, 3), 0);
    cells_text(&cells, (struct cells_point){0.5, 0.1}, "name", CELLS_ABOUT, CELLS_INK);
    cells_text(&cells, (struct cells_point){0.6, 0.1}, "of 3", CELLS_ABOUT, CELLS_INK);
    cells_text(&cells, (struct cells_point){0.95, 0.9}, "12 at", CELLS_FROM, CELLS_INK);
    check(&cells, CELLS_256, "   name\n    of 3\n     12 at\n");
}

/* The 256 colours' cube has the steps 0, 95, 135, 175, 215 and 255. */
static void colours_of_256_are_the_nearest(void **state)
{
    (void)state;
    struct cells cells;
    assert_int_equal(cells_create(&cells, 1, 1), 0);
    cells_text(&cells, (struct cells_point){0, 0}, "x", CELLS_FROM, 0xd460a0);
    check(&cells, CELLS_256, "\033[38;5;169mx\033[0m\n"); /* 16 + 36 * 4 + 6 * 1 + 3: 215, 95, 175 */
}

static void what_gnuplot_draws_for_tk_is_read(void **state)
{
    (void)state;
    static const char picture[] = "proc gnuplot cv {\n"
                                  "  $cv create text [expr $cmx * 0 /1000] [expr $cmy * 100 /1000]\\\n"
                                  "    -text {a \\{b\\} \\$1\\;} -fill #111111\\\n"
                                  "    -anchor w -font $font\n"
                                  "  $cv create rectangle [expr $cmx*500/1000] [expr $cmy*500/1000] [expr "
                                  "$cmx*1000/1000] [expr $cmy*1000/1000]\\\n"
                                  "    -fill #123456 -outline {} -stipple {}\n"
                                  "  $cv create text [expr $cmx * 20 /1000] [expr $cmy * 500 /1000]\\\n"
                                  "    -text {an axis} -fill #111111\\\n"
                                  "    -anchor center -angle -270\n"
                                  "  $cv create line\\\n"
                                  "    [expr $cmx*0/1000] [expr $cmy*510/1000]\\\n"
                                  "    [expr $cmx*499/1000] [expr $cmy*510/1000]\\\n"
                                  "    -fill {#654321} -width 1.0 -capstyle butt -joinstyle miter\n"
                                  "}\n";
    struct cells cells;
    char *upright = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&upright, &bytes);
    assert_int_equal(cells_create(&cells, 10, 2), 0);
    assert_int_equal(tk_canvas_draw(&cells, out, picture, 0x111111), 0);
    fclose(out);
    assert_string_equal(upright, "an axis\n");
    free(upright);
    check(&cells, CELLS_TRUE,
          "a {b} "
          "$1;\n\033[38;2;101;67;33m\u2809\u2809\u2809\u2809\u2809\033[38;2;18;52;86m\u2588\u2588\u2588\u2588\u2588"
          "\033[0m\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_dots),
        cmocka_unit_test(areas_become_blocks),
        cmocka_unit_test(texts_give_way_to_each_other),
        cmocka_unit_test(colours_of_256_are_the_nearest),
        cmocka_unit_test(what_gnuplot_draws_for_tk_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
