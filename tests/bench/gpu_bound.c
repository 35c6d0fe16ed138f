/* The roofline of a list of kernels. */
#include "tests/bench/gpu_bound.h"

/* Bytes of access `i`, a read, that the cache no longer has. */
static double missed(const struct gpu_step *step, size_t i, double cache)
{
    double bytes = step->tensors[step->accesses[i].tensor].bytes;
    double beyond = bytes + step->accesses[i].between - cache;
    return beyond < 0 ? 0 : beyond > bytes ? bytes : beyond;
}

/* Bytes that access `i`, a write, sends to memory: the most that any read misses before the tensor is written
 * again. */
static double written(const struct gpu_step *step, size_t i, double cache)
{
    double most = 0;
    for (size_t ahead = 1; ahead < step->access_count; ahead++) {
        size_t at = (i + ahead) % step->access_count;
        if (step->accesses[at].tensor != step->accesses[i].tensor)
            continue;
        if (step->accesses[at].write)
            break;
        double bytes = missed(step, at, cache);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static double longer(double a, double b)
{
    return a > b ? a : b;
}

void gpu_bound_kernels(struct gpu_bound *bounds, const struct gpu_step *step, const struct gpu_device *device,
                       enum precision precision, bool padding)
{
    for (size_t k = 0; k < step->kernel_count; k++) {
        const struct step_kernel *kernel = &step->kernels[k];
        struct gpu_bound b = {.flop = padding ? kernel->plain_flop : kernel->flop, .launches = kernel->launches};
        for (size_t i = kernel->first_access; i < kernel->first_access + kernel->access_count; i++) {
            b.plain_bytes += step->tensors[step->accesses[i].tensor].bytes;
            b.cached_bytes +=
                step->accesses[i].write ? written(step, i, device->cache) : missed(step, i, device->cache);
        }
        b.compute = b.flop / device->peak[kernel->matrix ? precision : PRECISION_F32];
        b.memory = b.plain_bytes / device->bandwidth;
        b.plain = longer(b.compute, b.memory);
        b.cached = longer(b.compute, b.cached_bytes / device->bandwidth);
        bounds[k] = b;
    }
}

void gpu_bound_add(struct gpu_bound *sum, const struct gpu_bound *added)
{
    sum->flop += added->flop;
    sum->plain_bytes += added->plain_bytes;
    sum->cached_bytes += added->cached_bytes;
    sum->compute += added->compute;
    sum->memory += added->memory;
    sum->plain += added->plain;
    sum->cached += added->cached;
    sum->launches += added->launches;
}
