/* Errors, memory, random numbers, durations. */
#include "tests/support/support.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "common/random.h"

static void test_a_failure_returns_its_code_and_keeps_its_message(void **state)
{
    (void)state;
    assert_int_equal(tidy_fail("%s: step %d", "run.tidy", 7), TIDY_FAILED);
    assert_string_equal(tidy_error_message(), "run.tidy: step 7");
    assert_int_equal(tidy_fail_usage("bad"), TIDY_USAGE);
    assert_string_equal(tidy_error_message(), "bad");
    /* A message may quote the one before it. */
    tidy_fail("a: %s", tidy_error_message());
    assert_string_equal(tidy_error_message(), "a: bad");
}

static void *fail_elsewhere(void *unused)
{
    tidy_fail("of the other thread");
    return unused;
}

static void test_each_thread_has_its_own_message(void **state)
{
    (void)state;
    pthread_t thread;
    tidy_fail("of this thread");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(tidy_error_message(), "of this thread");
}

static void test_exit_codes_are_0_1_and_2(void **state)
{
    (void)state;
    tidy_fail("expected on stderr, three times");
    assert_int_equal(tidy_report_error("test", TIDY_OK), 0);
    assert_int_equal(tidy_report_error("test", TIDY_PIPE_CLOSED), 0);
    assert_int_equal(tidy_report_error("test", TIDY_FAILED), 1);
    assert_int_equal(tidy_report_error("test", TIDY_USAGE), 2);
}

static void test_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    uint32_t *values;
    assert_int_equal(memory_allocate(&values, 1000, sizeof *values, "values"), 0);
    assert_int_equal((uintptr_t)values % 64, 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(values[i], 0);
    free(values);
    assert_int_equal(memory_allocate(&values, 0, sizeof *values, "values"), 0);
    assert_non_null(values);
    free(values);
}

static void test_a_size_that_overflows_is_refused_with_what_it_was_for(void **state)
{
    (void)state;
    uint32_t *values;
    /* 2^62 items of 4 bytes are 2^64 bytes, which a careless product makes 0. */
    assert_int_equal(memory_allocate(&values, (size_t)1 << 62, 4, "labels"), TIDY_FAILED);
    assert_null(values);
    assert_non_null(strstr(tidy_error_message(), "labels"));
    assert_int_equal(memory_allocate(&values, SIZE_MAX, 1, "labels"), TIDY_FAILED);
}

static void test_growing_keeps_the_items_and_at_least_doubles(void **state)
{
    (void)state;
    int *items = NULL;
    size_t capacity = 0;
    assert_int_equal(memory_grow(&items, &capacity, 10, sizeof *items, "items"), 0);
    assert_in_range(capacity, 10, 10);
    items[9] = 99;
    assert_int_equal(memory_grow(&items, &capacity, 11, sizeof *items, "items"), 0);
    assert_in_range(capacity, 20, 40);
    assert_int_equal(items[9], 99);
    /* Refused: all stays. */
    size_t before = capacity;
    assert_int_equal(memory_grow(&items, &capacity, (size_t)1 << 62, sizeof *items, "items"), TIDY_FAILED);
    assert_int_equal(capacity, before);
    assert_int_equal(items[9], 99);
    free(items);
}

static void test_random_bits_are_splitmix64s(void **state)
{
    (void)state;
    /* The first outputs for the seed 1234567, as published with the reference implementation (Vigna). */
    static const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                        UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                        UINT64_C(16408922859458223821)};
    struct random_stream stream = {.state = 1234567};
    for (int i = 0; i < 5; i++)
        assert_int_equal(random_bits(&stream), expected[i]);
}

static void test_streams_of_different_keys_differ(void **state)
{
    (void)state;
    struct random_stream streams[] = {random_open(1, RANDOM_ORDER, 0), random_open(1, RANDOM_NOISE, 0),
                                      random_open(1, RANDOM_ORDER, 1), random_open(2, RANDOM_ORDER, 0)};
    /* By hand: mix(x) is the first output of the stream with state x. */
    struct random_stream by_hand = {.state = 1};
    by_hand.state = random_bits(&by_hand) ^ RANDOM_NOISE;
    by_hand.state = random_bits(&by_hand) ^ 0;
    by_hand.state = random_bits(&by_hand);
    assert_int_equal(streams[1].state, by_hand.state);
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < i; j++)
            assert_true(streams[i].state != streams[j].state);
    }
}

static void test_whole_numbers_below_a_bound_are_even(void **state)
{
    (void)state;
    enum { DRAWS = 700000, BOUND = 7 };
    struct random_stream stream = random_open(3, RANDOM_NOISE, 0);
    int counts[BOUND] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = random_below(&stream, BOUND);
        assert_in_range(value, 0, BOUND - 1);
        counts[value]++;
    }
    /* 100,000 each; the standard deviation is sqrt(700000 * 6 / 49) = 293. */
    for (int i = 0; i < BOUND; i++)
        assert_in_range(counts[i], 100000 - 5 * 293, 100000 + 5 * 293);
    /* By the definition, for a bound where half of all draws are drawn again: 2^64 mod (2^63 + 1) = 2^63 - 1. */
    const uint64_t bound = (UINT64_C(1) << 63) + 1;
    struct random_stream by_hand = stream;
    for (int i = 0; i < 1000; i++) {
        unsigned __int128 product;
        do {
            product = (unsigned __int128)random_bits(&by_hand) * bound;
        } while ((uint64_t)product < (UINT64_C(1) << 63) - 1);
        assert_true(random_below(&stream, bound) == (uint64_t)(product >> 64));
    }
}

static void test_normal_numbers_have_mean_0_and_variance_1(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    struct random_stream stream = random_open(4, RANDOM_WEIGHTS, 0);
    double sum = 0, squares = 0;
    int beyond_two = 0;
    for (int i = 0; i < DRAWS; i++) {
        double value = random_normal(&stream);
        assert_true(isfinite(value));
        sum += value;
        squares += value * value;
        beyond_two += fabs(value) > 2;
    }
    assert_true(fabs(sum / DRAWS) < 5 / sqrt(DRAWS));
    assert_true(fabs(squares / DRAWS - 1) < 5 * sqrt(2.0 / DRAWS));
    /* 4.55% of a normal distribution lie beyond two standard deviations. */
    assert_true(fabs(beyond_two / (double)DRAWS - 0.0455) < 5 * sqrt(0.0455 / DRAWS));
}

/* Mean and variance of a gamma distribution are its shape; above 2 are e^-2 = 0.1353 of an exponential one, and
 * P(|x| > 2) = 0.0455 of the square of half a normal draw, whose shape is 1/2. */
static void test_gamma_numbers_have_their_shapes_mean_variance_and_tail(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    const struct {
        double shape, tail;
    } cases[] = {{0.5, 0.0455}, {1, 0.1353}, {3.7, NAN}, {2000, NAN}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct random_stream stream = random_open(6, RANDOM_BOOTSTRAP, c);
        double shape = cases[c].shape, sum = 0, squares = 0, above = 0;
        for (int i = 0; i < DRAWS; i++) {
            double value = random_gamma(&stream, shape);
            assert_true(value > 0 && isfinite(value));
            sum += value;
            squares += (value - shape) * (value - shape);
            above += value > 2;
        }
        assert_true(fabs(sum / DRAWS - shape) < 5 * sqrt(shape / DRAWS));
        /* The fourth central moment is 3 shape^2 + 6 shape. */
        assert_true(fabs(squares / DRAWS - shape) < 5 * sqrt((2 * shape * shape + 6 * shape) / DRAWS));
        assert_true(isnan(cases[c].tail) || fabs(above / DRAWS - cases[c].tail) < 5 * sqrt(cases[c].tail / DRAWS));
    }
}

static void test_a_permutation_has_every_number_once_and_depends_on_the_seed(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    uint32_t first[COUNT], second[COUNT];
    int seen[COUNT] = {0}, fixed = 0;
    struct random_stream stream = random_open(5, RANDOM_ORDER, 0), other = random_open(5, RANDOM_ORDER, 1);
    random_permutation(&stream, first, COUNT);
    random_permutation(&other, second, COUNT);
    for (int i = 0; i < COUNT; i++) {
        seen[first[i]]++;
        fixed += first[i] == (uint32_t)i;
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(seen[i], 1);
    assert_in_range(fixed, 0, 8);
    assert_memory_not_equal(first, second, sizeof first);
}

static void test_a_permutation_is_fisher_yates_from_the_last_place_down(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct random_stream stream = random_open(seed, RANDOM_ORDER, 0), draws = stream;
        uint32_t order[3];
        random_permutation(&stream, order, 3);
        /* By hand for three: place 2 swaps with below(3), then place 1 with below(2). */
        uint32_t expected[3] = {0, 1, 2};
        uint64_t j = random_below(&draws, 3);
        expected[2] = (uint32_t)j;
        expected[j] = 2;
        uint64_t k = random_below(&draws, 2);
        uint32_t swapped = expected[1];
        expected[1] = expected[k];
        expected[k] = swapped;
        assert_memory_equal(order, expected, sizeof order);
    }
}

static void test_sizes_read_well(void **state)
{
    (void)state;
    char text[24];
    assert_string_equal(progress_bytes(text, 0), "0 bytes");
    assert_string_equal(progress_bytes(text, 999), "999 bytes");
    assert_string_equal(progress_bytes(text, 1000), "1.0 KiB"); /* 0.977 */
    assert_string_equal(progress_bytes(text, 10189), "10 KiB"); /* 9.9502 */
    assert_string_equal(progress_bytes(text, 10188), "9.9 KiB");
    assert_string_equal(progress_bytes(text, 1395864371), "1.3 GiB");
    assert_string_equal(progress_bytes(text, UINT64_MAX), "16777216 TiB");
}

static void test_durations_read_well(void **state)
{
    (void)state;
    char text[24];
    assert_string_equal(progress_duration(text, 3.2), "3 s");
    assert_string_equal(progress_duration(text, 59.7), "1 min 00 s");
    assert_string_equal(progress_duration(text, 125), "2 min 05 s");
    assert_string_equal(progress_duration(text, 4020), "1 h 07 min");
    assert_string_equal(progress_duration(text, NAN), "?");
}

/* What a child writes to a stderr that is the descriptor `out`, read from `in`. */
static char *progress_output(int out, int in)
{
    static char text[4096];
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(out, STDERR_FILENO);
        progress_update("epoch %d", 1);
        progress_update("too soon to be shown");
        progress_line("epoch 1 done");
        progress_update("a line that is longer than the terminal is wide");
        progress_clear();
        progress_clear();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    /* A terminal hands on what was written to it in pieces, some of them later. */
    size_t length = 0;
    struct pollfd readable = {.fd = in, .events = POLLIN};
    while (length < sizeof text - 1 && poll(&readable, 1, 500) == 1) {
        ssize_t bytes = read(in, text + length, sizeof text - 1 - length);
        if (bytes <= 0)
            break;
        length += (size_t)bytes;
    }
    text[length] = 0;
    return text;
}

static void test_a_terminal_has_a_live_line(void **state)
{
    (void)state;
    int terminal, program;
    const struct winsize size = {.ws_row = 24, .ws_col = 20};
    assert_int_equal(openpty(&terminal, &program, NULL, NULL, &size), 0);
    /* Return and "clear to the end of the line" redraw it; the terminal makes \n into \r\n. */
    assert_string_equal(progress_output(program, terminal), "\repoch 1\033[K"
                                                            "\r\033[Kepoch 1 done\r\n"
                                                            "\ra line that is long\033[K"
                                                            "\r\033[K");
    close(program);
    close(terminal);
}

static void test_elsewhere_only_plain_lines_are_printed(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_string_equal(progress_output(ends[1], ends[0]), "epoch 1 done\n");
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_returns_its_code_and_keeps_its_message),
        cmocka_unit_test(test_each_thread_has_its_own_message),
        cmocka_unit_test(test_exit_codes_are_0_1_and_2),
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_a_size_that_overflows_is_refused_with_what_it_was_for),
        cmocka_unit_test(test_growing_keeps_the_items_and_at_least_doubles),
        cmocka_unit_test(test_random_bits_are_splitmix64s),
        cmocka_unit_test(test_streams_of_different_keys_differ),
        cmocka_unit_test(test_whole_numbers_below_a_bound_are_even),
        cmocka_unit_test(test_normal_numbers_have_mean_0_and_variance_1),
        cmocka_unit_test(test_gamma_numbers_have_their_shapes_mean_variance_and_tail),
        cmocka_unit_test(test_a_permutation_has_every_number_once_and_depends_on_the_seed),
        cmocka_unit_test(test_a_permutation_is_fisher_yates_from_the_last_place_down),
        cmocka_unit_test(test_durations_read_well),
        cmocka_unit_test(test_sizes_read_well),
        cmocka_unit_test(test_a_terminal_has_a_live_line),
        cmocka_unit_test(test_elsewhere_only_plain_lines_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
