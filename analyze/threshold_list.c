/* The text is cut at its commas, in place. */
#include "analyze/threshold_list.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/automatic.h"
#include "common/memory.h"

static int parse_rule(struct threshold *out, const char *rule, const struct analysis *analysis)
{
    const char *score = NULL;
    if (analysis != NULL && strcmp(rule, "auto") == 0)
        automatic_choose(&score, &rule, analysis);
    int status = threshold_parse(out, rule);
    if (status == 0 && score != NULL)
        out->score = score;
    return status;
}

int threshold_list_parse(struct threshold_list *out, const char *text, const struct analysis *analysis)
{
    size_t most = 1;
    *out = (struct threshold_list){0};
    for (const char *c = text; *c != 0; c++)
        most += *c == ',';
    int status = memory_allocate(&out->rules, most, sizeof *out->rules, "threshold rules");
    if (status == 0)
        status = memory_allocate(&out->text, strlen(text) + 1, 1, "threshold rules");
    if (status != 0)
        return status;
    char *rest = strcpy(out->text, text);
    for (char *rule; (rule = strsep(&rest, ",")) != NULL && status == 0;)
        status = parse_rule(&out->rules[out->count++], rule, analysis);
    return status;
}

void threshold_list_destroy(struct threshold_list *list)
{
    free(list->text);
    free(list->rules);
}

int threshold_list_announce(const struct threshold_list *list, struct analysis *analysis)
{
    int status = 0;
    for (size_t i = 0; i < list->count && status == 0; i++)
        status = threshold_announce(&list->rules[i], analysis);
    return status;
}
