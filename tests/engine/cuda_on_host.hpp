// CUDA on the host, as much of it as our kernels use: blocks one after the other, the threads of a block as fibers that
// take turns at every barrier, forwards or backwards. Kernels are launched by name, with arguments by address, and the
// type of every argument is compared with the kernel's own.
#include <cmath>
#include <csetjmp>
#include <cstring>
#include <functional>
#include <string>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __device__
#define __global__
#define __forceinline__ inline
#ifdef CHECKED  // every access is looked at: `cuda_checks.cpp`
#define __shared__ static __attribute__((section("of_blocks")))
#define UNWATCHED __attribute__((no_sanitize("thread", "undefined")))
extern char __start_of_blocks[] __attribute__((weak)), __stop_of_blocks[] __attribute__((weak));
extern "C" {
void checks_begin();
void checks_add(void* first, std::size_t bytes, int kind, int argument);
void checks_enter(int block, int thread, int interval, void* stack, std::size_t bytes);
void checks_watch(bool on);
const char* checks_found();
}
#else
#define __shared__ static
#define UNWATCHED
inline void checks_watch(bool) {}
#endif
#define __launch_bounds__(...)
#define POOL float* const pool = shared_memory

// What the device's fast instructions give, and they are allowed to be wrong in the last digit.
inline float as_float(unsigned bits) {
    float number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
}
inline unsigned as_bits(float number) {
    unsigned bits;
    std::memcpy(&bits, &number, sizeof bits);
    return bits;
}
inline float flushed(float a) { return std::fabs(a) < 1.17549435e-38f ? std::copysign(0.0f, a) : a; }
inline float nearly(float exact, unsigned up) {
    return std::isfinite(exact) && exact != 0.0f ? flushed(std::nextafter(exact, up ? INFINITY : -INFINITY)) : exact;
}
inline float about_reciprocal(float a) { return nearly(1.0f / flushed(a), as_bits(a) & 1); }
inline float about_reciprocal_root(float a) { return nearly(1.0f / std::sqrt(flushed(a)), as_bits(a) & 1); }

struct Place {
    unsigned x, y, z;
};
static Place threadIdx, blockIdx, blockDim, gridDim;

// What a launch asks for beyond what a kernel declares. Before each block it holds what is not a number, as a device's
// holds anything, and what lies behind it must be as it was.
alignas(16) static float shared_memory[1 << 16];
static const unsigned FENCE = 64;

static void spoil(unsigned floats) {
    for (unsigned i = 0; i < floats + FENCE; ++i) shared_memory[i] = NAN;
}

static bool overrun(unsigned floats) {
    for (unsigned i = floats; i < floats + FENCE; ++i)
        if (shared_memory[i] == shared_memory[i]) return true;
    return false;
}

struct Fiber {
    ucontext_t start;
    jmp_buf here;
    std::vector<char> stack;
    bool done = false;
    int barriers = 0;
};
static std::vector<Fiber> fibers(1024);
static jmp_buf scheduler;
static unsigned current;
static std::function<void()> job;

static void give_way() {
    if (_setjmp(fibers[current].here) == 0) _longjmp(scheduler, 1);
}

static void life() {
    for (;;) {
        job();
        fibers[current].done = true;
        give_way();
    }
}

UNWATCHED inline void __syncthreads() {
    checks_watch(false);
    ++fibers[current].barriers;
    give_way();
    checks_watch(true);
}

// A product of a warp on tensor cores: every thread shows what it holds, and looks at what the others of its warp do.
inline unsigned tf32_of(float number) { return (as_bits(number) + 0x1000u) & ~0x1FFFu; }
UNWATCHED inline void multiply_add(float (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2]) {
    static unsigned lefts[1024][4], rights[1024][2];
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x - lane;
    std::memcpy(lefts[threadIdx.x], left, sizeof left);
    std::memcpy(rights[threadIdx.x], right, sizeof right);
    __syncthreads();
    checks_watch(false);
    for (unsigned part = 0; part < 4; ++part) {
        const unsigned row = lane / 4 + part / 2 * 8, column = lane % 4 * 2 + part % 2;
        for (unsigned k = 0; k < 8; ++k) {
            const unsigned* a = lefts[warp + row % 8 * 4 + k % 4];
            const unsigned* b = rights[warp + column * 4 + k % 4];
            sums[part] += as_float(a[row / 8 + k / 4 * 2]) * as_float(b[k / 4]);
        }
    }
    checks_watch(true);
    __syncthreads();
}

static void resume(unsigned thread) {
    Fiber& fiber = fibers[thread];
    current = thread;
    threadIdx = {thread, 0, 0};
    const bool is_new = fiber.stack.empty();
    if (is_new) fiber.stack.resize(1 << 16);
#ifdef CHECKED
    const int block = (int)(blockIdx.x * gridDim.y + blockIdx.y);
    checks_enter(block, (int)thread, fiber.barriers, fiber.stack.data(), fiber.stack.size());
#endif
    if (_setjmp(scheduler) != 0) return;
    if (!is_new) _longjmp(fiber.here, 1);
    getcontext(&fiber.start);
    fiber.start.uc_stack.ss_sp = fiber.stack.data();
    fiber.start.uc_stack.ss_size = fiber.stack.size();
    fiber.start.uc_link = nullptr;
    makecontext(&fiber.start, life, 0);
    setcontext(&fiber.start);
}

// False where the threads of a block did not all meet at the same barriers.
static bool run_block(unsigned threads, bool backwards) {
    for (unsigned t = 0; t < threads; ++t) fibers[t].done = false, fibers[t].barriers = 0;
    for (bool working = true; working;) {
        working = false;
        for (unsigned i = 0; i < threads; ++i) {
            unsigned t = backwards ? threads - 1 - i : i;
            if (!fibers[t].done) resume(t), working = true;
        }
    }
    for (unsigned t = 1; t < threads; ++t)
        if (fibers[t].barriers != fibers[0].barriers) return false;
    return true;
}

template <typename T>
char letter() {
    using E = std::remove_cv_t<std::remove_pointer_t<T>>;
    if (!std::is_pointer_v<T>) return std::is_same_v<T, int> ? 'i' : std::is_same_v<T, float> ? 'f' : '?';
    if (std::is_same_v<E, float>) return 'F';
    if (std::is_same_v<E, double>) return 'D';
    if (std::is_same_v<E, int>) return 'I';
    if (std::is_same_v<E, unsigned>) return 'U';
    if (std::is_same_v<E, long long>) return 'L';
    if (std::is_same_v<E, unsigned long long>) return 'K';
    return std::is_same_v<E, unsigned char> ? 'B' : '?';
}

enum { FINE = 0, UNKNOWN_KERNEL = 1, WRONG_ARGUMENTS = 2, SPLIT_BARRIER = 3, SHARED_OVERRUN = 4, FAULT = 5 };

struct Call {
    unsigned x, y, threads, shared;
    bool backwards;
    const char* letters;
    void** arguments;
    const std::size_t* bytes;  // of the array that each argument points to; 0 of a number
};

#ifdef CHECKED
static void check_arrays(const Call& call) {
    checks_begin();
    checks_add(shared_memory, call.shared, 1, -1);
    if (__start_of_blocks) checks_add(__start_of_blocks, __stop_of_blocks - __start_of_blocks, 1, -1);
    for (void* known : {&threadIdx, &blockIdx, &blockDim, &gridDim}) checks_add(known, sizeof(Place), 2, -1);
    for (int i = 0; call.letters[i]; ++i)
        if (call.bytes[i]) checks_add(*(void**)call.arguments[i], call.bytes[i], 0, i);
}
#endif

template <typename... P, std::size_t... I>
int walk(void (*kernel)(P...), const Call& call, std::index_sequence<I...>) {
    if (std::string{letter<P>()...} != call.letters) return WRONG_ARGUMENTS;
    job = [&]() UNWATCHED {
        checks_watch(true);
        kernel(*(P*)call.arguments[I]...);
        checks_watch(false);
    };
#ifdef CHECKED
    check_arrays(call);
#endif
    gridDim = {call.x, call.y, 1}, blockDim = {call.threads, 1, 1};
    for (unsigned x = 0; x < call.x; ++x)
        for (unsigned y = 0; y < call.y; ++y) {
            blockIdx = {x, y, 0};
            spoil(call.shared / 4);
            if (!run_block(call.threads, call.backwards)) return SPLIT_BARRIER;
            if (overrun(call.shared / 4)) return SHARED_OVERRUN;
#ifdef CHECKED
            if (*checks_found()) return FAULT;
#endif
        }
    return FINE;
}

template <typename... P>
int walk(void (*kernel)(P...), const Call& call) {
    return walk(kernel, call, std::index_sequence_for<P...>{});
}
