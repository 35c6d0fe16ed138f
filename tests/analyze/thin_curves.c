/* Curves of very many points: few are left, and the line through them is the same but for what cannot be seen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/thin_curve.h"
#include "common/random.h"
#include "tests/support/support.h"

enum { MOST = 400000 };
static const double width = 0.02, tolerance = 0.05;

struct point {
    double x, y;
};
static struct point points[MOST], left[MOST];

/* Thins points[count] into `left`. Returns how many are left. */
static size_t thin(size_t count)
{
    char *text = NULL;
    size_t bytes = 0, lines = 0;
    FILE *out = open_memstream(&text, &bytes);
    struct thin_curve curve;
    thin_curve_begin(&curve, out, width, tolerance);
    for (size_t i = 0; i < count; i++)
        thin_curve_add(&curve, points[i].x, points[i].y);
    thin_curve_end(&curve);
    fclose(out);
    for (char *line = text; *line != 0; line = strchr(line, '\n') + 1)
        assert_int_equal(sscanf(line, "%lf\t%lf\n", &left[lines].x, &left[lines].y), 2), lines++;
    free(text);
    return lines;
}

/* How far above or below a point the line through those left passes; `at` is a segment that ends at its x or
 * before, and moves on. */
static double distance(struct point point, size_t count, size_t *at)
{
    const double digits = 1e-3; /* of "%.6g" */
    double nearest = INFINITY;
    while (*at + 1 < count && left[*at + 1].x < point.x - digits)
        ++*at;
    for (size_t i = *at; i + 1 < count && left[i].x <= point.x + digits; i++) {
        double run = left[i + 1].x - left[i].x, low = fmin(left[i].y, left[i + 1].y),
               high = fmax(left[i].y, left[i + 1].y);
        double y = run > digits
                       ? left[i].y + (left[i + 1].y - left[i].y) * fmin(fmax((point.x - left[i].x) / run, 0), 1)
                       : fmin(fmax(point.y, low), high);
        nearest = fmin(nearest, fabs(point.y - y));
    }
    return nearest;
}

/* Checks the first, lowest, highest and last point of every column. Returns how many points are left. */
static size_t check(size_t count)
{
    size_t lines = thin(count), at = 0;
    assert_true(fabs(left[0].x - points[0].x) < 1e-3 && fabs(left[0].y - points[0].y) < 1e-3);
    assert_true(fabs(left[lines - 1].x - points[count - 1].x) < 1e-3);
    assert_true(fabs(left[lines - 1].y - points[count - 1].y) < 1e-3);
    for (size_t i = 0, next; i < count; i = next) {
        size_t lowest = i, highest = i;
        for (next = i; next < count && floor(points[next].x / width) == floor(points[i].x / width); next++) {
            lowest = points[next].y < points[lowest].y ? next : lowest;
            highest = points[next].y > points[highest].y ? next : highest;
        }
        const size_t shown[] = {i, lowest, highest, next - 1};
        for (size_t j = 0; j < 4; j++) {
            size_t from = at;
            double away = distance(points[shown[j]], lines, &from);
            if (!(away <= tolerance + 1e-3))
                fail_msg("the line passes (%g, %g) by %g", points[shown[j]].x, points[shown[j]].y, away);
        }
        distance(points[i], lines, &at);
    }
    return lines;
}

static void test_points_that_stand_apart_are_all_left(void **state)
{
    (void)state;
    static const struct point apart[] = {{0, 100}, {10, 100}, {10, 50}, {20, 66.6}, {20, 40}, {30, 50}, {100, 5}};
    memcpy(points, apart, sizeof apart);
    size_t count = thin(7);
    assert_int_equal(count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_true(left[i].x == apart[i].x && left[i].y == apart[i].y);
}

static void test_a_straight_line_is_its_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100000; i++)
        points[i] = (struct point){(double)i / 1000, 100 - (double)i / 2000};
    assert_int_equal(check(100000), 2);
    assert_int_equal(thin(0), 0);
    assert_int_equal(thin(1), 1);
}

/* Precision and recall of a ranking in which a sample is wrong with a probability that falls: the teeth are high at
 * the start and low later. */
static void test_a_curve_of_precision_keeps_its_shape_in_few_points(void **state)
{
    (void)state;
    struct random_stream random = random_open(2, RANDOM_NOISE, 0);
    size_t hits = 0;
    for (size_t i = 0; i < MOST; i++) {
        hits += random_uniform(&random) < 0.95 * exp(-(double)i / (MOST / 8));
        points[i] = (struct point){(double)hits, 100 * (double)hits / (double)(i + 1)};
    }
    for (size_t i = 0; i < MOST; i++)
        points[i].x *= 100 / (double)hits;
    assert_in_range(check(MOST), 20, 2000);
}

static void test_a_cliff_and_noise_keep_their_shape(void **state)
{
    (void)state;
    struct random_stream random = random_open(4, RANDOM_NOISE, 0);
    for (size_t i = 0; i < MOST; i++)
        points[i] =
            (struct point){(double)(i / 100) / (MOST / 10000), (i < MOST / 2 ? 80 : 20) + random_uniform(&random)};
    check(MOST);
}

static void test_logarithms_are_written_as_what_they_are_of(void **state)
{
    (void)state;
    char text[64] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    struct thin_curve curve;
    thin_curve_begin(&curve, out, width, tolerance);
    curve.logarithmic = true;
    thin_curve_add(&curve, 0, 1);
    thin_curve_add(&curve, 1, 2);
    thin_curve_add(&curve, 3, 1);
    thin_curve_end(&curve);
    fclose(out);
    assert_string_equal(text, "1\t1\n10\t2\n1000\t1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_that_stand_apart_are_all_left),
        cmocka_unit_test(test_a_straight_line_is_its_ends),
        cmocka_unit_test(test_a_curve_of_precision_keeps_its_shape_in_few_points),
        cmocka_unit_test(test_a_cliff_and_noise_keep_their_shape),
        cmocka_unit_test(test_logarithms_are_written_as_what_they_are_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
