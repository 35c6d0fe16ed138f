/* Several runs of the same samples into one log: records as they are. */
#include "common/tidylog_copy.h"

#include <stdio.h>

#include "common/error.h"
#include "common/tidylog_build.h"
#include "common/tidylog_read.h"

/* Says for which sample two arrays differ first. */
static int compare_samples(const struct tidylog_reader *reader, const struct tidylog_reader *first,
                           const uint16_t *values, const uint16_t *due, const char *what)
{
    for (uint64_t i = 0; i < reader->run.samples; i++) {
        if (values[i] != due[i])
            return tidy_fail("%s: sample %llu has the %s %u, in %s it has %u: not the same data set",
                             reader->store.path, (unsigned long long)i, what, values[i], first->store.path, due[i]);
    }
    return TIDY_OK;
}

/* Are the samples those of the first run? */
static int check_samples(const struct tidylog_reader *reader, const struct tidylog_reader *first)
{
    const struct tidylog_run *run = &reader->run, *due = &first->run;
    const char *path = reader->store.path, *first_path = first->store.path;
    if (run->samples != due->samples)
        return tidy_fail("%s: it has %llu samples, %s has %llu: not the same data set", path,
                         (unsigned long long)run->samples, first_path, (unsigned long long)due->samples);
    if (run->classes != due->classes)
        return tidy_fail("%s: it has %lu classes, %s has %lu: not the same data set", path,
                         (unsigned long)run->classes, first_path, (unsigned long)due->classes);
    if ((run->truth == NULL) != (due->truth == NULL))
        return tidy_fail("%s: the true labels are known in %s, and not in the other", path,
                         run->truth != NULL ? "it" : first_path);
    int status = compare_samples(reader, first, tidylog_given_labels(run), tidylog_given_labels(due), "label");
    if (status == TIDY_OK && due->truth != NULL)
        status = compare_samples(reader, first, run->truth, due->truth, "true label");
    return status;
}

/* Says which record of a table is no good. */
static int fail_record(const struct tidylog_reader *reader, enum tidylog_table table, uint64_t number,
                       const char *wrong)
{
    static const char *const kinds[] = {"meta, record", "step", "epoch", "columns of epoch"};
    return reader_fail(reader, kinds[table], number, wrong);
}

/* What a copied table must have without a gap. */
struct numbers {
    const struct tidylog_reader *reader;
    enum tidylog_table table;
    uint64_t due;   /* the next step or epoch; of packed epochs the epoch */
    uint64_t epoch; /* steps: the first one that may not have been passed */
    uint32_t block; /* of packed epochs the next block */
};

/* To the next number that has a record: steps of packed epochs have none, and only packed epochs have columns. */
static void pass_packed(struct numbers *numbers)
{
    const struct tidylog_reader *reader = numbers->reader;
    if (numbers->table == TABLE_COLUMNS) {
        while (numbers->due < reader->epoch_count && !reader->packed[numbers->due])
            numbers->due++;
    }
    for (; numbers->table == TABLE_STEPS && numbers->epoch < reader->epoch_count; numbers->epoch++) {
        uint64_t first = numbers->epoch > 0 ? reader->steps_through[numbers->epoch - 1] : 0;
        if (first > numbers->due)
            break;
        if (reader->packed[numbers->epoch] && first == numbers->due)
            numbers->due = reader->steps_through[numbers->epoch];
    }
}

/* Is the record the next one of its table? */
static bool is_next(struct numbers *numbers, const MDB_val *key)
{
    uint64_t epoch;
    uint32_t block;
    pass_packed(numbers);
    switch (numbers->table) {
    case TABLE_META:
        return true;
    case TABLE_STEPS:
    case TABLE_EPOCHS:
        return record_number(key) == numbers->due++;
    case TABLE_COLUMNS:
        if (!columns_key_read(key, &epoch, &block) || epoch != numbers->due || block != numbers->block)
            return false;
        numbers->block++;
        if (numbers->block == numbers->reader->layout.blocks) {
            numbers->block = 0;
            numbers->due++;
        }
        return true;
    }
    return false;
}

/* Is any record missing at the end? */
static bool is_complete(struct numbers *numbers)
{
    const struct tidylog_reader *reader = numbers->reader;
    pass_packed(numbers);
    if (numbers->table == TABLE_STEPS)
        return reader->epoch_count == 0 || numbers->due >= reader->steps_through[reader->epoch_count - 1];
    return numbers->table != TABLE_COLUMNS || (numbers->due >= reader->epoch_count && numbers->block == 0);
}

static int copy_table(struct build *build, const struct tidylog_reader *reader, enum tidylog_table table)
{
    struct numbers numbers = {.reader = reader, .table = table};
    MDB_cursor *cursor;
    MDB_val key, value;
    struct record record;
    int status = TIDY_OK;
    int code = mdb_cursor_open(reader->txn, reader->store.tables[table], &cursor);
    if (code != 0)
        return store_fail(reader->store.path, "read it", code);
    while (status == TIDY_OK && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        uint64_t due = numbers.due;
        const char *wrong = record_open(&record, &key, &value);
        if (wrong == NULL && !is_next(&numbers, &key)) {
            due = numbers.due - (table == TABLE_STEPS || table == TABLE_EPOCHS);
            wrong = "missing (damaged file)";
        }
        if (wrong != NULL)
            status = fail_record(reader, table, due, wrong);
        else
            status = build_put(build, table, &key, &value);
    }
    mdb_cursor_close(cursor);
    if (status == TIDY_OK && code != MDB_NOTFOUND)
        status = store_fail(reader->store.path, "read it", code);
    if (status == TIDY_OK && !is_complete(&numbers))
        status = fail_record(reader, table, numbers.due, "missing (damaged file)");
    return status;
}

static int copy_run(struct build *build, struct tidylog_reader *reader)
{
    int status = reader_find_packed(reader);
    if (status == TIDY_OK)
        status = build_add_run(build);
    for (int table = 0; table < TIDYLOG_TABLES && status == TIDY_OK; table++) {
        status = reader_check_table(reader, (enum tidylog_table)table);
        if (status == TIDY_OK)
            status = copy_table(build, reader, (enum tidylog_table)table);
    }
    return status;
}

int tidylog_copy_runs(const char *path, bool force, struct tidylog_reader *const *inputs, size_t count)
{
    struct build build;
    struct tidylog_reader first = {0};
    int status = build_begin(&build, path, force);
    for (size_t i = 0; i < count && status == TIDY_OK; i++) {
        for (uint32_t run = 0; run < inputs[i]->store.runs && status == TIDY_OK; run++) {
            struct tidylog_reader view;
            bool is_first = i == 0 && run == 0;
            status = reader_view(&view, inputs[i], run);
            if (status == TIDY_OK)
                status = check_samples(&view, is_first ? &view : &first);
            if (status == TIDY_OK)
                status = copy_run(&build, &view);
            if (is_first)
                first = view; /* what the others are compared with; freed at the end */
            else
                reader_unload_run(&view);
        }
    }
    reader_unload_run(&first);
    return build_end(&build, status);
}
