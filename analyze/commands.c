/* What the subcommands' command lines have in common. */
#include "analyze/commands.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"

int command_parse(const struct command_usage *usage, int argc, char **argv, const char **positional, int expected,
                  bool *helped)
{
    const char **all;
    int count = 0;
    int status = memory_allocate(&all, (size_t)argc, sizeof *all, "arguments");
    if (status != 0)
        return status;
    status = options_parse(usage, argc, argv, all, &count, helped);
    if (status == 0 && !*helped && count != expected)
        status = tidy_fail_usage("%s: %s argument%s; usage: %s %s %s", usage->name,
                                 count < expected ? "missing" : "surplus", abs(count - expected) == 1 ? "" : "s",
                                 usage->program, usage->name, usage->arguments);
    for (int i = 0; status == 0 && !*helped && i < expected; i++)
        positional[i] = all[i];
    free(all);
    return status;
}
