/* Captures, graphs and executable graphs. A captured stream's work becomes the list of a graph's nodes, in the
 * stream's order; an executable graph is a copy of that list; a launch copies it into a stream. */
#include <pthread.h>
#include <stdlib.h>

#include "tests/gpu/simulated/runtime.h"

#define GRAPH_KIND "cudaGraph_t"
#define EXEC_KIND "cudaGraphExec_t"

struct nodes {
    struct work *first, **last;
};

struct CUgraph_st {
    struct nodes nodes;
};

struct CUgraphExec_st {
    struct nodes nodes;
    cudaStream_t stream; /* of the last launch */
};

struct capture {
    struct nodes nodes;
    enum cudaStreamCaptureMode mode;
    pthread_t thread;
    bool invalid;
    struct capture *next;
};

static struct capture *captures; /* those that go on */

/* ---- lists of nodes ---- */

static void add_node(struct nodes *nodes, struct work *work)
{
    if (nodes->last == NULL)
        nodes->last = &nodes->first;
    *nodes->last = work;
    nodes->last = &work->next;
}

static void copy_nodes(struct nodes *out, const struct nodes *nodes)
{
    for (const struct work *work = nodes->first; work != NULL; work = work->next)
        add_node(out, work_copy(work));
}

static void destroy_nodes(struct nodes *nodes)
{
    while (nodes->first != NULL) {
        struct work *work = nodes->first;
        nodes->first = work->next;
        work_destroy(work);
    }
    nodes->last = NULL;
}

/* ---- captures ---- */

cudaError_t capture_add(struct capture *capture, struct work *work)
{
    if (capture->invalid) {
        work_destroy(work);
        return cudaErrorStreamCaptureInvalidated;
    }
    add_node(&capture->nodes, work);
    return cudaSuccess;
}

void capture_invalidate(struct capture *capture)
{
    capture->invalid = true;
}

/* "CUDA Runtime API", Stream Management, cudaThreadExchangeStreamCaptureMode: a thread (in the default mode,
 * global) may not make calls that are potentially unsafe, cudaMalloc for one, while it captures in a mode other
 * than relaxed, or while any thread captures in global mode. The error is cudaErrorStreamCaptureUnsupported, and a
 * prohibited call invalidates the capture (CUDA C++ Programming Guide, CUDA Graphs, "Invalidation"). */
cudaError_t capture_refuses(const char *function)
{
    for (struct capture *capture = captures; capture != NULL; capture = capture->next) {
        bool own = pthread_equal(capture->thread, pthread_self());
        bool forbids = capture->mode == cudaStreamCaptureModeGlobal ||
                       (capture->mode == cudaStreamCaptureModeThreadLocal && own);
        if (!forbids)
            continue;
        simulated_misuse(function, "called while a stream captures");
        capture_invalidate(capture);
        return cudaErrorStreamCaptureUnsupported;
    }
    return cudaSuccess;
}

/* "CUDA Runtime API", Stream Management, cudaStreamBeginCapture: not on the legacy stream, not on a stream that
 * captures already (cudaErrorIllegalState); work pushed into the stream from now on is recorded and not
 * executed. */
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    cudaError_t error = runtime_enter("cudaStreamBeginCapture");
    if (error == cudaSuccess && (unsigned)mode > cudaStreamCaptureModeRelaxed)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess && !simulated_stream_live("cudaStreamBeginCapture", stream))
        error = cudaErrorInvalidResourceHandle;
    if (error == cudaSuccess && *stream_capture(stream) != NULL) {
        simulated_misuse("cudaStreamBeginCapture", "the stream captures already");
        error = cudaErrorIllegalState;
    }
    if (error == cudaSuccess) {
        struct capture *capture = simulator_allocate(sizeof *capture);
        capture->mode = mode;
        capture->thread = pthread_self();
        capture->next = captures;
        captures = capture;
        *stream_capture(stream) = capture;
    }
    return runtime_leave(error);
}

/* Ends the stream's capture. Its nodes become a graph where it is valid and wanted. */
static cudaGraph_t end_capture(cudaStream_t stream, bool wanted)
{
    struct capture *capture = *stream_capture(stream);
    *stream_capture(stream) = NULL;
    struct capture **link = &captures;
    while (*link != capture)
        link = &(*link)->next;
    *link = capture->next;
    cudaGraph_t graph = NULL;
    if (wanted && !capture->invalid) {
        graph = simulator_allocate(sizeof *graph);
        copy_nodes(&graph->nodes, &capture->nodes);
        simulated_handle_created(GRAPH_KIND, graph);
    }
    destroy_nodes(&capture->nodes);
    free(capture);
    return graph;
}

/* "CUDA Runtime API", Stream Management, cudaStreamEndCapture: on the stream that began, from the same thread
 * unless the mode is relaxed (cudaErrorStreamCaptureWrongThread). A capture that was invalidated gives NULL and
 * cudaErrorStreamCaptureInvalidated, and the stream leaves capture mode (CUDA C++ Programming Guide, CUDA Graphs,
 * "Invalidation"). */
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out)
{
    cudaError_t failed = runtime_enter("cudaStreamEndCapture");
    cudaError_t error = cudaSuccess;
    struct capture *capture = NULL;
    if (!simulated_stream_live("cudaStreamEndCapture", stream)) {
        error = cudaErrorInvalidResourceHandle;
    } else if ((capture = *stream_capture(stream)) == NULL) {
        simulated_misuse("cudaStreamEndCapture", "the stream does not capture");
        error = cudaErrorIllegalState;
    } else if (out == NULL) {
        error = cudaErrorInvalidValue;
    } else if (capture->mode != cudaStreamCaptureModeRelaxed && !pthread_equal(capture->thread, pthread_self())) {
        simulated_misuse("cudaStreamEndCapture", "called by another thread than cudaStreamBeginCapture");
        error = cudaErrorStreamCaptureWrongThread;
    } else {
        *out = end_capture(stream, failed == cudaSuccess);
        error = *out != NULL ? cudaSuccess : cudaErrorStreamCaptureInvalidated;
    }
    return runtime_leave(failed != cudaSuccess ? failed : error);
}

/* ---- graphs ---- */

/* "CUDA Runtime API", Graph Management, cudaGraphInstantiate: (exec, graph, flags) since CUDA 12; the graph may be
 * destroyed after it. Flags are not simulated. */
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long flags)
{
    cudaError_t error = runtime_enter("cudaGraphInstantiate");
    if (error == cudaSuccess &&
        (out == NULL || flags != 0 || !simulated_handle_live("cudaGraphInstantiate", GRAPH_KIND, graph)))
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        cudaGraphExec_t exec = simulator_allocate(sizeof *exec);
        copy_nodes(&exec->nodes, &graph->nodes);
        simulated_handle_created(EXEC_KIND, exec);
        *out = exec;
    }
    return runtime_leave(error);
}

/* "CUDA Runtime API", Graph Management, cudaGraphLaunch: executes the graph in the stream, behind the stream's work
 * and behind launches of the same executable graph before. A launch into another stream than the last would have to
 * wait for that one: not simulated, nor is a launch into a stream that captures, which would make a child graph. */
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    static const char function[] = "cudaGraphLaunch";
    cudaError_t error = runtime_enter(function);
    if (error == cudaSuccess && !simulated_handle_live(function, EXEC_KIND, exec))
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess && !simulated_stream_live(function, stream))
        error = cudaErrorInvalidResourceHandle;
    if (error == cudaSuccess &&
        (*stream_capture(stream) != NULL || (exec->stream != NULL && exec->stream != stream))) {
        simulated_misuse(function, *stream_capture(stream) != NULL ? "into a stream that captures: not simulated"
                                                                   : "into different streams: not simulated");
        error = cudaErrorNotSupported;
    }
    if (error == cudaSuccess)
        exec->stream = stream;
    for (const struct work *node = error == cudaSuccess ? exec->nodes.first : NULL;
         node != NULL && error == cudaSuccess; node = node->next)
        error = stream_add(function, stream, work_copy(node));
    return runtime_leave(error);
}

/* "CUDA Runtime API", Graph Management, cudaGraphExecDestroy: frees the executable graph; what was launched goes
 * on. */
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    cudaError_t failed = runtime_enter("cudaGraphExecDestroy");
    bool destroyed = simulated_handle_destroyed("cudaGraphExecDestroy", EXEC_KIND, exec);
    if (destroyed) {
        destroy_nodes(&exec->nodes);
        free(exec);
    }
    cudaError_t error = destroyed ? cudaSuccess : cudaErrorInvalidValue;
    return runtime_leave(failed != cudaSuccess ? failed : error);
}

/* "CUDA Runtime API", Graph Management, cudaGraphDestroy: frees the graph and its nodes; executable graphs made
 * from it stay. */
cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    cudaError_t failed = runtime_enter("cudaGraphDestroy");
    bool destroyed = simulated_handle_destroyed("cudaGraphDestroy", GRAPH_KIND, graph);
    if (destroyed) {
        destroy_nodes(&graph->nodes);
        free(graph);
    }
    cudaError_t error = destroyed ? cudaSuccess : cudaErrorInvalidValue;
    return runtime_leave(failed != cudaSuccess ? failed : error);
}
