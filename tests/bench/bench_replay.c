/* bench-replay LOG [ROUNDS]: opens a log and replays all of it through libtidylog, one thread. A line each: name, tab,
 * value, of the fastest of the rounds (5). */
#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/progress.h"
#include "common/tidylog.h"

struct times {
    double open, replay, predictions;
};

static int measure(struct times *best, const char *path)
{
    struct tidylog_reader *reader;
    struct tidylog_replay *replay = NULL;
    struct tidylog_observations seen;
    double start = progress_seconds(), predictions = 0;
    int status = tidylog_open(&reader, path);
    if (status != 0)
        return status;
    double opened = progress_seconds();
    status = tidylog_replay_begin(&replay, reader, 0, UINT64_MAX);
    if (status == 0)
        while ((status = tidylog_replay_next(replay, &seen)) == 1)
            predictions += seen.count;
    double replayed = progress_seconds();
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    if (best->predictions == 0 || opened - start < best->open)
        best->open = opened - start;
    if (best->predictions == 0 || replayed - opened < best->replay)
        best->replay = replayed - opened;
    best->predictions = predictions;
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: bench-replay LOG [ROUNDS]\n");
        return 2;
    }
    struct times best = {0};
    int status = TIDY_OK;
    for (int round = 0; round < (argc > 2 ? atoi(argv[2]) : 5) && status == TIDY_OK; round++)
        status = measure(&best, argv[1]);
    if (status == TIDY_OK)
        printf("open-ms\t%.3f\nreplay-ms\t%.2f\nmillion-predictions-a-s\t%.1f\n", 1e3 * best.open,
               1e3 * best.replay, best.predictions / best.replay / 1e6);
    return tidy_report_error("bench-replay", status);
}
