#include "analyze/report/html.h"

#include <string.h>

#include "common/utf8.h"

static const char unreadable[] = "\xef\xbf\xbd"; /* U+FFFD */

/* What a character becomes that cannot stand as it is; NULL: it can. */
static const char *html_of(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

static const char *json_of(char character)
{
    switch (character) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '<':
        return "\\u003c";
    default:
        return NULL;
    }
}

static void write_text(FILE *out, const char *text, const char *(*replacement_of)(char character))
{
    while (*text != 0) {
        int bytes = utf8_character_bytes(text);
        unsigned char first = (unsigned char)*text;
        const char *replacement = bytes == 0 || first < 0x20 || first == 0x7f ? unreadable : replacement_of(*text);
        if (replacement != NULL)
            fputs(replacement, out);
        else
            fwrite(text, 1, (size_t)bytes, out);
        text += bytes > 0 ? bytes : 1;
    }
}

void html_text(FILE *out, const char *text)
{
    write_text(out, text, html_of);
}

void html_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    write_text(out, text, json_of);
    fputc('"', out);
}
