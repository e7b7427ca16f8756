// Products on tensor cores: factors rounded to tf32, which has 10 bits of mantissa, sums in float32. One warp multiplies
// (16, 8) by (8, 8) at a time; PTX ISA, "mma.m16n8k8", says which numbers each of its threads holds.

#ifdef __CUDACC__
__device__ __forceinline__ unsigned int tf32_of(float number) {
#if __CUDA_ARCH__ >= 800
    unsigned int rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(number));
    return rounded;
#else
    return as_bits(number);
#endif
}

// sums (16, 8) += left (16, 8) * right (8, 8). Older devices have no such instruction; `choice.py` refuses them.
__device__ __forceinline__ void multiply_add(
    float (&sums)[4], const unsigned int (&left)[4], const unsigned int (&right)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
#else
    __trap();
#endif
}
#endif

struct alignas(8) Two {
    float of[2];
};

// The sums of a block's tile, 64 a thread, as `Float32Sums` has them. The warps share the tile in two rows and two columns.
struct Tf32Sums {
    // Rows lie eight numbers further apart than they are long, so that the threads of a warp meet in no bank.
    static constexpr int LEFT = PRODUCT_ROWS + 8, RIGHT = PRODUCT_COLUMNS + 8, TILE_ROW = PRODUCT_COLUMNS + 8;
    static constexpr int DOWN = PRODUCT_ROWS / 2 / 16, ACROSS = PRODUCT_COLUMNS / 2 / 8;  // products of a warp
    static_assert(PRODUCT_THREADS == 4 * 32 && PRODUCT_DEPTH % 8 == 0, "four warps, and slices of whole products");
    float of[DOWN][ACROSS][4];

    // The first row and column of a thread's part of every product, and its place among the four that share a row.
    __device__ __forceinline__ static int row() { return threadIdx.x / 64 * (PRODUCT_ROWS / 2) + threadIdx.x % 32 / 4; }
    __device__ __forceinline__ static int column() { return threadIdx.x / 32 % 2 * (PRODUCT_COLUMNS / 2); }
    __device__ __forceinline__ static int member() { return threadIdx.x % 4; }

    __device__ __forceinline__ void add(const float* left, const float* right) {
#pragma unroll
        for (int k = 0; k < PRODUCT_DEPTH; k += 8) {
            const float* const rows = left + (k + member()) * LEFT + row();
            const float* const columns = right + (k + member()) * RIGHT + column() + threadIdx.x % 32 / 4;
            unsigned int a[DOWN][4], b[ACROSS][2];
#pragma unroll
            for (int i = 0; i < DOWN; ++i)
#pragma unroll
                for (int part = 0; part < 4; ++part)  // eight rows further down, then four columns further right
                    a[i][part] = tf32_of(rows[part / 2 * 4 * LEFT + 16 * i + part % 2 * 8]);
#pragma unroll
            for (int j = 0; j < ACROSS; ++j)
#pragma unroll
                for (int part = 0; part < 2; ++part) b[j][part] = tf32_of(columns[part * 4 * RIGHT + 8 * j]);
#pragma unroll
            for (int i = 0; i < DOWN; ++i)
#pragma unroll
                for (int j = 0; j < ACROSS; ++j) multiply_add(of[i][j], a[i], b[j]);
        }
    }

    __device__ __forceinline__ void put(float* tile) const {
#pragma unroll
        for (int i = 0; i < DOWN; ++i)
#pragma unroll
            for (int j = 0; j < ACROSS; ++j)
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    const int at_row = row() + 16 * i + 8 * half, at_column = column() + 8 * j + 2 * member();
                    *(Two*)(tile + at_row * TILE_ROW + at_column) = {{of[i][j][2 * half], of[i][j][2 * half + 1]}};
                }
    }
};
