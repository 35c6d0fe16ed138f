/* Promises of the shim that runs kernels on the CPU: it computes as CUDA does, and finds the faults that it is
 * there to find. */
#include "tests/support/support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/gpu/shim/shim.h"

extern void launch_not_registered(void);

static void run(const char *name, unsigned blocks, unsigned threads, void *const *arguments)
{
    const struct shim_kernel *kernel = shim_find(name);
    assert_non_null(kernel);
    shim_run(kernel, blocks, threads, arguments);
}

static void test_kernels_are_found_by_name_with_the_sizes_of_their_arguments(void **state)
{
    (void)state;
    const struct shim_kernel *kernel = shim_find("example_places");
    assert_non_null(kernel);
    assert_int_equal(shim_argument_count(kernel), 3);
    assert_int_equal(shim_argument_size(kernel, 0), sizeof(void *));
    assert_int_equal(shim_argument_size(kernel, 1), 1);
    assert_int_equal(shim_argument_size(kernel, 2), 8);
    assert_non_null(shim_find("example_shuffle_of")); /* the last of the list */
    assert_null(shim_find("example"));
    assert_null(shim_find("example_not_registered"));
}

static void test_each_thread_of_each_block_runs_once_at_its_place(void **state)
{
    (void)state;
    for (int order = SHIM_FORWARD; order <= SHIM_RANDOM; order++) {
        unsigned out[3 * 1024] = {0};
        unsigned *pointer = out;
        unsigned char tag = 7;
        double scale = 2;
        shim_set_order((enum shim_order)order, 1);
        run("example_places", 3, 1024, (void *[]){&pointer, &tag, &scale});
        for (unsigned i = 0; i < 3 * 1024; i++)
            assert_int_equal(out[i], 2 * (1000 * (i / 1024) + i % 1024) + 7);
    }
}

static float sum_of_1_to_64(const char *kernel, enum shim_order order)
{
    float in[64], out[2];
    for (int i = 0; i < 64; i++)
        in[i] = (float)(i + 1);
    float *out_pointer = out, *in_pointer = in;
    shim_set_order(order, 1);
    run(kernel, 2, 64, (void *[]){&out_pointer, &in_pointer});
    assert_true(out[0] == out[1] || isnan(out[0]));
    return out[0];
}

static void test_barriers_hold_in_every_order(void **state)
{
    (void)state;
    for (int order = SHIM_FORWARD; order <= SHIM_RANDOM; order++)
        assert_near(sum_of_1_to_64("example_sum", (enum shim_order)order), 64 * 65 / 2, 0);
}

static void test_a_missing_barrier_gives_a_wrong_sum(void **state)
{
    (void)state;
    assert_true(sum_of_1_to_64("example_sum_without_barrier", SHIM_FORWARD) != 64 * 65 / 2);
}

static void test_a_warp_runs_ahead_of_the_others_through_shuffles(void **state)
{
    (void)state;
    float out[64], *out_pointer = out;
    shim_set_order(SHIM_REVERSE, 1);
    run("example_shuffle_without_barrier", 1, 64, (void *[]){&out_pointer});
    assert_near(out[63], 1, 0);
    assert_near(out[0], 2, 0);
}

static void test_shuffles_reach_the_lanes_of_the_same_warp(void **state)
{
    (void)state;
    for (int order = SHIM_FORWARD; order <= SHIM_RANDOM; order++) {
        unsigned sums[96], *sums_pointer = sums;
        double neighbours[96], *neighbours_pointer = neighbours;
        shim_set_order((enum shim_order)order, 1);
        run("example_shuffles", 1, 96, (void *[]){&sums_pointer, &neighbours_pointer});
        for (unsigned i = 0; i < 96; i++) {
            assert_int_equal(sums[i], 31 * 32 / 2);
            assert_near(neighbours[i], i % 2 ? i % 32 - 1 : i % 32 + 1, 0);
        }
    }
}

static void test_shared_memory_is_nan_at_the_start_of_each_block(void **state)
{
    (void)state;
    float out[2] = {0}, *pointer = out;
    run("example_unwritten", 2, 8, (void *[]){&pointer});
    assert_true(isnan(out[0]) && isnan(out[1]));
}

/* Runs `name` in a child, which must abort with `message` on stderr. */
static void assert_aborts(const char *name, unsigned blocks, unsigned threads, unsigned argument,
                          const char *message)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        if (name == NULL)
            launch_not_registered();
        else
            run(name, blocks, threads, (void *[]){&argument});
        _exit(0);
    }
    close(ends[1]);
    char text[1024] = "";
    size_t length = 0;
    for (ssize_t got; length < sizeof text - 1; length += (size_t)got)
        if ((got = read(ends[0], text + length, sizeof text - 1 - length)) <= 0)
            break;
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (strstr(text, message) == NULL)
        fail_msg("'%s' is not in: %s", message, text);
}

static void test_what_cuda_leaves_undefined_ends_the_program(void **state)
{
    (void)state;
    assert_aborts("example_barrier_for_some", 2, 64, 63,
                  "diverged: 63 wait at a barrier, 0 at a shuffle, 1 have ended");
    assert_aborts("example_two_barriers", 1, 64, 10, "wait together, but at lines");
    assert_aborts("example_shuffle_of", 1, 32, 0xffff, "among some lanes only");
    assert_aborts("example_shuffle_of", 1, 40, 0xffffffff, "a warp of 8 lanes");
    assert_aborts("example_shuffle_of", 0, 32, 0, "cannot be launched with 0 blocks of 32 threads");
    assert_aborts("example_shuffle_of", 1, 1025, 0, "cannot be launched with 1 blocks of 1025 threads");
    assert_aborts(NULL, 0, 0, 0, "missing in its file's GPU_KERNELS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_are_found_by_name_with_the_sizes_of_their_arguments),
        cmocka_unit_test(test_each_thread_of_each_block_runs_once_at_its_place),
        cmocka_unit_test(test_barriers_hold_in_every_order),
        cmocka_unit_test(test_a_missing_barrier_gives_a_wrong_sum),
        cmocka_unit_test(test_a_warp_runs_ahead_of_the_others_through_shuffles),
        cmocka_unit_test(test_shuffles_reach_the_lanes_of_the_same_warp),
        cmocka_unit_test(test_shared_memory_is_nan_at_the_start_of_each_block),
        cmocka_unit_test(test_what_cuda_leaves_undefined_ends_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
