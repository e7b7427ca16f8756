// The order of an epoch, as `randomness.permutations` has it: positions sorted by a random integer, ties by the position.
// One block a run; `places`, a power of two, are sorted in shared memory by Batcher's bitonic network.

extern "C" __global__ void draw_order(int* order, const u64* seeds, int purpose, int epoch, int examples, int places) {
    POOL;
    u64* const sortable = (u64*)pool;
    const u64 key = key_of(seeds[blockIdx.x], purpose, epoch, 0);
    for (int i = threadIdx.x; i < places; i += blockDim.x)
        sortable[i] = i < examples ? ((u64)random_bits(key, i) << 32) | (u64)i : ~0ull;
    for (int size = 2; size <= places; size *= 2)
        for (int apart = size / 2; apart > 0; apart /= 2) {
            __syncthreads();
            for (int pair = threadIdx.x; pair < places / 2; pair += blockDim.x) {
                const int low = ((pair & ~(apart - 1)) << 1) | (pair & (apart - 1)), high = low + apart;
                const u64 one = sortable[low], two = sortable[high];
                if ((one > two) == ((low & size) == 0)) {
                    sortable[low] = two;
                    sortable[high] = one;
                }
            }
        }
    __syncthreads();
    for (int i = threadIdx.x; i < examples; i += blockDim.x)
        order[(i64)blockIdx.x * examples + i] = (int)(sortable[i] & 0xFFFFFFFFull);
}
