/* Tables on stdout. Numbers are printed with the fewest digits that read back to the same float32. */
#include "common/table.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"

struct table {
    const char *const *columns;
    size_t column_count;
    size_t next; /* column of the next cell */
    bool json;
    int failure; /* errno of the first write that failed, or 0 */
};

static void put(struct table *table, const char *text)
{
    if (table->failure == 0 && fputs(text, stdout) == EOF)
        table->failure = errno != 0 ? errno : EIO;
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

struct table *table_begin(const char *const *columns, size_t column_count, bool json)
{
    struct table *table = malloc(sizeof *table);
    if (table == NULL) {
        tidy_fail_memory("a table", sizeof *table);
        return NULL;
    }
    *table = (struct table){.columns = columns, .column_count = column_count, .json = json};
    if (!json) {
        for (size_t i = 0; i < column_count; i++) {
            put(table, i == 0 ? "#" : "\t");
            put_escaped(table, columns[i]);
        }
        put(table, "\n");
    }
    return table;
}

static void begin_cell(struct table *table)
{
    if (!table->json) {
        if (table->next > 0)
            put(table, "\t");
        return;
    }
    put(table, table->next > 0 ? ",\"" : "{\"");
    put_escaped(table, table->columns[table->next]);
    put(table, "\":");
}

static void end_cell(struct table *table)
{
    if (++table->next == table->column_count) {
        put(table, table->json ? "}\n" : "\n");
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
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, count);
    begin_cell(table);
    put(table, text);
    end_cell(table);
}

/* digits * 10^exponent as the nearest double: both factors are exact for 9 digits and |exponent| <= 22. */
static double decimal_value(uint64_t digits, int exponent)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (exponent >= -22 && exponent <= 22)
        return exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
    char text[40];
    snprintf(text, sizeof text, "%" PRIu64 "e%d", digits, exponent);
    return strtod(text, NULL);
}

/* Writes digits * 10^exponent as "%.9g" would. */
static void format_decimal(char *out, size_t room, bool negative, uint64_t digits, int exponent)
{
    char text[24];
    int count = snprintf(text, sizeof text, "%" PRIu64, digits);
    const char *sign = negative ? "-" : "";
    int point = count + exponent; /* digits before the decimal point */
    if (point > 9 || point < -3)
        snprintf(out, room, "%s%.1s%s%se%+03d", sign, text, count > 1 ? "." : "", text + 1, point - 1);
    else if (point <= 0)
        snprintf(out, room, "%s0.%.*s%s", sign, -point, "000", text);
    else if (exponent >= 0)
        snprintf(out, room, "%s%s%.*s", sign, text, exponent, "00000000");
    else
        snprintf(out, room, "%s%.*s.%s", sign, point, text, text + point);
}

/* The shortest decimal that reads back to the float nearest to `value`, finite and within float's range. */
static void format_shortest(char *out, size_t room, double value)
{
    float wanted = fabsf((float)value);
    if (wanted == 0) {
        snprintf(out, room, "0");
        return;
    }
    /* Nine significant digits always suffice. Then ever fewer, as long as one of the two neighbours of that length
     * reads back to the same. */
    char nine[32];
    snprintf(nine, sizeof nine, "%.8e", (double)wanted);
    uint64_t best = (uint64_t)(nine[0] - '0') * 100000000 + strtoull(nine + 2, NULL, 10), nine_digits = best;
    int exponent = atoi(strchr(nine, 'e') + 1) - 8, best_exponent = exponent;
    uint64_t scale = 1;
    for (int dropped = 1; dropped < 9; dropped++) {
        scale *= 10;
        uint64_t below = nine_digits / scale, above = below + 1;
        bool above_is_nearer = nine_digits % scale * 2 >= scale;
        uint64_t first = above_is_nearer ? above : below, second = above_is_nearer ? below : above;
        if ((float)decimal_value(first, exponent + dropped) == wanted)
            best = first;
        else if ((float)decimal_value(second, exponent + dropped) == wanted)
            best = second;
        else
            break;
        best_exponent = exponent + dropped;
    }
    for (; best % 10 == 0; best /= 10)
        best_exponent++;
    format_decimal(out, room, value < 0, best, best_exponent);
    /* Rounded to double and then to float, a decimal may, once in 10^8, be another float than rounded at once. */
    if (strtof(out, NULL) != (float)value)
        snprintf(out, room, "%.9g", (double)(float)value);
}

void table_add_real(struct table *table, double value)
{
    char text[40];
    if (isnan(value))
        strcpy(text, table->json ? "null" : "nan");
    else if (isinf(value))
        strcpy(text, table->json ? "null" : value > 0 ? "inf" : "-inf");
    else if (fabs(value) > (double)FLT_MAX)
        snprintf(text, sizeof text, "%.9g", value);
    else
        format_shortest(text, sizeof text, value);
    begin_cell(table);
    put(table, text);
    end_cell(table);
}

int table_end(struct table *table)
{
    assert(table->next == 0);
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
