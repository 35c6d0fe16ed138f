#include "common/base64.h"

#include <stdint.h>

void base64_write(FILE *out, const void *data, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = data;
    for (size_t i = 0; i < bytes; i += 3) {
        size_t left = bytes - i;
        uint32_t group = (uint32_t)in[i] << 16;
        group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)in[i + 2] : 0;
        char text[4];
        for (unsigned d = 0; d < 4; d++)
            text[d] = d <= left ? digits[group >> (18 - 6 * d) & 63] : '=';
        fwrite(text, 1, sizeof text, out);
    }
}
