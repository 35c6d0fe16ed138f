/* The device is the CPU: kernels run as they are launched, in memory from malloc. */
#include "tests/gpu/kernels/device.h"

#include <stdlib.h>
#include <string.h>

#include "tests/gpu/shim/shim.h"
#include "tests/support/support.h"

struct gpu_queue device_queue(int variant)
{
    static const struct {
        int multiprocessors;
        enum shim_order order;
    } variants[DEVICE_VARIANTS] = {{1, SHIM_FORWARD}, {2, SHIM_REVERSE}, {132, SHIM_RANDOM}};
    shim_set_order(variants[variant].order, 1);
    return (struct gpu_queue){NULL, variants[variant].multiprocessors};
}

void *device_allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    assert_non_null(memory);
    return memset(memory, 0xff, bytes);
}

void device_free(void *memory)
{
    free(memory);
}

void device_upload(void *device, const void *host, size_t bytes)
{
    memcpy(device, host, bytes);
}

void device_download(void *host, const void *device, size_t bytes)
{
    memcpy(host, device, bytes);
}

void device_wait(int launched)
{
    assert_int_equal(launched, 0);
}
