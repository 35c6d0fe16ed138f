/* What the run is: one row of a table for each member of struct tidylog_run, read and written by the table. */
#include "common/tidylog_meta.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/packing.h"
#include "common/tidylog_format.h"

enum { NUMBER_ROOM = 40, MOST_CLASSES = 65536 };

enum meta_kind {
    META_U32,
    META_U64,
    META_U64_OR_NONE, /* absent where it is 0 */
    META_BOOL,
    META_DETAIL,
    META_CODES, /* absent at other details than TIDYLOG_MARGIN */
    META_REAL,
    META_TEXT,
    META_SAMPLES /* a u16 for each sample; absent where NULL */
};

struct meta_row {
    const char *key;
    enum meta_kind kind;
    size_t offset; /* in struct tidylog_run */
    bool required;
};

#define ROW(member, kind, required)                                                                                \
    {                                                                                                              \
#member, kind, offsetof(struct tidylog_run, member), required                                              \
    }

/* In the order of the struct; `samples` comes before the arrays, whose length it is, `detail` before `codes`. */
static const struct meta_row rows[] = {
    ROW(samples, META_U64, true),       ROW(classes, META_U32, true),
    ROW(batch_size, META_U32, true),    ROW(epochs, META_U64, true),
    ROW(seed, META_U64, true),          ROW(shuffle, META_BOOL, true),
    ROW(detail, META_DETAIL, true),     ROW(codes, META_CODES, false),
    ROW(labels, META_SAMPLES, true),    ROW(truth, META_SAMPLES, false),
    ROW(given, META_SAMPLES, false),    ROW(probes, META_TEXT, false),
    ROW(parts, META_SAMPLES, false),    ROW(second_split, META_U64_OR_NONE, false),
    ROW(network, META_TEXT, false),     ROW(learning_rate, META_REAL, false),
    ROW(momentum, META_REAL, false),    ROW(weight_decay, META_REAL, false),
    ROW(lr_schedule, META_TEXT, false), ROW(noise, META_TEXT, false),
    ROW(stop, META_TEXT, false),        ROW(device, META_TEXT, false),
    ROW(precision, META_TEXT, false),   ROW(deterministic, META_BOOL, false),
    ROW(threads, META_U32, false),      ROW(resize, META_U32, false),
    ROW(height, META_U32, false),       ROW(width, META_U32, false),
    ROW(channels, META_U32, false),     ROW(data, META_TEXT, false),
    ROW(data_name, META_TEXT, false),   ROW(data_digest, META_TEXT, false),
    ROW(class_names, META_TEXT, false), ROW(command_line, META_TEXT, false),
    ROW(started, META_TEXT, false),     ROW(machine, META_TEXT, false),
    ROW(versions, META_TEXT, false),
};
enum { ROWS = sizeof rows / sizeof *rows };
_Static_assert(ROWS <= 64, "a bit of meta_owned each");

const char *const tidylog_detail_names[] = {"class", "margin", "probs", "full", NULL};
enum { DETAILS = 4 };

static const char *check_classes(const uint16_t *values, const struct tidylog_run *run)
{
    uint16_t most = 0; /* one comparison for all, so that a compiler takes many labels at a time */
    for (uint64_t i = 0; values != NULL && i < run->samples; i++)
        most = values[i] > most ? values[i] : most;
    return most >= run->classes ? "a label is not below the number of classes" : NULL;
}

/* Every epoch must have something to train on. */
static const char *check_parts(const struct tidylog_run *run)
{
    uint64_t counts[TIDYLOG_LEFT_OUT + 1] = {0};
    if (run->parts == NULL)
        counts[TIDYLOG_FIRST_SPLIT] = run->samples;
    for (uint64_t i = 0; run->parts != NULL && i < run->samples; i++) {
        if (run->parts[i] > TIDYLOG_LEFT_OUT)
            return "a sample's part is none of the splits";
        counts[run->parts[i]]++;
    }
    if (counts[TIDYLOG_FIRST_SPLIT] == 0)
        return "no sample is in the first split";
    if (run->second_split > 0 && counts[TIDYLOG_SECOND_SPLIT] == 0)
        return "no sample is in the second split, on which epochs train";
    if (run->second_split == 0 && counts[TIDYLOG_SECOND_SPLIT] > 0)
        return "samples are in a second split, on which no epoch trains";
    return NULL;
}

/* Of a run that is to be written: all 0 leaves them to the log. */
static struct tidylog_codes codes_of(const struct tidylog_run *run)
{
    bool said = run->codes.margin_scale != 0 || run->codes.log_odds_density != 0;
    return said ? run->codes : packing_codes_default;
}

int meta_check(const struct tidylog_run *run, const char *path)
{
    const char *wrong = NULL;
    if (run->samples < 1 || run->samples > TIDYLOG_MOST_SAMPLES)
        wrong = "the number of samples is not between 1 and 2^30";
    else if (run->classes < 1 || run->classes > MOST_CLASSES)
        wrong = "the number of classes is not between 1 and 65536";
    else if ((unsigned)run->detail >= DETAILS)
        wrong = "there is no such detail";
    else if (run->detail == TIDYLOG_MARGIN && !packing_codes_possible(codes_of(run)))
        wrong = "the margins' scale is not between 1 and 20, or the log-odds' density is above 64";
    else if (run->batch_size < 1 || run->batch_size > TIDYLOG_MOST_SAMPLES ||
             packing_bound(run->batch_size, run->classes, run->detail) == 0)
        wrong = "a step of this batch size, detail and number of classes does not fit into 2^31 bytes";
    else if (run->labels == NULL)
        wrong = "there are no labels";
    if (wrong == NULL)
        wrong = check_classes(run->labels, run);
    if (wrong == NULL)
        wrong = check_classes(run->truth, run);
    if (wrong == NULL)
        wrong = check_classes(run->given, run);
    if (wrong == NULL)
        wrong = check_parts(run);
    return wrong == NULL ? TIDY_OK : tidy_fail("%s: %s", path, wrong);
}

/* ---- writing -------------------------------------------------------------------------------------------- */

static int put(MDB_txn *txn, MDB_dbi table, const char *name, uint8_t *value, size_t body_bytes, size_t count)
{
    MDB_val key = {.mv_size = strlen(name), .mv_data = (void *)name};
    MDB_val data = {.mv_size = RECORD_HEADER_BYTES + body_bytes, .mv_data = value};
    record_seal(value, data.mv_size, name, key.mv_size, 0, (uint32_t)count);
    return mdb_put(txn, table, &key, &data, 0);
}

static int put_text(MDB_txn *txn, MDB_dbi table, const char *name, const char *text)
{
    size_t length = strlen(text);
    uint8_t *value;
    if (length > UINT32_MAX || memory_allocate(&value, RECORD_HEADER_BYTES + length, 1, name) != TIDY_OK)
        return ENOMEM;
    memcpy(value + RECORD_HEADER_BYTES, text, length);
    int code = put(txn, table, name, value, length, length);
    free(value);
    return code;
}

static int put_samples(MDB_txn *txn, MDB_dbi table, const char *name, const uint16_t *values, uint64_t count)
{
    uint8_t *value;
    if (memory_allocate(&value, RECORD_HEADER_BYTES + count * 2, 1, name) != TIDY_OK)
        return ENOMEM;
    for (uint64_t i = 0; i < count; i++)
        store_u16(value + RECORD_HEADER_BYTES + i * 2, values[i]);
    int code = put(txn, table, name, value, count * 2, count);
    free(value);
    return code;
}

static int put_row(MDB_txn *txn, MDB_dbi table, const struct meta_row *row, const struct tidylog_run *run)
{
    const void *member = (const char *)run + row->offset;
    struct tidylog_codes codes = codes_of(run);
    char number[NUMBER_ROOM];
    const char *text = number;
    switch (row->kind) {
    case META_U32:
        snprintf(number, sizeof number, "%" PRIu32, *(const uint32_t *)member);
        break;
    case META_U64:
        snprintf(number, sizeof number, "%" PRIu64, *(const uint64_t *)member);
        break;
    case META_U64_OR_NONE:
        if (*(const uint64_t *)member == 0)
            return 0;
        snprintf(number, sizeof number, "%" PRIu64, *(const uint64_t *)member);
        break;
    case META_BOOL:
        text = *(const bool *)member ? "1" : "0";
        break;
    case META_DETAIL:
        text = tidylog_detail_names[*(const enum tidylog_detail *)member];
        break;
    case META_CODES:
        if (run->detail != TIDYLOG_MARGIN)
            return 0;
        snprintf(number, sizeof number, "%" PRIu32 " %" PRIu32, codes.margin_scale, codes.log_odds_density);
        break;
    case META_REAL:
        snprintf(number, sizeof number, "%.17g", *(const double *)member);
        break;
    case META_TEXT:
        text = *(const char *const *)member;
        break;
    case META_SAMPLES:
        if (*(const uint16_t *const *)member == NULL)
            return 0;
        return put_samples(txn, table, row->key, *(const uint16_t *const *)member, run->samples);
    }
    return text != NULL ? put_text(txn, table, row->key, text) : 0;
}

int meta_write(MDB_txn *txn, MDB_dbi table, const struct tidylog_run *run)
{
    int code = put_text(txn, table, "format", "tidy");
    for (size_t i = 0; i < ROWS && code == 0; i++)
        code = put_row(txn, table, &rows[i], run);
    return code;
}

static int write_row(MDB_txn *txn, MDB_dbi table, const struct tidylog_run *run, size_t offset)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].offset == offset)
            return put_row(txn, table, &rows[i], run);
    }
    return EINVAL;
}

int meta_write_epochs(MDB_txn *txn, MDB_dbi table, const struct tidylog_run *run)
{
    return write_row(txn, table, run, offsetof(struct tidylog_run, epochs));
}

int meta_write_labels(MDB_txn *txn, MDB_dbi table, const struct tidylog_run *run)
{
    return write_row(txn, table, run, offsetof(struct tidylog_run, labels));
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static bool parse_whole(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0 && *out <= most;
}

/* Two whole numbers, a blank between them. */
static bool parse_codes(const char *text, struct tidylog_codes *out)
{
    int length = 0;
    return strspn(text, "0123456789 ") == strlen(text) &&
           sscanf(text, "%4" SCNu32 " %4" SCNu32 "%n", &out->margin_scale, &out->log_odds_density, &length) == 2 &&
           text[length] == 0 && packing_codes_possible(*out);
}

/* A copy of the body as text, for the caller to free; NULL after tidy_fail_memory. */
static char *copy_text(const struct record *record)
{
    char *text;
    if (memory_allocate(&text, record->body_bytes + 1, 1, "the run's description") == TIDY_OK)
        memcpy(text, record->body, record->body_bytes);
    return text;
}

static const char *read_number(const struct meta_row *row, const char *text, void *member)
{
    uint64_t whole = 0;
    char *end = NULL;
    bool good = false;
    switch (row->kind) {
    case META_U32:
        good = parse_whole(text, UINT32_MAX, &whole);
        *(uint32_t *)member = (uint32_t)whole;
        break;
    case META_U64:
    case META_U64_OR_NONE:
        good = parse_whole(text, UINT64_MAX, member);
        break;
    case META_BOOL:
        good = parse_whole(text, 1, &whole);
        *(bool *)member = whole == 1;
        break;
    case META_DETAIL:
        for (int i = 0; i < DETAILS; i++) {
            if (strcmp(text, tidylog_detail_names[i]) == 0) {
                *(enum tidylog_detail *)member = (enum tidylog_detail)i;
                good = true;
            }
        }
        break;
    case META_CODES:
        good = parse_codes(text, member);
        break;
    case META_REAL:
        *(double *)member = strtod(text, &end);
        good = end != text && *end == 0;
        break;
    case META_TEXT:
    case META_SAMPLES:
        break;
    }
    return good ? NULL : "not a value of its kind (damaged value)";
}

/* Can values be used where they stand? A small value may begin at any address. */
static bool is_array_of_u16(const uint8_t *body)
{
    return (uintptr_t)body % _Alignof(uint16_t) == 0 && htole16(1) == 1;
}

static const char *read_samples(const struct record *record, const struct tidylog_run *run, bool in_place,
                                const uint16_t **out)
{
    uint16_t *values;
    /* Before anything is allocated: the length must be what the file really holds. */
    if (record->count != run->samples || record->body_bytes != run->samples * 2)
        return "its length is not the number of samples (damaged value)";
    if (in_place) {
        *out = (const uint16_t *)(const void *)record->body;
        return NULL;
    }
    if (memory_allocate(&values, run->samples, sizeof *values, "samples' labels") != TIDY_OK)
        return "not enough memory for it";
    for (uint64_t i = 0; i < run->samples; i++)
        values[i] = load_u16(record->body + i * 2);
    *out = values;
    return NULL;
}

/* Reads one row into the run, an array `in_place` only where that is possible. Returns NULL or what is wrong. */
static const char *read_row(const struct meta_row *row, const struct record *record, bool in_place,
                            struct tidylog_run *run)
{
    void *member = (char *)run + row->offset;
    if (row->kind == META_SAMPLES)
        return read_samples(record, run, in_place, member);
    char *text = copy_text(record);
    if (text == NULL)
        return "not enough memory for it";
    if (row->kind == META_TEXT) {
        *(const char **)member = text;
        return NULL;
    }
    const char *wrong = read_number(row, text, member);
    free(text);
    return wrong;
}

/* Gets one record, unchecked. Returns 0, MDB_NOTFOUND, or TIDY_FAILED with a message. */
static int get(MDB_txn *txn, MDB_dbi table, const char *name, MDB_val *value, const char *path)
{
    MDB_val key = {.mv_size = strlen(name), .mv_data = (void *)name};
    int code = mdb_get(txn, table, &key, value);
    return code == 0 || code == MDB_NOTFOUND ? code
                                             : tidy_fail("%s: meta '%s': %s", path, name, mdb_strerror(code));
}

/* Is it a log, and one that this version reads? */
static int check_format(MDB_txn *txn, MDB_dbi table, const char *path)
{
    static const char name[] = "format";
    const MDB_val key = {.mv_size = strlen(name), .mv_data = (void *)name};
    struct record record;
    MDB_val value;
    int status = get(txn, table, name, &value, path);
    if (status == MDB_NOTFOUND)
        return tidy_fail("%s: not a TIDY log (its 'meta' table has no 'format')", path);
    const char *wrong = status == 0 ? record_open(&record, &key, &value) : NULL;
    return wrong == NULL ? status : tidy_fail("%s: meta '%s': %s", path, name, wrong);
}

void meta_name(char name[META_NAME_ROOM], const MDB_val *key)
{
    size_t length = key->mv_size < META_NAME_ROOM - 1 ? key->mv_size : META_NAME_ROOM - 1;
    for (size_t i = 0; i < length; i++) {
        char c = ((const char *)key->mv_data)[i];
        name[i] = c > ' ' && c <= '~' ? c : '?';
    }
    name[length] = 0;
}

/* Checks every record, also those that nobody here knows: damage to its key could have made one of them unknown. */
static int check_all(MDB_txn *txn, MDB_dbi table, const char *path)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    struct record record;
    int status = TIDY_OK;
    int code = mdb_cursor_open(txn, table, &cursor);
    if (code != 0)
        return tidy_fail("%s: meta: %s", path, mdb_strerror(code));
    while (status == TIDY_OK && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        const char *wrong = record_open(&record, &key, &value);
        char name[META_NAME_ROOM];
        meta_name(name, &key);
        if (wrong != NULL)
            status = tidy_fail("%s: meta '%s': %s", path, name, wrong);
    }
    mdb_cursor_close(cursor);
    if (status == TIDY_OK && code != MDB_NOTFOUND)
        status = tidy_fail("%s: meta: %s", path, mdb_strerror(code));
    return status;
}

int meta_read(MDB_txn *txn, MDB_dbi table, struct tidylog_run *run, meta_owned *owned, const char *path)
{
    MDB_val value;
    meta_owned own = META_ALL_OWNED;
    *run = (struct tidylog_run){0};
    /* First, because a newer version may have changed what the others mean. */
    int status = check_format(txn, table, path);
    if (status == TIDY_OK)
        status = check_all(txn, table, path);
    for (size_t i = 0; i < ROWS && status == TIDY_OK; i++) {
        status = get(txn, table, rows[i].key, &value, path);
        if (status == MDB_NOTFOUND) {
            status = TIDY_OK;
            if (rows[i].required)
                status = tidy_fail("%s: meta '%s' is missing (damaged file)", path, rows[i].key);
        } else if (status == TIDY_OK) {
            const struct record record = record_parts(&value);
            bool in_place = owned != NULL && rows[i].kind == META_SAMPLES && is_array_of_u16(record.body);
            own &= ~((meta_owned)in_place << i);
            const char *wrong = read_row(&rows[i], &record, in_place, run);
            if (wrong != NULL)
                status = tidy_fail("%s: meta '%s': %s", path, rows[i].key, wrong);
        }
    }
    if (owned != NULL)
        *owned = own;
    if (run->detail == TIDYLOG_MARGIN && run->codes.margin_scale == 0)
        run->codes = packing_codes_unsaid;
    if (status == TIDY_OK)
        status = meta_check(run, path);
    if (status != TIDY_OK)
        meta_free(run, own);
    return status;
}

void meta_free(struct tidylog_run *run, meta_owned owned)
{
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].kind == META_TEXT || rows[i].kind == META_SAMPLES) && (owned >> i & 1) != 0) {
            void *owned;
            memcpy(&owned, (char *)run + rows[i].offset, sizeof owned);
            free(owned);
        }
    }
    *run = (struct tidylog_run){0};
}

const char *meta_verify(const MDB_val *key, const MDB_val *value)
{
    struct record record;
    const char *wrong = record_open(&record, key, value);
    for (size_t i = 0; i < ROWS && wrong == NULL; i++) {
        const struct meta_row *row = &rows[i];
        if (key->mv_size != strlen(row->key) || memcmp(key->mv_data, row->key, key->mv_size) != 0)
            continue;
        if (row->kind == META_SAMPLES)
            return record.body_bytes == (uint64_t)record.count * 2 ? NULL : "its length is not its count's";
        struct tidylog_run scratch = {0};
        wrong = read_row(row, &record, false, &scratch);
        meta_free(&scratch, META_ALL_OWNED);
    }
    return wrong;
}
