/* Looking at a table's pages without checking all of them: its last key, and how large it is. Pages are read
 * rather than mapped: the system would map their neighbours as well. */
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/tidylog.h"
#include "common/tidylog_format.h"
#include "common/tidylog_page.h"
#include "common/tidylog_pages.h"

/* A page that is looked at. */
struct look {
    struct pages *pages;
    uint64_t nodes;
    uint8_t bytes[LARGEST_PAGE];
};

/* Reads a page, which must be there and have its layout right. */
static bool look_at(struct look *look, uint64_t page, bool leaf)
{
    struct pages *pages = look->pages;
    size_t page_bytes = (size_t)pages->page_bytes;
    pages->bad_page = page;
    return page >= 2 && page < pages->pages &&
           pread(pages->file, look->bytes, page_bytes, (off_t)(page * page_bytes)) == (ssize_t)page_bytes &&
           page_check_layout(&pages->places, look->bytes, page, page_bytes, leaf, &look->nodes);
}

/* Finds the table where it has records. */
static int find(struct pages *pages, const char *name, const struct page_tree **tree)
{
    const struct table *table = pages_find_table(pages, name);
    *tree = NULL;
    if (table == NULL || table->tree.root == NO_PAGE)
        return TIDY_OK;
    pages->bad_page = table->described_at;
    if (table->tree.depth < 1 || table->tree.depth > DEEPEST_TREE)
        return pages_fail(pages);
    *tree = &table->tree;
    return TIDY_OK;
}

/* Goes down to a leaf: `share`, 0 to 1, is where it is among the leaves, if all branches have as many nodes. */
static bool go_down(struct look *look, const struct page_tree *tree, double share)
{
    uint64_t page = tree->root;
    for (unsigned level = tree->depth; look_at(look, page, level == 1); level--) {
        if (level == 1)
            return true;
        double place = share * (double)look->nodes;
        uint64_t node = place < (double)look->nodes ? (uint64_t)place : look->nodes - 1;
        share = place - (double)node;
        page = page_child(page_node(look->bytes, node));
    }
    return false;
}

int pages_last_key(struct pages *pages, const char *name, uint8_t *key, size_t room, size_t *key_bytes)
{
    struct look look;
    const struct page_tree *tree;
    *key_bytes = 0;
    look.pages = pages;
    int status = find(pages, name, &tree);
    if (status != TIDY_OK || tree == NULL)
        return status;
    if (!go_down(&look, tree, 1))
        return pages_fail(pages);
    const uint8_t *node = page_node(look.bytes, look.nodes - 1);
    *key_bytes = load_u16(node + 6);
    if (*key_bytes <= room)
        memcpy(key, node + NODE_HEADER_BYTES, *key_bytes);
    return TIDY_OK;
}

/* Leaves, and values of their own pages, that are looked at, where there are more. */
enum { MOST_LEAVES = 128, MOST_VALUES = 4096 };

/* Sums over the records that were looked at. */
struct measure {
    struct pages *pages;
    const struct page_tree *tree;
    uint64_t reached; /* pages; there are no more than the file has, whatever they point to */
    uint64_t records;
    uint64_t bytes;   /* of their keys and values */
    uint64_t counted; /* records whose counts were read */
    uint64_t counts;
    bool counting;
};

/* The count in the header of a value that has its own pages. */
static bool read_count(const struct pages *pages, uint64_t first, uint32_t *count)
{
    uint8_t header[RECORD_HEADER_BYTES];
    uint64_t at = first * pages->page_bytes + PAGE_HEADER_BYTES;
    if (first >= pages->pages || pread(pages->file, header, sizeof header, (off_t)at) != (ssize_t)sizeof header)
        return false;
    *count = record_count(&(const MDB_val){.mv_size = sizeof header, .mv_data = header});
    return true;
}

static void measure_leaf(struct measure *measure, const struct look *leaf)
{
    uint64_t stride = measure->tree->entries / MOST_VALUES + 1;
    for (uint64_t i = 0; i < leaf->nodes; i++) {
        const uint8_t *node = page_node(leaf->bytes, i), *data = node + NODE_HEADER_BYTES + load_u16(node + 6);
        const MDB_val value = {.mv_size = load_u32(node), .mv_data = (void *)data};
        uint32_t count = 0;
        bool read = true;
        measure->bytes += load_u16(node + 6) + value.mv_size;
        if (load_u16(node + 4) == NODE_OVERFLOW)
            read = measure->counting && measure->records % stride == 0 &&
                   read_count(measure->pages, load_u64(data), &count);
        else
            count = record_count(&value);
        measure->records++;
        measure->counted += read;
        measure->counts += count;
    }
}

/* Looks at all leaves below a page. */
static bool measure_all(struct measure *measure, uint64_t page, unsigned levels)
{
    struct look look;
    look.pages = measure->pages;
    if (measure->reached++ > measure->pages->pages || !look_at(&look, page, levels == 1))
        return false;
    if (levels == 1)
        measure_leaf(measure, &look);
    for (uint64_t i = 0; levels > 1 && i < look.nodes; i++) {
        if (!measure_all(measure, page_child(page_node(look.bytes, i)), levels - 1))
            return false;
    }
    return true;
}

/* Looks at leaves at equal distances. */
static bool measure_some(struct measure *measure)
{
    struct look look;
    look.pages = measure->pages;
    for (int i = 0; i < MOST_LEAVES; i++) {
        if (!go_down(&look, measure->tree, (i + 0.5) / MOST_LEAVES))
            return false;
        measure_leaf(measure, &look);
    }
    return true;
}

/* sum * whole / part, rounded. */
static uint64_t scale(uint64_t sum, uint64_t whole, uint64_t part)
{
    return part == whole || part == 0 ? sum : (uint64_t)((double)sum * (double)whole / (double)part + 0.5);
}

int pages_measure_table(struct pages *pages, const char *name, bool counting, struct tidylog_table_size *size)
{
    const struct page_tree *tree;
    int status = find(pages, name, &tree);
    if (status != TIDY_OK || tree == NULL)
        return status;
    struct measure measure = {.pages = pages, .tree = tree, .counting = counting};
    bool all = tree->leaves <= MOST_LEAVES;
    if (all ? !measure_all(&measure, tree->root, tree->depth) : !measure_some(&measure))
        return pages_fail(pages);
    size->records = tree->entries;
    size->pages_bytes = (tree->branches + tree->leaves + tree->overflows) * pages->page_bytes;
    size->stored_bytes = scale(measure.bytes, tree->entries, measure.records);
    size->counts = scale(measure.counts, tree->entries, measure.counted);
    return TIDY_OK;
}
