/* Tables on stdout. Rows are gathered and handed to stdio many at a time, because a call of stdio for each cell
 * would cost more than the cell. */
#include "common/table.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/decimal_text.h"
#include "common/error.h"

enum { ROOM = 1 << 16 }; /* bytes that are gathered */

struct table {
    const char *const *columns;
    size_t column_count;
    size_t next; /* column of the next cell */
    bool json;
    bool by_line; /* someone may be watching: a row appears as soon as it is complete */
    int failure;  /* errno of the first write that failed, or 0 */
    size_t used;  /* of `room` */
    char room[ROOM];
};

static void write_out(struct table *table)
{
    if (table->failure == 0 && fwrite(table->room, 1, table->used, stdout) != table->used)
        table->failure = errno != 0 ? errno : EIO;
    table->used = 0;
}

static void put_bytes(struct table *table, const char *bytes, size_t count)
{
    while (count > ROOM - table->used) {
        size_t part = ROOM - table->used;
        memcpy(table->room + table->used, bytes, part);
        table->used = ROOM;
        write_out(table);
        bytes += part;
        count -= part;
    }
    memcpy(table->room + table->used, bytes, count);
    table->used += count;
}

static void put(struct table *table, const char *text)
{
    put_bytes(table, text, strlen(text));
}

static void put_character(struct table *table, char character)
{
    put_bytes(table, &character, 1);
}

/* Where the next number is written, of whose text the length is then added to `used`. */
static char *room_for_number(struct table *table)
{
    if (ROOM - table->used < DECIMAL_TEXT_BYTES)
        write_out(table);
    return table->room + table->used;
}

/* Text with what the format reserves escaped: both escape the backslash and control characters. */
static void put_escaped(struct table *table, const char *text)
{
    for (; *text != 0; text++) {
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
    struct table *table = malloc(sizeof *table);
    if (table == NULL) {
        tidy_fail_memory("a table", sizeof *table);
        return NULL;
    }
    table->columns = columns;
    table->column_count = column_count;
    table->json = json;
    table->by_line = isatty(STDOUT_FILENO) == 1;
    table->next = table->used = 0;
    table->failure = 0;
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

int table_end(struct table *table)
{
    assert(table->next == 0);
    write_out(table);
    if (fflush(stdout) != 0 && table->failure == 0)
        table->failure = errno;
    int failure = table->failure;
    free(table);
    if (failure == EPIPE)
        return TIDY_PIPE_CLOSED;
    return failure == 0 ? TIDY_OK : tidy_fail("cannot write to standard output: %s", strerror(failure));
}

bool table_failed(const struct table *table)
{
    return table->failure != 0;
}
