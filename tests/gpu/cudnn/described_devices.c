/* Devices that are only described, and the convolutions that are planned for them. */
#include "tests/gpu/cudnn/described_devices.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/cuda/cudnn_descriptor.h"
#include "record/network.h"

#ifdef TIDY_SANITIZE
#include <sanitizer/lsan_interface.h>

/* Without a driver, cuDNN leaves behind a cuBLASLt handle for each engine that it looks at. Nothing of ours is
 * allocated below these libraries. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libcudnn\nleak:libcublasLt\n";
}
#endif

static const struct described_device device_rows[DESCRIBED_DEVICES] = {
    {.name = "T4", .has_tensor_float = false},  {.name = "RTX3060", .has_tensor_float = true},
    {.name = "A100", .has_tensor_float = true}, {.name = "L4", .has_tensor_float = true},
    {.name = "H100", .has_tensor_float = true},
};

int described_devices_open(struct described_device devices[DESCRIBED_DEVICES], const char *folder)
{
    memcpy(devices, device_rows, sizeof device_rows);
    /* Kept loaded for the program's life: where there is no driver, cuDNN loads the compiler for each fallback
     * list, finds that it cannot use it and unloads it, 10 ms each time. Nothing depends on it. */
    (void)dlopen("libnvrtc.so.13", RTLD_LAZY);
    for (int i = 0; i < DESCRIBED_DEVICES; i++) {
        char path[4096], json[4096];
        snprintf(path, sizeof path, "%s/%s.json", folder, devices[i].name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            return tidy_fail("%s: cannot be read", path);
        json[fread(json, 1, sizeof json - 1, file)] = 0;
        fclose(file);
        int status = convolution_describe_device(&devices[i].target.device, json);
        if (status != 0)
            return status;
    }
    return 0;
}

void described_devices_close(struct described_device devices[DESCRIBED_DEVICES])
{
    for (int i = 0; i < DESCRIBED_DEVICES; i++)
        cudnn_descriptor_destroy(devices[i].target.device);
#ifdef TIDY_SANITIZE
    /* Checked while cuDNN's libraries are still loaded, so that what they leave can be told from ours. */
    __lsan_do_leak_check();
#endif
}

static bool same_convolution(const struct layer *a, const struct layer *b)
{
    return (a->input == LAYER_IMAGES) == (b->input == LAYER_IMAGES) && layer_same_convolution(a, b);
}

int described_layers(struct layer **out, size_t *count)
{
    static const struct {
        const char *network;
        uint32_t pixels;
    } rows[] = {{"resnet50", 32}, {"resnet18", 28}, {"small", 28}};
    *out = NULL;
    *count = 0;
    size_t capacity = 0;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct network network;
        int status = network_create(&network, rows[row].network, rows[row].pixels, rows[row].pixels, 1, 10);
        for (int i = 0; status == 0 && i < network.layer_count; i++) {
            bool known = network.layers[i].kind != LAYER_CONVOLUTION;
            for (size_t k = 0; k < *count && !known; k++)
                known = same_convolution(&(*out)[k], &network.layers[i]);
            if (!known)
                status = memory_grow(out, &capacity, *count + 1, sizeof **out, "the convolutions");
            if (!known && status == 0)
                (*out)[(*count)++] = network.layers[i];
        }
        if (status != 0)
            return status;
        network_destroy(&network);
    }
    return 0;
}

bool described_pass_needed(const struct layer *layer, enum convolution_pass pass)
{
    return layer->input != LAYER_IMAGES || pass != CONVOLUTION_BACKWARD_DATA;
}
