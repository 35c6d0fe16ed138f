/* Checks the structure of an LMDB file: a walk through its trees, in which nothing read from it is trusted. */
#include "common/tidylog_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/tidylog_page.h"

enum { KEYS_ARE_NUMBERS = 8, KEY_KINDS = 0x7f }; /* of a tree's flags */

/* ---- the walk ------------------------------------------------------------------------------------------- */

enum tree_kind { FREE_TREE, MAIN_TREE, TABLE_TREE };

static bool mark(uint8_t *bits, uint64_t page)
{
    uint8_t bit = (uint8_t)(1 << page % 8);
    if ((bits[page / 8] & bit) != 0)
        return false;
    bits[page / 8] |= bit;
    return true;
}

static bool bad(struct pages *pages, uint64_t page)
{
    pages->bad_page = page;
    return false;
}

/* Takes pages into use: they must be there, and not in use. */
static bool use_pages(struct pages *pages, uint64_t first, uint64_t count)
{
    if (first < 2 || first >= pages->pages || count > pages->pages - first)
        return bad(pages, first);
    for (uint64_t i = 0; i < count; i++) {
        if (!mark(pages->used, first + i))
            return bad(pages, first + i);
    }
    return true;
}

/* Checks the pages of a value that has its own. */
static bool check_overflow(struct pages *pages, uint64_t page, uint64_t value_bytes, struct page_tree *counts)
{
    uint64_t needed = (PAGE_HEADER_BYTES - 1 + value_bytes) / pages->page_bytes + 1;
    if (page >= pages->pages)
        return bad(pages, page);
    const uint8_t *header = pages->map + page * pages->page_bytes;
    uint64_t there = load_u32(header + 12);
    if (load_u64(header) != page || load_u16(header + 10) != PAGE_OVERFLOW || there < needed)
        return bad(pages, page);
    counts->overflows += there;
    return use_pages(pages, page, there);
}

/* Notes the free pages that a record of the free tree lists: how many, then each, in falling order. */
static bool check_free_list(struct pages *pages, uint64_t page, const uint8_t *list, uint64_t bytes)
{
    uint64_t count = bytes >= 8 ? load_u64(list) : UINT64_MAX;
    if (count > (bytes - 8) / 8)
        return bad(pages, page);
    uint64_t before = pages->last_page + 1;
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t free_page = load_u64(list + i * 8);
        if (free_page < 2 || free_page >= before || !mark(pages->free, free_page))
            return bad(pages, page);
        before = free_page;
    }
    return true;
}

/* Keeps what the main tree says of a table, for check_table. */
static bool note_table(struct pages *pages, uint64_t page, const uint8_t *name, size_t name_bytes,
                       const uint8_t *tree)
{
    if (memory_grow(&pages->tables, &pages->table_capacity, pages->table_count + 1, sizeof *pages->tables,
                    "the log's tables") != TIDY_OK)
        return bad(pages, page);
    struct table *table = &pages->tables[pages->table_count];
    *table = (struct table){
        .name = strndup((const char *)name, name_bytes), .tree = page_load_tree(tree), .described_at = page};
    if (table->name == NULL)
        return bad(pages, page);
    pages->table_count++;
    return true;
}

/* Checks a leaf's node, which is known to lie inside its page. */
static bool check_leaf_node(struct pages *pages, uint64_t page, const uint8_t *node, enum tree_kind kind,
                            struct page_tree *counts)
{
    uint64_t data_bytes = load_u32(node), key_bytes = load_u16(node + 6);
    unsigned flags = load_u16(node + 4);
    const uint8_t *data = node + NODE_HEADER_BYTES + key_bytes;
    if (kind == FREE_TREE && key_bytes != 8)
        return bad(pages, page);
    counts->entries++;
    if (flags == NODE_TREE) {
        /* Only the main tree's leaves describe trees. */
        if (kind != MAIN_TREE || data_bytes != TREE_BYTES)
            return bad(pages, page);
        return note_table(pages, page, node + NODE_HEADER_BYTES, key_bytes, data);
    }
    if ((flags & ~(unsigned)NODE_OVERFLOW) != 0)
        return bad(pages, page);
    if (flags == NODE_OVERFLOW) {
        uint64_t first = load_u64(data);
        if (!check_overflow(pages, first, data_bytes, counts))
            return false;
        data = pages->map + first * pages->page_bytes + PAGE_HEADER_BYTES;
    }
    return kind != FREE_TREE || check_free_list(pages, page, data, data_bytes);
}

/* A key in the map; bytes NULL: beyond all keys. */
struct key {
    const uint8_t *bytes;
    size_t size;
};

static struct key key_of(const uint8_t *node)
{
    return (struct key){.bytes = node + NODE_HEADER_BYTES, .size = load_u16(node + 6)};
}

/* Does a key come before another one, as LMDB orders them? Those of the free pages' tree are numbers of 8 bytes. */
static bool is_before(struct key a, struct key b, enum tree_kind kind)
{
    if (kind == FREE_TREE)
        return load_u64(a.bytes) < load_u64(b.bytes);
    int order = memcmp(a.bytes, b.bytes, a.size < b.size ? a.size : b.size);
    return order < 0 || (order == 0 && a.size < b.size);
}

/* Do the keys of a page rise, from `low` on and below `high`? A branch's first one is not used. LMDB would look
 * for a key in the wrong page. */
static bool check_order(const uint8_t *bytes, uint64_t nodes, bool leaf, enum tree_kind kind, struct key low,
                        struct key high)
{
    struct key before = low;
    for (uint64_t i = leaf ? 0 : 1; i < nodes; i++) {
        struct key key = key_of(page_node(bytes, i));
        if (kind == FREE_TREE && key.size != 8)
            return false;
        bool is_first = i == (leaf ? 0 : 1);
        if (before.bytes != NULL && (is_first ? is_before(key, before, kind) : !is_before(before, key, kind)))
            return false;
        before = key;
    }
    return before.bytes == NULL || high.bytes == NULL || is_before(before, high, kind);
}

/* Checks the page and all below it, whose keys are from `low` on and below `high`; it is a leaf where `levels`
 * is 1. */
static bool check_page(struct pages *pages, uint64_t page, unsigned levels, enum tree_kind kind, struct key low,
                       struct key high, struct page_tree *counts)
{
    bool leaf = levels == 1;
    uint64_t nodes;
    if (!use_pages(pages, page, 1))
        return false;
    const uint8_t *bytes = pages->map + page * pages->page_bytes;
    if (!page_check_layout(&pages->places, bytes, page, pages->page_bytes, leaf, &nodes) ||
        !check_order(bytes, nodes, leaf, kind, low, high))
        return bad(pages, page);
    /* LMDB lets only the free pages' tree have a branch with a single child. */
    if (!leaf && kind != FREE_TREE && nodes < 2)
        return bad(pages, page);
    if (leaf)
        counts->leaves++;
    else
        counts->branches++;
    for (uint64_t i = 0; i < nodes; i++) {
        const uint8_t *node = page_node(bytes, i);
        if (leaf) {
            if (!check_leaf_node(pages, page, node, kind, counts))
                return false;
            continue;
        }
        struct key first = i > 0 ? key_of(node) : low, end = i + 1 < nodes ? key_of(page_node(bytes, i + 1)) : high;
        if (!check_page(pages, page_child(node), levels - 1, kind, first, end, counts))
            return false;
    }
    return true;
}

static bool check_tree(struct pages *pages, const struct page_tree *tree, enum tree_kind kind,
                       uint64_t described_at)
{
    struct page_tree counts = {0};
    if ((tree->flags & KEY_KINDS) != (kind == FREE_TREE ? KEYS_ARE_NUMBERS : 0))
        return bad(pages, described_at);
    if (tree->root == NO_PAGE)
        return tree->depth == 0 && tree->entries == 0 ? true : bad(pages, described_at);
    if (tree->depth < 1 || tree->depth > DEEPEST_TREE)
        return bad(pages, described_at);
    if (!check_page(pages, tree->root, tree->depth, kind, (struct key){0}, (struct key){0}, &counts))
        return false;
    if (counts.branches != tree->branches || counts.leaves != tree->leaves || counts.overflows != tree->overflows ||
        counts.entries != tree->entries)
        return bad(pages, described_at);
    return true;
}

/* Of the pages after the meta pages each is in use or free, and none is both. */
static bool check_all_accounted_for(struct pages *pages)
{
    for (uint64_t page = 2; page <= pages->last_page; page++) {
        uint8_t bit = (uint8_t)(1 << page % 8);
        if (((pages->used[page / 8] ^ pages->free[page / 8]) & bit) == 0)
            return bad(pages, page);
    }
    return true;
}

/* ---- what is checked when ------------------------------------------------------------------------------ */

int pages_fail(const struct pages *pages)
{
    return tidy_fail("%s: %s: its structure is wrong at page %llu (offset 0x%llx)", pages->path,
                     pages->bad_page >= pages->pages ? "truncated or damaged" : "damaged",
                     (unsigned long long)pages->bad_page,
                     (unsigned long long)(pages->bad_page * pages->page_bytes));
}

static bool check_table(struct pages *pages, struct table *table)
{
    /* A failure stays: what was checked of it then counts as used. */
    table->checked = table->checked || check_tree(pages, &table->tree, TABLE_TREE, table->described_at);
    return table->checked;
}

static bool check_all_tables(struct pages *pages)
{
    for (size_t i = 0; i < pages->table_count; i++) {
        if (!check_table(pages, &pages->tables[i]))
            return false;
    }
    return true;
}

static bool check_for_writing(struct pages *pages)
{
    return check_all_tables(pages) && check_tree(pages, &pages->head.free_tree, FREE_TREE, pages->bad_page) &&
           check_all_accounted_for(pages);
}

int pages_open(struct pages **out, int file, size_t txn_id, bool for_writing, const char *path)
{
    struct page_head heads[2];
    struct stat status;
    struct pages *pages;
    *out = NULL;
    int result = page_read_heads(file, path, heads);
    if (result != TIDY_OK)
        return result;
    uint64_t meta_page = txn_id % 2;
    const struct page_head *head = &heads[meta_page];
    if (head->txn_id != txn_id)
        return tidy_fail("%s: it changes too fast to be read; try again", path);
    if (fstat(file, &status) != 0)
        return tidy_fail("%s: cannot read it: %s", path, strerror(errno));
    result = memory_allocate(&pages, 1, sizeof *pages, "a map of the log's pages");
    if (result != TIDY_OK)
        return result;
    *pages = (struct pages){.path = path,
                            .file = file,
                            .map = MAP_FAILED,
                            .head = *head,
                            .page_bytes = head->free_tree.page_bytes,
                            .last_page = head->last_page,
                            .bad_page = meta_page};
    pages->pages = (uint64_t)status.st_size / pages->page_bytes;
    bool is_short = pages->pages < pages->last_page + 1;
    if (!is_short)
        pages->pages = pages->last_page + 1;
    pages->map_bytes = (size_t)(pages->pages * pages->page_bytes);
    result = memory_allocate(&pages->used, pages->last_page / 8 + 1, 1, "a map of the log's pages");
    if (result == TIDY_OK)
        result = memory_allocate(&pages->free, for_writing ? pages->last_page / 8 + 1 : 0, 1,
                                 "a map of the log's pages");
    if (result == TIDY_OK) {
        pages->map = mmap(NULL, pages->map_bytes, PROT_READ, MAP_SHARED, file, 0);
        if (pages->map == MAP_FAILED)
            result = tidy_fail("%s: cannot read it: %s", path, strerror(errno));
    }
    if (result == TIDY_OK && !check_tree(pages, &pages->head.main_tree, MAIN_TREE, meta_page))
        result = pages_fail(pages);
    /* The pages that are not there may be free ones, and this log whole. */
    if (result == TIDY_OK && is_short && !check_all_tables(pages))
        result = pages_fail(pages);
    pages->bad_page = meta_page;
    if (result == TIDY_OK && for_writing && !check_for_writing(pages))
        result = pages_fail(pages);
    if (result != TIDY_OK) {
        pages_close(pages);
        return result;
    }
    *out = pages;
    return TIDY_OK;
}

void pages_close(struct pages *pages)
{
    if (pages == NULL)
        return;
    if (pages->map != MAP_FAILED)
        munmap((void *)pages->map, pages->map_bytes);
    for (size_t i = 0; i < pages->table_count; i++)
        free(pages->tables[i].name);
    free(pages->tables);
    free(pages->free);
    free(pages->used);
    free(pages);
}

struct table *pages_find_table(struct pages *pages, const char *name)
{
    for (size_t i = 0; i < pages->table_count; i++) {
        if (strcmp(pages->tables[i].name, name) == 0)
            return &pages->tables[i];
    }
    return NULL;
}

int pages_check_table(struct pages *pages, const char *name)
{
    struct table *table = pages_find_table(pages, name);
    return table == NULL || check_table(pages, table) ? TIDY_OK : pages_fail(pages);
}

int pages_check_tables(struct pages *pages)
{
    return check_all_tables(pages) ? TIDY_OK : pages_fail(pages);
}
