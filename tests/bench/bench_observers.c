/* bench-observers LOG [ROUNDS]: what a replay by blocks costs, in nanoseconds a prediction on one thread: decoding alone, then
 * each observer on top of it; and label-posterior's estimate, which comes after. The fastest of the rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "analyze/class_counts_blocks.h"
#include "analyze/ctrl_losses.h"
#include "analyze/dynamics_block.h"
#include "analyze/label_posterior.h"
#include "analyze/rebuilt_means.h"
#include "common/error.h"
#include "common/parallel.h"

/* The process's own time: what else runs on the machine costs cache, but no time of this. */
static double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int see_nothing(void *context, const struct tidylog_observations *epoch)
{
    (void)context;
    (void)epoch;
    return 0;
}

static int visit(void *context, size_t sample, const struct class_count *counts, size_t count)
{
    uint64_t *sum = context;
    *sum += sample + count + (count > 0 ? counts[0].count : 0);
    return 0;
}

enum { DECODING, CLASSES, COUNTS, MEANS, LOSSES, OBSERVERS, POSTERIOR = OBSERVERS, MEASURED };
static const char *const names[] = {"decoding",      "dynamics",      "counts by class",
                                    "rebuilt means", "losses (ctrl)", "label-posterior, after"};

struct bench {
    struct tidylog_reader *reader;
    const struct tidylog_run *run;
    struct window window;
    double fastest[MEASURED]; /* nanoseconds; 0: not measured */
};

static void note(struct bench *bench, int what, double taken)
{
    if (bench->fastest[what] == 0 || taken < bench->fastest[what])
        bench->fastest[what] = taken;
}

static int measure(struct bench *bench, int what, struct replay_observer observer)
{
    double start = nanoseconds();
    int status = replay_epochs(bench->reader, bench->window, &observer, 1);
    note(bench, what, nanoseconds() - start);
    return status;
}

static int measure_posterior(struct bench *bench, struct rebuilt_means *means)
{
    struct label_posterior posterior;
    double start = nanoseconds();
    int status = label_posterior_create(&posterior, means);
    note(bench, POSTERIOR, nanoseconds() - start);
    label_posterior_destroy(&posterior);
    return status;
}

static int measure_all(struct bench *bench)
{
    struct dynamics_set dynamics;
    struct rebuilt_means means = {0};
    struct ctrl_losses losses = {0};
    const struct tidylog_run *run = bench->run;
    uint64_t sum = 0;
    struct class_counts_visits visits = {run, visit, &sum};
    int status = measure(bench, DECODING, (struct replay_observer){.observe = see_nothing, .apart = true});
    if (status == 0)
        status = dynamics_create(&dynamics, run->samples);
    if (status != 0)
        return status;
    status =
        measure(bench, CLASSES, (struct replay_observer){.context = &dynamics, .of_blocks = &dynamics_of_blocks});
    if (status == 0)
        status = measure(bench, COUNTS,
                         (struct replay_observer){.context = &visits, .of_blocks = &class_counts_of_blocks});
    if (status == 0 && run->detail >= TIDYLOG_MARGIN) {
        status = rebuilt_means_create(&means, run->labels, run->samples, run->classes, bench->window.first);
        if (status == 0)
            status = measure(bench, MEANS,
                             (struct replay_observer){.context = &means, .of_blocks = &rebuilt_means_of_blocks});
        if (status == 0)
            status = ctrl_losses_create(&losses, run, run->labels, bench->window);
        if (status == 0)
            status = ctrl_losses_begin(&losses, 0, run->classes);
        if (status == 0)
            status = measure(bench, LOSSES,
                             (struct replay_observer){.context = &losses, .of_blocks = &ctrl_losses_of_blocks});
        if (status == 0)
            status = measure_posterior(bench, &means);
        ctrl_losses_destroy(&losses);
        rebuilt_means_destroy(&means);
    }
    dynamics_destroy(&dynamics);
    return status;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    uint64_t epochs;
    int rounds = argc > 2 ? atoi(argv[2]) : 10;
    int status =
        argc < 2 ? tidy_fail_usage("usage: bench-observers LOG [ROUNDS]") : tidylog_open(&bench.reader, argv[1]);
    if (status == 0) {
        bench.run = tidylog_reader_run(bench.reader);
        tidylog_reader_epochs(bench.reader, &epochs);
        bench.window = (struct window){0, epochs};
        if (!replay_is_by_blocks(bench.reader, bench.window))
            status = tidy_fail("%s: its epochs are not packed", argv[1]);
    }
    parallel_set_available(1);
    for (int round = 0; round < rounds && status == 0; round++)
        status = measure_all(&bench);
    double predictions = (double)bench.window.end * (double)(status == 0 ? bench.run->samples : 1);
    for (int what = 0; what < MEASURED && status == 0; what++)
        if (bench.fastest[what] > 0) {
            bool on_top = what > DECODING && what < OBSERVERS;
            printf("%s\t%.2f\n", names[what],
                   (bench.fastest[what] - (on_top ? bench.fastest[DECODING] : 0)) / predictions);
        }
    tidylog_close_reader(bench.reader);
    return tidy_report_error("bench-observers", status);
}
