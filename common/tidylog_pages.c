/* Checks the structure of an LMDB file. The layout is that of LMDB 0.9 on 64-bit little-endian machines. */
#include "common/tidylog_pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/little_endian.h"

enum { PAGE_HEADER_BYTES = 16, META_BYTES = 136, SMALLEST_PAGE = 256, LARGEST_PAGE = 65536 };
#define LMDB_MAGIC UINT32_C(0xbeefc0de)
enum { LMDB_DATA_VERSION = 1 };

/* What is read of a meta page. */
struct head {
    uint64_t page_bytes, last_page, txn_id;
    const uint8_t *databases[2]; /* free pages, main */
};

/* Places in a meta page. */
enum {
    AT_MAGIC = PAGE_HEADER_BYTES,
    AT_VERSION = AT_MAGIC + 4,
    AT_DATABASES = AT_VERSION + 4 + 8 + 8, /* after a fixed address and the map's size */
    DATABASE_BYTES = 48,
    AT_LAST_PAGE = AT_DATABASES + 2 * DATABASE_BYTES,
    AT_TXN_ID = AT_LAST_PAGE + 8
};

static bool is_power_of_two(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* Reads a meta page's first bytes. Returns false where it is none. */
static bool read_head(int file, uint64_t offset, uint8_t bytes[PAGE_HEADER_BYTES + META_BYTES], struct head *out)
{
    const ssize_t wanted = PAGE_HEADER_BYTES + META_BYTES;
    if (pread(file, bytes, (size_t)wanted, (off_t)offset) != wanted)
        return false;
    *out = (struct head){.page_bytes = load_u32(bytes + AT_DATABASES),
                         .last_page = load_u64(bytes + AT_LAST_PAGE),
                         .txn_id = load_u64(bytes + AT_TXN_ID),
                         .databases = {bytes + AT_DATABASES, bytes + AT_DATABASES + DATABASE_BYTES}};
    return load_u32(bytes + AT_MAGIC) == LMDB_MAGIC && load_u32(bytes + AT_VERSION) == LMDB_DATA_VERSION &&
           is_power_of_two(out->page_bytes) && out->page_bytes >= SMALLEST_PAGE && out->page_bytes <= LARGEST_PAGE;
}

int pages_check_head(int file, const char *path, size_t *map_bytes)
{
    struct stat status;
    struct head head[2];
    uint8_t bytes[2][PAGE_HEADER_BYTES + META_BYTES];
    if (fstat(file, &status) != 0 || status.st_size == 0)
        return tidy_fail("%s: not a TIDY log (the file is empty)", path);
    if (!read_head(file, 0, bytes[0], &head[0]))
        return tidy_fail("%s: not a TIDY log (no LMDB file)", path);
    if (!read_head(file, head[0].page_bytes, bytes[1], &head[1]) || head[1].page_bytes != head[0].page_bytes)
        return tidy_fail("%s: truncated or damaged: its second page is not LMDB's", path);

    /* Of the newer one, which LMDB uses. */
    uint64_t pages = head[head[1].txn_id > head[0].txn_id].last_page + 1;
    uint64_t there = (uint64_t)status.st_size / head[0].page_bytes;
    if (pages == 0 || pages > there)
        return tidy_fail("%s: truncated: %llu of its pages are there, and a page has %llu bytes", path,
                         (unsigned long long)there, (unsigned long long)head[0].page_bytes);
    *map_bytes = (size_t)(there * head[0].page_bytes);
    return TIDY_OK;
}
