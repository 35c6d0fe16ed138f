/* Execution plans: which of cuDNN's engines will do for a request, their text, and how they run. */
#include "record/cuda/convolution_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/cuda/convolution_graph.h"
#include "record/cuda/cudnn_descriptor.h"
#include "record/cuda/engine_choice.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct convolution_plan {
    cudnnBackendDescriptor_t config, plan; /* the plan was made from the config, which lives as long */
    size_t workspace;
    char text[ENGINE_TEXT_ROOM];
};

/* What became of an engine that was offered, or named by a text. */
enum verdict {
    PLAN_MADE,
    ROUNDS,
    TRANSFORMS,
    NONDETERMINISTIC,
    COMPILES,
    USES_CUBLASLT,
    WANTS_WORKSPACE,
    REFUSED,
    VERDICTS
};

static const struct verdict_text {
    const char *one, *many;
} verdict_texts[VERDICTS] = {
    [ROUNDS] = {"rounds inputs or sums to less than the precision asked for",
                "round inputs or sums to less than the precision asked for"},
    [TRANSFORMS] = {"is Winograd's or by FFT, which is less exact than float32 sums",
                    "are Winograd's or by FFT, which is less exact than float32 sums"},
    [NONDETERMINISTIC] = {"does not give the same values each time", "do not give the same values each time"},
    [COMPILES] = {"is compiled anew in every run", "are compiled anew in every run"},
    [USES_CUBLASLT] = {"computes with cuBLASLt", "compute with cuBLASLt"},
    [WANTS_WORKSPACE] = {"wants more workspace than is allowed", "want more workspace than is allowed"},
    [REFUSED] = {"is refused by cuDNN", "are refused by cuDNN"},
};

/* Which notes of an engine rule it out. Sums are float32 in every precision. TF32 is float32 inputs in tensor
 * cores, noted as such; inputs that are noted as converted down become half precision. Winograd's algorithm and FFT
 * multiply transformed values, and their rounding errors are clearly above those of the direct sum: f32 is asked for
 * where values are compared with those of other devices. */
static const struct note_row {
    cudnnBackendNumericalNote_t note;
    enum verdict verdict;
    bool in_precision[3]; /* indexed by enum precision */
    bool only_deterministic;
} note_rows[] = {
    {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, ROUNDS, {[PRECISION_F32] = true}, false},
    {CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS, ROUNDS, {true, true, true}, false},
    {CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION, ROUNDS, {true, true, true}, false},
    {CUDNN_NUMERICAL_NOTE_WINOGRAD, TRANSFORMS, {[PRECISION_F32] = true}, false},
    {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4, TRANSFORMS, {[PRECISION_F32] = true}, false},
    {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6, TRANSFORMS, {[PRECISION_F32] = true}, false},
    {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13, TRANSFORMS, {[PRECISION_F32] = true}, false},
    {CUDNN_NUMERICAL_NOTE_FFT, TRANSFORMS, {[PRECISION_F32] = true}, false},
    {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, NONDETERMINISTIC, {true, true, true}, true},
};

/* What a precision needs of a device, for messages. */
static const char *const precision_needs[] = {
    [PRECISION_F32] = "",
    [PRECISION_TF32] = "; tf32 needs a device of compute capability 8.0 or above: --precision f32",
    [PRECISION_BF16] = "; bf16 needs a device of compute capability 8.0 or above: --precision f32",
};

/* ---- engines -------------------------------------------------------------------------------------------- */

/* Says by the engine's notes whether it may be used. Engines that are compiled at run time are left out: half a
 * second for each, at every start, and few are offered. So are those that use cuBLASLt (none of cuDNN 9.19's does):
 * their values would change with its version, which a kept plan does not name. Nothing marks engines that a
 * stream's capture cannot hold; see plan_choice.c. */
static int judge_engine(enum verdict *verdict, cudnnBackendDescriptor_t engine,
                        const struct convolution_request *request)
{
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    cudnnBackendBehaviorNote_t behaviors[CUDNN_BEHAVIOR_NOTE_TYPE_COUNT];
    int64_t count, behavior_count;
    int status = cudnn_descriptor_get(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                      COUNT(notes), &count, notes, "an engine's numerical notes");
    if (status == 0)
        status = cudnn_descriptor_get(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
                                      COUNT(behaviors), &behavior_count, behaviors, "an engine's behavior notes");
    if (status != 0)
        return status;
    *verdict = PLAN_MADE;
    for (int64_t i = 0; i < behavior_count && i < (int64_t)COUNT(behaviors); i++)
        if (behaviors[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION)
            *verdict = COMPILES;
        else if (behaviors[i] == CUDNN_BEHAVIOR_NOTE_CUBLASLT_DEPENDENCY)
            *verdict = USES_CUBLASLT;
    for (size_t row = 0; row < COUNT(note_rows); row++)
        for (int64_t i = 0; i < count && i < (int64_t)COUNT(notes); i++)
            if (notes[i] == note_rows[row].note && note_rows[row].in_precision[request->precision] &&
                (request->deterministic || !note_rows[row].only_deterministic))
                *verdict = note_rows[row].verdict;
    return 0;
}

/* Reads engine and knobs of a configuration, and judges the engine. */
static int read_config(struct engine_choice *out, enum verdict *verdict, cudnnBackendDescriptor_t config,
                       const struct convolution_request *request)
{
    cudnnBackendDescriptor_t *engine;
    int64_t count;
    int status = cudnn_descriptor_get_list(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1,
                                           &engine, &count, "a configuration's engine");
    if (status == 0 && count != 1)
        status = tidy_fail("cuDNN: a configuration without an engine");
    if (status == 0)
        status = judge_engine(verdict, engine[0], request);
    if (status == 0)
        status = engine_choice_read(out, engine[0], config);
    cudnn_descriptor_destroy_list(engine, count);
    return status;
}

/* ---- plans ---------------------------------------------------------------------------------------------- */

/* Makes a plan of a configuration, which becomes the plan's: *config is NULL then. Where *verdict is not
 * PLAN_MADE there is none, and the thread's message says why where it is REFUSED. *workspace is what it wants,
 * where that is known. */
static void create_plan(struct convolution_plan **out, enum verdict *verdict, size_t *workspace,
                        cudnnBackendDescriptor_t *config, const struct convolution_target *target,
                        const struct convolution_request *request)
{
    *out = NULL;
    *workspace = 0;
    struct engine_choice choice;
    if (read_config(&choice, verdict, *config, request) != 0)
        *verdict = REFUSED;
    if (*verdict != PLAN_MADE)
        return;
    *verdict = REFUSED;
    struct convolution_plan *made = NULL;
    int status = memory_allocate(&made, 1, sizeof *made, "a convolution's plan");
    if (status == 0)
        status = engine_choice_print(made->text, &choice);
    if (status == 0) {
        const struct cudnn_attribute attributes[] = {
            {CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, target->handle != NULL, &target->handle},
            {CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, target->device != NULL,
             &target->device},
            {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, config},
        };
        status = cudnn_descriptor_create(&made->plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "the execution plan",
                                         attributes, COUNT(attributes));
    }
    int64_t got, wanted = 0;
    if (status == 0)
        status = cudnn_descriptor_get(made->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                                      &got, &wanted, "the execution plan's workspace");
    if (status == 0 && wanted < 0)
        status = tidy_fail("cuDNN: a plan with a workspace of %" PRId64 " bytes", wanted);
    if (status == 0) {
        *workspace = made->workspace = (size_t)wanted;
        *verdict = made->workspace <= request->workspace_limit ? PLAN_MADE : WANTS_WORKSPACE;
    }
    if (*verdict != PLAN_MADE) {
        convolution_plan_destroy(made);
        return;
    }
    made->config = *config;
    *config = NULL;
    *out = made;
}

void convolution_plan_destroy(struct convolution_plan *plan)
{
    if (plan == NULL)
        return;
    cudnn_descriptor_destroy(plan->plan);
    cudnn_descriptor_destroy(plan->config);
    free(plan);
}

/* The configurations that cuDNN offers in a mode of its heuristics, best first. */
static int list_configs(cudnnBackendDescriptor_t **out, int64_t *count, cudnnBackendDescriptor_t graph,
                        const struct convolution_target *target, cudnnBackendHeurMode_t mode)
{
    *out = NULL;
    *count = 0;
    const struct cudnn_attribute attributes[] = {
        {CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph},
        {CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode},
        {CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, target->device != NULL, &target->device},
    };
    cudnnBackendDescriptor_t heuristics;
    int64_t room;
    int status = cudnn_descriptor_create(&heuristics, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, "the choice of engines",
                                         attributes, COUNT(attributes));
    if (status == 0)
        status = cudnn_descriptor_get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0,
                                      &room, NULL, "the choice of engines");
    if (status == 0 && room > 0)
        status =
            cudnn_descriptor_get_list(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                                      room, out, count, "the choice of engines");
    cudnn_descriptor_destroy(heuristics);
    return status;
}

/* Why no engine would do. */
struct census {
    size_t with[VERDICTS];
    size_t least_workspace;
    char refusal[512]; /* cuDNN's last, or "" */
};

static int fail_without_plan(const struct census *census, const char *key,
                             const struct convolution_request *request)
{
    char reasons[512] = "cuDNN offers none";
    int length = 0;
    for (int verdict = PLAN_MADE + 1; verdict < VERDICTS; verdict++)
        if (census->with[verdict] > 0)
            length +=
                snprintf(reasons + length, sizeof reasons - (size_t)length, "%s%zu %s",
                         length > 0 ? ", " : "of what cuDNN offers ", census->with[verdict],
                         census->with[verdict] == 1 ? verdict_texts[verdict].one : verdict_texts[verdict].many);
    char workspace[96] = "";
    if (census->with[WANTS_WORKSPACE] > 0)
        snprintf(workspace, sizeof workspace, "; %zu bytes of workspace were allowed, %zu is the least wanted",
                 request->workspace_limit, census->least_workspace);
    /* A device that lacks the precision has no engine that the request could rule out. */
    bool lacking = census->with[ROUNDS] + census->with[NONDETERMINISTIC] + census->with[WANTS_WORKSPACE] == 0;
    return tidy_fail("no plan for convolution %s on this device: %s%s%s%s%s", key, reasons, workspace,
                     census->refusal[0] != 0 ? "; " : "", census->refusal,
                     lacking ? precision_needs[request->precision] : "");
}

/* Whether the plan is one of the first `count`: the fallback list repeats some. */
static bool is_known(struct convolution_plan **plans, size_t count, const struct convolution_plan *plan)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(plans[i]->text, plan->text) == 0)
            return true;
    return false;
}

int convolution_plans_create(struct convolution_plan **plans, size_t room, size_t *found,
                             const struct convolution_target *target, const struct convolution_request *request)
{
    static const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    *found = 0;
    char key[CONVOLUTION_KEY_ROOM];
    convolution_request_key(key, request);
    cudnnBackendDescriptor_t graph;
    if (convolution_graph_create(&graph, target, request) != 0)
        return tidy_fail("convolution %s: %s", key, tidy_error_message());

    struct census census = {.least_workspace = SIZE_MAX};
    for (size_t mode = 0; mode < COUNT(modes) && *found < room; mode++) {
        cudnnBackendDescriptor_t *configs;
        int64_t count;
        if (list_configs(&configs, &count, graph, target, modes[mode]) != 0)
            snprintf(census.refusal, sizeof census.refusal, "%.500s", tidy_error_message());
        for (int64_t i = 0; i < count && *found < room; i++) {
            enum verdict verdict;
            size_t workspace;
            create_plan(&plans[*found], &verdict, &workspace, &configs[i], target, request);
            if (verdict == PLAN_MADE && is_known(plans, *found, plans[*found]))
                convolution_plan_destroy(plans[*found]);
            else if (verdict == PLAN_MADE)
                ++*found;
            else if (verdict == REFUSED)
                snprintf(census.refusal, sizeof census.refusal, "%.500s", tidy_error_message());
            else if (verdict == WANTS_WORKSPACE && workspace < census.least_workspace)
                census.least_workspace = workspace;
            census.with[verdict]++;
        }
        cudnn_descriptor_destroy_list(configs, count);
    }
    cudnn_descriptor_destroy(graph);
    return *found > 0 ? 0 : fail_without_plan(&census, key, request);
}

int convolution_plan_restore(struct convolution_plan **out, const struct convolution_target *target,
                             const struct convolution_request *request, const char *text)
{
    *out = NULL;
    struct engine_choice choice;
    int status = engine_choice_parse(&choice, text);
    if (status != 0)
        return status;
    cudnnBackendDescriptor_t graph = NULL, config = NULL;
    enum verdict verdict = REFUSED;
    status = convolution_graph_create(&graph, target, request);
    if (status == 0)
        status = engine_choice_create_config(&config, &choice, graph, target);
    if (status == 0) {
        size_t workspace;
        create_plan(out, &verdict, &workspace, &config, target, request);
    }
    cudnn_descriptor_destroy(config);
    cudnn_descriptor_destroy(graph);
    if (verdict == PLAN_MADE)
        return 0;
    char key[CONVOLUTION_KEY_ROOM];
    convolution_request_key(key, request);
    return tidy_fail("convolution %s: plan '%s' %s%s%s", key, text, verdict_texts[verdict].one,
                     verdict == REFUSED ? ": " : "", verdict == REFUSED ? tidy_error_message() : "");
}

const char *convolution_plan_text(const struct convolution_plan *plan)
{
    return plan->text;
}

size_t convolution_plan_workspace(const struct convolution_plan *plan)
{
    return plan->workspace;
}

int convolution_plan_run(const struct convolution_plan *plan, cudnnHandle_t handle, void *in, void *out,
                         void *weights, void *workspace)
{
    const int64_t names[CONVOLUTION_TENSORS] = {CONVOLUTION_IN, CONVOLUTION_OUT, CONVOLUTION_WEIGHTS};
    void *const addresses[CONVOLUTION_TENSORS] = {in, out, weights};
    const struct cudnn_attribute attributes[] = {
        {CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, CONVOLUTION_TENSORS, names},
        {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, CONVOLUTION_TENSORS, addresses},
        {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace},
    };
    cudnnBackendDescriptor_t pack;
    int status = cudnn_descriptor_create(&pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, "a convolution's tensors",
                                         attributes, COUNT(attributes));
    if (status == 0)
        status = cudnn_check(cudnnBackendExecute(handle, plan->plan, pack), "running a convolution");
    cudnn_descriptor_destroy(pack);
    return status;
}
