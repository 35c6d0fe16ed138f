/* From lists of samples to the labels to train on next. */
#ifndef TIDY_ANALYZE_CLEANING_H
#define TIDY_ANALYZE_CLEANING_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/sample_list.h"
#include "analyze/suggestions.h"
#include "common/tidylog.h"

/* What becomes of a list's samples. Where there is a list of those to keep, all that is in no list is left out. A
 * list of decisions has a label for each, or says that it is left out. */
enum cleaning_kind { CLEANING_DROP, CLEANING_RELABEL, CLEANING_KEEP, CLEANING_DECIDED, CLEANING_KINDS };

/* One list; name NULL: there is none. */
struct cleaning_list {
    const char *name; /* for messages */
    struct sample_list list;
};

struct cleaning {
    uint16_t *labels; /* [samples] label_file.h's LABEL_LEFT_OUT where left out */
    size_t as_given, changed, left_out;
    size_t before, wrong_before; /* that the run had; how many of these are wrong, where the truth is known */
    size_t wrong;                /* of those that stay, where the truth is known */
};

/* Labels begin as those that the data set gave the run; what the run left out stays so. `suggestions` ([samples])
 * are for a list without labels of its own, else NULL. Freed with cleaning_destroy, also after a failure.
 * Errors: a sample in two lists, one to keep or to label anew that the run left out, no suggestion for it, a list of
 * decisions as another kind of list, and another list as one of decisions. */
int cleaning_create(struct cleaning *out, const struct tidylog_run *run,
                    const struct cleaning_list lists[CLEANING_KINDS], const struct suggestion *suggestions);
void cleaning_destroy(struct cleaning *cleaning);

#endif
