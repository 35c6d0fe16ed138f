/* Scratch folders and files for tests. */
#include "support.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch[256];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static void remove_scratch(void)
{
    nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *support_scratch_folder(void)
{
    if (scratch[0] == 0) {
        const char *parent = getenv("TMPDIR");
        snprintf(scratch, sizeof scratch, "%s/tidy-test-XXXXXX", parent ? parent : "/tmp");
        if (mkdtemp(scratch) == NULL) {
            perror(scratch);
            exit(1);
        }
        atexit(remove_scratch);
    }
    return scratch;
}

char *support_path(const char *folder, const char *name)
{
    /* Never freed: a test program is short. Kept reachable, so that a leak checker is content. */
    static char *kept[4096];
    static size_t count;
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        exit(1);
    assert_in_range(count, 0, sizeof kept / sizeof *kept - 1);
    return kept[count++] = path;
}

char *support_read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *data = malloc((size_t)size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)size, file), size);
    data[size] = 0;
    fclose(file);
    *bytes = (size_t)size;
    return data;
}

void support_write_file(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        fail_msg("cannot write %s", path);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

const char *support_data_path(const char *variable)
{
    const char *path = getenv(variable);
    if (path != NULL && access(path, R_OK) == 0)
        return path;
    const char *ci = getenv("CI");
    fprintf(stderr, "%s: %s is not there: skipped\n", variable, path ? path : "(unset)");
    exit(ci != NULL && strcmp(ci, "true") == 0 ? 1 : 77);
}

void support_assert_near(double actual, double expected, double tolerance, const char *file, int line)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        print_error("%.9g is not within %g of %.9g\n", actual, tolerance, expected);
        _fail(file, line);
    }
}
