/* What a cuDNN library answers to calls that need no device: each status, one a line, for the comparison of the
 * simulated library with the real one (cudnn_conformity.sh).
 *
 *     conformity LIBRARY DEVICE.json
 *     conformity --version LIBRARY      prints the library's version
 *
 * Calls that crash the real library (a descriptor that was destroyed, a null place for the result) are left
 * out: there is no answer to compare. Figures that the two may have different (how many engines, how much
 * workspace) are reduced to what both promise.
 *
 * What the real library does, release 9.19, that the documentation does not lead one to expect:
 * - Which status a wrong use gives depends on the attribute; reading before finalize is NOT_INITIALIZED.
 * - A descriptor of another kind is read as if it were of the expected one, and may crash the program; so does an
 *   engine configuration that is finalised without a finalised engine.
 * - A tensor's type, a convolution's paddings, type and mode, and a knob choice's type and value need not be set.
 *   More than CUDNN_DIM_MAX dimensions are refused by finalize only; a dimension of 0 is not refused.
 * - Two values are read with another type than they are set with: the convolution mode as a data type, the
 *   tensor's reordering as a number.
 * - Heuristics say that there are results where they then give none (bf16 on a T4), and take any mode. Without a
 *   device they finalise and give none; an engine does too, and its configuration is what fails.
 * - A plan needs neither handle nor description where its engine was made with one.
 * - What was given to a descriptor may be destroyed before that is finalised. */
#include "tests/gpu/simulated/conformity.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conformity_api api;

const char *status_text(cudnnStatus_t status)
{
    return api.error_string(status) + strlen("CUDNN_STATUS_");
}

void say(cudnnStatus_t status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf(": %s\n", status_text(status));
}

cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t kind)
{
    cudnnBackendDescriptor_t descriptor = NULL;
    if (api.create(kind, &descriptor) != CUDNN_STATUS_SUCCESS) {
        printf("no descriptor of kind %d\n", (int)kind);
        exit(1);
    }
    return descriptor;
}

static int open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (library == NULL) {
        fprintf(stderr, "conformity: %s\n", dlerror());
        return -1;
    }
    const struct {
        const char *name;
        void *place;
    } symbols[] = {
        {"cudnnGetVersion", &api.version},
        {"cudnnGetCudartVersion", &api.runtime_version},
        {"cudnnGetErrorString", &api.error_string},
        {"cudnnGetLastErrorString", &api.last_error},
        {"cudnnDestroy", &api.destroy_handle},
        {"cudnnSetStream", &api.set_stream},
        {"cudnnBackendCreateDescriptor", &api.create},
        {"cudnnBackendDestroyDescriptor", &api.destroy},
        {"cudnnBackendSetAttribute", &api.set},
        {"cudnnBackendGetAttribute", &api.get},
        {"cudnnBackendFinalize", &api.finalize},
        {"cudnnBackendExecute", &api.execute},
    };
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (symbol == NULL) {
            fprintf(stderr, "conformity: %s: no %s\n", path, symbols[i].name);
            return -1;
        }
        memcpy(symbols[i].place, &symbol, sizeof(symbol));
    }
    return 0;
}

static char *read_text(const char *path)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "conformity: cannot read %s\n", path);
        return NULL;
    }
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    while (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
    return text;
}

/* Every code that cudnn_graph.h names, and two that it does not. */
static void say_error_strings(void)
{
    static const int ranges[][2] = {{0, 1}, {1000, 1009}, {2000, 2013}, {3000, 3015}, {4000, 4007}, {5000, 5005}};
    printf("== cudnnGetErrorString\n");
    for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++)
        for (int code = ranges[r][0]; code <= ranges[r][1]; code++)
            printf("%d: %s\n", code, api.error_string((cudnnStatus_t)code));
}

static void say_null_calls(void)
{
    printf("== null\n");
    say(api.destroy_handle(NULL), "cudnnDestroy");
    say(api.set_stream(NULL, NULL), "cudnnSetStream");
    say(api.destroy(NULL), "cudnnBackendDestroyDescriptor");
    say(api.finalize(NULL), "cudnnBackendFinalize");
    int64_t value = 0;
    say(api.set(NULL, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &value), "cudnnBackendSetAttribute");
    say(api.get(NULL, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, NULL, &value), "cudnnBackendGetAttribute");
    say(api.execute(NULL, NULL, NULL), "cudnnBackendExecute");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: conformity LIBRARY DEVICE.json\n");
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        if (open_library(argv[2]) != 0)
            return 1;
        printf("%zu\n", api.version());
        return 0;
    }
    const char *device = read_text(argv[2]);
    if (device == NULL || open_library(argv[1]) != 0)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("version %zu, for CUDA %zu\n", api.version(), api.runtime_version() / 1000);
    say_error_strings();
    say_null_calls();
    say_attributes();
    say_shapes();
    say_plans(device);
    return 0;
}
