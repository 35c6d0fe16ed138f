/* One IDX file: a magic number (two zero bytes, the type of a value, the number of dimensions), then each dimension's
 * size, big endian, then the values. */
#include "common/idx.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "common/error.h"
#include "common/memory.h"

/* Types of values, by their number in the magic number. */
enum { UNSIGNED_BYTE = 8, SIGNED_16 = 0xb, SIGNED_32 = 0xc };

enum {
    MOST_COUNT = 1 << 30,  /* as the log's samples */
    MOST_SIDE = 16384,     /* pixels */
    COLOURS = 3,           /* channels that are not one */
    CHUNK_BYTES = 16 << 20 /* memory follows what really arrives, whatever the header promises */
};

static const char *const kind_names[] = {"images", "labels", "labels"};

static const char *kind_of(uint32_t dimensions)
{
    return kind_names[dimensions == 1 ? IDX_LABELS : IDX_IMAGES];
}

static bool is_due(uint32_t dimensions, enum idx_kind kind)
{
    return kind == IDX_IMAGES ? dimensions == 3 || dimensions == 4 : dimensions == 1;
}

/* Why gzread gave less than it should. */
static int fail_read(gzFile file, const char *path)
{
    int code;
    gzerror(file, &code);
    if (code == Z_ERRNO)
        return tidy_fail("%s: cannot read it: %s", path, strerror(errno));
    if (code == Z_OK || code == Z_BUF_ERROR || code == Z_STREAM_END)
        return tidy_fail("%s: truncated: it ends before its header says; get the file anew", path);
    return tidy_fail("%s: its compression is damaged; get the file anew", path);
}

/* Bytes of a value of that type; 0 where it may not be here. */
static uint32_t value_bytes(uint8_t type, enum idx_kind kind)
{
    if (type == UNSIGNED_BYTE)
        return 1;
    return kind != IDX_NEW_LABELS ? 0 : type == SIGNED_16 ? 2 : type == SIGNED_32 ? 4 : 0;
}

static int check_size(const char *path, const struct idx *idx, uint32_t dimension)
{
    static const char *const names[] = {"", "pixels a row or column", "pixels a row or column", "channels"};
    const char *name = dimension == 0 ? kind_of(idx->dimensions) : names[dimension];
    unsigned long most = dimension == 0 ? MOST_COUNT : dimension == 3 ? COLOURS : MOST_SIDE;
    if (idx->size[dimension] == 0)
        return tidy_fail("%s: it has 0 %s", path, name);
    if (idx->size[dimension] > most)
        return tidy_fail("%s: its header says %lu %s, more than the %lu there may be", path,
                         (unsigned long)idx->size[dimension], name, most);
    if (dimension == 3 && idx->size[dimension] == 2)
        return tidy_fail("%s: its header says 2 channels; images have 1 (grey) or 3 (red, green, blue)", path);
    return TIDY_OK;
}

static int read_header(gzFile file, const char *path, enum idx_kind kind, struct idx *out)
{
    uint8_t magic[4];
    uint32_t sizes[4];
    if (gzread(file, magic, sizeof magic) != sizeof magic)
        return fail_read(file, path);
    out->value_bytes = value_bytes(magic[2], kind);
    out->dimensions = magic[3];
    if (magic[0] != 0 || magic[1] != 0 || out->value_bytes == 0 || !is_due(out->dimensions, kind)) {
        bool other = magic[0] == 0 && magic[1] == 0 && magic[2] == UNSIGNED_BYTE &&
                     (is_due(out->dimensions, IDX_IMAGES) || is_due(out->dimensions, IDX_LABELS));
        return tidy_fail("%s: magic number %02x%02x%02x%02x where 000008%s is due: not IDX %s%s%s", path, magic[0],
                         magic[1], magic[2], magic[3], kind == IDX_IMAGES ? "03" : "01", kind_names[kind],
                         other ? " but " : "", other ? kind_of(out->dimensions) : "");
    }
    int bytes = (int)(out->dimensions * sizeof *sizes);
    if (gzread(file, sizes, (unsigned)bytes) != bytes)
        return fail_read(file, path);
    int status = TIDY_OK;
    for (uint32_t i = 0; i < out->dimensions && status == TIDY_OK; i++) {
        out->size[i] = be32toh(sizes[i]);
        status = check_size(path, out, i);
    }
    return status;
}

static int read_values(gzFile file, const char *path, struct idx *out)
{
    /* At most 2^30 * 2^14 * 2^14 * 3, or 2^30 * 4. */
    uint64_t total = out->value_bytes;
    size_t capacity = 0, there = 0;
    for (uint32_t i = 0; i < out->dimensions; i++)
        total *= out->size[i];
    while (there < total) {
        unsigned wanted = total - there < CHUNK_BYTES ? (unsigned)(total - there) : (unsigned)CHUNK_BYTES;
        int status = memory_grow(&out->values, &capacity, there + wanted, 1, kind_of(out->dimensions));
        if (status != TIDY_OK)
            return status;
        int got = gzread(file, out->values + there, wanted);
        if (got < 0 || (unsigned)got < wanted)
            return fail_read(file, path);
        there += wanted;
    }
    /* One byte more must not be there; asking for it also reads on to the compressed data's checksum. */
    uint8_t surplus;
    int code, got = gzread(file, &surplus, 1);
    if (got > 0)
        return tidy_fail("%s: it goes on after the %llu bytes that its header says", path,
                         (unsigned long long)total);
    gzerror(file, &code);
    return code == Z_OK || code == Z_STREAM_END ? TIDY_OK : fail_read(file, path);
}

int idx_read(struct idx *out, const char *path, enum idx_kind kind)
{
    *out = (struct idx){0};
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return tidy_fail("%s: cannot open it: %s", path, strerror(errno != 0 ? errno : ENOMEM));
    gzbuffer(file, 1 << 17);
    int status = read_header(file, path, kind, out);
    if (status == TIDY_OK)
        status = read_values(file, path, out);
    if (status != TIDY_OK) {
        free(out->values);
        *out = (struct idx){0};
    }
    gzclose(file);
    return status;
}
