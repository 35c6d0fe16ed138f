/* Long logs are observed by several threads: each observer sees what one thread would show it, and failures
 * arrive. */
#include <stdlib.h>
#include <string.h>

#include "analyze/replay_threads.h"
#include "common/error.h"
#include "tests/support/support.h"

enum { STEPS = 5000, MOST = 64, CLASSES = 3, OBSERVERS = 3 };

/* Step `number`, made again at will: of 1 to MOST samples. */
struct made {
    uint32_t samples[MOST];
    uint16_t labels[MOST], predicted[MOST];
    float margin[MOST], loss[MOST], confidence[MOST], log_probs[MOST * CLASSES];
};

static struct tidylog_observations make(struct made *made, uint64_t number, bool has_probs)
{
    struct tidylog_observations step = {
        .step = number, .epoch = number / 100, .count = 1 + (uint32_t)(number * 7 % MOST)};
    for (uint32_t i = 0; i < step.count; i++) {
        made->samples[i] = (uint32_t)number + i;
        made->labels[i] = (uint16_t)(number + 2 * i);
        made->predicted[i] = (uint16_t)(number + 3 * i);
        made->margin[i] = (float)number + 0.25f * (float)i;
        made->loss[i] = made->margin[i] + 1;
        made->confidence[i] = made->margin[i] + 2;
        for (uint32_t c = 0; c < CLASSES; c++)
            made->log_probs[i * CLASSES + c] = made->margin[i] * (float)c;
    }
    step.samples = made->samples;
    step.labels = made->labels;
    step.predicted = made->predicted;
    step.margin = made->margin;
    step.loss = made->loss;
    step.confidence = made->confidence;
    step.log_probs = has_probs ? made->log_probs : NULL;
    return step;
}

struct watcher {
    bool has_probs;
    uint64_t seen, wrong, fails_at;
    struct made room;
};

static int watch(void *context, const struct tidylog_observations *step)
{
    struct watcher *watcher = context;
    struct tidylog_observations expected = make(&watcher->room, watcher->seen, watcher->has_probs);
    size_t count = expected.count;
    if (watcher->seen == watcher->fails_at)
        return tidy_fail("observer gave up at step %d", (int)watcher->seen);
    watcher->seen++;
    watcher->wrong +=
        step->step != expected.step || step->epoch != expected.epoch || step->count != count ||
        memcmp(step->samples, expected.samples, count * sizeof(uint32_t)) != 0 ||
        memcmp(step->labels, expected.labels, count * sizeof(uint16_t)) != 0 ||
        memcmp(step->predicted, expected.predicted, count * sizeof(uint16_t)) != 0 ||
        memcmp(step->margin, expected.margin, count * sizeof(float)) != 0 ||
        memcmp(step->loss, expected.loss, count * sizeof(float)) != 0 ||
        memcmp(step->confidence, expected.confidence, count * sizeof(float)) != 0 ||
        (step->log_probs == NULL) == watcher->has_probs ||
        (watcher->has_probs && memcmp(step->log_probs, expected.log_probs, count * CLASSES * sizeof(float)) != 0);
    return 0;
}

/* Sends all steps to watchers, of which the second fails at step `fails_at`. Returns how it ended. */
static int send(struct watcher watchers[OBSERVERS], bool has_probs, uint64_t fails_at)
{
    struct replay_observer observers[OBSERVERS];
    struct replay_threads *threads;
    struct made made;
    const struct tidylog_run run = {.samples = 100000,
                                    .classes = CLASSES,
                                    .batch_size = MOST,
                                    .detail = has_probs ? TIDYLOG_FULL : TIDYLOG_MARGIN};
    memset(watchers, 0, OBSERVERS * sizeof *watchers);
    for (size_t i = 0; i < OBSERVERS; i++) {
        watchers[i].has_probs = has_probs;
        watchers[i].fails_at = i == 1 ? fails_at : UINT64_MAX;
        observers[i] = (struct replay_observer){.observe = watch, .context = &watchers[i]};
    }
    assert_int_equal(replay_threads_begin(&threads, &run, observers, OBSERVERS), 0);
    int status = 0;
    for (uint64_t number = 0; number < STEPS && status == 0; number++) {
        struct tidylog_observations step = make(&made, number, has_probs);
        status = replay_threads_add(threads, &step);
    }
    return replay_threads_end(threads, status);
}

static void test_every_observer_sees_all_steps_in_order(void **state)
{
    (void)state;
    static struct watcher watchers[OBSERVERS];
    for (int has_probs = 0; has_probs < 2; has_probs++) {
        assert_int_equal(send(watchers, has_probs == 1, UINT64_MAX), 0);
        for (size_t i = 0; i < OBSERVERS; i++) {
            assert_int_equal(watchers[i].seen, STEPS);
            assert_int_equal(watchers[i].wrong, 0);
        }
    }
}

static void test_a_failure_of_an_observer_ends_the_pass_with_its_message(void **state)
{
    (void)state;
    static struct watcher watchers[OBSERVERS];
    for (size_t i = 0; i < 4; i++) {
        uint64_t fails_at = ((uint64_t[]){0, 1, 1234, STEPS - 1})[i];
        tidy_fail("an older message");
        assert_int_equal(send(watchers, false, fails_at), TIDY_FAILED);
        assert_non_null(strstr(tidy_error_message(), "observer gave up at step"));
        assert_int_equal(watchers[1].seen, fails_at);
        assert_int_equal(watchers[0].wrong + watchers[2].wrong, 0);
    }
}

static void test_a_failure_of_the_reader_stays_its_own(void **state)
{
    (void)state;
    static struct watcher watcher;
    struct replay_threads *threads;
    struct made made;
    const struct tidylog_run run = {
        .samples = 1000, .classes = CLASSES, .batch_size = MOST, .detail = TIDYLOG_MARGIN};
    watcher.fails_at = UINT64_MAX;
    assert_int_equal(
        replay_threads_begin(&threads, &run, &(struct replay_observer){.observe = watch, .context = &watcher}, 1),
        0);
    struct tidylog_observations step = make(&made, 0, false);
    assert_int_equal(replay_threads_add(threads, &step), 0);
    assert_int_equal(replay_threads_end(threads, tidy_fail("step 1: damaged")), TIDY_FAILED);
    assert_string_equal(tidy_error_message(), "step 1: damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_observer_sees_all_steps_in_order),
        cmocka_unit_test(test_a_failure_of_an_observer_ends_the_pass_with_its_message),
        cmocka_unit_test(test_a_failure_of_the_reader_stays_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
