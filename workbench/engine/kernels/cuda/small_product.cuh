// A product of matrices with few elements, one thread for each. Libraries take longer to distribute so small a product.

// out (rows, columns) = left (rows, inner) right (inner, columns) of every run. Of each matrix: where a run's stretch has
// it, how far apart two runs, two rows and two columns lie.
extern "C" __global__ void small_product(
    const float* left, const float* right, float* out, int left_start, int left_stride, int left_row, int left_column,
    int right_start, int right_stride, int right_row, int right_column, int out_start, int out_stride, int rows,
    int inner, int columns) {
    const float* a = left + (i64)blockIdx.x * left_stride + left_start;
    const float* b = right + (i64)blockIdx.x * right_stride + right_start;
    float* c = out + (i64)blockIdx.x * out_stride + out_start;
    for (int e = blockIdx.y * blockDim.x + threadIdx.x; e < rows * columns; e += gridDim.y * blockDim.x) {
        const float* own_row = a + e / columns * left_row;
        const float* own_column = b + e % columns * right_column;
        float sum = 0.0f;
#pragma unroll 16
        for (int k = 0; k < inner; ++k) sum += own_row[k * left_column] * own_column[k * right_row];
        c[e] = sum;
    }
}
