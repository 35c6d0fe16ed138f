/* From a file, or from the log's metadata. */
#include "analyze/class_names.h"

#include <stdlib.h>
#include <string.h>

#include "common/label_file.h"
#include "common/memory.h"

int class_names_of(const char *const **out, const struct tidylog_run *run, const char *path)
{
    uint32_t classes = tidylog_data_classes(run), count = 0;
    const char **names;
    *out = NULL;
    if (path != NULL)
        return class_names_read(out, path, classes);
    if (run->class_names == NULL)
        return 0;
    size_t bytes = classes * sizeof *names, length = strlen(run->class_names) + 1;
    int status = memory_allocate(&names, bytes + length, 1, "names of classes");
    if (status != 0)
        return status;
    char *text = memcpy((char *)names + bytes, run->class_names, length);
    for (char *name; count < classes && (name = strsep(&text, "\n")) != NULL;)
        names[count++] = name;
    while (count < classes)
        names[count++] = "";
    *out = names;
    return 0;
}
