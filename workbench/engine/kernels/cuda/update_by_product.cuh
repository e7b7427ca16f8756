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

// A slice of a matrix (batch, width) to shared memory (PRODUCT_DEPTH, SIDE), rows STRIDE apart: the rows from `row`, the
// columns from `column`. Rows and columns beyond the matrix are zeros; four columns side by side are all within it, or
// all beyond.
template <int SIDE, int STRIDE>
__device__ __forceinline__ void fetch_slice(float* to, const float* matrix, int row, int column, int batch, int width) {
    constexpr int FOURS = SIDE / 4;
#pragma unroll 2  // all at once would take more registers than there are
    for (int i = threadIdx.x; i < PRODUCT_DEPTH * FOURS; i += PRODUCT_THREADS) {
        const int at_row = row + i / FOURS, at_column = column + 4 * (i % FOURS);
        const bool inside = at_row < batch && at_column < width;
        fetch(to + i / FOURS * STRIDE + 4 * (i % FOURS), inside ? matrix + (i64)at_row * width + at_column : matrix, inside);
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

// The sums of a block's tile, 64 a thread: of products of float32 numbers as they are.
struct Float32Sums {
    // How far apart the rows of the slices and of the tile lie.
    static constexpr int LEFT = PRODUCT_ROWS, RIGHT = PRODUCT_COLUMNS, TILE_ROW = PRODUCT_COLUMNS;
    float of[8][8];  // eight rows, four and four, half a tile apart, and so the columns

    // of[i][j] += left[k][i] * right[k][j] over the rows k of the slices. What the next k multiplies is read meanwhile.
    __device__ __forceinline__ void add(const float* left, const float* right) {
        const int a = 4 * (threadIdx.x / 8), b = 4 * (threadIdx.x % 8);
        Eight rows[2], columns[2];
        rows[0].read(left, 0, LEFT, a);
        columns[0].read(right, 0, RIGHT, b);
#pragma unroll
        for (int k = 0; k < PRODUCT_DEPTH; ++k) {
            if (k + 1 < PRODUCT_DEPTH) {
                rows[(k + 1) % 2].read(left, k + 1, LEFT, a);
                columns[(k + 1) % 2].read(right, k + 1, RIGHT, b);
            }
#pragma unroll
            for (int i = 0; i < 8; ++i)
#pragma unroll
                for (int j = 0; j < 8; ++j) of[i][j] += rows[k % 2].at(i) * columns[k % 2].at(j);
        }
    }

    __device__ __forceinline__ void put(float* tile) const {
        const int a = 4 * (threadIdx.x / 8), b = 4 * (threadIdx.x % 8);
#pragma unroll
        for (int i = 0; i < 8; ++i)
#pragma unroll
            for (int j = 0; j < 8; j += 4) {
                const Four four = {{of[i][j], of[i][j + 1], of[i][j + 2], of[i][j + 3]}};
                const int row = a + i / 4 * (PRODUCT_ROWS / 2) + i % 4, column = b + j / 4 * (PRODUCT_COLUMNS / 2);
                *(Four*)(tile + row * TILE_ROW + column) = four;
            }
    }
};

// The weights of a tile, by their gradients in shared memory, whose rows lie STRIDE apart; rows and columns that lie
// beyond the matrix are left out.
template <int STRIDE>
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
                updating.four<OPTIMIZER>(corner + (i64)row * stride + column, *(const Four*)(gradients + row * STRIDE + column), true);
        }
    }
};

// weights (rows, columns) of every run, from element `start` of its row of `size`, after one update by the gradient
// dl_dz^T x, for dl_dz (batch, rows) and x (batch, columns). Rows and columns are multiples of four. `Sums` multiplies.
template <class Sums>
__device__ __forceinline__ void updated_by_product(
    const float* dl_dz, const float* x, float* weights, float* slot0, float* slot1, float* slot2, float* slot3,
    float* previous, const i64* counters, const float* varying, const float* constant, int optimizer, int start,
    int rows, int columns, int batch, int size, int updates) {
    constexpr int SLICE = PRODUCT_DEPTH * (Sums::LEFT + Sums::RIGHT), RIGHT = PRODUCT_DEPTH * Sums::LEFT;
    static_assert(2 * SLICE <= PRODUCT_ROWS * Sums::TILE_ROW, "both slices lie where the gradient does later");
    __shared__ Four pool[PRODUCT_ROWS * Sums::TILE_ROW / 4];  // two slices of both factors, then the gradient
    float* const shared = (float*)pool;
    // The tiles of one run follow each other, so that they find its factors in the cache.
    const int number = blockIdx.y * gridDim.x + blockIdx.x, run = number / gridDim.y, tile = number % gridDim.y;
    const int across = (columns + PRODUCT_COLUMNS - 1) / PRODUCT_COLUMNS;
    const int first_row = tile / across * PRODUCT_ROWS, first_column = tile % across * PRODUCT_COLUMNS;
    dl_dz += (i64)run * batch * rows;
    x += (i64)run * batch * columns;

    Sums sums = {};
    fetch_slice<PRODUCT_ROWS, Sums::LEFT>(shared, dl_dz, 0, first_row, batch, rows);
    fetch_slice<PRODUCT_COLUMNS, Sums::RIGHT>(shared + RIGHT, x, 0, first_column, batch, columns);
    for (int row = 0, turn = 0; row < batch; row += PRODUCT_DEPTH, turn ^= 1) {
        arrived();
        __syncthreads();  // this slice is there, and everybody has done with the other
        if (row + PRODUCT_DEPTH < batch) {
            float* next = shared + (turn ^ 1) * SLICE;
            fetch_slice<PRODUCT_ROWS, Sums::LEFT>(next, dl_dz, row + PRODUCT_DEPTH, first_row, batch, rows);
            fetch_slice<PRODUCT_COLUMNS, Sums::RIGHT>(next + RIGHT, x, row + PRODUCT_DEPTH, first_column, batch, columns);
        }
        sums.add(shared + turn * SLICE, shared + turn * SLICE + RIGHT);
    }

    __syncthreads();
    sums.put(shared);
    __syncthreads();

    const Updating updating(run, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant, updates);
    const i64 corner = (i64)run * size + start + (i64)first_row * columns + first_column;
    const int rows_here = rows - first_row, columns_here = columns - first_column;
    by_optimizer(optimizer, TileUpdate<Sums::TILE_ROW>{updating, shared, corner, rows_here, columns_here, columns});
}

extern "C" __global__ void __launch_bounds__(PRODUCT_THREADS, PRODUCT_BLOCKS) update_by_product(
    const float* dl_dz, const float* x, float* weights, float* slot0, float* slot1, float* slot2, float* slot3,
    float* previous, const i64* counters, const float* varying, const float* constant, int optimizer, int start,
    int rows, int columns, int batch, int size, int updates) {
    updated_by_product<Float32Sums>(
        dl_dz, x, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant, optimizer, start, rows,
        columns, batch, size, updates);
}

extern "C" __global__ void __launch_bounds__(PRODUCT_THREADS, PRODUCT_BLOCKS) update_by_tf32_product(
    const float* dl_dz, const float* x, float* weights, float* slot0, float* slot1, float* slot2, float* slot3,
    float* previous, const i64* counters, const float* varying, const float* constant, int optimizer, int start,
    int rows, int columns, int batch, int size, int updates) {
    updated_by_product<Tf32Sums>(
        dl_dz, x, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant, optimizer, start, rows,
        columns, batch, size, updates);
}
