/* What the simulated device, inside the simulated libcudart.so.13, offers to the simulated libraries on top of it.
 *
 * Each entry point of a simulated library asks simulated_call first, checks what it was given
 * (simulated_device_range, simulated_handle_live, ...), and enqueues what it has to compute with simulated_enqueue.
 * Nothing runs before the program waits for the stream. Device memory can be touched only from within enqueued
 * work: everywhere else an access ends the process with a line on stderr and exit status 99. All functions may be
 * called from any thread. */
#ifndef TIDY_TESTS_GPU_SIMULATED_DEVICE_H
#define TIDY_TESTS_GPU_SIMULATED_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st; /* a cudaStream_t points to one */

/* The process's exit status after a misuse, and where something was never destroyed. */
enum { SIMULATED_MISUSE_STATUS = 99, SIMULATED_LEAK_STATUS = 98 };

/* ---- calls and faults ---- */

enum simulated_outcome {
    SIMULATED_GOES_ON,    /* the call does what it is for */
    SIMULATED_CALL_FAILS, /* this call fails, with an error that it can give by itself; nothing else is wrong */
    SIMULATED_DEVICE_LOST /* a call before this one broke the device: every call that needs it fails, for good */
};

/* Counts a call of an entry point (static text, as "cudnnBackendExecute") that was called from `caller`, and says
 * whether the test wants it to fail (SIMULATED_GPU_FAULT). A function that destroys something destroys it in any
 * case. */
enum simulated_outcome simulated_call_from(const char *function, const void *caller);

/* To be used in the entry point itself, whose return address tells one call site from another. */
#define simulated_call(function) simulated_call_from(function, __builtin_return_address(0))

/* Says that the program did what the documentation forbids: a line "simulated GPU: FUNCTION: ..." on stderr. The
 * program goes on, with the error that the call returns where one is documented, but its exit status will be
 * SIMULATED_MISUSE_STATUS. */
void simulated_misuse(const char *function, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- streams ---- */

/* What enqueued work does when the stream gets to it; `argument` is the copy that was made when it was enqueued. */
typedef void simulated_work(void *argument);

/* Enqueues work on a stream: it runs, after all that was enqueued before, when the program waits for the stream.
 * While the stream captures, it becomes a node of the graph instead, and runs in each launch of it. `argument`
 * (size bytes) is copied to an address aligned to 16 bytes, so it must hold by value all that the work needs of the
 * host's memory. Its aligned 8-byte words that are device addresses tell which memory the work uses: freeing that
 * memory before the work has run, or launching a graph after it, is reported. `function` (static text) names the
 * work in reports. Returns a cudaError_t: 0, or the error of a stream that does not exist or whose capture has
 * failed. */
int simulated_enqueue(struct CUstream_st *stream, const char *function, simulated_work *work, const void *argument,
                      size_t size);

/* Whether the stream exists; NULL is the default stream, which is not simulated. Reports where not. */
bool simulated_stream_live(const char *function, const struct CUstream_st *stream);

/* Whether the stream captures now. */
bool simulated_stream_captures(const struct CUstream_st *stream);

/* ---- memory ---- */

/* Whether all of [address, address + size) lies in one live allocation of device memory. Reports where not. */
bool simulated_device_range(const char *function, const void *address, size_t size);

/* Whether an address is in the part of the address space that device memory comes from, live or not. Reports
 * nothing. */
bool simulated_is_device_address(const void *address);

/* ---- handles and descriptors ---- */

/* Notes an object that the program must destroy; kind is static text, as "cudnnHandle_t". One address is one live
 * object. */
void simulated_handle_created(const char *kind, const void *handle);

/* Whether it is live and of that kind. Reports where not. */
bool simulated_handle_live(const char *function, const char *kind, const void *handle);

/* The same, and it is live no longer. Free the object itself only where this returns true. */
bool simulated_handle_destroyed(const char *function, const char *kind, const void *handle);

/* ---- the device ---- */

/* Whether there is a device and a driver that can use it (SIMULATED_GPU). */
bool simulated_device_usable(void);

/* 10 x major + minor of the simulated device's compute capability, as 80. */
int simulated_compute_capability(void);

#ifdef __cplusplus
}
#endif
#endif
