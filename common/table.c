/* Tables on stdout. Rows are gathered and handed to stdio many at a time, because a call of stdio for each cell
 * would cost more than the cell. */
#include "common/table.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/decimal_text.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/parallel.h"

enum {
    ROOM = 1 << 16, /* bytes that are gathered */
    BATCH = 512,    /* rows that a thread adds before it hands them on */
};

struct table {
    const char *const *columns;
    size_t column_count;
    size_t next; /* column of the next cell */
    bool json;
    bool by_line; /* someone may be watching: a row appears as soon as it is complete */
    bool is_part; /* of a table: grows in place of being written out */
    int failure;  /* errno of the first write that failed, or 0 */
    char *bytes;  /* [room] those gathered */
    size_t used, room;
};

static void write_bytes(struct table *table, const char *bytes, size_t count)
{
    if (table->failure == 0 && fwrite(bytes, 1, count, stdout) != count)
        table->failure = errno != 0 ? errno : EIO;
}

static void write_out(struct table *table)
{
    write_bytes(table, table->bytes, table->used);
    table->used = 0;
}

/* Makes room for `count` more bytes, at most ROOM. */
static void make_room(struct table *table, size_t count)
{
    if (table->room - table->used >= count)
        return;
    if (!table->is_part) {
        write_out(table);
    } else if (memory_grow(&table->bytes, &table->room, table->used + ROOM, 1, "rows of a table") != 0) {
        table->failure = ENOMEM; /* which the whole table takes over */
        table->used = 0;
    }
}

static void put_bytes(struct table *table, const char *bytes, size_t count)
{
    for (size_t part; count > 0; count -= part, bytes += part) {
        part = count < ROOM ? count : ROOM;
        make_room(table, part);
        memcpy(table->bytes + table->used, bytes, part);
        table->used += part;
    }
}

static void put(struct table *table, const char *text)
{
    put_bytes(table, text, strlen(text));
}

static void put_character(struct table *table, char character)
{
    make_room(table, 1);
    table->bytes[table->used++] = character;
}

/* Where the next number is written, of whose text the length is then added to `used`. */
static char *room_for_number(struct table *table)
{
    make_room(table, DECIMAL_TEXT_BYTES);
    return table->bytes + table->used;
}

/* Text with what the format reserves escaped: both escape the backslash and control characters. */
static void put_escaped(struct table *table, const char *text)
{
    for (;; text++) {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
            plain++;
        put_bytes(table, text, plain);
        text += plain;
        if (*text == 0)
            return;
        unsigned char c = (unsigned char)*text;
        char escaped[8] = {(char)c};
        if (c == '\t')
            strcpy(escaped, "\\t");
        else if (c == '\n')
            strcpy(escaped, "\\n");
        else if (c == '\\')
            strcpy(escaped, "\\\\");
        else if (table->json && c == '"')
            strcpy(escaped, "\\\"");
        else if (table->json && c < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
        put(table, escaped);
    }
}

static void end_row(struct table *table)
{
    put_character(table, '\n');
    if (table->by_line)
        write_out(table);
}

struct table *table_begin(const char *const *columns, size_t column_count, bool json)
{
    struct table *table;
    if (memory_allocate(&table, 1, sizeof *table, "a table") != 0)
        return NULL;
    *table = (struct table){.columns = columns,
                            .column_count = column_count,
                            .json = json,
                            .by_line = isatty(STDOUT_FILENO) == 1,
                            .room = ROOM};
    if (memory_allocate(&table->bytes, table->room, 1, "a table") != 0) {
        free(table);
        return NULL;
    }
    if (!json) {
        for (size_t i = 0; i < column_count; i++) {
            put_character(table, i == 0 ? '#' : '\t');
            put_escaped(table, columns[i]);
        }
        end_row(table);
    }
    return table;
}

static void begin_cell(struct table *table)
{
    if (!table->json) {
        if (table->next > 0)
            put_character(table, '\t');
        return;
    }
    put(table, table->next > 0 ? ",\"" : "{\"");
    put_escaped(table, table->columns[table->next]);
    put(table, "\":");
}

static void end_cell(struct table *table)
{
    if (++table->next == table->column_count) {
        if (table->json)
            put_character(table, '}');
        end_row(table);
        table->next = 0;
    }
}

void table_add_text(struct table *table, const char *text)
{
    begin_cell(table);
    if (text == NULL) {
        put(table, table->json ? "null" : "nan");
    } else {
        put(table, table->json ? "\"" : "");
        put_escaped(table, text);
        put(table, table->json ? "\"" : "");
    }
    end_cell(table);
}

void table_add_count(struct table *table, uint64_t count)
{
    begin_cell(table);
    table->used += decimal_text_of_count(room_for_number(table), count);
    end_cell(table);
}

void table_add_real(struct table *table, double value)
{
    begin_cell(table);
    if (isnan(value)) {
        put(table, table->json ? "null" : "nan");
    } else if (isinf(value)) {
        put(table, table->json ? "null" : value > 0 ? "inf" : "-inf");
    } else if (fabs(value) > (double)FLT_MAX) {
        char text[32];
        snprintf(text, sizeof text, "%.9g", value);
        put(table, text);
    } else {
        table->used += decimal_text_of_float(room_for_number(table), (float)value);
    }
    end_cell(table);
}

/* ---- rows in threads --------------------------------------------------------------------------------------- */

struct rows {
    struct table *table;
    struct table *parts; /* [threads] */
    size_t count;
    void (*add_row)(struct table *table, const void *context, size_t row);
    const void *context;

    pthread_mutex_t lock; /* guards what follows, and the table */
    pthread_cond_t written;
    size_t batches; /* that have been written */
};

static void add_batch(void *context, size_t batch, unsigned thread)
{
    struct rows *rows = context;
    struct table *part = &rows->parts[thread];
    pthread_mutex_lock(&rows->lock);
    bool failed = rows->table->failure != 0;
    pthread_mutex_unlock(&rows->lock);
    for (size_t row = batch * BATCH; row < rows->count && row < (batch + 1) * BATCH && !failed; row++)
        rows->add_row(part, rows->context, row);
    assert(part->next == 0);

    pthread_mutex_lock(&rows->lock);
    /* Batches are taken in their order, so the one that is waited for is being made. */
    while (rows->batches < batch)
        pthread_cond_wait(&rows->written, &rows->lock);
    if (rows->table->failure == 0)
        rows->table->failure = part->failure;
    write_bytes(rows->table, part->bytes, part->used);
    part->used = 0;
    rows->batches++;
    pthread_cond_broadcast(&rows->written);
    pthread_mutex_unlock(&rows->lock);
}

static int add_in_threads(struct rows *rows)
{
    struct parallel *parallel;
    size_t batches = (rows->count + BATCH - 1) / BATCH;
    int status = parallel_create(&parallel, batches);
    if (status != 0)
        return status;
    unsigned threads = parallel_threads(parallel);
    status = memory_allocate(&rows->parts, threads, sizeof *rows->parts, "rows of a table");
    for (unsigned i = 0; i < threads && status == 0; i++) {
        rows->parts[i] = *rows->table;
        rows->parts[i].is_part = true;
        rows->parts[i].by_line = false;
        rows->parts[i].bytes = NULL;
        rows->parts[i].room = 0;
        status = memory_grow(&rows->parts[i].bytes, &rows->parts[i].room, ROOM, 1, "rows of a table");
    }
    if (status == 0) {
        pthread_mutex_init(&rows->lock, NULL);
        pthread_cond_init(&rows->written, NULL);
        parallel_run(parallel, batches, add_batch, rows);
        pthread_cond_destroy(&rows->written);
        pthread_mutex_destroy(&rows->lock);
    }
    for (unsigned i = 0; i < threads && rows->parts != NULL; i++)
        free(rows->parts[i].bytes);
    free(rows->parts);
    parallel_destroy(parallel);
    return status;
}

int table_add_rows(struct table *table, size_t count,
                   void (*add_row)(struct table *table, const void *context, size_t row), const void *context)
{
    assert(table->next == 0);
    if (count >= (size_t)4 * BATCH && !table->by_line && parallel_available() > 1) {
        write_out(table);
        return add_in_threads(
            &(struct rows){.table = table, .count = count, .add_row = add_row, .context = context});
    }
    for (size_t row = 0; row < count && table->failure == 0; row++)
        add_row(table, context, row);
    return 0;
}

/* ---- the end --------------------------------------------------------------------------------------------- */

int table_end(struct table *table)
{
    assert(table->next == 0);
    write_out(table);
    if (fflush(stdout) != 0 && table->failure == 0)
        table->failure = errno;
    int failure = table->failure;
    free(table->bytes);
    free(table);
    if (failure == EPIPE)
        return TIDY_PIPE_CLOSED;
    return failure == 0 ? TIDY_OK : tidy_fail("cannot write to standard output: %s", strerror(failure));
}

bool table_failed(const struct table *table)
{
    return table->failure != 0;
}
