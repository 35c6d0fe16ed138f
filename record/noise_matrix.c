/* Reads transition matrices and turns them into exact counts. */
#include "record/noise_matrix.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

enum { MOST_CLASSES = 4096 }; /* a matrix of 128 MiB */
static const double row_tolerance = 1e-6;

/* Appends the numbers of one line, up to a '#'. */
static int read_line(double **values, size_t *count, size_t *capacity, char *line, const char *path,
                     size_t line_number)
{
    line[strcspn(line, "#")] = 0;
    for (char *text = line;;) {
        text += strspn(text, " \t\r\n\v\f");
        if (*text == 0)
            return 0;
        char *end;
        double value = strtod(text, &end);
        if (end == text || (*end != 0 && !isspace((unsigned char)*end)))
            return tidy_fail("%s: line %zu: '%.*s' is not a number", path, line_number,
                             (int)strcspn(text, " \t\r\n\v\f"), text);
        if (!isfinite(value) || value < 0)
            return tidy_fail("%s: line %zu: %g is not a probability", path, line_number, value);
        if (*count == (size_t)MOST_CLASSES * MOST_CLASSES)
            return tidy_fail("%s: more than %d x %d numbers", path, MOST_CLASSES, MOST_CLASSES);
        int status = memory_grow(values, capacity, *count + 1, sizeof **values, "the noise matrix");
        if (status != 0)
            return status;
        (*values)[(*count)++] = value;
        text = end;
    }
}

/* Rows are lines: the first line with numbers says how many classes there are. */
static int read_rows(double **values, size_t *classes, FILE *file, const char *path)
{
    char *line = NULL;
    size_t line_room = 0, line_number = 0, count = 0, capacity = 0, rows = 0;
    int status = 0;
    *classes = 0;
    errno = 0;
    while (status == 0 && getline(&line, &line_room, file) >= 0) {
        size_t before = count;
        status = read_line(values, &count, &capacity, line, path, ++line_number);
        if (status != 0 || count == before)
            continue;
        if (rows++ == 0)
            *classes = count;
        if (count - before != *classes)
            status = tidy_fail("%s: line %zu has %zu numbers, the first row has %zu", path, line_number,
                               count - before, *classes);
    }
    if (status == 0 && ferror(file))
        status = tidy_fail("%s: cannot be read: %s", path, strerror(errno));
    if (status == 0 && count == 0)
        status = tidy_fail("%s: has no numbers; a noise matrix is C rows of C numbers", path);
    if (status == 0 && rows != *classes)
        status = tidy_fail("%s: %zu rows of %zu numbers; a noise matrix is square", path, rows, *classes);
    free(line);
    return status;
}

int noise_matrix_read(double **matrix, size_t *classes, const char *path)
{
    *matrix = NULL;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return tidy_fail("%s: cannot be opened: %s", path, strerror(errno));
    double *values = NULL;
    int status = read_rows(&values, classes, file, path);
    fclose(file);
    for (size_t row = 0; status == 0 && row < *classes; row++) {
        double sum = 0;
        for (size_t column = 0; column < *classes; column++)
            sum += values[row * *classes + column];
        if (fabs(sum - 1) > row_tolerance)
            status = tidy_fail("%s: row %zu (class %zu) sums to %.9g, not to 1", path, row + 1, row, sum);
    }
    if (status != 0) {
        free(values);
        return status;
    }
    *matrix = values;
    return 0;
}

struct remainder {
    double fraction; /* of a cell's quota, what its whole count leaves over */
    size_t cell;
};

static int larger_first(const void *left, const void *right)
{
    const struct remainder *a = left, *b = right;
    if (a->fraction != b->fraction)
        return a->fraction > b->fraction ? -1 : 1;
    return a->cell < b->cell ? -1 : a->cell > b->cell;
}

int noise_matrix_counts(uint64_t *counts, const double *matrix, const uint64_t *class_sizes, uint32_t classes,
                        uint64_t total)
{
    size_t cells = (size_t)classes * classes;
    double mass = 0;
    for (size_t cell = 0; cell < cells; cell++)
        if (cell / classes != cell % classes)
            mass += (double)class_sizes[cell / classes] * matrix[cell];
    if (mass <= 0)
        return tidy_fail("--noise: the matrix has nothing off the diagonal for the classes that occur");

    struct remainder *remainders;
    int status = memory_allocate(&remainders, cells, sizeof *remainders, "the noise counts");
    if (status != 0)
        return status;
    uint64_t shared = 0;
    size_t open_cells = 0;
    for (size_t cell = 0; cell < cells; cell++) {
        counts[cell] = 0;
        double weight = (double)class_sizes[cell / classes] * matrix[cell];
        if (cell / classes == cell % classes || weight <= 0)
            continue;
        double quota = (double)total * (weight / mass);
        counts[cell] = (uint64_t)quota;
        shared += counts[cell];
        remainders[open_cells++] = (struct remainder){quota - floor(quota), cell};
    }
    qsort(remainders, open_cells, sizeof *remainders, larger_first);
    for (size_t i = 0; shared < total; i = (i + 1) % open_cells, shared++)
        counts[remainders[i].cell]++;
    for (uint32_t truth = 0; status == 0 && truth < classes; truth++) {
        uint64_t wanted = 0;
        for (uint32_t given = 0; given < classes; given++)
            wanted += counts[(size_t)truth * classes + given];
        if (wanted > class_sizes[truth])
            status =
                tidy_fail("--noise: the matrix asks for %llu wrong labels in class %u, which has %llu samples; "
                          "lower the rate",
                          (unsigned long long)wanted, truth, (unsigned long long)class_sizes[truth]);
    }
    free(remainders);
    return status;
}
