/* Small parts of the report: text that cannot break out of its place, pictures as text, curves as paths. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/house_style.h"
#include "analyze/report/html.h"
#include "analyze/report/sparkline.h"
#include "analyze/report/svg_in_page.h"
#include "common/base64.h"
#include "common/random.h"
#include "common/utf8.h"
#include "tests/support/support.h"

#define REPLACED "\xef\xbf\xbd" /* U+FFFD */

/* What a function writes, until the next call. */
static char written[4096];
static FILE *begin(void)
{
    memset(written, 0, sizeof written);
    FILE *out = fmemopen(written, sizeof written, "w");
    assert_non_null(out);
    return out;
}

static void expect_html(const char *text, const char *expected)
{
    FILE *out = begin();
    html_text(out, text);
    fclose(out);
    assert_string_equal(written, expected);
}

static void test_text_cannot_become_markup(void **state)
{
    (void)state;
    expect_html("<script>alert(\"x\" & 'y')</script>",
                "&lt;script&gt;alert(&quot;x&quot; &amp; 'y')&lt;/script&gt;");
    expect_html("&lt; is not escaped twice", "&amp;lt; is not escaped twice");
    expect_html("caf\xc3\xa9 \xe2\x86\x92 \xf0\x9f\x91\x9f", "caf\xc3\xa9 \xe2\x86\x92 \xf0\x9f\x91\x9f");
    expect_html("latin1 \xe9", "latin1 " REPLACED);
    expect_html("a\tb\nc\x7f", "a" REPLACED "b" REPLACED "c" REPLACED);
    expect_html("cut \xe2\x86", "cut " REPLACED REPLACED);
    expect_html("", "");
}

static void test_json_cannot_end_its_script(void **state)
{
    (void)state;
    FILE *out = begin();
    html_json_string(out, "</script><!-- \"\\ \x01\xff \xc3\xa9");
    fclose(out);
    assert_string_equal(written, "\"\\u003c/script>\\u003c!-- \\\"\\\\ " REPLACED REPLACED " \xc3\xa9\"");
}

/* RFC 3629, section 4, and the boundaries of its forms. */
static void test_only_utf8_is_taken_for_utf8(void **state)
{
    static const struct {
        const char *text;
        int bytes;
    } cases[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},     /* goes on with nothing */
        {"\xc0\xaf", 0}, /* '/' in two bytes */
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xf4\x90\x80\x80", 0}, /* past U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xe2\x86", 0}, /* ends early */
        {"\xf0\x9f\x91z", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_character_bytes(cases[i].text), cases[i].bytes);
}

/* RFC 4648, section 10. */
static void test_base64_of_the_rfc(void **state)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xfe", "+//+"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FILE *out = begin();
        base64_write(out, cases[i][0], strlen(cases[i][0]));
        fclose(out);
        assert_string_equal(written, cases[i][1]);
    }
}

/* ---- curves ------------------------------------------------------------------------------------------------ */

/* Reads a path by SVG's grammar (the commands M, m, l, h; pairs repeat) into what it draws: levels and dashes. */
struct drawn {
    int level[SPARKLINE_BINS];
    bool joined[SPARKLINE_BINS]; /* with the bin before */
    bool dash[SPARKLINE_BINS];
};

static void draw_dash(struct drawn *drawn, double x, double length)
{
    for (int bin = 0; bin < SPARKLINE_BINS; bin++)
        drawn->dash[bin] |= bin >= x && bin + 1 <= x + length;
}

static struct drawn read_path(const char *path)
{
    struct drawn drawn = {0};
    double x = 0, y = 0;
    char command = 0, *next;
    for (int i = 0; i < SPARKLINE_BINS; i++)
        drawn.level[i] = -1;
    while (*path != 0) {
        if (strchr("Mmlh", *path) != NULL)
            command = *path++;
        assert_int_not_equal(command, 0);
        double first = strtod(path, &next);
        assert_ptr_not_equal(next, path);
        path = next;
        if (command == 'h') {
            if (y == SPARKLINE_DASHES)
                draw_dash(&drawn, x, first);
            x += first;
            continue;
        }
        double second = strtod(path, &next);
        assert_ptr_not_equal(next, path);
        path = next;
        x = command == 'M' ? first : x + first;
        y = command == 'M' ? second : y + second;
        if (y <= SPARKLINE_LOW) {
            int bin = (int)x;
            assert_true(x == bin + 0.5 && bin < SPARKLINE_BINS);
            drawn.level[bin] = (int)y;
            drawn.joined[bin] = command == 'l';
        }
        path += strspn(path, " ");
    }
    return drawn;
}

static size_t check_path(const struct sparkline_bin *bins, int count)
{
    char path[SPARKLINE_BYTES + 1];
    memset(path, 'x', sizeof path);
    size_t length = sparkline_path(path, bins, count);
    assert_int_equal(length, strlen(path));
    assert_true(length <= SPARKLINE_BYTES);
    struct drawn drawn = read_path(path);
    for (int i = 0; i < SPARKLINE_BINS; i++) {
        int level = i < count && bins[i].level >= 0 ? bins[i].level : -1;
        assert_int_equal(drawn.level[i], level);
        assert_int_equal(drawn.joined[i], level >= 0 && i > 0 && bins[i - 1].level >= 0);
        assert_int_equal(drawn.dash[i], i < count && bins[i].forgotten);
    }
    return length;
}

static void test_a_path_draws_what_it_is_made_of(void **state)
{
    (void)state;
    struct random_stream random = random_open(1, RANDOM_NOISE, 0);
    for (int round = 0; round < 20000; round++) {
        struct sparkline_bin bins[SPARKLINE_BINS];
        int count = 1 + (int)random_below(&random, SPARKLINE_BINS);
        uint32_t gaps = round % 4 == 0 ? 3 : 30;
        for (int i = 0; i < count; i++)
            bins[i] = (struct sparkline_bin){
                random_below(&random, gaps) == 0 ? -1 : (int)random_below(&random, SPARKLINE_LOW + 1),
                random_below(&random, 3) == 0};
        check_path(bins, count);
    }
}

/* Every step goes from end to end, and every second bin has a dash; or every second bin has a gap. */
static void test_the_longest_path_fits(void **state)
{
    (void)state;
    struct sparkline_bin bins[SPARKLINE_BINS];
    for (int first = 0; first < 2; first++) {
        for (int i = 0; i < SPARKLINE_BINS; i++)
            bins[i] = (struct sparkline_bin){(i + first) % 2 == 0 ? SPARKLINE_LOW : 0, (i + first) % 2 == 0};
        assert_true(check_path(bins, SPARKLINE_BINS) > 170);
    }
    for (int i = 0; i < SPARKLINE_BINS; i++)
        bins[i].level = i % 2 == 0 ? -1 : i % 4 == 1 ? SPARKLINE_LOW : 0;
    check_path(bins, SPARKLINE_BINS);
}

static void test_short_curves(void **state)
{
    (void)state;
    char path[SPARKLINE_BYTES + 1];
    sparkline_path(path, (struct sparkline_bin[]){{3, false}}, 1);
    assert_string_equal(path, "M.5 3h0");
    sparkline_path(path, (struct sparkline_bin[]){{-1, false}}, 1);
    assert_string_equal(path, "");
    sparkline_path(path, (struct sparkline_bin[]){{8, false}, {5, false}, {16, true}}, 3);
    assert_string_equal(path, "M.5 8l1-3 1 11M2 19h1");
}

/* ---- charts ------------------------------------------------------------------------------------------------ */

static void test_a_chart_in_the_page_has_its_own_ids_and_the_pages_colours(void **state)
{
    const char *first = house_style_theme(CHART_LIGHT)->colours[0];
    unsigned red, green, blue;
    char picture[1024], expected[1024];
    assert_int_equal(sscanf(first, "#%02x%02x%02x", &red, &green, &blue), 3);
    snprintf(picture, sizeof picture,
             "<?xml version=\"1.0\"?>\n<svg \n width=\"1280\" height=\"720\"\n viewBox=\"0 0 1280 720\"\n"
             " xmlns=\"http://www.w3.org/2000/svg\">\n<title>Gnuplot</title>\n<desc>Produced</desc>\n\n"
             "<g id=\"canvas\"><title>gnuplot_plot_1</title>\n<rect fill=\"#ffffff\"/>\n\t<use xlink:href='#gpPt5' "
             "id='gpPt6'/>\n"
             "<g stroke='rgb(%3u, %3u, %3u)'  color=\"black\" fill=\"rgb(17,17,17)\" filter='url(#box)'>"
             "<title>seven</title><text>rgb(17,17,17) id='x'</text></g>\n<path fill='rgb(1, 2, 3)' "
             "stroke='#666666'/></g>\n</svg>\n",
             red, green, blue);
    snprintf(expected, sizeof expected,
             "<svg viewBox=\"0 0 1280 720\" class=plate role=img aria-label=\"Found &quot;all&quot;\">"
             "<g id=\"pr-canvas\"><rect fill=\"var(--background,#ffffff)\"/>"
             "<use href='#pr-gpPt5' id='pr-gpPt6'/>"
             "<g stroke='var(--colour1,#%02x%02x%02x)' color=\"var(--ink,#000000)\" "
             "fill=\"var(--ink,#111111)\" filter='url(#pr-box)'>"
             "<title>seven</title><text>rgb(17,17,17) id='x'</text></g>"
             "<path fill='#010203' stroke='var(--faint,#666666)'/></g></svg>",
             red, green, blue);
    (void)state;
    FILE *out = begin();
    assert_int_equal(svg_in_page(out, picture, strlen(picture), "pr", "Found \"all\""), 0);
    fclose(out);
    assert_string_equal(written, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_cannot_become_markup),
        cmocka_unit_test(test_json_cannot_end_its_script),
        cmocka_unit_test(test_only_utf8_is_taken_for_utf8),
        cmocka_unit_test(test_base64_of_the_rfc),
        cmocka_unit_test(test_a_path_draws_what_it_is_made_of),
        cmocka_unit_test(test_the_longest_path_fits),
        cmocka_unit_test(test_short_curves),
        cmocka_unit_test(test_a_chart_in_the_page_has_its_own_ids_and_the_pages_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
