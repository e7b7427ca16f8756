// A product of matrices with few elements, SHARING_LANES threads for each, which share its terms. Libraries take longer to
// distribute so small a product.

// out (rows, columns) = left (rows, inner) right (inner, columns) of every run. Of each matrix: where a run's stretch has
// it, how far apart two runs, two rows and two columns lie.
extern "C" __global__ void small_product(
    const float* left, const float* right, float* out, int left_start, int left_stride, int left_row, int left_column,
    int right_start, int right_stride, int right_row, int right_column, int out_start, int out_stride, int rows,
    int inner, int columns) {
    const float* a = left + (i64)blockIdx.x * left_stride + left_start;
    const float* b = right + (i64)blockIdx.x * right_stride + right_start;
    float* c = out + (i64)blockIdx.x * out_stride + out_start;
    __shared__ float shared[SMALL_BLOCK];
    const int together = SMALL_BLOCK / SHARING_LANES, lane = threadIdx.x / together, elements = rows * columns;
    for (int first = blockIdx.y * together; first < elements; first += gridDim.y * together) {
        const int e = first + threadIdx.x % together;
        float sum = 0.0f;
        if (e < elements) {
            const float* own_row = a + e / columns * left_row;
            const float* own_column = b + e % columns * right_column;
#pragma unroll 16
            for (int k = lane; k < inner; k += SHARING_LANES) sum += own_row[k * left_column] * own_column[k * right_row];
        }
        shared[threadIdx.x] = sum;
        __syncthreads();
        if (lane == 0 && e < elements) {
            for (int other = 1; other < SHARING_LANES; ++other) sum += shared[other * together + threadIdx.x];
            c[e] = sum;
        }
        __syncthreads();
    }
}
