/* Several threshold rules, as after --threshold RULE,RULE. */
#ifndef TIDY_ANALYZE_THRESHOLD_LIST_H
#define TIDY_ANALYZE_THRESHOLD_LIST_H

#include <stddef.h>

#include "analyze/thresholds.h"

struct threshold_list {
    struct threshold *rules; /* [count] */
    size_t count;
    char *text; /* what their texts point into */
};

/* Reads rules separated by commas. `analysis` is where "auto" chooses for; NULL: "auto" is no rule. Freed with
 * threshold_list_destroy, also after a failure. Errors: threshold_parse's. */
int threshold_list_parse(struct threshold_list *out, const char *text, const struct analysis *analysis);
void threshold_list_destroy(struct threshold_list *list);

/* threshold_announce of all of them. */
int threshold_list_announce(const struct threshold_list *list, struct analysis *analysis);

#endif
