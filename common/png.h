/* Small pictures as PNG (ISO/IEC 15948), one after another of the same size. */
#ifndef TIDY_COMMON_PNG_H
#define TIDY_COMMON_PNG_H

#include <stddef.h>
#include <stdint.h>

struct png_encoder;

/* For pictures of 8 bits a channel; channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. Freed with
 * png_encoder_destroy, which NULL is allowed for. Errors: another number of channels, no memory. */
int png_encoder_create(struct png_encoder **out, uint32_t height, uint32_t width, uint32_t channels);
void png_encoder_destroy(struct png_encoder *encoder);

/* Encodes pixels[height][width][channels] as small as it gets without much searching: with no row filtered, and
 * with the filter for each row whose absolute sum is the smallest (ibid., section 12.8), whichever is smaller.
 * *out lives until the next call. Error: no memory. */
int png_encode(struct png_encoder *encoder, const uint8_t *pixels, const uint8_t **out, size_t *bytes);

#endif
