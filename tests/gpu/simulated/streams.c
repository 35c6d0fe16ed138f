/* Streams and events. A stream is a queue that nothing takes from before the program waits: for the stream, or for
 * an event that was recorded in it. Then its work runs, in order and on the waiting thread, as far as is waited
 * for. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/gpu/simulated/runtime.h"

#define STREAM_KIND "cudaStream_t"
#define EVENT_KIND "cudaEvent_t"

/* Streams and events stay allocated when they are destroyed: work may still name them, and so no address is used
 * twice. */
struct CUstream_st {
    struct work *first, **last;
    struct capture *capture;
    struct CUstream_st *next;
};

enum event_state { EVENT_NEVER_RECORDED, EVENT_WAITS, EVENT_COMPLETE, EVENT_CAPTURED };

struct CUevent_st {
    bool timing;
    enum event_state state;
    uint64_t recorded;          /* how often it was recorded: work that marks an earlier time is out of date */
    struct CUstream_st *stream; /* where last */
    double milliseconds;        /* when the device came to it */
    struct CUevent_st *next;
};

static struct CUstream_st *streams;
static struct CUevent_st *events;

/* ---- work ---- */

struct work *work_create(const char *function, simulated_work *run, const void *argument, size_t size)
{
    struct work *work = simulator_allocate(sizeof *work + size);
    work->function = function;
    work->run = run;
    work->size = size;
    if (size > 0)
        memcpy(work->argument, argument, size);
    return work;
}

struct work *work_copy(const struct work *work)
{
    struct work *copy = work_create(work->function, work->run, work->argument, work->size);
    copy->arm = work->arm;
    copy->drop = work->drop;
    return copy;
}

void work_destroy(struct work *work)
{
    free(work);
}

/* The argument's i-th aligned word as an address. */
static const void *word_of(const struct work *work, size_t i)
{
    const void *word;
    memcpy(&word, work->argument + i * sizeof word, sizeof word);
    return word;
}

bool work_is_usable(const char *function, const struct work *work)
{
    for (size_t i = 0; i < work->size / sizeof(void *); i++) {
        const void *word = word_of(work, i);
        for (enum memory_kind kind = 0; kind < MEMORY_KINDS; kind++) {
            if (!memory_was_given(kind, word) || memory_find(kind, word, true) >= 0)
                continue;
            simulated_misuse(function, "%s refers to %s memory at %p that is not allocated (or no longer)",
                             work->function, kind == MEMORY_DEVICE ? "device" : "pinned", word);
            return false;
        }
    }
    return true;
}

bool streams_use(enum memory_kind kind, ptrdiff_t allocation, const char **function)
{
    if (faults_device_lost())
        return false; /* the work will never run */
    for (const struct CUstream_st *stream = streams; stream != NULL; stream = stream->next) {
        for (const struct work *work = stream->first; work != NULL; work = work->next) {
            *function = work->function;
            for (size_t i = 0; i < work->size / sizeof(void *); i++)
                if (memory_find(kind, word_of(work, i), true) == allocation)
                    return true;
        }
    }
    return false;
}

/* ---- queues ---- */

bool simulated_stream_live(const char *function, const struct CUstream_st *stream)
{
    if (stream == NULL || stream == cudaStreamLegacy || stream == cudaStreamPerThread) {
        simulated_misuse(function, "the default stream: all work is to go to a stream of its own");
        return false;
    }
    return simulated_handle_live(function, STREAM_KIND, stream);
}

struct capture **stream_capture(cudaStream_t stream)
{
    return &stream->capture;
}

bool simulated_stream_captures(const struct CUstream_st *stream)
{
    runtime_lock();
    bool captures = stream->capture != NULL;
    runtime_unlock();
    return captures;
}

cudaError_t stream_add(const char *function, cudaStream_t stream, struct work *work)
{
    if (!simulated_stream_live(function, stream)) {
        work_destroy(work);
        return cudaErrorInvalidResourceHandle;
    }
    if (!work_is_usable(function, work)) {
        work_destroy(work);
        return cudaErrorInvalidValue;
    }
    if (stream->capture != NULL)
        return capture_add(stream->capture, work);
    if (work->arm != NULL)
        work->arm(work->argument);
    *stream->last = work;
    stream->last = &work->next;
    return cudaSuccess;
}

int simulated_enqueue(struct CUstream_st *stream, const char *function, simulated_work *work, const void *argument,
                      size_t size)
{
    runtime_lock();
    cudaError_t error = faults_device_lost()
                            ? cudaErrorIllegalAddress
                            : stream_add(function, stream, work_create(function, work, argument, size));
    runtime_unlock();
    return (int)error;
}

static struct work *take_first(struct CUstream_st *stream)
{
    struct work *work = stream->first;
    stream->first = work->next;
    if (stream->first == NULL)
        stream->last = &stream->first;
    return work;
}

/* Runs the stream's work until the event is complete; all of it where event is NULL. */
static void run_stream(struct CUstream_st *stream, const struct CUevent_st *event)
{
    while (stream->first != NULL && (event == NULL || event->state == EVENT_WAITS)) {
        struct work *work = take_first(stream);
        if (!faults_device_lost()) {
            memory_open(work->function);
            work->run(work->argument);
            memory_check_ends(work->function);
            memory_close();
        } else if (work->drop != NULL) {
            work->drop(work->argument);
        }
        work_destroy(work);
    }
}

/* ---- streams ---- */

/* "CUDA Runtime API", Stream Management, cudaStreamCreateWithFlags: flags are cudaStreamDefault or
 * cudaStreamNonBlocking, which does no implicit synchronisation with the default stream; else
 * cudaErrorInvalidValue. */
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags)
{
    cudaError_t error = runtime_enter("cudaStreamCreateWithFlags");
    if (error == cudaSuccess && (out == NULL || (flags & ~(unsigned)cudaStreamNonBlocking) != 0))
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        struct CUstream_st *stream = simulator_allocate(sizeof *stream);
        stream->last = &stream->first;
        stream->next = streams;
        streams = stream;
        simulated_handle_created(STREAM_KIND, stream);
        *out = stream;
    }
    return runtime_leave(error);
}

/* "CUDA Runtime API", Stream Management, cudaStreamDestroy: returns at once where work waits, which the device
 * still completes; here it runs where something that it is ordered before is waited for, and memory that it uses
 * must not be freed. A stream that captures cannot be destroyed ("CUDA Driver API",
 * cudaErrorStreamCaptureUnsupported: not permitted when the stream is capturing). */
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    cudaError_t failed = runtime_enter("cudaStreamDestroy");
    cudaError_t error = cudaSuccess;
    if (!simulated_stream_live("cudaStreamDestroy", stream)) {
        error = cudaErrorInvalidResourceHandle;
    } else if (stream->capture != NULL) {
        simulated_misuse("cudaStreamDestroy", "the stream captures");
        capture_invalidate(stream->capture);
        error = cudaErrorStreamCaptureUnsupported;
    } else {
        simulated_handle_destroyed("cudaStreamDestroy", STREAM_KIND, stream);
    }
    return runtime_leave(failed != cudaSuccess ? failed : error);
}

/* "CUDA Runtime API", Stream Management, cudaStreamSynchronize: blocks until all operations are complete; may
 * return errors of earlier asynchronous work. CUDA C++ Programming Guide, CUDA Graphs, "Prohibited and Unhandled
 * Operations": a stream that is being captured cannot be synchronised; the attempt invalidates the capture. A
 * wanted fault fails after the work is done, as the error of a launch would. */
cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    cudaError_t failed = runtime_enter("cudaStreamSynchronize");
    cudaError_t error = cudaSuccess;
    if (!simulated_stream_live("cudaStreamSynchronize", stream)) {
        error = cudaErrorInvalidResourceHandle;
    } else if (stream->capture != NULL) {
        simulated_misuse("cudaStreamSynchronize", "the stream captures");
        capture_invalidate(stream->capture);
        error = cudaErrorStreamCaptureUnsupported;
    } else if ((error = capture_refuses("cudaStreamSynchronize")) == cudaSuccess) {
        run_stream(stream, NULL);
    }
    return runtime_leave(failed != cudaSuccess ? failed : error);
}

/* ---- events ---- */

/* "CUDA Runtime API", Event Management, cudaEventCreateWithFlags: flags of cudaEventBlockingSync,
 * cudaEventDisableTiming, cudaEventInterprocess (which needs the one before; not simulated); else
 * cudaErrorInvalidValue. */
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags)
{
    cudaError_t error = runtime_enter("cudaEventCreateWithFlags");
    if (error == cudaSuccess &&
        (out == NULL || (flags & ~(unsigned)(cudaEventBlockingSync | cudaEventDisableTiming)) != 0))
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        struct CUevent_st *event = simulator_allocate(sizeof *event);
        event->timing = (flags & cudaEventDisableTiming) == 0;
        event->next = events;
        events = event;
        simulated_handle_created(EVENT_KIND, event);
        *out = event;
    }
    return runtime_leave(error);
}

/* "CUDA Runtime API", Event Management, cudaEventDestroy: may be called before the event is complete; does not
 * block. */
cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    cudaError_t failed = runtime_enter("cudaEventDestroy");
    bool destroyed = simulated_handle_destroyed("cudaEventDestroy", EVENT_KIND, event);
    cudaError_t error = destroyed ? cudaSuccess : cudaErrorInvalidResourceHandle;
    return runtime_leave(failed != cudaSuccess ? failed : error);
}

struct mark {
    struct CUevent_st *event;
    uint64_t recorded;
};

static void run_mark(void *argument)
{
    const struct mark *mark = argument;
    if (mark->recorded != mark->event->recorded)
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    mark->event->milliseconds = (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
    mark->event->state = EVENT_COMPLETE;
}

/* "CUDA Runtime API", Event Management, cudaEventRecord: the event captures what is in the stream now; recording
 * again overwrites that. In a stream that captures it stands for work of the graph and cannot be waited for by the
 * host (CUDA C++ Programming Guide, CUDA Graphs, "Cross-stream Dependencies and Events"). */
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    cudaError_t error = runtime_enter("cudaEventRecord");
    if (error == cudaSuccess && (!simulated_handle_live("cudaEventRecord", EVENT_KIND, event) ||
                                 !simulated_stream_live("cudaEventRecord", stream)))
        error = cudaErrorInvalidResourceHandle;
    if (error == cudaSuccess) {
        event->recorded++;
        event->stream = stream;
        if (stream->capture != NULL) {
            event->state = EVENT_CAPTURED;
        } else {
            struct mark mark = {event, event->recorded};
            event->state = EVENT_WAITS;
            error =
                stream_add("cudaEventRecord", stream, work_create("cudaEventRecord", run_mark, &mark, sizeof mark));
        }
    }
    return runtime_leave(error);
}

/* The event's error where it cannot be asked about: destroyed, or recorded in a capture
 * (cudaErrorCapturedEvent). */
static cudaError_t check_event(const char *function, const struct CUevent_st *event)
{
    if (!simulated_handle_live(function, EVENT_KIND, event))
        return cudaErrorInvalidResourceHandle;
    if (event->state != EVENT_CAPTURED)
        return cudaSuccess;
    simulated_misuse(function, "the event was last recorded in a stream that captured");
    if (event->stream->capture != NULL)
        capture_invalidate(event->stream->capture);
    return cudaErrorCapturedEvent;
}

/* "CUDA Runtime API", Event Management, cudaEventSynchronize: waits for the work that the event captured; an event
 * that was never recorded stands for none, and returns at once. As unsafe in a capture as cudaStreamSynchronize. */
cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    cudaError_t failed = runtime_enter("cudaEventSynchronize");
    cudaError_t error = check_event("cudaEventSynchronize", event);
    if (error == cudaSuccess)
        error = capture_refuses("cudaEventSynchronize");
    if (error == cudaSuccess && event->state == EVENT_WAITS)
        run_stream(event->stream, event);
    return runtime_leave(failed != cudaSuccess ? failed : error);
}

/* "CUDA Runtime API", Event Management, cudaEventElapsedTime: milliseconds between two events.
 * cudaErrorInvalidResourceHandle where one was never recorded or was created with cudaEventDisableTiming,
 * cudaErrorNotReady where one is not complete: a program that does not poll has then forgotten to wait. */
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    static const char function[] = "cudaEventElapsedTime";
    cudaError_t error = runtime_enter(function);
    const struct CUevent_st *both[2] = {start, end};
    if (error == cudaSuccess && milliseconds == NULL)
        error = cudaErrorInvalidValue;
    for (size_t i = 0; i < 2 && error == cudaSuccess; i++) {
        error = check_event(function, both[i]);
        if (error == cudaSuccess && !both[i]->timing) {
            simulated_misuse(function, "an event that was created with cudaEventDisableTiming");
            error = cudaErrorInvalidResourceHandle;
        } else if (error == cudaSuccess && both[i]->state == EVENT_NEVER_RECORDED) {
            simulated_misuse(function, "an event that was never recorded");
            error = cudaErrorInvalidResourceHandle;
        }
    }
    if (error == cudaSuccess && (start->state == EVENT_WAITS || end->state == EVENT_WAITS)) {
        simulated_misuse(function, "an event that is not complete: it was not waited for");
        error = cudaErrorNotReady;
    }
    if (error == cudaSuccess)
        *milliseconds = (float)(end->milliseconds - start->milliseconds);
    return runtime_leave(error);
}
