/* NPY: magic, version, the header's length, the header (a Python dictionary as text), then the elements. */
#include "common/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/little_endian.h"

static const char magic[] = "\x93NUMPY";
enum { MAGIC_BYTES = 6, VERSION_BYTES = 2 };

/* ---- the header's text ---------------------------------------------------------------------------------- */

/* What is left of the header to read. */
struct text {
    const char *at, *end;
};

static void skip_space(struct text *text)
{
    while (text->at < text->end &&
           (*text->at == ' ' || *text->at == '\n' || *text->at == '\t' || *text->at == '\r'))
        text->at++;
}

/* Takes the next character where it is this one. */
static bool take(struct text *text, char wanted)
{
    skip_space(text);
    if (text->at == text->end || *text->at != wanted)
        return false;
    text->at++;
    return true;
}

static bool take_word(struct text *text, const char *word)
{
    size_t length = strlen(word);
    skip_space(text);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0)
        return false;
    text->at += length;
    return true;
}

/* Takes text in quotes into out (`room` bytes, ended by 0). */
static bool take_quoted(struct text *text, char *out, size_t room)
{
    char quote = take(text, '\'') ? '\'' : take(text, '"') ? '"' : 0;
    const char *start = text->at;
    if (quote == 0)
        return false;
    while (text->at < text->end && *text->at != quote && *text->at != '\\')
        text->at++;
    size_t length = (size_t)(text->at - start);
    if (text->at == text->end || *text->at != quote || length >= room)
        return false;
    memcpy(out, start, length);
    out[length] = 0;
    text->at++;
    return true;
}

static bool take_number(struct text *text, uint64_t *out)
{
    skip_space(text);
    const char *start = text->at;
    *out = 0;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, (uint64_t)(*text->at - '0'), out))
            return false;
    }
    bool digits = text->at > start;
    if (text->at < text->end && *text->at == 'L') /* as Python 2 wrote */
        text->at++;
    return digits;
}

/* The header's three values. */
struct header {
    char type[16];
    bool fortran;
    uint32_t dimensions; /* may be more than size has */
    uint64_t size[NPY_DIMENSIONS];
    bool has_type, has_order, has_shape;
};

static bool take_shape(struct text *text, struct header *header)
{
    if (!take(text, '('))
        return false;
    for (header->dimensions = 0; !take(text, ')'); header->dimensions++) {
        uint64_t size;
        if (!take_number(text, &size))
            return false;
        if (header->dimensions < NPY_DIMENSIONS)
            header->size[header->dimensions] = size;
        if (!take(text, ',')) {
            header->dimensions++;
            return take(text, ')');
        }
    }
    return true;
}

static bool take_value(struct text *text, const char *name, struct header *header)
{
    if (strcmp(name, "descr") == 0 && !header->has_type) {
        header->has_type = true;
        skip_space(text);
        if (text->at < text->end && *text->at == '[') { /* fields: refused below, by its name */
            strcpy(header->type, "a record");
            text->at = text->end;
            return true;
        }
        return take_quoted(text, header->type, sizeof header->type);
    }
    if (strcmp(name, "fortran_order") == 0 && !header->has_order) {
        header->has_order = true;
        header->fortran = take_word(text, "True");
        return header->fortran || take_word(text, "False");
    }
    if (strcmp(name, "shape") == 0 && !header->has_shape) {
        header->has_shape = true;
        return take_shape(text, header);
    }
    return false;
}

/* Parses {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. */
static bool parse_header(struct text text, struct header *header)
{
    char name[16];
    if (!take(&text, '{'))
        return false;
    while (!take(&text, '}')) {
        if (!take_quoted(&text, name, sizeof name) || !take(&text, ':') || !take_value(&text, name, header))
            return false;
        if (strcmp(header->type, "a record") == 0)
            return true;
        if (!take(&text, ',')) {
            if (!take(&text, '}'))
                return false;
            break;
        }
    }
    skip_space(&text);
    return text.at == text.end && header->has_type && header->has_order && header->has_shape;
}

/* ---- what it means -------------------------------------------------------------------------------------- */

static int find_type(enum element *out, const char *path, const char *type)
{
    bool single = strlen(type) > 1 && strcmp(type + strlen(type) - 1, "1") == 0;
    for (int i = 0; i < ELEMENTS; i++) {
        if (strcmp(type + 1, element_rows[i].npy) != 0)
            continue;
        if (type[0] == '<' || (single && type[0] == '|')) {
            *out = (enum element)i;
            return TIDY_OK;
        }
        if (type[0] == '>')
            return tidy_fail(
                "%s: its numbers are big endian (%s); in Python, a.astype('<%s') makes them little endian", path,
                type, element_rows[i].npy);
    }
    return tidy_fail("%s: its elements are of type %s; whole numbers of 1 to 8 bytes and float16, 32 and 64 can be "
                     "read, so convert it, in Python with a.astype('<f4')",
                     path, type);
}

/* Sizes and strides; the file has `bytes` after its header. */
static int lay_out(struct npy *out, const char *path, const struct header *header, uint64_t bytes)
{
    if (header->dimensions > NPY_DIMENSIONS)
        return tidy_fail("%s: it has %" PRIu32 " dimensions, and %d are the most that can be read", path,
                         header->dimensions, NPY_DIMENSIONS);
    out->dimensions = header->dimensions;
    for (uint32_t i = 0; i < NPY_DIMENSIONS; i++)
        out->size[i] = i < out->dimensions ? header->size[i] : 1;
    uint64_t needed = element_rows[out->type].bytes;
    for (uint32_t i = 0; i < NPY_DIMENSIONS; i++) {
        uint32_t d = header->fortran ? i : NPY_DIMENSIONS - 1 - i;
        out->stride[d] = needed;
        if (__builtin_mul_overflow(needed, out->size[d], &needed) || needed > PTRDIFF_MAX)
            return tidy_fail("%s: its header's shape is larger than any file", path);
    }
    if (bytes < needed)
        return tidy_fail("%s: truncated: %" PRIu64 " bytes of elements where its shape needs %" PRIu64, path, bytes,
                         needed);
    if (bytes > needed)
        return tidy_fail("%s: it goes on %" PRIu64 " bytes after the %" PRIu64 " that its shape needs", path,
                         bytes - needed, needed);
    return TIDY_OK;
}

static int read_header(struct npy *out, const char *path)
{
    const uint8_t *start = out->map;
    size_t length_bytes, header_bytes;
    if (out->map_bytes < MAGIC_BYTES + VERSION_BYTES || memcmp(start, magic, MAGIC_BYTES) != 0)
        return tidy_fail("%s: not an NPY file; in Python, numpy.save makes one", path);
    unsigned version = start[MAGIC_BYTES];
    if (version < 1 || version > 3 || start[MAGIC_BYTES + 1] != 0)
        return tidy_fail("%s: NPY version %u.%u; versions 1.0, 2.0 and 3.0 can be read", path, version,
                         start[MAGIC_BYTES + 1]);
    const uint8_t *at = start + MAGIC_BYTES + VERSION_BYTES;
    length_bytes = version == 1 ? 2 : 4;
    size_t left = out->map_bytes - MAGIC_BYTES - VERSION_BYTES;
    if (left < length_bytes)
        return tidy_fail("%s: truncated within its header", path);
    header_bytes = version == 1 ? load_u16(at) : load_u32(at);
    at += length_bytes;
    left -= length_bytes;
    if (left < header_bytes)
        return tidy_fail("%s: truncated within its header", path);
    struct header header = {0};
    if (!parse_header((struct text){(const char *)at, (const char *)at + header_bytes}, &header))
        return tidy_fail("%s: damaged: its header is not that of an NPY file", path);
    out->data = at + header_bytes;
    int status = find_type(&out->type, path, header.type);
    return status == TIDY_OK ? lay_out(out, path, &header, left - header_bytes) : status;
}

int npy_open(struct npy *out, const char *path)
{
    struct stat entry;
    *out = (struct npy){0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return tidy_fail("%s: cannot open it: %s", path, strerror(errno));
    int status = TIDY_OK;
    if (fstat(file, &entry) != 0)
        status = tidy_fail("%s: cannot read it: %s", path, strerror(errno));
    else if (!S_ISREG(entry.st_mode))
        status = tidy_fail("%s: not a file that can be mapped into memory; save it as one first", path);
    else if (entry.st_size == 0)
        status = tidy_fail("%s: empty, and not an NPY file", path);
    if (status == TIDY_OK) {
        void *map = mmap(NULL, (size_t)entry.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (map == MAP_FAILED) {
            status = tidy_fail("%s: cannot map it into memory: %s", path, strerror(errno));
        } else {
            out->map = map;
            out->map_bytes = (size_t)entry.st_size;
            status = read_header(out, path);
        }
    }
    close(file);
    if (status != TIDY_OK)
        npy_close(out);
    return status;
}

void npy_close(struct npy *npy)
{
    if (npy->map != NULL)
        munmap(npy->map, npy->map_bytes);
    *npy = (struct npy){0};
}

void npy_release(const struct npy *npy)
{
    madvise(npy->map, npy->map_bytes, MADV_DONTNEED);
}

int npy_write_header(FILE *out, enum element type, uint32_t dimensions, const uint64_t *size)
{
    enum { ALIGNMENT = 64, BEFORE = MAGIC_BYTES + VERSION_BYTES + 2 };
    char text[256];
    bool single = element_rows[type].bytes == 1;
    int length = snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                          single ? '|' : '<', element_rows[type].npy);
    for (uint32_t i = 0; i < dimensions; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%" PRIu64, i > 0 ? ", " : "", size[i]);
    length += snprintf(text + length, sizeof text - (size_t)length, "%s), }", dimensions == 1 ? "," : "");
    /* The format asks that the elements begin at a multiple of 64 bytes, after a newline. */
    while ((BEFORE + length + 1) % ALIGNMENT != 0)
        text[length++] = ' ';
    text[length++] = '\n';
    uint8_t start[BEFORE] = {[MAGIC_BYTES] = 1};
    memcpy(start, magic, MAGIC_BYTES);
    store_u16(start + MAGIC_BYTES + VERSION_BYTES, (uint16_t)length);
    errno = 0;
    if (fwrite(start, sizeof start, 1, out) != 1 || fwrite(text, (size_t)length, 1, out) != 1)
        return tidy_fail("cannot write an NPY header: %s", strerror(errno));
    return TIDY_OK;
}
