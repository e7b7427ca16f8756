// The gradient of a layer's weights and their update in one launch: the gradient never leaves the multiprocessor. A step
// of many runs takes as long as its memory traffic, and writing and reading a gradient is a quarter of an update's.

// 16 bytes on their way to shared memory; zeros if they are not `inside`. They are there after `arrived` and a barrier.
__device__ __forceinline__ void fetch(float* to, const float* from, bool inside) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    const unsigned place = (unsigned)__cvta_generic_to_shared(to);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(place), "l"(from), "r"(inside ? 16 : 0));
#else
    const Four nothing = {{0.0f, 0.0f, 0.0f, 0.0f}};
    *(Four*)to = inside ? *(const Four*)from : nothing;
#endif
}

__device__ __forceinline__ void arrived() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_all;");
#endif
}

// A slice of a matrix (batch, width) to shared memory (PRODUCT_DEPTH, side): the rows from `row`, the columns from
// `column`. Rows and columns beyond the matrix are zeros; four columns side by side are all within it, or all beyond.
__device__ __forceinline__ void fetch_slice(
    float* to, const float* matrix, int row, int column, int batch, int width, int side) {
    const int fours = side / 4;
#pragma unroll 2  // all at once would take more registers than there are
    for (int i = threadIdx.x; i < PRODUCT_DEPTH * fours; i += PRODUCT_THREADS) {
        const int at_row = row + i / fours, at_column = column + 4 * (i % fours);
        const bool inside = at_row < batch && at_column < width;
        fetch(to + 4 * i, inside ? matrix + (i64)at_row * width + at_column : matrix, inside);
    }
}

// The eight numbers of a slice's row k that this thread multiplies: four and four, half a tile apart, so that a warp reads
// whole lines of shared memory.
struct Eight {
    Four half[2];

    __device__ __forceinline__ void read(const float* slice, int k, int side, int first) {
        half[0] = *(const Four*)(slice + k * side + first);
        half[1] = *(const Four*)(slice + k * side + first + side / 2);
    }
    __device__ __forceinline__ float at(int i) const { return half[i / 4].of[i % 4]; }
};

// sums[i][j] += left[k][i] * right[k][j] over the rows k of the slices, for the eight rows and eight columns of this
// thread. What the next k multiplies is read meanwhile.
__device__ __forceinline__ void add_products(float (&sums)[8][8], const float* left, const float* right) {
    const int a = 4 * (threadIdx.x / 8), b = 4 * (threadIdx.x % 8);
    Eight rows[2], columns[2];
    rows[0].read(left, 0, PRODUCT_ROWS, a);
    columns[0].read(right, 0, PRODUCT_COLUMNS, b);
#pragma unroll
    for (int k = 0; k < PRODUCT_DEPTH; ++k) {
        if (k + 1 < PRODUCT_DEPTH) {
            rows[(k + 1) % 2].read(left, k + 1, PRODUCT_ROWS, a);
            columns[(k + 1) % 2].read(right, k + 1, PRODUCT_COLUMNS, b);
        }
#pragma unroll
        for (int i = 0; i < 8; ++i)
#pragma unroll
            for (int j = 0; j < 8; ++j) sums[i][j] += rows[k % 2].at(i) * columns[k % 2].at(j);
    }
}

// The weights of a tile, by their gradients in shared memory; rows and columns that lie beyond the matrix are left out.
struct TileUpdate {
    const Updating& updating;
    const float* const gradients;
    const i64 corner;
    const int rows, columns, stride;

    template <int OPTIMIZER>
    __device__ __forceinline__ void by() const {
#pragma unroll 2
        for (int i = 4 * threadIdx.x; i < PRODUCT_ROWS * PRODUCT_COLUMNS; i += 4 * PRODUCT_THREADS) {
            const int row = i / PRODUCT_COLUMNS, column = i % PRODUCT_COLUMNS;
            if (row < rows && column < columns)
                updating.four<OPTIMIZER>(corner + (i64)row * stride + column, *(const Four*)(gradients + i), true);
        }
    }
};

// weights (rows, columns) of every run, from element `start` of its row of `size`, after one update by the gradient
// dl_dz^T x, for dl_dz (batch, rows) and x (batch, columns). Rows and columns are multiples of four.
extern "C" __global__ void __launch_bounds__(PRODUCT_THREADS, PRODUCT_BLOCKS) update_by_product(
    const float* dl_dz, const float* x, float* weights, float* slot0, float* slot1, float* slot2, float* slot3,
    float* previous, const i64* counters, const float* varying, const float* constant, int optimizer, int start,
    int rows, int columns, int batch, int size, int updates) {
    __shared__ Four pool[PRODUCT_ROWS * PRODUCT_COLUMNS / 4];  // two slices of both factors, then the gradient
    float* const shared = (float*)pool;
    // The tiles of one run follow each other, so that they find its factors in the cache.
    const int number = blockIdx.y * gridDim.x + blockIdx.x, run = number / gridDim.y, tile = number % gridDim.y;
    const int across = (columns + PRODUCT_COLUMNS - 1) / PRODUCT_COLUMNS;
    const int first_row = tile / across * PRODUCT_ROWS, first_column = tile % across * PRODUCT_COLUMNS;
    dl_dz += (i64)run * batch * rows;
    x += (i64)run * batch * columns;

    const int slice = PRODUCT_DEPTH * (PRODUCT_ROWS + PRODUCT_COLUMNS), right = PRODUCT_DEPTH * PRODUCT_ROWS;
    float sums[8][8];
#pragma unroll
    for (int i = 0; i < 64; ++i) sums[i / 8][i % 8] = 0.0f;
    fetch_slice(shared, dl_dz, 0, first_row, batch, rows, PRODUCT_ROWS);
    fetch_slice(shared + right, x, 0, first_column, batch, columns, PRODUCT_COLUMNS);
    for (int row = 0, turn = 0; row < batch; row += PRODUCT_DEPTH, turn ^= 1) {
        arrived();
        __syncthreads();  // this slice is there, and everybody has done with the other
        if (row + PRODUCT_DEPTH < batch) {
            float* next = shared + (turn ^ 1) * slice;
            fetch_slice(next, dl_dz, row + PRODUCT_DEPTH, first_row, batch, rows, PRODUCT_ROWS);
            fetch_slice(next + right, x, row + PRODUCT_DEPTH, first_column, batch, columns, PRODUCT_COLUMNS);
        }
        add_products(sums, shared + turn * slice, shared + turn * slice + right);
    }

    __syncthreads();
    const int a = 4 * (threadIdx.x / 8), b = 4 * (threadIdx.x % 8);
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 8; j += 4) {
            const Four four = {{sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]}};
            const int place = (a + i / 4 * (PRODUCT_ROWS / 2) + i % 4) * PRODUCT_COLUMNS + b + j / 4 * (PRODUCT_COLUMNS / 2);
            *(Four*)(shared + place) = four;
        }
    __syncthreads();

    const Updating updating(run, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant, updates);
    const i64 corner = (i64)run * size + start + (i64)first_row * columns + first_column;
    by_optimizer(optimizer, TileUpdate{updating, shared, corner, rows - first_row, columns - first_column, columns});
}
