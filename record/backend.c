/* Finds a backend by its name. */
#include "record/backend.h"

#include <stddef.h>
#include <string.h>

#include "common/error.h"
#include "common/options.h"

const char *const precision_names[] = {"f32", "tf32", "bf16", NULL};

/* `auto` is the first that comes after it: the best one for this machine. */
const char *const backend_names[] = {"auto", "cpu", NULL};
static const struct backend *const backends[] = {&cpu_backend, &cpu_backend};
enum { BACKENDS = sizeof backends / sizeof *backends };
_Static_assert(BACKENDS == sizeof backend_names / sizeof *backend_names - 1, "one backend for each name");

const struct backend *backend_find(const char *name)
{
    for (size_t i = 0; i < BACKENDS; i++)
        if (strcmp(backend_names[i], name ? name : "auto") == 0)
            return backends[i];
    const char *nearest = options_nearest(name, backend_names, BACKENDS);
    if (nearest != NULL)
        tidy_fail("unknown device '%s'; did you mean '%s'?", name, nearest);
    else
        tidy_fail("unknown device '%s'; 'auto' chooses one", name);
    return NULL;
}
