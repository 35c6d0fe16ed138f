/* The transcript's part on what becomes of a graph: heuristics, engines, their configurations and plans, for a
 * device that is described and not there. */
#include "tests/gpu/simulated/conformity.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 64 };

static const char *some(int64_t count)
{
    return count > 0 ? "some" : count == 0 ? "none" : "not set";
}

static cudnnBackendDescriptor_t describe(const char *text)
{
    cudnnBackendDescriptor_t device = make(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    api.set(device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)strlen(text), text);
    return device;
}

static void say_devices(const char *text)
{
    static const struct {
        const char *name, *text;
    } wrong[] = {{"empty", ""}, {"no JSON", "A100"}, {"an empty object", "{}"}, {"a list", "[]"}};
    printf("== devices\n");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cudnnBackendDescriptor_t device = describe(wrong[i].text);
        say(api.finalize(device), "%s", wrong[i].name);
        api.destroy(device);
    }
    cudnnBackendDescriptor_t device = describe(text);
    say(api.finalize(device), "the device");
    say(api.finalize(device), "finalised again");
    say(api.set(device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 2, "{}"), "set after finalize");
    api.destroy(device);
}

/* A graph of one operation of conformity_operation_create's. */
struct graph {
    struct conformity_operation operation;
    cudnnBackendDescriptor_t graph;
};

static void build_graph(struct graph *out, int pass, int type)
{
    conformity_operation_create(&out->operation, pass, type);
    out->graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    api.set(out->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &out->operation.operation);
    api.finalize(out->graph);
}

static void destroy_graph(struct graph *graph)
{
    api.destroy(graph->graph);
    conformity_operation_destroy(&graph->operation);
}

static cudnnBackendDescriptor_t build_heuristics(cudnnBackendDescriptor_t graph, cudnnBackendDescriptor_t device,
                                                 int mode)
{
    cudnnBackendDescriptor_t heuristics = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    if (graph != NULL)
        api.set(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph);
    if (device != NULL)
        api.set(heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &device);
    if (mode >= 0)
        api.set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1,
                &(cudnnBackendHeurMode_t){(cudnnBackendHeurMode_t)mode});
    return heuristics;
}

static void say_heuristics(const struct graph *graph, cudnnBackendDescriptor_t device)
{
    static const char *const modes[] = {"instant", "B", "fallback", "A"};
    for (int mode = 0; mode < CUDNN_HEUR_MODES_COUNT; mode++) {
        cudnnBackendDescriptor_t heuristics = build_heuristics(graph->graph, device, mode);
        say(api.finalize(heuristics), "heuristics %s", modes[mode]);
        int64_t count = -7;
        cudnnStatus_t status =
            api.get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, NULL);
        printf("  0 asked for: %s, %s\n", status_text(status), some(count));
        int64_t wanted = 1;
        cudnnBackendDescriptor_t first = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
        status = api.get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, wanted, &count,
                         &first);
        printf("  1 asked for: %s, %lld\n", status_text(status), (long long)count);
        count = -7;
        status = api.get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_INT64, 1, &count, &first);
        printf("  as numbers: %s, %s\n", status_text(status), some(count));
        api.destroy(first);
        cudnnBackendDescriptor_t results[ROOM];
        for (int i = 0; i < ROOM; i++)
            results[i] = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
        count = -7;
        status = api.get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, ROOM, &count,
                         results);
        printf("  many asked for: %s, %s\n", status_text(status), some(count));
        for (int i = 0; i < ROOM; i++)
            api.destroy(results[i]);
        say(api.finalize(heuristics), "  finalised again");
        api.destroy(heuristics);
    }
}

static void say_unfit_heuristics(const struct graph *graph, cudnnBackendDescriptor_t device)
{
    printf("== heuristics that lack something\n");
    cudnnBackendDescriptor_t raw = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    cudnnBackendDescriptor_t raw_device = make(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    struct {
        const char *text;
        cudnnBackendDescriptor_t graph, device;
        int mode;
    } rows[] = {
        {"no graph", NULL, device, CUDNN_HEUR_MODE_A},
        {"no mode", graph->graph, device, -1},
        {"mode 4", graph->graph, device, CUDNN_HEUR_MODES_COUNT},
        {"graph not finalised", raw, device, CUDNN_HEUR_MODE_A},
        {"device not finalised", graph->graph, raw_device, CUDNN_HEUR_MODE_A},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cudnnBackendDescriptor_t heuristics = build_heuristics(rows[i].graph, rows[i].device, rows[i].mode);
        say(api.finalize(heuristics), "%s", rows[i].text);
        api.destroy(heuristics);
    }
    api.destroy(raw_device);
    api.destroy(raw);
}

static cudnnBackendDescriptor_t build_engine(cudnnBackendDescriptor_t graph, cudnnBackendDescriptor_t device,
                                             int64_t index)
{
    cudnnBackendDescriptor_t engine = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (graph != NULL)
        api.set(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph);
    if (device != NULL)
        api.set(engine, CUDNN_ATTR_ENGINE_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &device);
    api.set(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &index);
    return engine;
}

/* What a getter of a list of descriptors or notes says; how many there are is each library's own. */
static void say_list(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                     cudnnBackendAttributeType_t type, const char *text, cudnnBackendDescriptorType_t kind)
{
    union {
        cudnnBackendDescriptor_t descriptors[ROOM];
        int32_t notes[2 * ROOM];
    } values;
    memset(&values, 0, sizeof(values));
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        for (int i = 0; i < ROOM; i++)
            values.descriptors[i] = make(kind);
    int64_t count = -7;
    cudnnStatus_t status = api.get(descriptor, name, type, ROOM, &count, &values);
    printf("  %s, many asked for: %s, %s\n", text, status_text(status), count < 0 ? "not set" : "set");
    count = -7;
    status = api.get(descriptor, name, type, 0, &count, NULL);
    printf("  %s, 0 asked for: %s, %s\n", text, status_text(status), count < 0 ? "not set" : "set");
    say(api.get(descriptor, name, CUDNN_TYPE_SIGNAL_MODE, 1, &count, &values), "  %s, of another type", text);
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        for (int i = 0; i < ROOM; i++)
            api.destroy(values.descriptors[i]);
}

/* The engine that the heuristics prefer, or -1 where there is none. */
static int64_t preferred_engine(const struct graph *graph, cudnnBackendDescriptor_t device)
{
    int64_t count = 0, index = -1;
    cudnnBackendDescriptor_t heuristics = build_heuristics(graph->graph, device, CUDNN_HEUR_MODE_A);
    api.finalize(heuristics);
    cudnnBackendDescriptor_t config = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    api.get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &config);
    cudnnBackendDescriptor_t engine = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    say(api.get(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine),
        "the result's engine");
    say(api.finalize(engine), "finalised again");
    say(api.get(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &index), "its index");
    say_list(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR, "the result's knobs",
             CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    int64_t bytes = -7;
    say(api.get(config, CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes),
        "the result's workspace");
    if (index >= 0) {
        say(api.finalize(config), "the result finalised");
        printf("== values of a configuration\n");
        say_values(config, conformity_find_kind(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
        printf("== values of heuristics\n");
        say_values(heuristics, conformity_find_kind(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR));
    }
    api.destroy(engine);
    api.destroy(config);
    api.destroy(heuristics);
    return index;
}

static void say_engines(const struct graph *graph, cudnnBackendDescriptor_t device, int64_t index)
{
    static const int64_t wrong[] = {-1, 1000000};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cudnnBackendDescriptor_t engine = build_engine(graph->graph, device, wrong[i]);
        say(api.finalize(engine), "engine %lld", (long long)wrong[i]);
        api.destroy(engine);
    }
    cudnnBackendDescriptor_t engine = build_engine(NULL, device, index);
    say(api.finalize(engine), "engine of no graph");
    api.destroy(engine);
    engine = build_engine(graph->graph, device, index);
    int64_t count = -7, value = 0;
    say(api.get(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &value),
        "index of an engine not finalised");
    say(api.finalize(engine), "engine");
    say_list(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, "numerical notes", 0);
    say_list(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, "behavior notes", 0);
    say_list(engine, CUDNN_ATTR_ENGINE_KNOB_INFO, CUDNN_TYPE_BACKEND_DESCRIPTOR, "knobs",
             CUDNN_BACKEND_KNOB_INFO_DESCRIPTOR);
    printf("== values of an engine\n");
    say_values(engine, conformity_find_kind(CUDNN_BACKEND_ENGINE_DESCRIPTOR));
    api.destroy(engine);
}

static cudnnBackendDescriptor_t build_config(cudnnBackendDescriptor_t engine)
{
    cudnnBackendDescriptor_t config = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    api.set(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &engine);
    return config;
}

static cudnnBackendDescriptor_t build_knob(int type, int64_t value)
{
    cudnnBackendDescriptor_t knob = make(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    api.set(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1,
            &(cudnnBackendKnobType_t){(cudnnBackendKnobType_t)type});
    api.set(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &value);
    return knob;
}

static void say_configs(cudnnBackendDescriptor_t engine)
{
    static const struct {
        const char *text;
        int type;
        int64_t value;
    } wrong[] = {
        {"a knob that no engine has", CUDNN_KNOB_TYPE_COUNTS - 1, 0},
        {"a knob that does not exist", CUDNN_KNOB_TYPE_COUNTS + 5, 0},
        {"a value that no knob has", CUDNN_KNOB_TYPE_TILE_SIZE, 1000000},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cudnnBackendDescriptor_t config = build_config(engine), knob = build_knob(wrong[i].type, wrong[i].value);
        say(api.finalize(knob), "%s", wrong[i].text);
        say(api.set(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &knob), "  set");
        say(api.finalize(config), "  finalised");
        api.destroy(knob);
        api.destroy(config);
    }
}

static cudnnBackendDescriptor_t build_plan(cudnnBackendDescriptor_t config, cudnnBackendDescriptor_t device)
{
    cudnnBackendDescriptor_t plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    if (config != NULL)
        api.set(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config);
    if (device != NULL)
        api.set(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &device);
    return plan;
}

static void say_plan(cudnnBackendDescriptor_t config, cudnnBackendDescriptor_t device)
{
    cudnnBackendDescriptor_t plan = build_plan(config, device);
    int64_t count = -7, bytes = -7;
    say(api.get(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes),
        "workspace of a plan not finalised");
    say(api.finalize(plan), "plan");
    cudnnStatus_t status =
        api.get(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes);
    printf("workspace: %s, %lld, %s\n", status_text(status), (long long)count, bytes >= 0 ? "set" : "not set");
    say(api.get(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_DATA_TYPE, 1, &count, &bytes),
        "of another type");
    printf("== values of a plan\n");
    say_values(plan, conformity_find_kind(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR));
    api.destroy(plan);
    plan = build_plan(NULL, device);
    say(api.finalize(plan), "plan of no configuration");
    api.destroy(plan);
    cudnnBackendDescriptor_t raw = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    plan = build_plan(raw, device);
    say(api.finalize(plan), "plan of a configuration not finalised");
    api.destroy(plan);
    api.destroy(raw);
    plan = build_plan(config, NULL);
    say(api.finalize(plan), "plan for no device and no handle");
    api.destroy(plan);
}

/* What is given to another descriptor may be destroyed before that is finalised: it keeps what it needs. */
static void say_early_destruction(cudnnBackendDescriptor_t device)
{
    printf("== destroyed as soon as it was given away\n");
    struct graph graph;
    say(conformity_operation_create(&graph.operation, 0, CUDNN_DATA_FLOAT), "operation");
    graph.graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    api.set(graph.graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
            &graph.operation.operation);
    conformity_operation_destroy(&graph.operation);
    say(api.finalize(graph.graph), "graph");
    cudnnBackendDescriptor_t heuristics = build_heuristics(graph.graph, device, CUDNN_HEUR_MODE_A);
    api.destroy(graph.graph);
    say(api.finalize(heuristics), "heuristics");
    cudnnBackendDescriptor_t config = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    int64_t count = -7;
    say(api.get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &config),
        "configuration");
    api.destroy(heuristics);
    cudnnBackendDescriptor_t plan = build_plan(config, device);
    api.destroy(config);
    say(api.finalize(plan), "plan");
    api.destroy(plan);
}

/* Neither a description nor a handle tells for which device. */
static void say_no_device(const struct graph *graph, int64_t index)
{
    printf("== for no device\n");
    cudnnBackendDescriptor_t heuristics = build_heuristics(graph->graph, NULL, CUDNN_HEUR_MODE_A);
    say(api.finalize(heuristics), "heuristics");
    cudnnBackendDescriptor_t result = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    int64_t count = -7;
    say(api.get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &result),
        "result");
    printf("%s\n", some(count));
    api.destroy(result);
    api.destroy(heuristics);
    cudnnBackendDescriptor_t engine = build_engine(graph->graph, NULL, index);
    say(api.finalize(engine), "engine");
    cudnnBackendDescriptor_t config = build_config(engine);
    say(api.finalize(config), "configuration");
    api.destroy(config);
    api.destroy(engine);
}

static void say_packs(void)
{
    printf("== variant packs\n");
    int64_t ids[3] = {1, 2, 3};
    void *places[3] = {ids, ids, NULL};
    static const int counts[][2] = {{3, 3}, {3, 2}, {2, 3}, {3, 0}, {0, 3}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        cudnnBackendDescriptor_t pack = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        if (counts[i][0] > 0)
            api.set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, counts[i][0], ids);
        if (counts[i][1] > 0)
            api.set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, counts[i][1], places);
        say(api.finalize(pack), "%d ids, %d pointers", counts[i][0], counts[i][1]);
        api.destroy(pack);
    }
    int64_t same[3] = {1, 1, 2};
    cudnnBackendDescriptor_t pack = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    api.set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, same);
    api.set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, places);
    say(api.finalize(pack), "one id twice");
    say_values(pack, conformity_find_kind(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR));
    api.destroy(pack);
}

static void say_pass(int pass, int type, cudnnBackendDescriptor_t device)
{
    struct graph graph;
    build_graph(&graph, pass, type);
    say_heuristics(&graph, device);
    int64_t index = preferred_engine(&graph, device);
    /* Without an engine the real library crashes on what could be built of none. */
    if (index >= 0) {
        say_engines(&graph, device, index);
        cudnnBackendDescriptor_t engine = build_engine(graph.graph, device, index);
        api.finalize(engine);
        say_configs(engine);
        cudnnBackendDescriptor_t config = build_config(engine);
        say(api.finalize(config), "configuration");
        say(api.finalize(config), "finalised again");
        say(api.set(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &engine),
            "set after finalize");
        say_plan(config, device);
        api.destroy(config);
        api.destroy(engine);
    }
    if (pass == 0 && type == CUDNN_DATA_FLOAT) {
        say_unfit_heuristics(&graph, device);
        say_no_device(&graph, index);
    }
    destroy_graph(&graph);
}

void say_plans(const char *text)
{
    static const struct {
        int type;
        const char *text;
    } types[] = {{CUDNN_DATA_FLOAT, "f32"}, {CUDNN_DATA_BFLOAT16, "bf16"}};
    say_devices(text);
    say_packs();
    cudnnBackendDescriptor_t device = describe(text);
    api.finalize(device);
    for (int pass = 0; pass < 3; pass++)
        for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
            printf("== plans for %s in %s\n", conformity_passes[pass], types[t].text);
            say_pass(pass, types[t].type, device);
        }
    say_early_destruction(device);
    api.destroy(device);
}
