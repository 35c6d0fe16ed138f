/* What libtidy-cuda.so shows to the program that loads it: one structure, found by its name.
 *
 * The plug-in takes everything of common/ and record/ that it calls from the program (which exports its symbols), so that there
 * is one error message and one arena planner. */
#ifndef TIDY_RECORD_CUDA_PLUGIN_H
#define TIDY_RECORD_CUDA_PLUGIN_H

#include "record/backend.h"

struct cuda_plugin {
    const char *version; /* TIDY_VERSION it was built with: the program takes no other */
    const struct backend *backend;
};

#define CUDA_PLUGIN_FILE "libtidy-cuda.so"
#define CUDA_PLUGIN_SYMBOL "tidy_cuda_plugin"
extern const struct cuda_plugin tidy_cuda_plugin;

#endif
