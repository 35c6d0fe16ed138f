/* Looking at a table's pages without checking all of them: its last key, and how large it is. */
#include <string.h>

#include "common/error.h"
#include "common/tidylog.h"
#include "common/tidylog_format.h"
#include "common/tidylog_page.h"
#include "common/tidylog_pages.h"

/* The page, where it is there and its layout is right; *nodes: its nodes. */
static const uint8_t *look_at(struct pages *pages, uint64_t page, bool leaf, uint64_t *nodes)
{
    const uint8_t *bytes = page >= 2 && page < pages->pages ? pages->map + page * pages->page_bytes : NULL;
    if (bytes != NULL && page_check_layout(&pages->places, bytes, page, pages->page_bytes, leaf, nodes))
        return bytes;
    pages->bad_page = page;
    return NULL;
}

int pages_last_key(struct pages *pages, const char *name, uint8_t *key, size_t room, size_t *key_bytes)
{
    const struct table *table = pages_find_table(pages, name);
    *key_bytes = 0;
    if (table == NULL || table->tree.root == NO_PAGE)
        return TIDY_OK;
    uint64_t page = table->tree.root, nodes;
    if (table->tree.depth < 1 || table->tree.depth > DEEPEST_TREE) {
        pages->bad_page = table->described_at;
        return pages_fail(pages);
    }
    for (unsigned level = table->tree.depth;; level--) {
        const uint8_t *bytes = look_at(pages, page, level == 1, &nodes);
        if (bytes == NULL)
            return pages_fail(pages);
        const uint8_t *node = page_node(bytes, nodes - 1);
        if (level > 1) {
            page = page_child(node);
            continue;
        }
        *key_bytes = load_u16(node + 6);
        if (*key_bytes <= room)
            memcpy(key, node + NODE_HEADER_BYTES, *key_bytes);
        return TIDY_OK;
    }
}

/* The least leaves and values of their own pages that are looked at, where there are more. */
enum { MOST_LEAVES = 512, MOST_VALUES = 4096 };

/* A measurement: sums over the records that were looked at. */
struct measure {
    struct pages *pages;
    const struct page_tree *tree;
    uint64_t leaf;    /* number of the next one */
    uint64_t reached; /* pages; there are no more than the file has, whatever they point to */
    uint64_t records; /* in leaves that were looked at */
    uint64_t bytes;   /* of their keys and values */
    uint64_t counted; /* records whose counts were read */
    uint64_t counts;
};

static void measure_leaf(struct measure *measure, const uint8_t *bytes, uint64_t nodes)
{
    const struct pages *pages = measure->pages;
    uint64_t stride = measure->tree->entries / MOST_VALUES + 1;
    for (uint64_t i = 0; i < nodes; i++) {
        const uint8_t *node = page_node(bytes, i), *value = node + NODE_HEADER_BYTES + load_u16(node + 6);
        uint64_t value_bytes = load_u32(node);
        measure->bytes += load_u16(node + 6) + value_bytes;
        if (load_u16(node + 4) == NODE_OVERFLOW) {
            uint64_t first = load_u64(value);
            value = first < pages->pages && measure->records % stride == 0
                        ? pages->map + first * pages->page_bytes + PAGE_HEADER_BYTES
                        : NULL;
        }
        measure->records++;
        if (value != NULL && value_bytes >= RECORD_HEADER_BYTES) {
            measure->counted++;
            measure->counts += load_u32(value + 12);
        }
    }
}

/* Goes through the branches, and looks at every so many of the leaves. */
static bool measure_page(struct measure *measure, uint64_t page, unsigned levels)
{
    if (measure->reached++ > measure->pages->pages)
        return false;
    uint64_t nodes, stride = (measure->tree->leaves + MOST_LEAVES - 1) / MOST_LEAVES;
    if (levels == 1 && measure->leaf++ % (stride > 0 ? stride : 1) != 0)
        return true;
    const uint8_t *bytes = look_at(measure->pages, page, levels == 1, &nodes);
    if (bytes == NULL)
        return false;
    if (levels == 1)
        measure_leaf(measure, bytes, nodes);
    for (uint64_t i = 0; levels > 1 && i < nodes; i++) {
        if (!measure_page(measure, page_child(page_node(bytes, i)), levels - 1))
            return false;
    }
    return true;
}

/* sum * whole / part, rounded. */
static uint64_t scale(uint64_t sum, uint64_t whole, uint64_t part)
{
    return part == whole || part == 0 ? sum : (uint64_t)((double)sum * (double)whole / (double)part + 0.5);
}

int pages_measure_table(struct pages *pages, const char *name, struct tidylog_table_size *size)
{
    const struct table *table = pages_find_table(pages, name);
    if (table == NULL || table->tree.root == NO_PAGE)
        return TIDY_OK;
    const struct page_tree *tree = &table->tree;
    struct measure measure = {.pages = pages, .tree = tree};
    pages->bad_page = table->described_at;
    if (tree->depth < 1 || tree->depth > DEEPEST_TREE || !measure_page(&measure, tree->root, tree->depth))
        return pages_fail(pages);
    size->records = tree->entries;
    size->pages_bytes = (tree->branches + tree->leaves + tree->overflows) * pages->page_bytes;
    size->stored_bytes = scale(measure.bytes, tree->entries, measure.records);
    size->counts = scale(measure.counts, tree->entries, measure.counted);
    return TIDY_OK;
}
