/* Convolutions through cuDNN's graph API: one operation graph for each pass of a layer, and the execution plans
 * that cuDNN has for it.
 *
 * Tensors are NHWC, weights [out_channels][kernel][kernel][in_channels] (cuDNN's NHWC filter); in bf16 both, and
 * the weights' gradient, are bf16; else float32. Sums are taken in float32. Alpha is 1 and beta 0: outputs are
 * stored. */
#ifndef TIDY_RECORD_CUDA_CONVOLUTION_PLAN_H
#define TIDY_RECORD_CUDA_CONVOLUTION_PLAN_H

#include <cudnn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/backend.h"
#include "record/network.h"

enum convolution_pass {
    CONVOLUTION_FORWARD,
    CONVOLUTION_BACKWARD_DATA,
    CONVOLUTION_BACKWARD_WEIGHTS,
    CONVOLUTION_PASSES
};

/* What plans are made for: a device that is there (handle), or one that is only described (a finalised
 * CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR; such plans cannot run). One of the two is NULL. */
struct convolution_target {
    cudnnHandle_t handle;
    cudnnBackendDescriptor_t device;
};

/* Makes the description of a device from JSON as in CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION. Freed with
 * cudnnBackendDestroyDescriptor. */
int convolution_describe_device(cudnnBackendDescriptor_t *out, const char *json);

struct convolution_request {
    const struct layer *layer; /* a LAYER_CONVOLUTION */
    uint32_t count;            /* images */
    enum convolution_pass pass;
    enum precision precision; /* f32: no engine that rounds its inputs or sums to less (tensor cores, TF32), nor
                               * one that is less exact than the direct sum (Winograd, FFT) */
    bool deterministic;       /* no engine that is noted as nondeterministic */
    size_t workspace_limit;   /* bytes; plans that want more are left out */
};

/* One finalised execution plan. */
struct convolution_plan;

/* Makes up to `room` plans, in cuDNN's order of preference: its heuristics A, then its fallback list, none twice.
 * Errors: a graph that cuDNN does not take; no plan at all, and why (layer, pass, precision; what became of those
 * that it offers). Each is freed with convolution_plan_destroy. */
int convolution_plans_create(struct convolution_plan **plans, size_t room, size_t *found,
                             const struct convolution_target *target, const struct convolution_request *request);

/* Makes the plan that convolution_plan_text described. Errors: text that is not such a description; cuDNN refuses
 * it; it is not what the request allows (precision, determinism, workspace). */
int convolution_plan_restore(struct convolution_plan **out, const struct convolution_target *target,
                             const struct convolution_request *request, const char *text);
void convolution_plan_destroy(struct convolution_plan *plan);

/* Engine and knobs as printable text without tabs or newlines ("engine 12 knobs 2=5 3=1": cuDNN's global index of
 * the engine, its knobs' types and values); lives as long as the plan. Means the same for one graph, device and
 * cuDNN version only. */
const char *convolution_plan_text(const struct convolution_plan *plan);
size_t convolution_plan_workspace(const struct convolution_plan *plan);

/* Enqueues the pass on the handle's stream. `in` is a tensor of the layer's input shape, `out` of its output
 * shape, as in record/cpu/onednn.h: forward writes out, backward data writes in, backward weights writes weights.
 * Device pointers. */
int convolution_plan_run(const struct convolution_plan *plan, cudnnHandle_t handle, void *in, void *out,
                         void *weights, void *workspace);

/* Writes the request as a key: pass, shape, precision, deterministic or not; two layers of the same shape share it.
 * "forward n128 in8x8x64 out8x8x64 k3 s1 p1 bf16 deterministic". Returns text. */
enum { CONVOLUTION_KEY_ROOM = 192 };
const char *convolution_request_key(char text[CONVOLUTION_KEY_ROOM], const struct convolution_request *request);

#endif
