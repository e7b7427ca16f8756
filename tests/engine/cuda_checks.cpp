// What compute-sanitizer looks for on a device, on the host: accesses outside the arrays of a launch, or not aligned to
// their size; shared memory that is read before it is written; races between the threads of a block, and between blocks;
// integers that overflow. The compiler calls the functions at the end before every access of a kernel.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {
enum { NOBODY = -1, SEVERAL = -2 };

// The last access to a byte; `interval` counts the barriers before it.
struct Access {
    int block = NOBODY, thread = NOBODY, interval = NOBODY;
};

struct Byte {
    Access writer, reader;
};

enum Kind { ARRAY, SHARED, KNOWN };  // KNOWN: what a launch gives every thread, which is only read

struct Region {
    std::uintptr_t first, last;
    Kind kind;
    int argument;
    std::vector<Byte> bytes;
};

std::vector<Region> regions;
std::string found;
bool is_watching;
Access here;
std::uintptr_t stack_first, stack_last;

void fault(const std::string& what, const Region* region, std::uintptr_t at) {
    if (!found.empty()) return;
    found = what + ", block " + std::to_string(here.block) + ", thread " + std::to_string(here.thread);
    if (!region) return;
    const std::string where = region->kind == SHARED ? "shared memory" : "argument " + std::to_string(region->argument);
    found += ", byte " + std::to_string(at - region->first) + " of " + where;
}

// Whether another thread may come before or after this one.
bool meets(const Access& other) {
    if (other.block == NOBODY) return false;
    if (other.block != here.block) return true;
    return other.interval == here.interval && other.thread != here.thread;
}

void remember_reader(Access& reader) {
    const bool same_block = reader.block == here.block || reader.block == NOBODY;
    if (!same_block) reader.block = SEVERAL;
    else if (reader.block == here.block && reader.interval == here.interval && reader.thread != here.thread)
        reader.thread = SEVERAL;
    else reader = here;
}

void access(std::uintptr_t at, std::size_t size, bool is_written, bool is_aligned) {
    if (!is_watching || !found.empty() || (at >= stack_first && at + size <= stack_last)) return;
    Region* region = nullptr;
    for (Region& one : regions)
        if (at >= one.first && at < one.last) {
            region = &one;
            break;
        }
    const char* verb = is_written ? "writes" : "reads";
    if (!region || at + size > region->last || (region->kind == KNOWN && is_written))
        return fault(std::string(verb) + " outside its arrays", region, at);
    if (region->kind == KNOWN) return;
    if (is_aligned && at % size) return fault(std::string(verb) + " what is not aligned", region, at);
    for (std::uintptr_t place = at - region->first; place < at - region->first + size; ++place) {
        Byte& byte = region->bytes[place];
        if (region->kind == SHARED && !is_written && byte.writer.block != here.block)
            return fault("reads what nobody has written", region, at);
        if (region->kind == SHARED && byte.writer.block != here.block) byte = Byte();  // another block's memory
        if (meets(byte.writer) || (is_written && meets(byte.reader)))
            return fault("races with another thread", region, at);
        if (is_written) byte.writer = here;
        else remember_reader(byte.reader);
    }
}
}  // namespace

extern "C" {
void checks_begin() { regions.clear(), found.clear(); }
void checks_add(void* first, std::size_t bytes, int kind, int argument) {
    const auto at = (std::uintptr_t)first;
    regions.push_back({at, at + bytes, (Kind)kind, argument, std::vector<Byte>(kind == KNOWN ? 0 : bytes)});
}
void checks_enter(int block, int thread, int interval, void* stack, std::size_t bytes) {
    here = {block, thread, interval};
    stack_first = (std::uintptr_t)stack, stack_last = stack_first + bytes;
}
void checks_watch(bool on) { is_watching = on; }
const char* checks_found() { return found.c_str(); }

#define AT(SIZE)                                                                             \
    void __tsan_read##SIZE(void* at) { access((std::uintptr_t)at, SIZE, false, true); }      \
    void __tsan_write##SIZE(void* at) { access((std::uintptr_t)at, SIZE, true, true); }      \
    void __tsan_unaligned_read##SIZE(void* at) { access((std::uintptr_t)at, SIZE, false, false); } \
    void __tsan_unaligned_write##SIZE(void* at) { access((std::uintptr_t)at, SIZE, true, false); }
AT(1) AT(2) AT(4) AT(8) AT(16)
// Of the structures that are copied whole, those of 16 bytes are read and written at once on a device.
void __tsan_read_range(void* at, std::size_t size) { access((std::uintptr_t)at, size, false, size == 16); }
void __tsan_write_range(void* at, std::size_t size) { access((std::uintptr_t)at, size, true, size == 16); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}

#define UNDEFINED(NAME, ...) \
    void __ubsan_handle_##NAME(__VA_ARGS__) { if (is_watching) fault(#NAME, nullptr, 0); }
UNDEFINED(add_overflow, void*, void*, void*)
UNDEFINED(sub_overflow, void*, void*, void*)
UNDEFINED(mul_overflow, void*, void*, void*)
UNDEFINED(negate_overflow, void*, void*)
UNDEFINED(divrem_overflow, void*, void*, void*)
UNDEFINED(shift_out_of_bounds, void*, void*, void*)
UNDEFINED(out_of_bounds, void*, void*)
}
