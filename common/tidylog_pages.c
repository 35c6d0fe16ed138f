/* Checks the structure of an LMDB file: a walk through its trees, in which nothing read from it is trusted.
 *
 * The layout is that of LMDB 0.9 on 64-bit little-endian machines. Two meta pages come first; the newer one names the
 * roots of two trees, the free pages and the tables; a table is a tree whose root stands in a leaf of the second. */
#include "common/tidylog_pages.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"

#define LMDB_MAGIC UINT32_C(0xbeefc0de)
#define NO_PAGE UINT64_MAX

enum {
    LMDB_DATA_VERSION = 1,
    SMALLEST_PAGE = 256,
    LARGEST_PAGE = 32768,
    DEEPEST_TREE = 32,
    PAGE_HEADER_BYTES = 16, /* u64 number, u16 unused, u16 flags, u16 lower and u16 upper, or u32 pages */
    NODE_HEADER_BYTES = 8,  /* u32 data size, u16 flags, u16 key size; or the first 48 bits: a page */
    TREE_BYTES = 48,
    META_BYTES = 136
};

enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum { NODE_OVERFLOW = 1, NODE_TREE = 2 };
enum { KEYS_ARE_NUMBERS = 8, KEY_KINDS = 0x7f }; /* of a tree's flags */

/* Places in a meta page. */
enum {
    AT_MAGIC = PAGE_HEADER_BYTES,
    AT_VERSION = AT_MAGIC + 4,
    AT_FREE_TREE = AT_VERSION + 4 + 8 + 8, /* after a fixed address and the map's size */
    AT_MAIN_TREE = AT_FREE_TREE + TREE_BYTES,
    AT_LAST_PAGE = AT_MAIN_TREE + TREE_BYTES,
    AT_TXN_ID = AT_LAST_PAGE + 8
};

/* A tree as a meta page or a table's record describes it. */
struct tree {
    uint32_t page_bytes; /* the free tree's only */
    uint16_t flags, depth;
    uint64_t branches, leaves, overflows, entries; /* pages, pages, pages, records */
    uint64_t root;
};

struct head {
    struct tree free_tree, main_tree;
    uint64_t last_page, txn_id;
};

/* ---- meta pages ----------------------------------------------------------------------------------------- */

static struct tree load_tree(const uint8_t *at)
{
    return (struct tree){.page_bytes = load_u32(at),
                         .flags = load_u16(at + 4),
                         .depth = load_u16(at + 6),
                         .branches = load_u64(at + 8),
                         .leaves = load_u64(at + 16),
                         .overflows = load_u64(at + 24),
                         .entries = load_u64(at + 32),
                         .root = load_u64(at + 40)};
}

/* Reads the meta page at `offset`. Returns false where it is none. */
static bool read_head(int file, uint64_t offset, struct head *out)
{
    uint8_t bytes[PAGE_HEADER_BYTES + META_BYTES];
    if (pread(file, bytes, sizeof bytes, (off_t)offset) != (ssize_t)sizeof bytes)
        return false;
    *out = (struct head){.free_tree = load_tree(bytes + AT_FREE_TREE),
                         .main_tree = load_tree(bytes + AT_MAIN_TREE),
                         .last_page = load_u64(bytes + AT_LAST_PAGE),
                         .txn_id = load_u64(bytes + AT_TXN_ID)};
    uint64_t page_bytes = out->free_tree.page_bytes;
    return (load_u16(bytes + 10) & PAGE_META) != 0 && load_u32(bytes + AT_MAGIC) == LMDB_MAGIC &&
           load_u32(bytes + AT_VERSION) == LMDB_DATA_VERSION && page_bytes >= SMALLEST_PAGE &&
           page_bytes <= LARGEST_PAGE && (page_bytes & (page_bytes - 1)) == 0;
}

/* Reads both meta pages. Snapshot n is on page n mod 2, so the other one is of n - 1 (both are 0 at first), but not for
 * a moment where they are read while someone writes. */
static int read_heads(int file, const char *path, struct head heads[2])
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
    struct head heads[2];
    if (fstat(file, &status) != 0)
        return tidy_fail("%s: cannot read it: %s", path, strerror(errno));
    if (status.st_size == 0)
        return tidy_fail("%s: not a TIDY log (the file is empty)", path);
    int result = read_heads(file, path, heads);
    if (result != TIDY_OK)
        return result;
    const struct head *newest = &heads[heads[1].txn_id > heads[0].txn_id];
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

/* ---- the walk ------------------------------------------------------------------------------------------- */

enum tree_kind { FREE_TREE, MAIN_TREE, TABLE_TREE };

struct walk {
    const uint8_t *map;
    uint64_t page_bytes, pages; /* pages that are in the file and may be used */
    uint64_t last_page;
    uint8_t *used, *free; /* a bit for each page */
    bool for_writing;
    uint64_t bad_page; /* where the walk ended */
    /* Of the page being checked: the size of the node that begins at each place. */
    uint16_t taken[LARGEST_PAGE / 2];
};

static bool mark(uint8_t *bits, uint64_t page)
{
    uint8_t bit = (uint8_t)(1 << page % 8);
    if ((bits[page / 8] & bit) != 0)
        return false;
    bits[page / 8] |= bit;
    return true;
}

static bool bad(struct walk *walk, uint64_t page)
{
    walk->bad_page = page;
    return false;
}

/* Takes pages into use: they must be there, and not in use. */
static bool use_pages(struct walk *walk, uint64_t first, uint64_t count)
{
    if (first < 2 || first >= walk->pages || count > walk->pages - first)
        return bad(walk, first);
    for (uint64_t i = 0; i < count; i++) {
        if (!mark(walk->used, first + i))
            return bad(walk, first + i);
    }
    return true;
}

/* Checks the pages of a value that has its own. */
static bool check_overflow(struct walk *walk, uint64_t page, uint64_t value_bytes, struct tree *counts)
{
    uint64_t needed = (PAGE_HEADER_BYTES - 1 + value_bytes) / walk->page_bytes + 1;
    if (page >= walk->pages)
        return bad(walk, page);
    const uint8_t *header = walk->map + page * walk->page_bytes;
    uint64_t there = load_u32(header + 12);
    if (load_u64(header) != page || load_u16(header + 10) != PAGE_OVERFLOW || there < needed)
        return bad(walk, page);
    counts->overflows += there;
    return use_pages(walk, page, there);
}

/* Notes the free pages that a record of the free tree lists: how many, then each, in falling order. */
static bool check_free_list(struct walk *walk, uint64_t page, const uint8_t *list, uint64_t bytes)
{
    uint64_t count = bytes >= 8 ? load_u64(list) : UINT64_MAX;
    if (count > (bytes - 8) / 8)
        return bad(walk, page);
    uint64_t before = walk->last_page + 1;
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t free_page = load_u64(list + i * 8);
        if (free_page < 2 || free_page >= before || !mark(walk->free, free_page))
            return bad(walk, page);
        before = free_page;
    }
    return true;
}

static bool check_tree(struct walk *walk, const struct tree *tree, enum tree_kind kind, uint64_t described_at);

/* Checks a leaf's node, which is known to lie inside its page. */
static bool check_leaf_node(struct walk *walk, uint64_t page, const uint8_t *node, enum tree_kind kind,
                            struct tree *counts)
{
    uint64_t data_bytes = load_u32(node), key_bytes = load_u16(node + 6);
    unsigned flags = load_u16(node + 4);
    const uint8_t *data = node + NODE_HEADER_BYTES + key_bytes;
    if (kind == FREE_TREE && key_bytes != 8)
        return bad(walk, page);
    counts->entries++;
    if (flags == NODE_TREE) {
        /* Only the main tree's leaves describe trees. */
        if (kind != MAIN_TREE || data_bytes != TREE_BYTES)
            return bad(walk, page);
        struct tree table = load_tree(data);
        return check_tree(walk, &table, TABLE_TREE, page);
    }
    if ((flags & ~(unsigned)NODE_OVERFLOW) != 0)
        return bad(walk, page);
    if (flags == NODE_OVERFLOW) {
        uint64_t first = load_u64(data);
        if (!check_overflow(walk, first, data_bytes, counts))
            return false;
        data = walk->map + first * walk->page_bytes + PAGE_HEADER_BYTES;
    }
    return kind != FREE_TREE || check_free_list(walk, page, data, data_bytes);
}

/* Bytes that a node takes: its header, its key, and in a leaf its data or the number of its own pages. */
static uint64_t node_bytes(const uint8_t *node, bool leaf)
{
    uint64_t data_bytes = 0;
    if (leaf)
        data_bytes = (load_u16(node + 4) & NODE_OVERFLOW) != 0 ? 8 : load_u32(node);
    return NODE_HEADER_BYTES + load_u16(node + 6) + data_bytes;
}

/* Checks a page's header, and that its nodes lie side by side from `upper` to the page's end: LMDB moves them about. */
static bool check_layout(struct walk *walk, uint64_t page, bool leaf, uint64_t *nodes)
{
    const uint8_t *bytes = walk->map + page * walk->page_bytes;
    uint64_t lower = load_u16(bytes + 12), upper = load_u16(bytes + 14), taken = 0;
    if (load_u64(bytes) != page || load_u16(bytes + 10) != (leaf ? PAGE_LEAF : PAGE_BRANCH) ||
        lower < PAGE_HEADER_BYTES + 2 || lower > upper || upper > walk->page_bytes || lower % 2 != 0)
        return bad(walk, page);
    *nodes = (lower - PAGE_HEADER_BYTES) / 2;
    memset(walk->taken, 0, walk->page_bytes / 2 * sizeof *walk->taken);
    for (uint64_t i = 0; i < *nodes; i++) {
        uint64_t at = load_u16(bytes + PAGE_HEADER_BYTES + i * 2);
        if (at < upper || at % 2 != 0 || at + NODE_HEADER_BYTES > walk->page_bytes)
            return bad(walk, page);
        uint64_t size = node_bytes(bytes + at, leaf);
        size += size % 2;
        if (size > walk->page_bytes - at)
            return bad(walk, page);
        walk->taken[at / 2] = (uint16_t)size;
        taken += size;
    }
    /* Together they fill the place, and each ends where another one, or nothing more, begins. */
    uint64_t at = upper;
    while (at < walk->page_bytes && walk->taken[at / 2] != 0)
        at += walk->taken[at / 2];
    return at == walk->page_bytes && taken == walk->page_bytes - upper ? true : bad(walk, page);
}

/* Checks the page and all below it; it is a leaf where `levels` is 1. */
static bool check_page(struct walk *walk, uint64_t page, unsigned levels, enum tree_kind kind, struct tree *counts)
{
    bool leaf = levels == 1;
    uint64_t nodes;
    if (!use_pages(walk, page, 1) || !check_layout(walk, page, leaf, &nodes))
        return false;
    /* LMDB lets only the free pages' tree have a branch with a single child. */
    if (!leaf && kind != FREE_TREE && nodes < 2)
        return bad(walk, page);
    if (leaf)
        counts->leaves++;
    else
        counts->branches++;
    const uint8_t *bytes = walk->map + page * walk->page_bytes;
    for (uint64_t i = 0; i < nodes; i++) {
        const uint8_t *node = bytes + load_u16(bytes + PAGE_HEADER_BYTES + i * 2);
        if (leaf) {
            if (!check_leaf_node(walk, page, node, kind, counts))
                return false;
            continue;
        }
        if (kind == FREE_TREE && i > 0 && load_u16(node + 6) != 8)
            return bad(walk, page);
        uint64_t child = load_u64(node) & ((UINT64_C(1) << 48) - 1);
        if (!check_page(walk, child, levels - 1, kind, counts))
            return false;
    }
    return true;
}

static bool check_tree(struct walk *walk, const struct tree *tree, enum tree_kind kind, uint64_t described_at)
{
    struct tree counts = {0};
    if ((tree->flags & KEY_KINDS) != (kind == FREE_TREE ? KEYS_ARE_NUMBERS : 0))
        return bad(walk, described_at);
    if (tree->root == NO_PAGE)
        return tree->depth == 0 && tree->entries == 0 ? true : bad(walk, described_at);
    if (tree->depth < 1 || tree->depth > DEEPEST_TREE)
        return bad(walk, described_at);
    if (!check_page(walk, tree->root, tree->depth, kind, &counts))
        return false;
    if (counts.branches != tree->branches || counts.leaves != tree->leaves || counts.overflows != tree->overflows ||
        counts.entries != tree->entries)
        return bad(walk, described_at);
    return true;
}

/* Of the pages after the meta pages each is in use or free, and none is both. */
static bool check_all_accounted_for(struct walk *walk)
{
    for (uint64_t page = 2; page <= walk->last_page; page++) {
        uint8_t bit = (uint8_t)(1 << page % 8);
        if (((walk->used[page / 8] ^ walk->free[page / 8]) & bit) == 0)
            return bad(walk, page);
    }
    return true;
}

static bool walk_snapshot(struct walk *walk, const struct head *head, uint64_t meta_page)
{
    if (!check_tree(walk, &head->main_tree, MAIN_TREE, meta_page))
        return false;
    if (!walk->for_writing)
        return true;
    return check_tree(walk, &head->free_tree, FREE_TREE, meta_page) && check_all_accounted_for(walk);
}

int pages_check(int file, size_t txn_id, bool for_writing, const char *path)
{
    struct head heads[2];
    struct stat status;
    int result = read_heads(file, path, heads);
    if (result != TIDY_OK)
        return result;
    uint64_t meta_page = txn_id % 2;
    const struct head *head = &heads[meta_page];
    if (head->txn_id != txn_id)
        return tidy_fail("%s: it changes too fast to be read; try again", path);
    if (fstat(file, &status) != 0)
        return tidy_fail("%s: cannot read it: %s", path, strerror(errno));

    struct walk walk = {.page_bytes = head->free_tree.page_bytes,
                        .last_page = head->last_page,
                        .for_writing = for_writing,
                        .bad_page = meta_page};
    walk.pages = (uint64_t)status.st_size / walk.page_bytes;
    if (walk.pages > walk.last_page + 1)
        walk.pages = walk.last_page + 1;
    size_t bytes = (size_t)(walk.pages * walk.page_bytes);
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        return tidy_fail("%s: cannot read it: %s", path, strerror(errno));
    walk.map = map;
    result = memory_allocate(&walk.used, walk.last_page / 8 + 1, 1, "a map of the log's pages");
    if (result == TIDY_OK)
        result = memory_allocate(&walk.free, walk.last_page / 8 + 1, 1, "a map of the log's pages");
    if (result == TIDY_OK && !walk_snapshot(&walk, head, meta_page))
        result =
            tidy_fail("%s: %s: its structure is wrong at page %llu (offset 0x%llx)", path,
                      walk.bad_page >= walk.pages ? "truncated or damaged" : "damaged",
                      (unsigned long long)walk.bad_page, (unsigned long long)(walk.bad_page * walk.page_bytes));
    free(walk.free);
    free(walk.used);
    munmap(map, bytes);
    return result;
}
