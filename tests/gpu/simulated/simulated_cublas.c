/* Promises of the simulated cuBLAS: products of small matrices computed by hand, and the errors that NVIDIA
 * documents. */
#include "tests/support/support.h"

#include <cublas_v2.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/gpu/simulated/device.h"
#include "tests/gpu/simulated/simulator.h"

static cudaStream_t stream;
static cublasHandle_t handle;
static float *device, *pinned, *workspace;
static const float one = 1, zero = 0;

enum { FLOATS = 64, A = 0, B = 16, C = 32 }; /* where matrices lie */
#define BYTES (FLOATS * sizeof(float))

static void begin(void)
{
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaMalloc((void **)&device, BYTES) == cudaSuccess &&
          cudaMalloc((void **)&workspace, 1024) == cudaSuccess);
    CHECK(cudaMallocHost((void **)&pinned, BYTES) == cudaSuccess);
    CHECK(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasSetStream(handle, stream) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasSetWorkspace(handle, workspace, 1024) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH) == CUBLAS_STATUS_SUCCESS);
    /* A = (1 3 5; 2 4 6) and B = (1 0; -1 2; 0.5 1), by columns. */
    memcpy(pinned + A, (const float[]){1, 2, 3, 4, 5, 6}, 6 * sizeof(float));
    memcpy(pinned + B, (const float[]){1, -1, 0.5, 0, 2, 1}, 6 * sizeof(float));
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
}

static void end(void)
{
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS);
    CHECK(cudaFreeHost(pinned) == cudaSuccess);
    CHECK(cudaFree(workspace) == cudaSuccess && cudaFree(device) == cudaSuccess);
    CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

static void download(void)
{
    CHECK(cudaMemcpyAsync(pinned, device, BYTES, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
}

static void expect(const float *values, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK(values[i] == expected[i]);
}

static cublasStatus_t multiply(cublasOperation_t a, cublasOperation_t b, int m, int n, int k, int lda, int ldb,
                               int ldc, const float *alpha, const float *beta)
{
    return cublasGemmEx(handle, a, b, m, n, k, alpha, device + A, CUDA_R_32F, lda, device + B, CUDA_R_32F, ldb,
                        beta, device + C, CUDA_R_32F, ldc, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

/* A B = (1 - 3 + 2.5, 6 + 5; 2 - 4 + 3, 8 + 6) = (0.5 11; 1 14); beta = 0 does not read C, which holds NaN. */
static void multiply_plain(void)
{
    begin();
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, 2, 3, 2, &one, &zero) == CUBLAS_STATUS_SUCCESS);
    download();
    expect(pinned + C, (const float[]){0.5, 1, 11, 14}, 4);
    /* 2 A B - C = A B */
    const float two = 2, minus_one = -1;
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, 2, 3, 2, &two, &minus_one) == CUBLAS_STATUS_SUCCESS);
    download();
    expect(pinned + C, (const float[]){0.5, 1, 11, 14}, 4);
    end();
}

/* The same six numbers of A as 3 x 2, (1 4; 2 5; 3 6), turned: (1 2 3; 4 5 6). Those of B as 2 x 3, (1 0.5 2; -1 0
 * 1), turned: (1 -1; 0.5 0; 2 1). Product: (1 + 1 + 6, -1 + 3; 4 + 2.5 + 12, -4 + 6) = (8 2; 18.5 2), in rows of 3:
 * the third stays NaN. */
static void multiply_turned(void)
{
    begin();
    CHECK(multiply(CUBLAS_OP_T, CUBLAS_OP_T, 2, 2, 3, 3, 2, 3, &one, &zero) == CUBLAS_STATUS_SUCCESS);
    download();
    expect(pinned + C, (const float[]){8, 18.5}, 2);
    expect(pinned + C + 3, (const float[]){2, 2}, 2);
    CHECK(isnan(pinned[C + 2]));
    end();
}

static void test_products_are_right_by_columns_and_transposed(void **state)
{
    (void)state;
    simulator_expect(multiply_plain, 0, NULL);
    simulator_expect(multiply_turned, 0, NULL);
}

/* 1 + 2^-10 is a TF32 number, 1 + 2^-11 is halfway and rounds to 1 (even), 1 + 3 x 2^-11 to 1 + 2^-9. */
static float product_of(float value, cublasComputeType_t compute)
{
    begin();
    pinned[A] = value;
    pinned[B] = 1;
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    CHECK(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, device + A, CUDA_R_32F, 1, device + B,
                       CUDA_R_32F, 1, &zero, device + C, CUDA_R_32F, 1, compute,
                       CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    download();
    float product = pinned[C];
    end();
    return product;
}

static void round_to_tf32(void)
{
    CHECK(product_of(1 + 0x1p-10F, CUBLAS_COMPUTE_32F_FAST_TF32) == 1 + 0x1p-10F);
    CHECK(product_of(1 + 0x1p-11F, CUBLAS_COMPUTE_32F_FAST_TF32) == 1);
    CHECK(product_of(1 + 3 * 0x1p-11F, CUBLAS_COMPUTE_32F_FAST_TF32) == 1 + 0x1p-9F);
    CHECK(product_of(1 + 0x1p-11F, CUBLAS_COMPUTE_32F) == 1 + 0x1p-11F);
}

static void keep_float32(void)
{
    CHECK(product_of(1 + 0x1p-11F, CUBLAS_COMPUTE_32F_FAST_TF32) == 1 + 0x1p-11F);
}

static void test_tf32_rounds_inputs_where_the_device_has_it(void **state)
{
    (void)state;
    simulator_expect(round_to_tf32, 0, NULL);
    simulator_expect_with(keep_float32, 0, NULL, (const char *const[]){"SIMULATED_GPU=T4", NULL});
}

/* bf16 bits: 0x3f80 is 1, 0x3f81 is 1 + 2^-7, 0x4000 is 2. 1 x 1 + (1 + 2^-7)(1 + 2^-7) = 2 + 2^-6 + 2^-14; in
 * bf16, with steps of 2^-6 from 2 on, 2 + 2^-6, 0x4001. */
static void multiply_bf16(void)
{
    begin();
    memcpy(pinned + A, (const uint16_t[]){0x3f80, 0x3f81}, 4);
    memcpy(pinned + B, (const uint16_t[]){0x3f80, 0x3f81}, 4);
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    const cudaDataType outputs[] = {CUDA_R_32F, CUDA_R_16BF};
    for (int i = 0; i < 2; i++)
        CHECK(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 2, &one, device + A, CUDA_R_16BF, 1, device + B,
                           CUDA_R_16BF, 2, &zero, device + C + i, outputs[i], 1, CUBLAS_COMPUTE_32F,
                           CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    download();
    uint16_t rounded;
    memcpy(&rounded, pinned + C + 1, sizeof rounded);
    CHECK(pinned[C] == 2 + 0x1p-6F + 0x1p-14F && rounded == 0x4001);
    end();
}

static void test_bf16_is_multiplied_in_float32_and_rounded_once(void **state)
{
    (void)state;
    simulator_expect(multiply_bf16, 0, NULL);
}

/* ---- misuse ---- */

static void too_small_leading_dimension(void)
{
    begin();
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, 1, 3, 2, &one, &zero) == CUBLAS_STATUS_INVALID_VALUE);
    CHECK(multiply(CUBLAS_OP_T, CUBLAS_OP_N, 2, 2, 3, 2, 3, 2, &one, &zero) == CUBLAS_STATUS_INVALID_VALUE);
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, 2, 2, 2, &one, &zero) == CUBLAS_STATUS_INVALID_VALUE);
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, 2, 3, 1, &one, &zero) == CUBLAS_STATUS_INVALID_VALUE);
    end();
}

static void negative_size(void)
{
    begin();
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, -1, 2, 3, 2, 3, 2, &one, &zero) == CUBLAS_STATUS_INVALID_VALUE);
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, 2, 3, 2, NULL, &zero) == CUBLAS_STATUS_INVALID_VALUE);
    end();
}

static void matrix_beyond_its_memory(void)
{
    begin();
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, 6, 6, 1, 6, 1, 6, &one, &zero) == CUBLAS_STATUS_INVALID_VALUE);
    end();
}

static void types_that_do_not_go_together(void)
{
    begin();
    CHECK(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, device + A, CUDA_R_32F, 1, device + B,
                       CUDA_R_16BF, 1, &zero, device + C, CUDA_R_32F, 1, CUBLAS_COMPUTE_32F,
                       CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_NOT_SUPPORTED);
    end();
}

static void workspace_of_the_host(void)
{
    begin();
    CHECK(cublasSetWorkspace(handle, pinned, BYTES) == CUBLAS_STATUS_INVALID_VALUE);
    end();
}

static void workspace_out_of_line(void)
{
    begin();
    CHECK(cublasSetWorkspace(handle, device + 4, 16) == CUBLAS_STATUS_INVALID_VALUE);
    end();
}

static void destroyed_handle(void)
{
    begin();
    CHECK(cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasDestroy(handle) == CUBLAS_STATUS_NOT_INITIALIZED);
}

static void capture_without_workspace(void)
{
    begin();
    cudaGraph_t graph;
    CHECK(cublasSetStream(handle, stream) == CUBLAS_STATUS_SUCCESS);
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    CHECK(multiply(CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, 2, 3, 2, &one, &zero) == CUBLAS_STATUS_SUCCESS);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess && cudaGraphDestroy(graph) == cudaSuccess);
    end();
}

static void leave_the_handle(void)
{
    CHECK(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
}

static void test_misuse_fails_as_documented_and_is_reported(void **state)
{
    (void)state;
    static const struct {
        void (*body)(void);
        const char *said;
    } cases[] = {
        {too_small_leading_dimension, "the leading dimension of A is 1, but it has 2 rows"},
        {too_small_leading_dimension, "the leading dimension of A is 2, but it has 3 rows"},
        {too_small_leading_dimension, "the leading dimension of B is 2, but it has 3 rows"},
        {too_small_leading_dimension, "the leading dimension of C is 1, but it has 2 rows"},
        {negative_size, "cublasGemmEx: m -1"},
        {matrix_beyond_its_memory, "cublasGemmEx: 144 bytes of device memory from 0x"},
        {types_that_do_not_go_together, "are not simulated"},
        {workspace_of_the_host, "is no device memory"},
        {workspace_out_of_line, "is not aligned to 256 bytes"},
        {destroyed_handle, "was destroyed before"},
        {capture_without_workspace, "captured without a workspace"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        simulator_expect(cases[i].body, SIMULATED_MISUSE_STATUS, cases[i].said);
    simulator_expect(leave_the_handle, SIMULATED_LEAK_STATUS, "1 cublasHandle_t never destroyed");
}

static void create_without_driver(void)
{
    CHECK(cublasCreate(&handle) == CUBLAS_STATUS_NOT_INITIALIZED);
    CHECK(cublasCreate(NULL) == CUBLAS_STATUS_INVALID_VALUE);
}

static void test_without_a_driver_there_is_no_handle(void **state)
{
    (void)state;
    simulator_expect_with(create_without_driver, 0, NULL, (const char *const[]){"SIMULATED_GPU=no-driver", NULL});
}

static void compare_with_the_real_library(void)
{
    void *real = dlopen(TIDY_REAL_CUBLAS, RTLD_NOW | RTLD_LOCAL);
    CHECK(real != NULL);
    cublasStatus_t (*create)(cublasHandle_t *);
    const char *(*text)(cublasStatus_t);
    *(void **)&create = dlsym(real, "cublasCreate_v2");
    *(void **)&text = dlsym(real, "cublasGetStatusString");
    CHECK(create != cublasCreate && create(&handle) == cublasCreate(&handle) && create(NULL) == cublasCreate(NULL));
    static const cublasStatus_t statuses[] = {
        CUBLAS_STATUS_SUCCESS,       CUBLAS_STATUS_NOT_INITIALIZED,  CUBLAS_STATUS_ALLOC_FAILED,
        CUBLAS_STATUS_INVALID_VALUE, CUBLAS_STATUS_EXECUTION_FAILED, CUBLAS_STATUS_NOT_SUPPORTED,
        (cublasStatus_t)99};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        CHECK(strcmp(text(statuses[i]), cublasGetStatusString(statuses[i])) == 0);
}

static void test_without_a_driver_it_answers_as_the_real_library_does(void **state)
{
    (void)state;
    if (dlopen("libcuda.so.1", RTLD_NOW) != NULL)
        skip(); /* a driver is there: the real library would answer for it */
    simulator_expect_with(compare_with_the_real_library, 0, NULL,
                          (const char *const[]){"SIMULATED_GPU=no-driver", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_are_right_by_columns_and_transposed),
        cmocka_unit_test(test_tf32_rounds_inputs_where_the_device_has_it),
        cmocka_unit_test(test_bf16_is_multiplied_in_float32_and_rounded_once),
        cmocka_unit_test(test_misuse_fails_as_documented_and_is_reported),
        cmocka_unit_test(test_without_a_driver_there_is_no_handle),
        cmocka_unit_test(test_without_a_driver_it_answers_as_the_real_library_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
