/* UTF-8 in text of unknown origin: names of files and classes. */
#ifndef TIDY_COMMON_UTF8_H
#define TIDY_COMMON_UTF8_H

/* Bytes, 1 to 4, of the UTF-8 character (RFC 3629) at `text`, which ends with a 0; 0 where there is none: a stray
 * byte, an overlong form, half of a surrogate pair, as in file names of old encodings. */
int utf8_character_bytes(const char *text);

#endif
