/* The pages of an LMDB file, read without trusting them. Internal to the log.
 *
 * The layout is that of LMDB 0.9 on 64-bit little-endian machines. Two meta pages come first; the newer one
 * names the roots of two trees, the free pages and the tables; a table is a tree whose root stands in a leaf of
 * the second. */
#ifndef TIDY_COMMON_TIDYLOG_PAGE_H
#define TIDY_COMMON_TIDYLOG_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/little_endian.h"

#define NO_PAGE UINT64_MAX

enum {
    LARGEST_PAGE = 32768,
    DEEPEST_TREE = 32,
    PAGE_HEADER_BYTES = 16, /* u64 number, u16 unused, u16 flags, u16 lower and u16 upper, or u32 pages */
    NODE_HEADER_BYTES = 8,  /* u32 data size, u16 flags, u16 key size; or the first 48 bits: a page */
    TREE_BYTES = 48
};

enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum { NODE_OVERFLOW = 1, NODE_TREE = 2 };

/* A tree as a meta page or a table's record describes it. */
struct page_tree {
    uint32_t page_bytes; /* the free tree's only */
    uint16_t flags, depth;
    uint64_t branches, leaves, overflows, entries; /* pages, pages, pages, records */
    uint64_t root;
};
struct page_tree page_load_tree(const uint8_t *at);

struct page_head {
    struct page_tree free_tree, main_tree;
    uint64_t last_page, txn_id;
};

/* Reads both meta pages. Snapshot n is on page n mod 2, so the other one is of n - 1 (both are 0 at first), but
 * not for a moment where they are read while someone writes. */
int page_read_heads(int file, const char *path, struct page_head heads[2]);

/* The places of nodes of a page while it is checked. */
struct page_places {
    uint16_t taken[LARGEST_PAGE / 2]; /* the size of the node that begins at each place */
};

/* Checks the page of number `page` at `bytes`: its header, and that its nodes lie side by side from `upper` to the
 * page's end, as LMDB moves them about. *nodes: how many there are. */
bool page_check_layout(struct page_places *places, const uint8_t *bytes, uint64_t page, uint64_t page_bytes,
                       bool leaf, uint64_t *nodes);

/* ---- the pages of a snapshot (tidylog_pages.h) ----------------------------------------------------------- */

/* A table, as the main tree's leaves describe it. */
struct table {
    char *name;
    struct page_tree tree;
    uint64_t described_at;
    bool checked;
};

struct pages {
    const char *path;
    int file; /* the caller's */
    const uint8_t *map;
    size_t map_bytes;
    struct page_head head;
    uint64_t page_bytes, pages; /* pages that are in the file and may be used */
    uint64_t last_page;
    uint8_t *used, *free; /* a bit for each page */
    uint64_t bad_page;    /* where a walk ended */
    struct table *tables; /* [table_count] */
    size_t table_count, table_capacity;
    struct page_places places; /* of the page being checked */
};

struct table *pages_find_table(struct pages *pages, const char *name); /* NULL: there is none */

/* tidy_fail for what is wrong at pages->bad_page. */
int pages_fail(const struct pages *pages);

/* A node of a page that is checked; of a branch's, the page below it. */
static inline const uint8_t *page_node(const uint8_t *bytes, uint64_t node)
{
    return bytes + load_u16(bytes + PAGE_HEADER_BYTES + node * 2);
}
static inline uint64_t page_child(const uint8_t *node)
{
    return load_u64(node) & ((UINT64_C(1) << 48) - 1);
}

#endif
