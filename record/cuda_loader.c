/* Loads the CUDA plug-in, and says what to do where that fails. The texts of dlerror are those of the GNU C library;
 * one that is not known here is passed on as it is. */
#include "record/cuda_loader.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "record/cuda/plugin.h"

/* Libraries that the plug-in needs: how their names begin, and where they come from. */
static const struct {
    const char *name, *source;
} libraries[] = {
    {"libcudnn", "cuDNN 9 for CUDA 13"},
    {"libcudart", "CUDA 13's runtime libraries (cudart and cuBLAS)"},
    {"libcublas", "CUDA 13's runtime libraries (cudart and cuBLAS)"},
};

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Makes the message for a plug-in that could not be loaded from `path`. `cause` is dlerror's. */
static void explain(const char *path, const char *cause)
{
    bool missing = strstr(cause, ": cannot open shared object file: No such file") != NULL;
    int length = (int)strcspn(cause, ":"); /* the name of what is missing */
    for (size_t i = 0; missing && i < sizeof libraries / sizeof *libraries; i++) {
        if (begins_with(cause, libraries[i].name)) {
            tidy_fail("%.*s is not found: install %s, or put its folder into LD_LIBRARY_PATH", length, cause,
                      libraries[i].source);
            return;
        }
    }
    if (missing && begins_with(cause, CUDA_PLUGIN_FILE ":"))
        tidy_fail("this tidy-record was built without CUDA: build with -DTIDY_CUDA=ON where the CUDA toolkit and "
                  "cuDNN are (there is no %s in the lib folder beside the program's)",
                  CUDA_PLUGIN_FILE);
    else
        tidy_fail("%s does not load (%s): use the one that was built with this tidy-record, and the libraries that "
                  "it was built with",
                  path, cause);
}

/* Writes the plug-in's path beside the program into `path`. Returns false where there is no such file. */
static bool find_beside_program(char *path, size_t size)
{
    static const char place[] = "/../lib/" CUDA_PLUGIN_FILE;
    ssize_t length = readlink("/proc/self/exe", path, size);
    if (length <= 0 || (size_t)length >= size)
        return false;
    path[length] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash - path) + sizeof place > size)
        return false;
    memcpy(slash, place, sizeof place);
    return access(path, F_OK) == 0;
}

const struct backend *cuda_loader_backend(void)
{
    char path[PATH_MAX];
    if (!find_beside_program(path, sizeof path))
        snprintf(path, sizeof path, "%s", CUDA_PLUGIN_FILE);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* a second time: the same, as it was */
    if (library == NULL) {
        explain(path, dlerror());
        return NULL;
    }
    const struct cuda_plugin *plugin = dlsym(library, CUDA_PLUGIN_SYMBOL);
    if (plugin == NULL)
        tidy_fail("%s is not tidy-record's plug-in: it has no '%s'", path, CUDA_PLUGIN_SYMBOL);
    else if (strcmp(plugin->version, TIDY_VERSION) != 0)
        tidy_fail("%s is of version %s, this tidy-record of %s: use the one that was built with it", path,
                  plugin->version, TIDY_VERSION);
    else
        return plugin->backend;
    dlclose(library);
    return NULL;
}
