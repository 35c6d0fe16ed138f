/* Command lines from tables: parsing, and the messages for what cannot be parsed. Help is options_help.c. */
#include "common/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

enum { NAME_ROOM = 64 };

/* Edit distance where a swap of neighbours counts as one (optimal string alignment), or `limit` + 1 where longer. */
static size_t edit_distance(const char *a, const char *b, size_t limit)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows >= NAME_ROOM || columns >= NAME_ROOM)
        return limit + 1;
    size_t distance[NAME_ROOM][NAME_ROOM];
    for (size_t i = 0; i <= rows; i++) {
        for (size_t j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                distance[i][j] = i + j;
                continue;
            }
            size_t least = distance[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (distance[i - 1][j] + 1 < least)
                least = distance[i - 1][j] + 1;
            if (distance[i][j - 1] + 1 < least)
                least = distance[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                distance[i - 2][j - 2] + 1 < least)
                least = distance[i - 2][j - 2] + 1;
            distance[i][j] = least;
        }
    }
    return distance[rows][columns];
}

const char *options_nearest(const char *text, const char *const *names, size_t count)
{
    /* A third of what was typed may be wrong: "adm" is near "aum", "xyz" is near nothing. */
    size_t best = strlen(text) / 3 + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        if (names[i] == NULL)
            continue;
        size_t distance = edit_distance(text, names[i], best);
        if (distance < best || (distance == best && nearest == NULL && distance < strlen(text))) {
            best = distance;
            nearest = names[i];
        }
    }
    if (nearest != NULL)
        return nearest;
    /* What was begun but not finished: "forget" is near "forgetting-events". */
    for (size_t i = 0; i < count; i++) {
        if (names[i] != NULL && strlen(text) >= 3 && strncmp(names[i], text, strlen(text)) == 0)
            return names[i];
    }
    return NULL;
}

int options_parse_count(const char *text, uint64_t least, uint64_t most, const char *what, uint64_t *out)
{
    bool digits_only = *text != 0;
    for (const char *at = text; *at != 0; at++)
        digits_only = digits_only && *at >= '0' && *at <= '9';
    if (!digits_only)
        return tidy_fail_usage("%s: '%s' is not a whole number", what, text);
    errno = 0;
    uint64_t value = strtoull(text, NULL, 10);
    if (errno != 0 || value < least || value > most) {
        if (most == UINT64_MAX)
            return tidy_fail_usage("%s: %s is out of range (at least %" PRIu64 ")", what, text, least);
        return tidy_fail_usage("%s: %s is out of range (%" PRIu64 " to %" PRIu64 ")", what, text, least, most);
    }
    *out = value;
    return TIDY_OK;
}

int options_parse_real(const char *text, double least, double most, const char *what, double *out)
{
    /* strtod alone would also take "nan", "inf", hexadecimal and leading spaces. */
    char *end = NULL;
    errno = 0;
    bool plain = *text != 0 && strspn(text, "0123456789.eE+-") == strlen(text);
    double value = plain ? strtod(text, &end) : 0;
    if (!plain || *end != 0 || end == text)
        return tidy_fail_usage("%s: '%s' is not a number", what, text);
    if (errno != 0 || !isfinite(value) || value < least || value > most)
        return tidy_fail_usage("%s: %s is out of range (%.9g to %.9g)", what, text, least, most);
    *out = value;
    return TIDY_OK;
}

/* A bound given as double, as a whole number: what is too large for one means no bound. */
static uint64_t count_bound(double bound)
{
    return bound >= 0x1p64 ? UINT64_MAX : bound > 0 ? (uint64_t)bound : 0;
}

static int parse_choice(const struct option_row *row, const char *shown, const char *text)
{
    size_t count = 0;
    for (; row->choices[count] != NULL; count++) {
        if (strcmp(row->choices[count], text) == 0) {
            *(int *)row->value = (int)count;
            return TIDY_OK;
        }
    }
    const char *nearest = options_nearest(text, row->choices, count);
    if (nearest != NULL)
        return tidy_fail_usage("%s: unknown choice '%s'; did you mean '%s'?", shown, text, nearest);
    char all[512] = "";
    for (size_t i = 0; i < count; i++) {
        strncat(all, i > 0 ? ", " : "", sizeof all - strlen(all) - 1);
        strncat(all, row->choices[i], sizeof all - strlen(all) - 1);
    }
    return tidy_fail_usage("%s: unknown choice '%s'; one of: %s", shown, text, all);
}

/* Stores a value; `shown` is the option as the user wrote it. */
static int parse_value(const struct option_row *row, const char *shown, const char *text)
{
    switch (row->kind) {
    case OPTION_TEXT:
        if (strncmp(row->argument, "FILE", 4) == 0 && (*text == 0 || strcmp(text, "-") == 0))
            return tidy_fail_usage("%s: '%s' is no name of a file", shown, text);
        *(const char **)row->value = text;
        return TIDY_OK;
    case OPTION_COUNT:
        return options_parse_count(text, count_bound(row->least), count_bound(row->most), shown, row->value);
    case OPTION_REAL:
        return options_parse_real(text, row->least, row->most, shown, row->value);
    case OPTION_CHOICE:
        return parse_choice(row, shown, text);
    case OPTION_FLAG:
        break;
    }
    return TIDY_OK;
}

static int fail_unknown(const struct command_usage *usage, const char *shown)
{
    const char *nearest = NULL;
    if (strncmp(shown, "--", 2) == 0) {
        const char *names[NAME_ROOM];
        size_t count = 0;
        for (size_t i = 0; i < usage->option_count && count < NAME_ROOM - 1; i++)
            names[count++] = usage->options[i].name;
        names[count++] = "help";
        nearest = options_nearest(shown + 2, names, count);
    }
    if (nearest != NULL)
        return tidy_fail_usage("unknown option '%s'; did you mean '--%s'?", shown, nearest);
    return tidy_fail_usage("unknown option '%s'; '%s %s --help' lists them", shown, usage->program, usage->name);
}

/* The row of a long name (`length` characters); *negated for the `no-` form of a flag. */
static const struct option_row *find_long(const struct command_usage *usage, const char *name, size_t length,
                                          bool *negated)
{
    for (size_t i = 0; i < usage->option_count; i++) {
        const struct option_row *row = &usage->options[i];
        size_t row_length = strlen(row->name);
        *negated = row->kind == OPTION_FLAG && length == row_length + 3 && strncmp(name, "no-", 3) == 0 &&
                   strncmp(name + 3, row->name, row_length) == 0;
        if (*negated || (length == row_length && strncmp(name, row->name, length) == 0))
            return row;
    }
    return NULL;
}

/* Parses the option argv[*at]; moves *at on where the value is the next argument. */
static int parse_option(const struct command_usage *usage, int argc, char **argv, int *at)
{
    const char *argument = argv[*at];
    const struct option_row *row = NULL;
    const char *value = NULL;
    bool negated = false;
    char shown[NAME_ROOM + 4];

    if (argument[1] == '-') {
        const char *equals = strchr(argument, '=');
        size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
        snprintf(shown, sizeof shown, "%.*s", (int)(length < NAME_ROOM ? length : NAME_ROOM), argument);
        row = find_long(usage, argument + 2, length - 2, &negated);
        value = equals != NULL ? equals + 1 : NULL;
    } else {
        snprintf(shown, sizeof shown, "-%c", argument[1]);
        for (size_t i = 0; i < usage->option_count && row == NULL; i++) {
            if (usage->options[i].letter == argument[1])
                row = &usage->options[i];
        }
        value = argument[2] != 0 ? argument + 2 : NULL;
    }
    if (row == NULL)
        return fail_unknown(usage, shown);

    int status = TIDY_OK;
    if (row->kind == OPTION_FLAG) {
        if (value != NULL)
            return tidy_fail_usage("option '%s' takes no value", shown);
        *(bool *)row->value = !negated;
    } else {
        if (value == NULL) {
            if (*at + 1 >= argc)
                return tidy_fail_usage("option '%s' needs a value: %s", shown, row->argument);
            value = argv[++*at];
        }
        status = parse_value(row, shown, value);
    }
    if (status == TIDY_OK && row->given != NULL)
        *row->given = true;
    return status;
}

int options_parse(const struct command_usage *usage, int argc, char **argv, const char **positional,
                  int *positional_count, bool *helped)
{
    *positional_count = 0;
    *helped = false;
    /* Before anything is parsed, so that help shows the defaults and not what precedes it. */
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            options_print_help(usage);
            *helped = true;
            return TIDY_OK;
        }
    }
    bool options_ended = false;
    for (int i = 1; i < argc; i++) {
        if (options_ended || argv[i][0] != '-' || argv[i][1] == 0) {
            positional[(*positional_count)++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else {
            int status = parse_option(usage, argc, argv, &i);
            if (status != TIDY_OK)
                return status;
        }
    }
    return TIDY_OK;
}

int command_parse(const struct command_usage *usage, int argc, char **argv, const char **positional, int expected,
                  bool *helped)
{
    const char **all;
    int count = 0;
    int status = memory_allocate(&all, (size_t)argc, sizeof *all, "arguments");
    if (status != TIDY_OK)
        return status;
    status = options_parse(usage, argc, argv, all, &count, helped);
    if (status == TIDY_OK && !*helped && count < expected)
        status = tidy_fail_usage("%s: missing argument%s; usage: %s %s %s", usage->name,
                                 expected - count == 1 ? "" : "s", usage->program, usage->name, usage->arguments);
    if (status == TIDY_OK && !*helped && count > expected)
        status = tidy_fail_usage("%s: surplus argument '%s'; usage: %s %s %s", usage->name, all[expected],
                                 usage->program, usage->name, usage->arguments);
    for (int i = 0; status == TIDY_OK && !*helped && i < expected; i++)
        positional[i] = all[i];
    free(all);
    return status;
}
