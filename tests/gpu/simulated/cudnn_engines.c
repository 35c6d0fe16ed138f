/* The engines of the simulated cuDNN, and how they are chosen: heuristics, engines, knobs, configurations,
 * plans.
 *
 * Three engines compute every convolution: one by plain sums; one noted as tensor core, whose inputs are
 * rounded to TF32; one noted as nondeterministic, which adds its partial sums in an order that changes from run
 * to run. A fourth, with SIMULATED_CUDNN=bad-engine in the environment, comes first in the heuristics,
 * finalises, and fails to run. bf16 needs compute capability 8.0, as in the real library. */
#include "tests/gpu/simulated/cudnn_engines.h"

#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/device.h"

struct knob {
    cudnnBackendKnobType_t type;
    int64_t least, most, stride;
};

enum { ENGINE_PLAIN, ENGINE_TENSOR_CORE, ENGINE_SPLIT, ENGINE_BAD, ENGINES, KNOBS_MOST = 2 };

static const struct engine {
    int notes[2], note_count; /* cudnnBackendNumericalNote_t */
    struct knob knobs[KNOBS_MOST];
    int knob_count;
} engines[ENGINES] = {
    {{CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP}, 1, {{CUDNN_KNOB_TYPE_TILE_SIZE, 0, 3, 1}}, 1},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE},
     1,
     {{CUDNN_KNOB_TYPE_TILE_SIZE, 0, 3, 1}, {CUDNN_KNOB_TYPE_STAGES, 1, 4, 1}},
     2},
    {{CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, 1, {{CUDNN_KNOB_TYPE_SPLIT_K_SLC, 2, 8, 2}}, 1},
    {{0}, 0, {{CUDNN_KNOB_TYPE_TILE_SIZE, 0, 3, 1}}, 1},
};

/* What the heuristics answer, best first. */
static const struct {
    int engine;
    int64_t knobs[KNOBS_MOST];
    bool fallback;
} preferences[] = {
    {ENGINE_BAD, {1}, false},   {ENGINE_TENSOR_CORE, {1, 3}, false}, {ENGINE_SPLIT, {4}, false},
    {ENGINE_PLAIN, {2}, false}, {ENGINE_SPLIT, {2}, false},          {ENGINE_TENSOR_CORE, {0, 2}, false},
    {ENGINE_PLAIN, {0}, true},
};
enum { PREFERENCES = sizeof(preferences) / sizeof(preferences[0]) };

static bool engine_is_there(int64_t index)
{
    const char *wanted = getenv("SIMULATED_CUDNN");
    return index >= 0 && index < ENGINES &&
           (index != ENGINE_BAD || (wanted != NULL && strcmp(wanted, "bad-engine") == 0));
}

/* NULL, or why no engine can do it on that device. */
static const char *not_supported(struct graph_convolution *out, const struct descriptor *graph,
                                 int compute_capability)
{
    const char *why = graph_convolution(out, graph);
    if (why == NULL && compute_capability == 0)
        why = "neither a handle nor a description tells the device";
    if (why == NULL && out->shape.bf16 && compute_capability < 80)
        why = "bf16 needs compute capability 8.0";
    return why;
}

static struct descriptor *make_own(cudnnBackendDescriptorType_t kind)
{
    struct descriptor *descriptor = descriptor_create(descriptor_find_kind(kind));
    if (descriptor == NULL)
        abort();
    return descriptor;
}

static struct descriptor *make_configuration(const struct descriptor *heuristics, int preference)
{
    struct descriptor *graph = descriptor_target(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    struct descriptor *device = descriptor_target(heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
    struct descriptor *engine = make_own(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    struct descriptor *configuration = make_own(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    struct descriptor *knobs[KNOBS_MOST];
    const struct engine *row = &engines[preferences[preference].engine];
    descriptor_put(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, &graph, 1);
    if (device != NULL)
        descriptor_put(engine, CUDNN_ATTR_ENGINE_DEVICEPROP, &device, 1);
    descriptor_put(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, &(int64_t){preferences[preference].engine}, 1);
    engine->finalized = finalize_engine(engine) == CUDNN_STATUS_SUCCESS;
    for (int i = 0; i < row->knob_count; i++) {
        knobs[i] = make_own(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
        descriptor_put(knobs[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, &row->knobs[i].type, 1);
        descriptor_put(knobs[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, &preferences[preference].knobs[i], 1);
        knobs[i]->finalized = true;
    }
    descriptor_put(configuration, CUDNN_ATTR_ENGINECFG_ENGINE, &engine, 1);
    descriptor_put(configuration, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, knobs, row->knob_count);
    configuration->finalized = finalize_configuration(configuration) == CUDNN_STATUS_SUCCESS;
    return configuration;
}

/* cudnn_graph library, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR: the engine configurations for a graph, best first.
 * Asked without a place for them, it says how many there may be: those that turn out not to work are left out
 * of the answer. Which device it is for is told by a description, or by the graph's handle; where neither is
 * set there is no result. */
cudnnStatus_t finalize_heuristics(struct descriptor *heuristics)
{
    const struct descriptor *graph = descriptor_target(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    const struct descriptor *device = descriptor_target(heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
    if (!graph->finalized)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the graph is not finalised");
    bool fallback = descriptor_int32(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE) == CUDNN_HEUR_MODE_FALLBACK;
    struct graph_convolution convolution;
    struct descriptor *results[PREFERENCES];
    int64_t count = 0;
    if (not_supported(&convolution, graph, graph_device(graph, device)) == NULL)
        for (int i = 0; i < PREFERENCES; i++) {
            if (!engine_is_there(preferences[i].engine) || preferences[i].fallback != fallback)
                continue;
            struct descriptor *configuration = make_configuration(heuristics, i);
            if (configuration->finalized)
                results[count++] = configuration;
        }
    descriptor_put(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, results, count);
    heuristics->announced = count + 1;
    return CUDNN_STATUS_SUCCESS;
}

static void put_knob_infos(struct descriptor *engine, const struct engine *row)
{
    struct descriptor *infos[KNOBS_MOST];
    for (int i = 0; i < row->knob_count; i++) {
        const struct knob *knob = &row->knobs[i];
        infos[i] = make_own(CUDNN_BACKEND_KNOB_INFO_DESCRIPTOR);
        descriptor_put(infos[i], CUDNN_ATTR_KNOB_INFO_TYPE, &knob->type, 1);
        descriptor_put(infos[i], CUDNN_ATTR_KNOB_INFO_MINIMUM_VALUE, &knob->least, 1);
        descriptor_put(infos[i], CUDNN_ATTR_KNOB_INFO_MAXIMUM_VALUE, &knob->most, 1);
        descriptor_put(infos[i], CUDNN_ATTR_KNOB_INFO_STRIDE, &knob->stride, 1);
        infos[i]->finalized = true;
    }
    descriptor_put(engine, CUDNN_ATTR_ENGINE_KNOB_INFO, infos, row->knob_count);
}

/* cudnn_graph library, CUDNN_BACKEND_ENGINE_DESCRIPTOR: one of the library's ways to compute a graph, by its
 * index; says which knobs it has and which numerical notes apply. */
cudnnStatus_t finalize_engine(struct descriptor *engine)
{
    int64_t index = descriptor_int64(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    if (!descriptor_target(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH)->finalized)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the graph is not finalised");
    if (!engine_is_there(index))
        return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "there is no engine %lld", (long long)index);
    const struct engine *row = &engines[index];
    descriptor_put(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, row->notes, row->note_count);
    put_knob_infos(engine, row);
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR: a knob's type and value; whether an engine has it
 * is seen in the configuration. */
cudnnStatus_t finalize_knob(struct descriptor *knob)
{
    (void)knob;
    return CUDNN_STATUS_SUCCESS;
}

/* The value that a configuration has for a knob, its default where it does not say. */
static int64_t knob_value(const struct descriptor *configuration, const struct knob *knob)
{
    int64_t count, value = knob->least;
    struct descriptor *const *choices = descriptor_values(configuration, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, &count);
    for (int64_t i = 0; i < count; i++)
        if (descriptor_int32(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE) == (int32_t)knob->type)
            value = descriptor_int64(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
    return value;
}

static void configuration_choice(struct engine_choice *out, const struct descriptor *configuration)
{
    const struct descriptor *engine = descriptor_target(configuration, CUDNN_ATTR_ENGINECFG_ENGINE);
    int64_t index = descriptor_int64(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    graph_convolution(&out->convolution, descriptor_target(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH));
    out->method = (struct simulated_method){.parts = 1};
    if (index == ENGINE_TENSOR_CORE)
        out->method.tf32 = true;
    if (index == ENGINE_SPLIT)
        out->method.parts = knob_value(configuration, &engines[index].knobs[0]);
    out->nondeterministic = index == ENGINE_SPLIT;
    out->fails = index == ENGINE_BAD;
    out->workspace = simulated_workspace(&out->convolution.shape, &out->method);
}

static bool has_knob(const struct engine *engine, int32_t type, int64_t value)
{
    for (int i = 0; i < engine->knob_count; i++) {
        const struct knob *knob = &engine->knobs[i];
        if ((int32_t)knob->type == type)
            return value >= knob->least && value <= knob->most && (value - knob->least) % knob->stride == 0;
    }
    return false;
}

/* cudnn_graph library, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR: an engine and the values of its knobs. NOT_SUPPORTED
 * where the engine cannot do the graph with them on the device. Without a finalised engine the real library
 * crashes. */
cudnnStatus_t finalize_configuration(struct descriptor *configuration)
{
    const struct descriptor *engine = descriptor_target(configuration, CUDNN_ATTR_ENGINECFG_ENGINE);
    if (engine == NULL || !engine->finalized) {
        simulated_misuse("cudnnBackendFinalize", "an engine configuration without a finalised engine");
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the engine is not finalised");
    }
    const struct descriptor *graph = descriptor_target(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
    const struct descriptor *device = descriptor_target(engine, CUDNN_ATTR_ENGINE_DEVICEPROP);
    struct graph_convolution convolution;
    const char *why = not_supported(&convolution, graph, graph_device(graph, device));
    if (why != NULL)
        return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "%s", why);
    const struct engine *row = &engines[descriptor_int64(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX)];
    int64_t count;
    struct descriptor *const *choices = descriptor_values(configuration, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, &count);
    for (int64_t i = 0; i < count; i++) {
        int32_t type = descriptor_int32(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE);
        int64_t value = descriptor_int64(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
        if (!has_knob(row, type, value))
            return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "the engine has no knob %d with value %lld", type,
                              (long long)value);
    }
    struct engine_choice choice;
    configuration_choice(&choice, configuration);
    descriptor_put(configuration, CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE, &(int64_t){(int64_t)choice.workspace}, 1);
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: a finalised engine configuration made ready for
 * a handle, or for a device that is described. Finalising works out how much workspace it needs. */
cudnnStatus_t finalize_plan(struct descriptor *plan)
{
    const struct descriptor *configuration = descriptor_target(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    if (!configuration->finalized)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the engine configuration is not finalised");
    struct engine_choice choice;
    configuration_choice(&choice, configuration);
    descriptor_put(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, &(int64_t){(int64_t)choice.workspace}, 1);
    return CUDNN_STATUS_SUCCESS;
}

void plan_choice(struct engine_choice *out, const struct descriptor *plan)
{
    configuration_choice(out, descriptor_target(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG));
}
