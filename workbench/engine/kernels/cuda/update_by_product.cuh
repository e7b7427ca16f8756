// The gradient of a layer's weights and their update in one launch: the gradient never leaves the multiprocessor. A step
// of many runs takes as long as its memory traffic, and writing and reading a gradient is a quarter of an update's.
//
// A block walks over tiles of weights. Half of its threads multiply the gradient of a tile, which takes arithmetic; the
// others meanwhile update the weights of the tile before, which takes memory traffic.

#ifndef POOL
#define POOL extern __shared__ Four shared_memory[]; float* const pool = (float*)shared_memory
#endif

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
    const int fours = side / 4;  // threadIdx.x < PRODUCT_THREADS here
#pragma unroll 2  // all at once would take more registers than there are
    for (int i = threadIdx.x; i < PRODUCT_DEPTH * fours; i += PRODUCT_THREADS) {
        const int at_row = row + i / fours, at_column = column + 4 * (i % fours);
        const bool inside = at_row < batch && at_column < width;
        fetch(to + 4 * i, inside ? matrix + (i64)at_row * width + at_column : matrix, inside);
    }
}

// sums[a][b] += left[k][a] * right[k][b] over the slice, for the eight rows and eight columns of this thread: four and
// four, half a tile apart, so that a warp reads whole lines of shared memory.
__device__ __forceinline__ void add_products(float (&sums)[8][8], const float* left, const float* right) {
    const int a = 4 * (threadIdx.x / 8), b = 4 * (threadIdx.x % 8);
#pragma unroll
    for (int k = 0; k < PRODUCT_DEPTH; ++k) {
        const float* row = left + k * PRODUCT_ROWS + a;
        const float* column = right + k * PRODUCT_COLUMNS + b;
        const Four of_row[2] = {*(const Four*)row, *(const Four*)(row + PRODUCT_ROWS / 2)};
        const Four of_column[2] = {*(const Four*)column, *(const Four*)(column + PRODUCT_COLUMNS / 2)};
#pragma unroll
        for (int i = 0; i < 8; ++i)
#pragma unroll
            for (int j = 0; j < 8; ++j) sums[i][j] += of_row[i / 4].of[i % 4] * of_column[j / 4].of[j % 4];
    }
}

// One tile of the weights of one run: the weights (rows, columns) of every run are cut into tiles, and the tiles of one
// run follow each other, so that they find its factors in the cache.
struct Tile {
    int run, row, column;

    __device__ __forceinline__ Tile(int number, int rows, int columns) {
        const int down = (rows + PRODUCT_ROWS - 1) / PRODUCT_ROWS;
        const int across = (columns + PRODUCT_COLUMNS - 1) / PRODUCT_COLUMNS;
        const int own = number % (down * across);
        run = number / (down * across);
        row = own / across * PRODUCT_ROWS;
        column = own % across * PRODUCT_COLUMNS;
    }
};

// The threads that multiply: the gradient of each of the block's tiles to `gradient` (PRODUCT_ROWS, PRODUCT_COLUMNS).
__device__ __forceinline__ void multiply_tiles(
    const float* dl_dz, const float* x, float* slices, float* gradient, int tiles, int rows, int columns, int batch) {
    const int slice = PRODUCT_DEPTH * (PRODUCT_ROWS + PRODUCT_COLUMNS), right = PRODUCT_DEPTH * PRODUCT_ROWS;
    const int a = 4 * (threadIdx.x / 8), b = 4 * (threadIdx.x % 8);
    for (int number = blockIdx.x; number < tiles; number += gridDim.x) {
        const Tile tile(number, rows, columns);
        const float* left_factor = dl_dz + (i64)tile.run * batch * rows;
        const float* right_factor = x + (i64)tile.run * batch * columns;
        float sums[8][8];
#pragma unroll
        for (int i = 0; i < 64; ++i) sums[i / 8][i % 8] = 0.0f;
        fetch_slice(slices, left_factor, 0, tile.row, batch, rows, PRODUCT_ROWS);
        fetch_slice(slices + right, right_factor, 0, tile.column, batch, columns, PRODUCT_COLUMNS);
        for (int row = 0, turn = 0; row < batch; row += PRODUCT_DEPTH, turn ^= 1) {
            arrived();
            __syncthreads();  // this slice is there, and everybody has done with the other
            if (row + PRODUCT_DEPTH < batch) {
                float* next = slices + (turn ^ 1) * slice;
                fetch_slice(next, left_factor, row + PRODUCT_DEPTH, tile.row, batch, rows, PRODUCT_ROWS);
                fetch_slice(next + right, right_factor, row + PRODUCT_DEPTH, tile.column, batch, columns, PRODUCT_COLUMNS);
            }
            add_products(sums, slices + turn * slice, slices + turn * slice + right);
        }
        __syncthreads();  // the gradient of the tile before has been read
#pragma unroll
        for (int i = 0; i < 8; ++i)
#pragma unroll
            for (int j = 0; j < 8; j += 4) {
                const int row = a + i / 4 * (PRODUCT_ROWS / 2) + i % 4, column = b + j / 4 * (PRODUCT_COLUMNS / 2);
                *(Four*)(gradient + row * PRODUCT_COLUMNS + column) = {
                    {sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]}};
            }
    }
    __syncthreads();  // the last gradient is there
}

// The places of a tile's weights, turn by turn: `corner` in the buffers, and how many rows and columns are the matrix's.
struct TileTurns {
    enum { ALL = PRODUCT_ROWS * PRODUCT_COLUMNS / (4 * PRODUCT_THREADS) };
    const i64 corner;
    const int rows, columns, stride;

    // The element of the tile with which this thread begins in that turn.
    __device__ __forceinline__ int element(int turn) const {
        return 4 * ((int)threadIdx.x - PRODUCT_THREADS + turn * PRODUCT_THREADS);
    }
    __device__ __forceinline__ bool is_inside(int turn) const {
        const int e = element(turn);
        return turn < ALL && e / PRODUCT_COLUMNS < rows && e % PRODUCT_COLUMNS < columns;
    }
    __device__ __forceinline__ i64 place(int turn) const {
        const int e = element(turn);
        return corner + (i64)(e / PRODUCT_COLUMNS) * stride + e % PRODUCT_COLUMNS;
    }
    template <int OPTIMIZER>
    __device__ __forceinline__ Updating::Held read(const Updating& updating, int turn) const {
        Updating::Held held = {};
        if (is_inside(turn)) held = updating.read<OPTIMIZER>(place(turn));
        return held;
    }
    template <int OPTIMIZER>
    __device__ __forceinline__ void write(
        const Updating& updating, int turn, const Updating::Held& held, const float* gradient) const {
        if (is_inside(turn))
            updating.write<OPTIMIZER>(place(turn), held, *(const Four*)(gradient + element(turn)), true);
    }
};

// The threads that update: while the gradient of a tile is multiplied slice by slice, as many parts of the tile before.
struct TileUpdates {
    const float* const gradient;
    float *const weights, *const slot0, *const slot1, *const slot2, *const slot3, *const previous;
    const i64* const counters;
    const float *const varying, *const constant;
    const int tiles, rows, columns, start, batch, size, updates;

    template <int OPTIMIZER>
    __device__ __forceinline__ void by() const {
        int before = -1;
        for (int number = blockIdx.x; number < tiles; before = number, number += gridDim.x) {
            if (before < 0)
                wait_for_slices();
            else
                update<OPTIMIZER>(before, true);
            __syncthreads();
        }
        __syncthreads();
        if (before >= 0) update<OPTIMIZER>(before, false);
    }

    __device__ __forceinline__ void wait_for_slices() const {
        for (int row = 0; row < batch; row += PRODUCT_DEPTH) __syncthreads();
    }

    // In turns of four weights a thread. What a turn reads is on its way two turns before it is needed.
    template <int OPTIMIZER>
    __device__ __forceinline__ void update(int number, bool beside) const {
        const Tile tile(number, rows, columns);
        const Updating updating(tile.run, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant, updates);
        const TileTurns turns = {(i64)tile.run * size + start + (i64)tile.row * columns + tile.column,
                                 rows - tile.row, columns - tile.column, columns};
        const int slices = beside ? (batch + PRODUCT_DEPTH - 1) / PRODUCT_DEPTH : 0;
        const int each = slices ? (TileTurns::ALL + slices - 1) / slices : 1;  // turns while one slice is multiplied
        int waited = 0;
        Updating::Held even = turns.read<OPTIMIZER>(updating, 0), odd = turns.read<OPTIMIZER>(updating, 1);
        for (int turn = 0; turn < TileTurns::ALL; turn += 2) {
            for (; waited < slices && waited * each <= turn; ++waited) __syncthreads();
            turns.write<OPTIMIZER>(updating, turn, even, gradient);
            even = turns.read<OPTIMIZER>(updating, turn + 2);
            for (; waited < slices && waited * each <= turn + 1; ++waited) __syncthreads();
            turns.write<OPTIMIZER>(updating, turn + 1, odd, gradient);
            odd = turns.read<OPTIMIZER>(updating, turn + 3);
        }
        for (; waited < slices; ++waited) __syncthreads();
    }
};

// weights (rows, columns) of every run, from element `start` of its row of `size`, after one update by the gradient
// dl_dz^T x, for dl_dz (batch, rows) and x (batch, columns). Rows and columns are multiples of four.
extern "C" __global__ void __launch_bounds__(2 * PRODUCT_THREADS, PRODUCT_BLOCKS) update_by_product(
    const float* dl_dz, const float* x, float* weights, float* slot0, float* slot1, float* slot2, float* slot3,
    float* previous, const i64* counters, const float* varying, const float* constant, int optimizer, int start,
    int rows, int columns, int batch, int size, int updates, int tiles) {
    POOL;
    float* const gradient = pool + 2 * PRODUCT_DEPTH * (PRODUCT_ROWS + PRODUCT_COLUMNS);  // behind two slices
    if (threadIdx.x < PRODUCT_THREADS)
        multiply_tiles(dl_dz, x, pool, gradient, tiles, rows, columns, batch);
    else
        by_optimizer(
            optimizer, TileUpdates{gradient, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant,
                                   tiles, rows, columns, start, batch, size, updates});
}
