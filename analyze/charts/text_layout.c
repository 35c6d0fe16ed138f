/* Texts are measured without the font, which is only on the machine that draws. */
#include "analyze/charts/text_layout.h"

#include <stdbool.h>
#include <string.h>

#include "common/utf8.h"

/* A font size of 1 is this many pixels: gnuplot's sizes are points of 96 to the inch's 72. */
static const double pixels_of_size = 4.0 / 3;

/* Hundredths of the font's size that ' ' to '~' advance in DejaVu Sans (its hmtx table). */
static const unsigned char advances[] = {
    32,  40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, /*  !"#$%&'()*+,-./ */
    64,  64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 53, /* 0-9:;<=>? */
    100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, /* @A-O */
    60,  79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, /* P-Z[\]^_ */
    50,  61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, /* `a-o */
    63,  63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,     /* p-z{|}~ */
};
/* Others: letters of two bytes are as wide as an 'm' at most, nearly; those of Asia are square. */
enum { ADVANCE_OF_TWO_BYTES = 80, ADVANCE_OF_MORE = 100 };

static const char ellipsis[] = "\xe2\x80\xa6";

static bool is_printable(const char *text, size_t bytes)
{
    unsigned char first = (unsigned char)*text;
    return bytes > 0 && first >= 0x20 && first != 0x7f;
}

/* Width of the character of so many bytes at `text`, in hundredths of the font's size. */
static int advance(const char *text, size_t bytes)
{
    if (!is_printable(text, bytes))
        return advances['?' - ' '];
    return bytes == 1 ? advances[*text - ' '] : bytes == 2 ? ADVANCE_OF_TWO_BYTES : ADVANCE_OF_MORE;
}

double text_width(const char *text, double size)
{
    int sum = 0;
    while (*text != 0) {
        size_t bytes = (size_t)utf8_character_bytes(text);
        sum += advance(text, bytes);
        text += bytes > 0 ? bytes : 1;
    }
    return sum * size * pixels_of_size / 100;
}

/* Bytes of `text` that fit into a line; all of them, or up to a space where there is one. */
static size_t line_bytes(const char *text, double size, double pixels)
{
    const double most = pixels * 100 / (size * pixels_of_size);
    size_t used = 0, space = 0;
    int sum = 0;
    while (text[used] != 0) {
        size_t bytes = (size_t)utf8_character_bytes(text + used);
        sum += advance(text + used, bytes);
        if (text[used] == ' ')
            space = used;
        if (sum > most && used > 0)
            return space > 0 ? space : used;
        used += bytes > 0 ? bytes : 1;
    }
    return used;
}

/* Appends `count` bytes of text, made printable, as far as there is room. */
static void append(char *room, size_t bytes, size_t *used, const char *text, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t character = (size_t)utf8_character_bytes(text + at), length = character > 0 ? character : 1;
        if (*used + length >= bytes)
            break;
        if (is_printable(text + at, character))
            memcpy(room + *used, text + at, length);
        else
            memset(room + *used, '?', length = 1);
        *used += length;
        at += character > 0 ? character : 1;
    }
    room[*used] = 0;
}

/* Appends what fits of `text`, with an ellipsis for the rest. */
static void append_last(char *room, size_t bytes, size_t *used, const char *text, double size, double pixels)
{
    const size_t length = strlen(text), ellipsis_bytes = sizeof ellipsis - 1;
    if (line_bytes(text, size, pixels) == length && *used + length < bytes) {
        append(room, bytes, used, text, length);
        return;
    }
    const double rest = pixels - text_width(ellipsis, size);
    double width = 0;
    size_t kept = 0;
    while (text[kept] != 0) {
        size_t character = (size_t)utf8_character_bytes(text + kept);
        width += advance(text + kept, character) * size * pixels_of_size / 100;
        if (width > rest)
            break;
        kept += character > 0 ? character : 1;
    }
    while (kept > 0 && text[kept - 1] == ' ')
        kept--;
    append(room, bytes - ellipsis_bytes, used, text, kept);
    append(room, bytes, used, ellipsis, ellipsis_bytes);
}

const char *text_fit(char *room, size_t bytes, const char *text, double size, double pixels)
{
    text_wrap(room, bytes, text, size, pixels, 1);
    return room;
}

size_t text_wrap(char *room, size_t bytes, const char *text, double size, double pixels, size_t lines)
{
    size_t used = 0, line = 1;
    room[0] = 0;
    for (; line < lines; line++) {
        size_t count = line_bytes(text, size, pixels);
        if (text[count] == 0 || used + count + 1 >= bytes)
            break;
        append(room, bytes, &used, text, count);
        room[used++] = '\n';
        text += count + (text[count] == ' ');
    }
    append_last(room, bytes, &used, text, size, pixels);
    return line;
}
