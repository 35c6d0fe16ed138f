/* The devices by name: which of them can be used here, and which is taken. */
#include "record/backend.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/options.h"
#include "record/cuda_loader.h"

const char *const precision_names[] = {"f32", "tf32", "bf16", NULL};

const char *const backend_names[] = {"auto", "cpu", "cuda", NULL};

static const struct backend *get_cpu(void)
{
    return &cpu_backend;
}

/* One for each name after "auto", which takes the last that can be used. A `get` that returns NULL has made a
 * message. */
static const struct {
    const char *name;
    const struct backend *(*get)(void);
} devices[] = {
    {"cpu", get_cpu},
    {"cuda", cuda_loader_backend},
};
enum { DEVICES = sizeof devices / sizeof *devices, TEXT_ROOM = 768 };
_Static_assert(DEVICES == sizeof backend_names / sizeof *backend_names - 2, "one device for each name");

/* Returns device number i's backend, or NULL where it cannot be used; `text` is as backend_probe's. */
static const struct backend *find_usable(size_t i, char *text, size_t size)
{
    const struct backend *backend = devices[i].get();
    if (backend == NULL)
        snprintf(text, size, "%s", tidy_error_message());
    return backend != NULL && backend->probe(text, size) ? backend : NULL;
}

/* Its place in `devices`; DEVICES where there is none of that name. */
static size_t place_of(const char *name)
{
    size_t i = 0;
    while (i < DEVICES && strcmp(devices[i].name, name) != 0)
        i++;
    return i;
}

bool backend_probe(const char *name, char *text, size_t size)
{
    size_t place = place_of(name);
    if (place == DEVICES)
        snprintf(text, size, "there is no device of that name");
    return place < DEVICES && find_usable(place, text, size) != NULL;
}

const struct backend *backend_find(const char *name)
{
    const struct backend *backend = NULL;
    char text[TEXT_ROOM];
    if (name == NULL || strcmp(name, "auto") == 0) {
        for (size_t i = DEVICES; i > 0 && backend == NULL; i--)
            backend = find_usable(i - 1, text, sizeof text);
        if (backend == NULL)
            tidy_fail("no device can be used: %s", text);
        return backend;
    }
    size_t place = place_of(name);
    if (place < DEVICES) {
        backend = find_usable(place, text, sizeof text);
        if (backend == NULL)
            tidy_fail("device '%s' cannot be used: %s", name, text);
        return backend;
    }
    const char *nearest = options_nearest(name, backend_names, DEVICES + 1);
    if (nearest != NULL)
        tidy_fail("unknown device '%s'; did you mean '%s'?", name, nearest);
    else
        tidy_fail("unknown device '%s'; 'auto' chooses one", name);
    return NULL;
}
