/* What --help prints, from the tables that also parse. */
#include "common/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LEFT_ROOM = 96, WIDEST_LEFT = 30, LINE_WIDTH = 100 };

/* "-o, --output FILE" */
static void format_left(char *out, const struct option_row *row)
{
    char letter[8] = "    ";
    if (row->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    if (row->kind == OPTION_FLAG && *(const bool *)row->value)
        snprintf(out, LEFT_ROOM, "%s--%s, --no-%s", letter, row->name, row->name);
    else
        snprintf(out, LEFT_ROOM, "%s--%s%s%s", letter, row->name, row->argument != NULL ? " " : "",
                 row->argument != NULL ? row->argument : "");
}

/* "128", or "" where there is none to speak of. */
static void format_default(char *out, size_t room, const struct option_row *row)
{
    out[0] = 0;
    switch (row->kind) {
    case OPTION_FLAG:
        if (*(const bool *)row->value)
            snprintf(out, room, "on");
        break;
    case OPTION_TEXT:
        if (*(const char *const *)row->value != NULL)
            snprintf(out, room, "%s", *(const char *const *)row->value);
        break;
    case OPTION_COUNT:
        snprintf(out, room, "%" PRIu64, *(const uint64_t *)row->value);
        break;
    case OPTION_REAL:
        snprintf(out, room, "%.6g", *(const double *)row->value);
        break;
    case OPTION_CHOICE:
        if (*(const int *)row->value >= 0)
            snprintf(out, room, "%s", row->choices[*(const int *)row->value]);
        break;
    }
}

/* What the option does, then in brackets its choices and its default. */
static void format_right(char *out, size_t room, const struct option_row *row)
{
    char standard[128], choices[512] = "";
    format_default(standard, sizeof standard, row);
    for (size_t i = 0; row->kind == OPTION_CHOICE && row->choices[i] != NULL; i++) {
        strncat(choices, i > 0 ? ", " : "", sizeof choices - strlen(choices) - 1);
        strncat(choices, row->choices[i], sizeof choices - strlen(choices) - 1);
    }
    bool bracket = choices[0] != 0 || standard[0] != 0;
    snprintf(out, room, "%s%s%s%s%s%s%s", row->help, bracket ? " (" : "", choices,
             choices[0] != 0 && standard[0] != 0 ? "; " : "", standard[0] != 0 ? "default: " : "", standard,
             bracket ? ")" : "");
}

void options_wrap(FILE *out, const char *text, int column, int indent)
{
    for (;;) {
        int length = (int)strcspn(text, " ");
        if (column > indent && column + 1 + length > LINE_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", length, text);
        column += length;
        if (text[length] == 0)
            break;
        text += length + 1;
    }
}

static void print_option(const struct option_row *row, int left_width)
{
    char left[LEFT_ROOM], text[1024];
    format_left(left, row);
    format_right(text, sizeof text, row);
    int indent = 2 + left_width + 2;
    if ((int)strlen(left) > left_width)
        printf("  %s\n%*s", left, indent, "");
    else
        printf("  %-*s  ", left_width, left);
    options_wrap(stdout, text, indent, indent);
    putchar('\n');
}

void options_print_help(const struct command_usage *usage)
{
    printf("%s\n\nusage: %s %s %s\n", usage->summary, usage->program, usage->name, usage->arguments);
    if (usage->description != NULL)
        printf("\n%s\n", usage->description);

    int left_width = 0;
    for (size_t i = 0; i < usage->option_count; i++) {
        char left[LEFT_ROOM];
        format_left(left, &usage->options[i]);
        int length = (int)strlen(left);
        if (length > left_width && length <= WIDEST_LEFT)
            left_width = length;
    }
    if (usage->option_count > 0)
        printf("\noptions:\n");
    for (size_t i = 0; i < usage->option_count; i++)
        print_option(&usage->options[i], left_width);

    printf("\nexample:\n");
    for (const char *line = usage->example; line != NULL && *line != 0;) {
        int length = (int)strcspn(line, "\n");
        printf("  %.*s\n", length, line);
        line += length;
        line += *line == '\n';
    }
}
