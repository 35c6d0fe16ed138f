/* Texts in charts: how wide they are, where they break, and how curves' names move apart. */
#include <math.h>
#include <string.h>

#include "analyze/charts/end_labels.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/text_layout.h"
#include "tests/support/support.h"

/* DejaVu Sans at 16 pixels, from its hmtx table: 'm' 1995 and 'i' 569 of 2048 units. */
static void widths_are_the_fonts(void **state)
{
    (void)state;
    assert_near(text_width("m", 12), 16 * 1995.0 / 2048, 0.16);
    assert_near(text_width("iiii", 12), 4 * 16 * 569.0 / 2048, 0.32);
    assert_true(text_width("\xc3\xa4\xc3\xb6", 12) < text_width("mm", 12)); /* two letters, not four */
    assert_near(text_width("", 12), 0, 1e-9);
}

static void long_texts_break_at_spaces(void **state)
{
    (void)state;
    char room[64];
    /* 10 'i' and 9 'i' of 4.45 pixels: no two words on 60 pixels, all three on 200. */
    assert_int_equal(text_wrap(room, sizeof room, "iiiiiiiiii iiiiiiiii iiii", 12, 60, 3), 3);
    assert_string_equal(room, "iiiiiiiiii\niiiiiiiii\niiii");
    assert_int_equal(text_wrap(room, sizeof room, "iiiiiiiiii iiiiiiiii iiii", 12, 200, 3), 1);
    assert_string_equal(room, "iiiiiiiiii iiiiiiiii iiii");
}

static void what_does_not_fit_ends_in_an_ellipsis(void **state)
{
    (void)state;
    char room[64], small[12];
    assert_int_equal(text_wrap(room, sizeof room, "iiiiiiiiii iiiiiiiii iiii", 12, 60, 2), 2);
    assert_memory_equal(room, "iiiiiiiiii\niiiiiiii", 19);
    assert_non_null(strstr(room, "\xe2\x80\xa6"));
    assert_true(text_width(strchr(room, '\n') + 1, 12) <= 60);
    text_fit(small, sizeof small, "a name that is longer than its room", 12, 1000);
    assert_string_equal(small, "a name t\xe2\x80\xa6");
    text_fit(room, sizeof room, "mmmm", 12, 1); /* not even the ellipsis has room: it stays, as a sign */
    assert_string_equal(room, "\xe2\x80\xa6");
}

static void what_cannot_be_printed_becomes_a_question_mark(void **state)
{
    (void)state;
    char room[64];
    text_fit(room, sizeof room, "a\xff\tb\nc\xe2\x82", 12, 1000); /* ends within a character of three bytes */
    assert_string_equal(room, "a??b?c??");
}

static void names_move_apart_by_as_little_as_can_be(void **state)
{
    (void)state;
    /* Two that clash about .5 and one that does not: the two end at .45 and .55, whose mean is theirs. */
    struct end_label labels[] = {
        {.height = 0.52, .text = "b"}, {.height = 0.9, .text = "c"}, {.height = 0.48, .text = "a"}};
    end_labels_spread(labels, 3, 0.1);
    assert_string_equal(labels[0].text, "a");
    assert_near(labels[0].place, 0.45, 1e-9);
    assert_near(labels[1].place, 0.55, 1e-9);
    assert_near(labels[2].place, 0.9, 1e-9);
    /* Three at the top stay in the plot, in the order given; one without an end stands in the middle. */
    struct end_label top[] = {{.height = 1, .text = "x"},
                              {.height = 1, .text = "y"},
                              {.height = 1, .text = "z"},
                              {.height = NAN, .text = "none"}};
    end_labels_spread(top, 4, 0.1);
    assert_near(top[0].place, 0.5, 1e-9);
    assert_string_equal(top[1].text, "x");
    assert_near(top[1].place, 0.8, 1e-9);
    assert_near(top[2].place, 0.9, 1e-9);
    assert_near(top[3].place, 1.0, 1e-9);
}

static void ticks_are_round(void **state)
{
    (void)state;
    assert_near(house_style_step(60, 6, true), 10, 1e-12);
    assert_near(house_style_step(1000, 6, true), 200, 1e-9);
    assert_near(house_style_step(2, 6, true), 1, 1e-12);
    assert_near(house_style_step(0.37, 5, false), 0.1, 1e-12);
    assert_near(house_style_step(0, 5, false), 1, 1e-12);
}

static void counts_have_commas(void **state)
{
    (void)state;
    char room[COUNT_TEXT];
    assert_string_equal(house_style_count(room, 0), "0");
    assert_string_equal(house_style_count(room, 999), "999");
    assert_string_equal(house_style_count(room, 1281167), "1,281,167");
    assert_string_equal(house_style_count(room, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void percentages_round_to_neither_none_nor_all(void **state)
{
    (void)state;
    char room[PERCENT_TEXT];
    assert_string_equal(house_style_percent(room, 0, 0), "0%");
    assert_string_equal(house_style_percent(room, 100, 1), "100.0%");
    assert_string_equal(house_style_percent(room, 43.5, 0), "44%");
    assert_string_equal(house_style_percent(room, 99.9, 0), "99.9%");
    assert_string_equal(house_style_percent(room, 99.97, 0), ">99.9%");
    assert_string_equal(house_style_percent(room, 0.3, 0), "0.3%");
    assert_string_equal(house_style_percent(room, 0.02, 0), "<0.1%");
    assert_string_equal(house_style_percent(room, 99.96, 1), "99.96%");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_the_fonts),
        cmocka_unit_test(long_texts_break_at_spaces),
        cmocka_unit_test(what_does_not_fit_ends_in_an_ellipsis),
        cmocka_unit_test(what_cannot_be_printed_becomes_a_question_mark),
        cmocka_unit_test(names_move_apart_by_as_little_as_can_be),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(counts_have_commas),
        cmocka_unit_test(percentages_round_to_neither_none_nor_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
