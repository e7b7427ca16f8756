// What the threads of a block do together. Sums are taken in a fixed order, so that a step repeats bit for bit.

typedef long long i64;

// Four numbers: one 16-byte access.
struct alignas(16) Four {
    float of[4];
};

// The sum of every thread's part, in every thread; blockDim.x is a power of two.
template <typename Number>
__device__ __forceinline__ Number block_sum(Number part, Number* shared) {
    shared[threadIdx.x] = part;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if ((int)threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
        __syncthreads();
    }
    Number total = shared[0];
    __syncthreads();
    return total;
}

// A block looks at TILE columns side by side, with blockDim.x / TILE lanes of rows each. The sum of a column's lanes.
__device__ __forceinline__ float over_lanes(float part, float* shared) {
    shared[threadIdx.x] = part;
    __syncthreads();
    float total = 0.0f;
    for (int place = threadIdx.x % TILE; place < (int)blockDim.x; place += TILE) total += shared[place];
    __syncthreads();
    return total;
}

// The sums over the rows of matrix (rows, columns).
__device__ __forceinline__ void column_sums(const float* matrix, int rows, int columns, float* sums, float* shared) {
    int lanes = blockDim.x / TILE;
    for (int first = 0; first < columns; first += TILE) {
        int column = first + threadIdx.x % TILE;
        float part = 0.0f;
        for (int row = threadIdx.x / TILE; row < rows && column < columns; row += lanes)
            part += matrix[row * columns + column];
        part = over_lanes(part, shared);
        if (threadIdx.x < TILE && column < columns) sums[column] = part;
    }
}
