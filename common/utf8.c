#include "common/utf8.h"

#include <stddef.h>

/* RFC 3629, section 4: what the first byte says of the length and of the second one. */
static const struct {
    unsigned char first, last, bytes, second_least, second_most;
} forms[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

int utf8_character_bytes(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t form = 0;
    while (form < sizeof forms / sizeof *forms && at[0] > forms[form].last)
        form++;
    if (form == sizeof forms / sizeof *forms || at[0] < forms[form].first)
        return 0;
    int bytes = forms[form].bytes;
    if (bytes > 1 && (at[1] < forms[form].second_least || at[1] > forms[form].second_most))
        return 0;
    for (int i = 2; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return bytes;
}
