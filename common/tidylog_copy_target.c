/* The run that a copy is made into. */
#include "common/tidylog_copy_target.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/packing.h"
#include "common/step_codes.h"

int copy_target_begin(struct copy_target *out, struct build *build, const struct tidylog_run *run)
{
    static const char what[] = "a record of the log";
    size_t most = run->samples < run->batch_size ? (size_t)run->samples : run->batch_size;
    size_t bytes = most * 4 + packing_bound((uint32_t)most, run->classes, run->detail) + EPOCH_BODY_BYTES;
    *out = (struct copy_target){.build = build, .run = run};
    int status = tidylog_order_create(&out->order, run);
    if (status == TIDY_OK)
        status = memory_allocate(&out->value, RECORD_HEADER_BYTES + bytes, 1, what);
    if (status == TIDY_OK)
        status = memory_allocate(&out->labels, most, sizeof *out->labels, what);
    if (status == TIDY_OK)
        status = columns_row_allocate(&out->codes, (uint32_t)most, run->detail);
    if (status == TIDY_OK)
        status = columns_layout_create(&out->layout, run);
    return status;
}

void copy_target_end(struct copy_target *target)
{
    columns_epoch_destroy(target->columns);
    columns_layout_destroy(&target->layout);
    columns_row_free(&target->codes);
    free(target->labels);
    free(target->value);
    tidylog_order_destroy(target->order);
    *target = (struct copy_target){0};
}

/* Puts the record whose body stands in target->value. */
static int put(struct copy_target *target, enum tidylog_table table, uint64_t number, size_t body, uint8_t flags,
               uint32_t count)
{
    uint8_t name[NUMBER_KEY_BYTES];
    record_number_key(name, number);
    record_seal(target->value, RECORD_HEADER_BYTES + body, name, sizeof name, flags, count);
    MDB_val key = {.mv_size = sizeof name, .mv_data = name};
    MDB_val value = {.mv_size = RECORD_HEADER_BYTES + body, .mv_data = target->value};
    return build_put(target->build, table, &key, &value);
}

int copy_target_begin_epoch(struct copy_target *target, uint64_t epoch)
{
    target->epoch = epoch;
    target->first_step = target->steps;
    target->packing =
        columns_can_pack(target->run, epoch) && target->steps == tidylog_order_steps_before(target->order, epoch);
    if (target->packing && target->columns == NULL)
        return columns_epoch_create(&target->columns, &target->layout);
    return TIDY_OK;
}

static void find_labels(struct copy_target *target, const struct tidylog_due *due)
{
    for (uint32_t i = 0; i < due->count; i++)
        target->labels[i] = target->run->labels[due->samples[i]];
}

/* Puts the epoch's steps so far, of which only the codes were kept: it cannot be packed. */
static int stop_packing(struct copy_target *target)
{
    const struct tidylog_run *run = target->run;
    uint64_t step = target->first_step;
    int status = TIDY_OK;
    for (; target->packing && step < target->steps && status == TIDY_OK; step++) {
        struct tidylog_due due;
        tidylog_order_step(target->order, step, &due);
        find_labels(target, &due);
        columns_epoch_get(target->columns, due.samples, due.count, &target->codes);
        size_t bytes = step_codes_write(target->value + RECORD_HEADER_BYTES, &target->codes, target->labels,
                                        due.count, run->classes, run->detail);
        status = put(target, TABLE_STEPS, step, bytes, 0, due.count);
    }
    target->packing = false;
    return status;
}

/* Is the next step, of these samples, the one that the run's order has there? */
static bool is_due(const struct copy_target *target, const uint32_t *samples, uint32_t count, bool evaluated)
{
    struct tidylog_due due;
    tidylog_order_step(target->order, target->steps, &due);
    return due.epoch == target->epoch && due.count == count && due.evaluated == evaluated &&
           memcmp(due.samples, samples, count * sizeof *due.samples) == 0;
}

int copy_target_begin_step(struct copy_target *target, const uint32_t *samples, uint32_t count, bool evaluated,
                           uint8_t **body)
{
    target->count = count;
    target->listed = !is_due(target, samples, count, evaluated);
    int status = target->listed ? stop_packing(target) : TIDY_OK;
    *body = target->value + RECORD_HEADER_BYTES;
    for (uint32_t i = 0; i < count && target->listed; i++, *body += 4)
        store_u32(*body, samples[i]);
    return status;
}

int copy_target_end_step(struct copy_target *target, size_t packed)
{
    const struct tidylog_run *run = target->run;
    uint64_t step = target->steps++;
    if (target->packing) {
        struct tidylog_due due;
        tidylog_order_step(target->order, step, &due);
        find_labels(target, &due);
        /* What was just packed is possible. */
        (void)step_codes_read(&target->codes, target->value + RECORD_HEADER_BYTES, packed, target->labels,
                              due.count, run->classes, run->detail);
        columns_epoch_set(target->columns, due.samples, due.count, &target->codes);
        return TIDY_OK;
    }
    size_t list = target->listed ? (size_t)target->count * 4 : 0;
    return put(target, TABLE_STEPS, step, list + packed, target->listed ? RECORD_LISTS_SAMPLES : 0, target->count);
}

static int put_columns(struct copy_target *target)
{
    int status = TIDY_OK;
    for (uint32_t block = 0; block < target->layout.blocks && status == TIDY_OK; block++) {
        uint8_t name[COLUMNS_KEY_BYTES];
        MDB_val key = {.mv_size = sizeof name, .mv_data = name}, value;
        columns_key(name, target->epoch, block);
        columns_epoch_pack(target->columns, target->epoch, block, name, &value);
        status = build_put(target->build, TABLE_COLUMNS, &key, &value);
    }
    return status;
}

int copy_target_end_epoch(struct copy_target *target, const struct tidylog_epoch *figures)
{
    int status;
    if (target->packing && target->steps == tidylog_order_steps_before(target->order, target->epoch + 1))
        status = put_columns(target);
    else
        status = stop_packing(target);
    if (status != TIDY_OK)
        return status;
    epoch_encode(target->value + RECORD_HEADER_BYTES, figures, target->steps);
    return put(target, TABLE_EPOCHS, target->epoch, EPOCH_BODY_BYTES, 0, 1);
}
