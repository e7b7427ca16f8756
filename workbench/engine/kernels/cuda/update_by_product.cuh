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

// The sums of a block's tile, of products of float32 numbers as they are: of each thread four rows times four columns, and
// so for other rows and columns further on. These lie so far apart that a warp reads whole lines of shared memory.
struct Float32Sums {
    // How far apart the rows of the slices and of the tile lie.
    static constexpr int LEFT = PRODUCT_ROWS, RIGHT = PRODUCT_COLUMNS, TILE_ROW = PRODUCT_COLUMNS;
    static constexpr int DOWN = 2, ACROSS = PRODUCT_ROWS * PRODUCT_COLUMNS / (PRODUCT_THREADS * 16 * DOWN);
    static constexpr int SIDE_BY_SIDE = PRODUCT_COLUMNS / (4 * ACROSS);  // threads
    float of[4 * DOWN][4 * ACROSS];

    // What a thread multiplies of row k of both slices.
    struct Factors {
        Four rows[DOWN], columns[ACROSS];

        __device__ __forceinline__ void read(const float* left, const float* right, int k) {
#pragma unroll
            for (int i = 0; i < DOWN; ++i) rows[i] = *(const Four*)(left + k * LEFT + row_of(4 * i));
#pragma unroll
            for (int j = 0; j < ACROSS; ++j) columns[j] = *(const Four*)(right + k * RIGHT + column_of(4 * j));
        }
    };

    __device__ __forceinline__ static int row_of(int i) {
        return 4 * (threadIdx.x / SIDE_BY_SIDE) + i / 4 * (PRODUCT_ROWS / DOWN) + i % 4;
    }
    __device__ __forceinline__ static int column_of(int j) {
        return 4 * (threadIdx.x % SIDE_BY_SIDE) + j / 4 * (PRODUCT_COLUMNS / ACROSS) + j % 4;
    }

    // of[i][j] += left[k][i] * right[k][j] over the rows k of the slices. What the next k multiplies is read meanwhile.
    __device__ __forceinline__ void add(const float* left, const float* right) {
        Factors factors[2];
        factors[0].read(left, right, 0);
#pragma unroll
        for (int k = 0; k < PRODUCT_DEPTH; ++k) {
            const Factors& now = factors[k % 2];
            if (k + 1 < PRODUCT_DEPTH) factors[(k + 1) % 2].read(left, right, k + 1);
#pragma unroll
            for (int i = 0; i < 4 * DOWN; ++i)
#pragma unroll
                for (int j = 0; j < 4 * ACROSS; ++j) of[i][j] += now.rows[i / 4].of[i % 4] * now.columns[j / 4].of[j % 4];
        }
    }

    __device__ __forceinline__ void put(float* tile) const {
#pragma unroll
        for (int i = 0; i < 4 * DOWN; ++i)
#pragma unroll
            for (int j = 0; j < 4 * ACROSS; j += 4) {
                const Four four = {{of[i][j], of[i][j + 1], of[i][j + 2], of[i][j + 3]}};
                *(Four*)(tile + row_of(i) * TILE_ROW + column_of(j)) = four;
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

    // Several fours are read before the first is written: the compiler may not move a read before a write, and a read
    // of device memory takes as long as hundreds of instructions.
    template <int OPTIMIZER>
    __device__ __forceinline__ void by() const {
        constexpr int EACH = PRODUCT_ROWS * PRODUCT_COLUMNS / (4 * PRODUCT_THREADS);  // fours of a thread
        static_assert(EACH % PRODUCT_AHEAD == 0, "as many are read each time");
#pragma unroll 1
        for (int first = 0; first < EACH; first += PRODUCT_AHEAD) {
            Updating::Parameters fours[PRODUCT_AHEAD];
#pragma unroll
            for (int i = 0; i < PRODUCT_AHEAD; ++i)
                if (is_inside(first + i)) fours[i] = updating.read<OPTIMIZER>(place_of(first + i));
#pragma unroll
            for (int i = 0; i < PRODUCT_AHEAD; ++i)
                if (is_inside(first + i)) updating.update<OPTIMIZER>(fours[i], gradient_of(first + i), true);
        }
    }

    __device__ __forceinline__ static int row_of(int number) { return element_of(number) / PRODUCT_COLUMNS; }
    __device__ __forceinline__ static int column_of(int number) { return element_of(number) % PRODUCT_COLUMNS; }
    __device__ __forceinline__ static int element_of(int number) {
        return 4 * ((int)threadIdx.x + number * PRODUCT_THREADS);
    }
    __device__ __forceinline__ bool is_inside(int number) const {
        return row_of(number) < rows && column_of(number) < columns;
    }
    __device__ __forceinline__ i64 place_of(int number) const {
        return corner + (i64)row_of(number) * stride + column_of(number);
    }
    __device__ __forceinline__ Four gradient_of(int number) const {
        return *(const Four*)(gradients + row_of(number) * STRIDE + column_of(number));
    }
};

// Fours of shared memory: two slices of both factors, and later the gradient.
template <class Sums>
__device__ constexpr int shared_fours() {
    const int slices = 2 * PRODUCT_DEPTH * (Sums::LEFT + Sums::RIGHT), gradient = PRODUCT_ROWS * Sums::TILE_ROW;
    return (slices > gradient ? slices : gradient) / 4;
}

// weights (rows, columns) of every run, from element `start` of its row of `size`, after one update by the gradient
// dl_dz^T x, for dl_dz (batch, rows) and x (batch, columns). Rows and columns are multiples of four. `Sums` multiplies.
template <class Sums>
__device__ __forceinline__ void updated_by_product(
    float* shared, const float* dl_dz, const float* x, float* weights, float* slot0, float* slot1, float* slot2,
    float* slot3, float* previous, const i64* counters, const float* varying, const float* constant, int optimizer, int start,
    int rows, int columns, int batch, int size, int updates) {
    constexpr int SLICE = PRODUCT_DEPTH * (Sums::LEFT + Sums::RIGHT), RIGHT = PRODUCT_DEPTH * Sums::LEFT;
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
    __shared__ Four pool[shared_fours<Float32Sums>()];
    updated_by_product<Float32Sums>(
        (float*)pool, dl_dz, x, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant, optimizer,
        start, rows, columns, batch, size, updates);
}

extern "C" __global__ void __launch_bounds__(PRODUCT_THREADS, PRODUCT_BLOCKS) update_by_tf32_product(
    const float* dl_dz, const float* x, float* weights, float* slot0, float* slot1, float* slot2, float* slot3,
    float* previous, const i64* counters, const float* varying, const float* constant, int optimizer, int start,
    int rows, int columns, int batch, int size, int updates) {
    __shared__ Four pool[shared_fours<Tf32Sums>()];
    updated_by_product<Tf32Sums>(
        (float*)pool, dl_dz, x, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant, optimizer,
        start, rows, columns, batch, size, updates);
}
