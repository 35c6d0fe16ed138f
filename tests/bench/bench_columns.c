/* Measures packed epochs: bytes, and what packing and unpacking a prediction takes with each kind of kernels.
 * Blocks of a simulated run, as large as they get; the fastest of several rounds, so that other work on the
 * machine counts less. */
#include <stdio.h>
#include <stdlib.h>

#include "common/columns.h"
#include "common/error.h"
#include "common/progress.h"
#include "common/table.h"
#include "tests/support/simulated_rows.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum { EPOCHS = 15, CLASSES = 10, ROUNDS = 40 };

/* Cycles of the clock that counts evenly; 0 where there is none. */
static uint64_t cycles_now(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

/* A block's epochs, packed. */
struct packed {
    struct columns_coder *coder;
    struct columns_past *past;
    struct simulated_rows rows;
    uint8_t *bytes[EPOCHS];
    size_t sizes[EPOCHS];
};

struct cost {
    double cycles, seconds; /* a prediction */
};

static struct cost cost_since(double seconds, uint64_t cycles)
{
    const double predictions = (double)EPOCHS * COLUMNS_BLOCK;
    return (struct cost){(double)(cycles_now() - cycles) / predictions,
                         (progress_seconds() - seconds) / predictions};
}

static void keep_lower(struct cost *lowest, struct cost cost, int round)
{
    if (round == 0 || cost.seconds < lowest->seconds)
        *lowest = cost;
}

/* Packs all epochs. Making them is not measured. */
static struct cost pack(struct packed *packed, size_t *bytes)
{
    double seconds = 0;
    uint64_t cycles = 0;
    *bytes = 0;
    columns_past_reset(packed->past);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        simulated_rows_epoch(&packed->rows, epoch);
        double start = progress_seconds();
        uint64_t start_cycles = cycles_now();
        packed->sizes[epoch] =
            columns_pack(packed->coder, packed->bytes[epoch], &packed->rows.row, packed->rows.labels, packed->past);
        seconds += progress_seconds() - start;
        cycles += cycles_now() - start_cycles;
        *bytes += packed->sizes[epoch];
    }
    return cost_since(progress_seconds() - seconds, cycles_now() - cycles);
}

static int unpack(struct packed *packed, struct cost *cost)
{
    columns_past_reset(packed->past);
    double start = progress_seconds();
    uint64_t start_cycles = cycles_now();
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        if (columns_unpack(packed->coder, &packed->rows.row, packed->bytes[epoch], packed->sizes[epoch],
                           packed->rows.labels, packed->past) != 0)
            return TIDY_FAILED;
    }
    *cost = cost_since(start, start_cycles);
    return TIDY_OK;
}

static void print_row(struct table *table, enum tidylog_detail detail, const char *work, double bytes,
                      struct cost cost)
{
    table_add_text(table, tidylog_detail_names[detail]);
    table_add_text(table, work);
    table_add_real(table, bytes);
    table_add_real(table, cost.cycles);
    table_add_real(table, 1e-6 / cost.seconds);
}

static int measure(struct table *table, enum tidylog_detail detail)
{
    static const char *const kernels[] = {"plain", "AVX2", "AVX-512"};
    struct columns_shape shape = {.classes = CLASSES, .detail = detail};
    struct packed packed;
    if (columns_coder_create(&packed.coder, &shape) != 0 ||
        columns_past_create(&packed.past, &shape, COLUMNS_BLOCK) != 0)
        return TIDY_FAILED;
    simulated_rows_create(&packed.rows, &shape, SIMULATED_LEARNING, COLUMNS_BLOCK, 1);
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        packed.bytes[epoch] = malloc(columns_bound(&shape, COLUMNS_BLOCK));
    size_t bytes = 0;
    struct cost lowest = {0};
    for (int round = 0; round < ROUNDS / 4; round++)
        keep_lower(&lowest, pack(&packed, &bytes), round);
    double bytes_a_prediction = (double)bytes / EPOCHS / COLUMNS_BLOCK;
    print_row(table, detail, "pack", bytes_a_prediction, lowest);
    int status = TIDY_OK;
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels && status == 0; k++) {
        if (columns_coder_use(packed.coder, kernels[k]) != 0)
            continue;
        for (int round = 0; round < ROUNDS && status == 0; round++) {
            struct cost cost = {0};
            status = unpack(&packed, &cost);
            keep_lower(&lowest, cost, round);
        }
        print_row(table, detail, kernels[k], bytes_a_prediction, lowest);
    }
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        free(packed.bytes[epoch]);
    simulated_rows_destroy(&packed.rows);
    columns_past_destroy(packed.past);
    columns_coder_destroy(packed.coder);
    return status;
}

int main(void)
{
    static const char *const columns[] = {"detail", "work", "bytes_a_prediction", "cycles_a_prediction",
                                          "million_predictions_a_second"};
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, false);
    int status = table != NULL ? measure(table, TIDYLOG_CLASS) : TIDY_FAILED;
    if (status == 0)
        status = measure(table, TIDYLOG_MARGIN);
    if (table != NULL && table_end(table) != 0 && status == 0)
        status = TIDY_FAILED;
    return tidy_report_error("bench-columns", status);
}
