/* The switch is by hand where the processor is known, by ucontext elsewhere. */
#include "tests/gpu/shim/fiber.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__) || defined(FIBER_PORTABLE)
#include <ucontext.h>
typedef ucontext_t context;
#else
typedef void *context; /* the stack pointer: all else lies on the stack */
#endif

enum { STACK = 128 * 1024, GUARD = 4096 };

struct fiber {
    context at;
    char *stack; /* [STACK], above a page that no access may touch */
    void (*body)(void);
    void *fake_stack; /* AddressSanitizer's */
};

static struct fiber *running;
static context resumer;
static const void *resumer_stack;
static size_t resumer_stack_size;

static void begin_switch(void **fake_stack, const void *stack, size_t size)
{
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(fake_stack, stack, size);
#else
    (void)fake_stack, (void)stack, (void)size;
#endif
}

static void end_switch(void *fake_stack, const void **old_stack, size_t *old_size)
{
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, old_stack, old_size);
#else
    (void)fake_stack, (void)old_stack, (void)old_size;
#endif
}

static void run_body(void)
{
    end_switch(NULL, &resumer_stack, &resumer_stack_size);
    running->body();
    abort(); /* a body never returns */
}

#if !defined(__x86_64__) || defined(FIBER_PORTABLE)

static void switch_context(context *from, context *to)
{
    swapcontext(from, to);
}

static void prepare(struct fiber *fiber)
{
    getcontext(&fiber->at);
    fiber->at.uc_stack.ss_sp = fiber->stack;
    fiber->at.uc_stack.ss_size = STACK;
    makecontext(&fiber->at, run_body, 0);
}

#else

/* Keeps the registers that a function must not change (System V ABI, AMD64, 3.2.1) on the stack that is left, and
 * takes up those of the other. */
void switch_context(context *from, context *to) __attribute__((visibility("hidden")));
__asm__(".text\n"
        ".p2align 4\n"
        ".hidden switch_context\n"
        ".globl switch_context\n"
        ".type switch_context, @function\n"
        "switch_context:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq (%rsi), %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size switch_context, . - switch_context\n");

/* A stack as switch_context leaves one: six registers, and the address that it returns to. The slot above stands
 * for run_body's own return address, and makes the stack aligned as after a call. */
static void prepare(struct fiber *fiber)
{
    uintptr_t *top = (uintptr_t *)(void *)(fiber->stack + STACK);
    *--top = 0;
    *--top = (uintptr_t)run_body;
    for (int i = 0; i < 6; i++)
        *--top = 0;
    fiber->at = top;
}

#endif

struct fiber *fiber_create(void (*body)(void))
{
    struct fiber *fiber = calloc(1, sizeof *fiber);
    char *memory = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fiber == NULL || memory == MAP_FAILED || mprotect(memory, GUARD, PROT_NONE) != 0) {
        fprintf(stderr, "gpu shim: no memory for a thread's stack\n");
        abort();
    }
    fiber->stack = memory + GUARD;
    fiber->body = body;
    prepare(fiber);
    return fiber;
}

void fiber_resume(struct fiber *fiber)
{
    void *fake_stack = NULL;
    running = fiber;
    begin_switch(&fake_stack, fiber->stack, STACK);
    switch_context(&resumer, &fiber->at);
    end_switch(fake_stack, NULL, NULL);
}

void fiber_stop(void)
{
    struct fiber *fiber = running;
    begin_switch(&fiber->fake_stack, resumer_stack, resumer_stack_size);
    switch_context(&fiber->at, &resumer);
    end_switch(fiber->fake_stack, &resumer_stack, &resumer_stack_size);
}
