#include "tests/bench/log_cost.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/progress.h"

static double processor_seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The number of the process's youngest thread: the writer's, right after tidylog_create. */
static int youngest_task(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int youngest = 0;
    for (struct dirent *entry; tasks != NULL && (entry = readdir(tasks)) != NULL;) {
        int task = atoi(entry->d_name);
        youngest = task > youngest ? task : youngest;
    }
    if (tasks != NULL)
        closedir(tasks);
    return youngest;
}

static double task_seconds(int task)
{
    char path[64];
    unsigned long long nanoseconds = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", task);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%llu", &nanoseconds) != 1)
            nanoseconds = 0;
        fclose(file);
    }
    return 1e-9 * (double)nanoseconds;
}

int log_cost_create(struct log_cost *cost, struct tidylog_writer **out, const char *path,
                    const struct tidylog_run *run, bool force)
{
    *cost = (struct log_cost){0};
    int status = tidylog_create(out, path, run, force);
    cost->writer_task = youngest_task();
    return status;
}

struct moment {
    double clock, processor;
};

static struct moment begin(void)
{
    return (struct moment){progress_seconds(), processor_seconds(CLOCK_THREAD_CPUTIME_ID)};
}

static void end(struct log_cost *cost, struct moment begun)
{
    double clock = progress_seconds() - begun.clock;
    cost->append_processor += processor_seconds(CLOCK_THREAD_CPUTIME_ID) - begun.processor;
    cost->append_seconds += clock;
    cost->longest_append = clock > cost->longest_append ? clock : cost->longest_append;
}

int log_cost_step(struct log_cost *cost, struct tidylog_writer *writer, uint64_t step,
                  const struct tidylog_predictions *predictions)
{
    struct moment begun = begin();
    int status = tidylog_append_step(writer, step, predictions);
    end(cost, begun);
    return status;
}

int log_cost_epoch(struct log_cost *cost, struct tidylog_writer *writer, const struct tidylog_epoch *epoch)
{
    struct moment begun = begin();
    int status = tidylog_append_epoch(writer, epoch);
    end(cost, begun);
    return status;
}

int log_cost_close(struct log_cost *cost, struct tidylog_writer *writer)
{
    double clock = progress_seconds();
    int status = tidylog_sync(writer);
    cost->writer_processor = task_seconds(cost->writer_task);
    double processor = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    int closed = tidylog_close(writer);
    cost->writer_processor += processor_seconds(CLOCK_PROCESS_CPUTIME_ID) - processor;
    cost->close_seconds = progress_seconds() - clock;
    return status != 0 ? status : closed;
}
