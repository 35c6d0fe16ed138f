/* The pages of an LMDB file. */
#include "common/tidylog_page.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/tidylog_pages.h"

#define LMDB_MAGIC UINT32_C(0xbeefc0de)

enum { LMDB_DATA_VERSION = 1, SMALLEST_PAGE = 256, META_BYTES = 136 };

/* Places in a meta page. */
enum {
    AT_MAGIC = PAGE_HEADER_BYTES,
    AT_VERSION = AT_MAGIC + 4,
    AT_FREE_TREE = AT_VERSION + 4 + 8 + 8, /* after a fixed address and the map's size */
    AT_MAIN_TREE = AT_FREE_TREE + TREE_BYTES,
    AT_LAST_PAGE = AT_MAIN_TREE + TREE_BYTES,
    AT_TXN_ID = AT_LAST_PAGE + 8
};

struct page_tree page_load_tree(const uint8_t *at)
{
    return (struct page_tree){.page_bytes = load_u32(at),
                              .flags = load_u16(at + 4),
                              .depth = load_u16(at + 6),
                              .branches = load_u64(at + 8),
                              .leaves = load_u64(at + 16),
                              .overflows = load_u64(at + 24),
                              .entries = load_u64(at + 32),
                              .root = load_u64(at + 40)};
}

/* Reads the meta page at `offset`. Returns false where it is none. */
static bool read_head(int file, uint64_t offset, struct page_head *out)
{
    uint8_t bytes[PAGE_HEADER_BYTES + META_BYTES];
    if (pread(file, bytes, sizeof bytes, (off_t)offset) != (ssize_t)sizeof bytes)
        return false;
    *out = (struct page_head){.free_tree = page_load_tree(bytes + AT_FREE_TREE),
                              .main_tree = page_load_tree(bytes + AT_MAIN_TREE),
                              .last_page = load_u64(bytes + AT_LAST_PAGE),
                              .txn_id = load_u64(bytes + AT_TXN_ID)};
    uint64_t page_bytes = out->free_tree.page_bytes;
    return (load_u16(bytes + 10) & PAGE_META) != 0 && load_u32(bytes + AT_MAGIC) == LMDB_MAGIC &&
           load_u32(bytes + AT_VERSION) == LMDB_DATA_VERSION && page_bytes >= SMALLEST_PAGE &&
           page_bytes <= LARGEST_PAGE && (page_bytes & (page_bytes - 1)) == 0;
}

int page_read_heads(int file, const char *path, struct page_head heads[2])
{
    for (int attempt = 0; attempt < 100; attempt++) {
        if (!read_head(file, 0, &heads[0]))
            return tidy_fail("%s: not a TIDY log (no LMDB file)", path);
        if (!read_head(file, heads[0].free_tree.page_bytes, &heads[1]) ||
            heads[1].free_tree.page_bytes != heads[0].free_tree.page_bytes)
            return tidy_fail("%s: truncated or damaged: its second page is not LMDB's", path);
        uint64_t even = heads[0].txn_id, odd = heads[1].txn_id;
        if ((even == 0 && odd == 0) || (even % 2 == 0 && odd % 2 == 1 && (even == odd + 1 || odd == even + 1)))
            return TIDY_OK;
    }
    return tidy_fail("%s: damaged: its two meta pages do not belong together", path);
}

int pages_check_head(int file, const char *path, size_t *map_bytes, size_t *txn_id)
{
    struct stat status;
    struct page_head heads[2];
    if (fstat(file, &status) != 0)
        return tidy_fail("%s: cannot read it: %s", path, strerror(errno));
    if (status.st_size == 0)
        return tidy_fail("%s: not a TIDY log (the file is empty)", path);
    int result = page_read_heads(file, path, heads);
    if (result != TIDY_OK)
        return result;
    const struct page_head *newest = &heads[heads[1].txn_id > heads[0].txn_id];
    *txn_id = newest->txn_id;
    uint64_t pages = (uint64_t)status.st_size / newest->free_tree.page_bytes;
    /* Pages at the end that are free may not be there, but not many. */
    if (newest->last_page >= pages + (UINT64_C(1) << 31) / newest->free_tree.page_bytes)
        return tidy_fail("%s: truncated: it has %llu pages of %llu", path, (unsigned long long)pages,
                         (unsigned long long)newest->last_page);
    if (pages <= newest->last_page)
        pages = newest->last_page + 1;
    *map_bytes = (size_t)(pages * newest->free_tree.page_bytes);
    return TIDY_OK;
}

/* Bytes that a node takes: its header, its key, and in a leaf its data or the number of its own pages. */
static uint64_t node_bytes(const uint8_t *node, bool leaf)
{
    uint64_t data_bytes = 0;
    if (leaf)
        data_bytes = (load_u16(node + 4) & NODE_OVERFLOW) != 0 ? 8 : load_u32(node);
    return NODE_HEADER_BYTES + load_u16(node + 6) + data_bytes;
}

bool page_check_layout(struct page_places *places, const uint8_t *bytes, uint64_t page, uint64_t page_bytes,
                       bool leaf, uint64_t *nodes)
{
    uint16_t *taken_at = places->taken;
    uint64_t lower = load_u16(bytes + 12), upper = load_u16(bytes + 14), taken = 0;
    if (load_u64(bytes) != page || load_u16(bytes + 10) != (leaf ? PAGE_LEAF : PAGE_BRANCH) ||
        lower < PAGE_HEADER_BYTES + 2 || lower > upper || upper > page_bytes || lower % 2 != 0)
        return false;
    *nodes = (lower - PAGE_HEADER_BYTES) / 2;
    memset(taken_at, 0, page_bytes / 2 * sizeof *taken_at);
    for (uint64_t i = 0; i < *nodes; i++) {
        uint64_t at = load_u16(bytes + PAGE_HEADER_BYTES + i * 2);
        if (at < upper || at % 2 != 0 || at + NODE_HEADER_BYTES > page_bytes)
            return false;
        uint64_t size = node_bytes(bytes + at, leaf);
        size += size % 2;
        if (size > page_bytes - at)
            return false;
        taken_at[at / 2] = (uint16_t)size;
        taken += size;
    }
    /* Together they fill the place, and each ends where another one, or nothing more, begins. */
    uint64_t at = upper;
    while (at < page_bytes && taken_at[at / 2] != 0)
        at += taken_at[at / 2];
    return at == page_bytes && taken == page_bytes - upper;
}
