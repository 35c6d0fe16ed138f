/* Rows of predictions from a seed: margins by a learning curve for each sample, classes by the sign of its
 * margin. */
#include "tests/support/simulated_rows.h"

#include <math.h>
#include <stdlib.h>

#include "common/random.h"
#include "tests/support/support.h"

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

void simulated_rows_create(struct simulated_rows *rows, const struct columns_shape *shape, enum simulated_kind kind,
                           uint32_t count, uint64_t seed)
{
    *rows = (struct simulated_rows){.shape = *shape, .kind = kind, .count = count, .seed = seed};
    rows->labels = allocate(count, sizeof *rows->labels);
    rows->row.predicted = allocate(count, sizeof *rows->row.predicted);
    if (shape->detail == TIDYLOG_MARGIN) {
        rows->row.margin = allocate(count, 1);
        rows->row.log_odds = allocate(count, 1);
    }
    struct random_stream stream = random_open(seed, RANDOM_WEIGHTS, 0);
    for (uint32_t i = 0; i < count; i++)
        rows->labels[i] = (uint16_t)random_below(&stream, shape->classes);
}

void simulated_rows_destroy(struct simulated_rows *rows)
{
    free(rows->labels);
    free(rows->row.predicted);
    free(rows->row.margin);
    free(rows->row.log_odds);
}

/* The wrong class that lies `steps` (from 0) behind the label; the label where there is no other. */
static uint16_t wrong_class(const struct simulated_rows *rows, uint32_t i, uint64_t steps)
{
    uint32_t classes = rows->shape.classes;
    return (uint16_t)(classes < 2 ? 0 : (rows->labels[i] + 1 + steps % (classes - 1)) % classes);
}

static uint8_t code_between(double value, double low, double high)
{
    return (uint8_t)(int)round(fmax(low, fmin(high, value)));
}

/* A sample's own difficulty is drawn anew with the same seed in every epoch. Steps of a margin code are those of
 * 2 sinh(code / 8), log-odds have 16 levels. */
static void learn(struct simulated_rows *rows, uint64_t epoch)
{
    struct random_stream own = random_open(rows->seed, RANDOM_NOISE, 0);
    struct random_stream noise = random_open(rows->seed, RANDOM_ORDER, epoch);
    for (uint32_t i = 0; i < rows->count; i++) {
        double ease = 5 + 3 * random_normal(&own), mistaken = random_uniform(&own) < 0.02 ? -1 : 1;
        uint64_t confused = random_below(&own, 3);
        double margin = mistaken * ease * (1 - exp(-(double)(epoch + 1))) + random_normal(&noise);
        uint64_t other = random_uniform(&noise) < 0.8 ? confused : random_below(&noise, UINT64_MAX);
        double level = 15 - 4 / (1 + fabs(margin)) + 2 * random_normal(&noise);
        rows->row.predicted[i] = margin > 0 ? rows->labels[i] : wrong_class(rows, i, other);
        if (rows->row.margin == NULL)
            continue;
        rows->row.margin[i] = (int8_t)(code_between(8 * asinh(margin / 2) + 127, 0, 254) - 127);
        rows->row.log_odds[i] = code_between(level, 0, 15);
    }
}

void simulated_rows_epoch(struct simulated_rows *rows, uint64_t epoch)
{
    if (rows->kind == SIMULATED_LEARNING) {
        learn(rows, epoch);
        return;
    }
    struct random_stream stream = random_open(rows->seed, RANDOM_ORDER, epoch);
    for (uint32_t i = 0; i < rows->count; i++) {
        uint16_t before = rows->row.predicted[i];
        uint64_t bits = random_bits(&stream);
        rows->row.predicted[i] = rows->labels[i];
        if (rows->kind == SIMULATED_NOISE)
            rows->row.predicted[i] = (uint16_t)(bits % rows->shape.classes);
        if (rows->kind == SIMULATED_WRONG)
            rows->row.predicted[i] = epoch > 0 && bits % 2 == 0 ? before : wrong_class(rows, i, bits >> 8);
        if (rows->row.margin == NULL)
            continue;
        rows->row.margin[i] = (int8_t)(rows->kind == SIMULATED_NOISE ? (int)(bits >> 48 & 255) - 128 : 127);
        rows->row.log_odds[i] = (uint8_t)(rows->kind == SIMULATED_NOISE ? bits >> 56 : 255);
    }
}
