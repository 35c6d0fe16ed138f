/* A simulated libcublas.so.13: matrix products in plain loops, with the contracts of NVIDIA's "cuBLAS"
 * documentation. */
#include <cublas_v2.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/device.h"

#define HANDLE_KIND "cublasHandle_t"
enum { WORKSPACE_ALIGNMENT = 256, FIRST_TF32_CAPABILITY = 80 };

struct cublasContext {
    cudaStream_t stream;
    void *workspace;
    size_t workspace_size;
    unsigned math_mode;
};

/* How a call of the library ends that the test wants to fail, or that finds the device lost; SUCCESS:
 * it goes on. */
static cublasStatus_t begin(enum simulated_outcome outcome, cublasStatus_t fault)
{
    if (outcome == SIMULATED_DEVICE_LOST)
        return CUBLAS_STATUS_EXECUTION_FAILED;
    return outcome == SIMULATED_CALL_FAILS ? fault : CUBLAS_STATUS_SUCCESS;
}

static bool handle_is_live(const char *function, cublasHandle_t handle)
{
    return simulated_handle_live(function, HANDLE_KIND, handle);
}

/* "cuBLAS", cublasCreate(): NOT_INITIALIZED where the CUDA runtime could not be initialised, ALLOC_FAILED,
 * INVALID_VALUE for NULL. It allocates on the device, so it belongs outside of a capture. */
cublasStatus_t cublasCreate_v2(cublasHandle_t *out)
{
    cublasStatus_t status = begin(simulated_call("cublasCreate_v2"), CUBLAS_STATUS_ALLOC_FAILED);
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    if (out == NULL)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!simulated_device_usable())
        return CUBLAS_STATUS_NOT_INITIALIZED;
    struct cublasContext *handle = calloc(1, sizeof *handle);
    if (handle == NULL)
        return CUBLAS_STATUS_ALLOC_FAILED;
    simulated_handle_created(HANDLE_KIND, handle);
    *out = handle;
    return CUBLAS_STATUS_SUCCESS;
}

/* "cuBLAS", cublasDestroy(): releases the library's resources; NOT_INITIALIZED for what is no handle. */
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    cublasStatus_t failed = begin(simulated_call("cublasDestroy_v2"), CUBLAS_STATUS_NOT_INITIALIZED);
    if (!simulated_handle_destroyed("cublasDestroy_v2", HANDLE_KIND, handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    free(handle);
    return failed;
}

/* "cuBLAS", cublasSetStream(): the stream of all calls from now on. It also resets the workspace to the library's
 * own, unconditionally. */
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    cublasStatus_t status = begin(simulated_call("cublasSetStream_v2"), CUBLAS_STATUS_NOT_INITIALIZED);
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    if (!handle_is_live("cublasSetStream_v2", handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!simulated_stream_live("cublasSetStream_v2", stream))
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->stream = stream;
    handle->workspace = NULL;
    handle->workspace_size = 0;
    return CUBLAS_STATUS_SUCCESS;
}

/* "cuBLAS", cublasSetWorkspace(): a buffer of device memory of the caller's for the calls on the current stream,
 * aligned to at least 256 bytes, else INVALID_VALUE. */
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t size)
{
    static const char function[] = "cublasSetWorkspace_v2";
    cublasStatus_t status = begin(simulated_call(function), CUBLAS_STATUS_INVALID_VALUE);
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    if (!handle_is_live(function, handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!simulated_device_range(function, workspace, size))
        return CUBLAS_STATUS_INVALID_VALUE;
    if ((uintptr_t)workspace % WORKSPACE_ALIGNMENT != 0) {
        simulated_misuse(function, "%p is not aligned to %d bytes", workspace, WORKSPACE_ALIGNMENT);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    handle->workspace = workspace;
    handle->workspace_size = size;
    return CUBLAS_STATUS_SUCCESS;
}

/* "cuBLAS", cublasSetMathMode(): one of cublasMath_t's modes, with or without the flag that disallows reductions in
 * less precision; else INVALID_VALUE. */
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)
{
    cublasStatus_t status = begin(simulated_call("cublasSetMathMode"), CUBLAS_STATUS_INVALID_VALUE);
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    if (!handle_is_live("cublasSetMathMode", handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    unsigned base = (unsigned)mode & ~(unsigned)CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
    if (base != CUBLAS_DEFAULT_MATH && base != CUBLAS_PEDANTIC_MATH && base != CUBLAS_TF32_TENSOR_OP_MATH) {
        simulated_misuse("cublasSetMathMode", "mode %d", (int)mode);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    handle->math_mode = base;
    return CUBLAS_STATUS_SUCCESS;
}

/* "cuBLAS", cublasGetStatusString(): the description of a status. */
const char *cublasGetStatusString(cublasStatus_t status)
{
    static const struct {
        cublasStatus_t status;
        const char *text;
    } texts[] = {
        {CUBLAS_STATUS_SUCCESS, "success"},
        {CUBLAS_STATUS_NOT_INITIALIZED, "the library was not initialized"},
        {CUBLAS_STATUS_ALLOC_FAILED, "the resource allocation failed"},
        {CUBLAS_STATUS_INVALID_VALUE, "an unsupported value or parameter was passed to the function"},
        {CUBLAS_STATUS_EXECUTION_FAILED, "the function failed to launch on the GPU"},
        {CUBLAS_STATUS_NOT_SUPPORTED, "the requested functionality is not supported"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "unrecognized status";
}

/* ---- matrix products ---- */

/* A matrix in column-major order, as it is read: element (row, column) of op(X) is
 * X[row * row_step + column * column_step]. */
struct matrix {
    const void *values;
    cudaDataType type;
    size_t row_step, column_step;
};

struct product {
    struct matrix a, b, c;
    size_t m, n, k;
    float alpha, beta;
    bool tf32;
};

static float to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Rounds to nearest even, to a mantissa that is `dropped` bits shorter; NaN and infinity stay what they are. */
static uint32_t round_bits(float value, unsigned dropped)
{
    uint32_t bits = to_bits(value);
    if (isnan(value))
        return bits | 1u << 22;
    return (bits + (1u << (dropped - 1)) - 1 + ((bits >> dropped) & 1)) & ~((1u << dropped) - 1);
}

/* TF32 keeps 10 of float32's 23 bits of mantissa (NVIDIA, "PTX ISA", "Alternate floating point data formats"). */
enum { TF32_DROPPED = 13, BF16_DROPPED = 16 };

static float read_value(const struct matrix *matrix, size_t row, size_t column, bool tf32)
{
    size_t i = row * matrix->row_step + column * matrix->column_step;
    if (matrix->type == CUDA_R_16BF)
        return to_float((uint32_t)((const uint16_t *)matrix->values)[i] << 16);
    float value = ((const float *)matrix->values)[i];
    return tf32 ? to_float(round_bits(value, TF32_DROPPED)) : value;
}

/* "cuBLAS", cublasGemmEx(): C = alpha op(A) op(B) + beta C, and C is not read where beta is 0. */
static void run_product(void *argument)
{
    const struct product *p = argument;
    for (size_t column = 0; column < p->n; column++) {
        for (size_t row = 0; row < p->m; row++) {
            float sum = 0;
            for (size_t i = 0; i < p->k; i++)
                sum += read_value(&p->a, row, i, p->tf32) * read_value(&p->b, i, column, p->tf32);
            float value = p->alpha * sum;
            if (p->beta != 0)
                value += p->beta * read_value(&p->c, row, column, false);
            size_t i = row * p->c.row_step + column * p->c.column_step;
            if (p->c.type == CUDA_R_16BF)
                ((uint16_t *)(uintptr_t)p->c.values)[i] = (uint16_t)(round_bits(value, BF16_DROPPED) >> 16);
            else
                ((float *)(uintptr_t)p->c.values)[i] = value;
        }
    }
}

static const char gemm[] = "cublasGemmEx";

/* Checks a matrix of rows x columns as it lies, before any transposition, and describes it. */
static bool take_matrix(struct matrix *out, char name, const void *values, cudaDataType type, int rows, int columns,
                        int leading, bool transposed)
{
    if (leading < (rows > 1 ? rows : 1)) {
        simulated_misuse(gemm, "the leading dimension of %c is %d, but it has %d rows", name, leading, rows);
        return false;
    }
    size_t step = (size_t)leading, size = type == CUDA_R_16BF ? sizeof(uint16_t) : sizeof(float);
    *out = (struct matrix){values, type, transposed ? step : 1, transposed ? 1 : step};
    if (rows == 0 || columns == 0)
        return true;
    if ((uintptr_t)values % size != 0) {
        simulated_misuse(gemm, "%c at %p is not aligned to its elements", name, values);
        return false;
    }
    return simulated_device_range(gemm, values, (step * (size_t)(columns - 1) + (size_t)rows) * size);
}

/* The combinations of types that are simulated, of those that the table of cublasGemmEx() lists for these compute
 * types, with float32 scalars. */
static bool types_are_supported(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute)
{
    if (a != b)
        return false;
    if (compute == CUBLAS_COMPUTE_32F_FAST_TF32)
        return a == CUDA_R_32F && c == CUDA_R_32F;
    if (compute == CUBLAS_COMPUTE_32F_PEDANTIC)
        return a == CUDA_R_32F && c == CUDA_R_32F;
    if (compute != CUBLAS_COMPUTE_32F)
        return false;
    return (a == CUDA_R_32F && c == CUDA_R_32F) || (a == CUDA_R_16BF && (c == CUDA_R_32F || c == CUDA_R_16BF));
}

/* "cuBLAS", cublasGemmEx(): INVALID_VALUE for a negative size, an operation that is none, leading dimensions
 * smaller than the stored matrix's rows (at least 1), alpha or beta NULL; NOT_SUPPORTED for types that do not go
 * together. Scalars are read by the call (pointer mode host, the default). CUBLAS_COMPUTE_32F_FAST_TF32, or the
 * mode CUBLAS_TF32_TENSOR_OP_MATH with float32, lets tensor cores round inputs to TF32: here they do, from compute
 * capability 8.0 on. "CUDA Graphs Support": in a capture the library's own workspace would become allocations of
 * the graph; so the caller has to give one. */
cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void *alpha, const void *a, cudaDataType a_type, int lda, const void *b,
                            cudaDataType b_type, int ldb, const void *beta, void *c, cudaDataType c_type, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algorithm)
{
    cublasStatus_t status = begin(simulated_call(gemm), CUBLAS_STATUS_EXECUTION_FAILED);
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    if (!handle_is_live(gemm, handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!simulated_stream_live(gemm, handle->stream))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (simulated_stream_captures(handle->stream) && handle->workspace_size == 0)
        simulated_misuse(gemm, "captured without a workspace of the caller's (cublasSetStream takes it away)");
    bool a_turned = transa == CUBLAS_OP_T, b_turned = transb == CUBLAS_OP_T;
    if (m < 0 || n < 0 || k < 0 || (transa != CUBLAS_OP_N && !a_turned) || (transb != CUBLAS_OP_N && !b_turned) ||
        alpha == NULL || beta == NULL) {
        simulated_misuse(gemm, "m %d, n %d, k %d, operations %d and %d, alpha %p, beta %p", m, n, k, (int)transa,
                         (int)transb, alpha, beta);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (!types_are_supported(a_type, b_type, c_type, compute) || algorithm != CUBLAS_GEMM_DEFAULT) {
        simulated_misuse(gemm, "types %d, %d -> %d, compute type %d, algorithm %d are not simulated", (int)a_type,
                         (int)b_type, (int)c_type, (int)compute, (int)algorithm);
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    struct product product = {.m = (size_t)m, .n = (size_t)n, .k = (size_t)k};
    memcpy(&product.alpha, alpha, sizeof product.alpha);
    memcpy(&product.beta, beta, sizeof product.beta);
    product.tf32 = (compute == CUBLAS_COMPUTE_32F_FAST_TF32 || handle->math_mode == CUBLAS_TF32_TENSOR_OP_MATH) &&
                   simulated_compute_capability() >= FIRST_TF32_CAPABILITY;
    if (!take_matrix(&product.a, 'A', a, a_type, a_turned ? k : m, a_turned ? m : k, lda, a_turned) ||
        !take_matrix(&product.b, 'B', b, b_type, b_turned ? n : k, b_turned ? k : n, ldb, b_turned) ||
        !take_matrix(&product.c, 'C', c, c_type, m, n, ldc, false))
        return CUBLAS_STATUS_INVALID_VALUE;
    int error = simulated_enqueue(handle->stream, gemm, run_product, &product, sizeof product);
    return error == 0 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
