/* bench-command FILE COMMAND [ARGUMENT...]: runs a command and writes what it took into FILE, a line: seconds on the
 * clock from its start to its end, processor seconds, largest resident MiB. Exits with the command's status. */
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/error.h"
#include "common/progress.h"

extern char **environ;

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench-command FILE COMMAND [ARGUMENT...]\n");
        return 2;
    }
    pid_t child;
    int ended;
    struct rusage usage;
    double start = progress_seconds();
    int failed = posix_spawnp(&child, argv[2], NULL, NULL, argv + 2, environ);
    if (failed != 0 || wait4(child, &ended, 0, &usage) != child)
        return tidy_report_error("bench-command", tidy_fail("%s: %s", argv[2], strerror(failed)));
    double took = progress_seconds() - start;
    FILE *file = fopen(argv[1], "w");
    if (file == NULL ||
        fprintf(file, "%.6f %.6f %.2f\n", took, seconds(usage.ru_utime) + seconds(usage.ru_stime),
                (double)usage.ru_maxrss / 1024) < 0 ||
        fclose(file) != 0)
        return tidy_report_error("bench-command", tidy_fail("%s: cannot be written", argv[1]));
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 1;
}
