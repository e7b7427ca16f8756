// Random integers as `workbench/engine/training/randomness.py` has them, bit for bit: a hash of a counter under a 64-bit key.

typedef unsigned int u32;
typedef unsigned long long u64;

// The finaliser of SplitMix64, with the step that precedes it in `randomness.keys`.
__device__ __forceinline__ u64 mixed(u64 number) {
    u64 x = number * 0x9E3779B97F4A7C15ull + 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

// The key of the stream (seed, purpose, step, part).
__device__ __forceinline__ u64 key_of(u64 seed, u64 purpose, u64 step, u64 part) {
    return mixed(mixed(mixed(mixed(seed) ^ purpose) ^ part) ^ step);
}

__device__ __forceinline__ u32 random_bits(u64 key, u32 counter) {
    u32 x = counter ^ (u32)key;
    x = (x ^ (x >> 16)) * 0x7FEB352Du;
    x ^= (u32)(key >> 32);
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x ^ (x >> 16);
}

// What a unit is multiplied by: 0 where 16 random bits fall below the threshold, else `scale`. Two units share a draw.
__device__ __forceinline__ float mask_of(u64 key, u32 element, u32 threshold, float scale) {
    u32 bits = random_bits(key, element >> 1);
    u32 lane = element & 1 ? bits >> 16 : bits & 0xFFFFu;
    return lane >= threshold ? scale : 0.0f;
}
