/* What the files of the simulated libcudart.so.13 share.
 *
 * One lock guards everything: runtime_enter takes it, runtime_leave gives it back. It may be taken again by its
 * holder, so that work that runs inside a synchronising call may report. */
#ifndef TIDY_TESTS_GPU_SIMULATED_RUNTIME_H
#define TIDY_TESTS_GPU_SIMULATED_RUNTIME_H

#include <cuda_runtime_api.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/gpu/simulated/device.h"

/* ---- errors.c: entering and leaving ---- */

void runtime_lock(void);
void runtime_unlock(void);

/* Takes the lock, counts the call, and returns the error that it is to fail with in any case: a wanted fault, a
 * lost device, a scenario without a usable device. */
cudaError_t runtime_enter_from(const char *function, const void *caller);
#define runtime_enter(function) runtime_enter_from(function, __builtin_return_address(0))

/* Keeps an error for cudaGetLastError, gives the lock back, and returns the error. */
cudaError_t runtime_leave(cudaError_t error);

/* ---- faults.c ---- */

bool faults_device_lost(void);

/* Writes the calls of each site where SIMULATED_GPU_CALLS names a file. */
void faults_write_calls(void);

/* ---- scenario.c ---- */

/* The error of every call that needs a device: cudaSuccess where there is one. */
cudaError_t scenario_error(void);

/* Bytes that all of cudaMalloc may take. */
size_t scenario_memory(void);

/* ---- reports.c ---- */

/* Allocates or ends the process: the simulator has no way to go on without its own memory. */
void *simulator_allocate(size_t size);
void *simulator_grow(void *array, size_t *room, size_t count, size_t item_size);

/* ---- memory.c ---- */

enum memory_kind { MEMORY_DEVICE, MEMORY_PINNED, MEMORY_KINDS };

/* The bytes that fresh memory and poisoned destinations are filled with: NaN as float or bf16, and no class or
 * index. */
enum { MEMORY_POISON = 0xff };

/* Returns NULL where memory is exhausted. Addresses are multiples of 256 and never used again. */
void *memory_allocate_simulated(enum memory_kind kind, size_t size);

/* Frees what memory_allocate_simulated returned: false where it is not that. */
bool memory_free_simulated(enum memory_kind kind, void *address);

/* The live allocation that holds the address (or ends at it, where end is true): its index, or -1. */
ptrdiff_t memory_find(enum memory_kind kind, const void *address, bool end);

/* Whether [address, address + size) lies in one live allocation. */
bool memory_holds(enum memory_kind kind, const void *address, size_t size);

/* Whether the address lies where memory of the kind may be, and where there is some or was (or a gap between). */
bool memory_in_region(enum memory_kind kind, const void *address);
bool memory_was_given(enum memory_kind kind, const void *address);
size_t memory_live_bytes(enum memory_kind kind);
size_t memory_live_count(enum memory_kind kind);

/* Lets code touch device memory, until as many calls of memory_close. `work` is named in reports of bad
 * accesses. */
void memory_open(const char *work);
void memory_close(void);

/* Reports the work where it wrote past the end of an allocation, into the rest of its last 256 bytes. */
void memory_check_ends(const char *work);

/* ---- streams.c ---- */

/* One piece of enqueued work, or one node of a graph. */
struct work {
    struct work *next;
    const char *function; /* for reports; static text */
    simulated_work *run;
    simulated_work *arm;  /* may be NULL: called on the argument when the work enters a stream */
    simulated_work *drop; /* may be NULL: called on the argument when the work will not run */
    size_t size;
    alignas(16) unsigned char argument[];
};

struct work *work_create(const char *function, simulated_work *run, const void *argument, size_t size);
struct work *work_copy(const struct work *work);
void work_destroy(struct work *work);

/* Whether each of the argument's words that is an address of simulated memory is live. Reports the first that is
 * not. */
bool work_is_usable(const char *function, const struct work *work);

/* Whether work waits that uses the allocation. Its name is in *function. */
bool streams_use(enum memory_kind kind, ptrdiff_t allocation, const char **function);

/* Enqueues or captures; takes the work over. */
cudaError_t stream_add(const char *function, cudaStream_t stream, struct work *work);

/* ---- graphs.c ---- */

struct capture;

/* The stream's capture, or NULL; an invalidated one stays until cudaStreamEndCapture. */
struct capture **stream_capture(cudaStream_t stream);

/* Adds a node, or says why not. Takes the work over. */
cudaError_t capture_add(struct capture *capture, struct work *work);
void capture_invalidate(struct capture *capture);

/* Refuses a call that is unsafe while a capture goes on that forbids it to this thread: reports, invalidates the
 * capture. */
cudaError_t capture_refuses(const char *function);

#endif
