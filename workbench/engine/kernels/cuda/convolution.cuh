// Convolutions: the patch of every place is laid out as a row, a product reads the rows, and the way back gathers what a
// pixel gets from every patch it is in. blockIdx.x is the run.
//
// A block's threads stand in rows of `columns` side by side: each thread keeps to its column and goes down the rows, so
// what depends on the column is computed once, and neighbours read and write side by side.

// A row of places or pixels, as (example, y, x); `Steps` goes on by a fixed number of rows without dividing.
struct Spot {
    int example, y, x;
    __device__ __forceinline__ Spot(int number, int down, int across)
        : example(number / (down * across)), y(number / across % down), x(number % across) {}
};

struct Steps {
    const Spot by;
    const int down, across;
    __device__ __forceinline__ Steps(int rows, int down, int across) : by(rows, down, across), down(down), across(across) {}
    __device__ __forceinline__ void forward(Spot& spot) const {
        spot.x += by.x;
        spot.y += by.y;
        spot.example += by.example;
        if (spot.x >= across) spot.x -= across, ++spot.y;
        if (spot.y >= down) spot.y -= down, ++spot.example;
    }
};

// The share of a block in some rows: from `first` to `last`.
struct Share {
    int first, last;
    __device__ __forceinline__ explicit Share(int rows) {
        const int each = (rows + (int)gridDim.y - 1) / (int)gridDim.y, end = ((int)blockIdx.y + 1) * each;
        first = (int)blockIdx.y * each;
        last = end < rows ? end : rows;
    }
};

// patches (runs, batch, down, across, kernel, kernel, channels) <- images (runs, batch, height, width, channels): of each
// place the pixels of its window, the first of which is `above` and `left` of the image; zeros beyond the border.
extern "C" __global__ void gather_patches(
    const float* images, float* patches, int batch, int height, int width, int channels, int kernel, int stride,
    int above, int left, int down, int across) {
    const int run = blockIdx.x, places = batch * down * across, line = kernel * channels, numbers = kernel * line;
    const int columns = numbers < (int)blockDim.x ? numbers : blockDim.x, lanes = blockDim.x / columns;
    const int lane = threadIdx.x / columns;
    if (lane >= lanes) return;
    const Share share(places);
    const Steps steps(lanes, down, across);
    const float* own = images + (i64)run * batch * height * width * channels;
    float* out = patches + (i64)run * places * numbers;
    for (int number = threadIdx.x % columns; number < numbers; number += columns) {
        const int row = number / line - above, column = number % line - left * channels;
        Spot at(share.first + lane, down, across);
        for (int place = share.first + lane; place < share.last; place += lanes) {
            const int y = at.y * stride + row, begin = at.x * stride * channels + column;
            const bool inside = y >= 0 && y < height && begin >= 0 && begin < width * channels;
            out[(i64)place * numbers + number] =
                inside ? own[((i64)at.example * height + y) * width * channels + begin] : 0.0f;
            steps.forward(at);
        }
    }
}

// The way back: images <- of each pixel the sum over the patches it is in, from the first number of a window to the last.
extern "C" __global__ void gather_pixels(
    const float* patches, float* images, int batch, int height, int width, int channels, int kernel, int stride,
    int above, int left, int down, int across) {
    const int run = blockIdx.x, rows = batch * height, numbers = width * channels;
    const int columns = numbers < (int)blockDim.x ? numbers : blockDim.x, lanes = blockDim.x / columns;
    const int lane = threadIdx.x / columns;
    if (lane >= lanes) return;
    const Share share(rows);
    const float* own = patches + (i64)run * batch * down * across * kernel * kernel * channels;
    float* out = images + (i64)run * rows * numbers;
    for (int number = threadIdx.x % columns; number < numbers; number += columns) {
        const int x = number / channels + left, channel = number % channels;
        const int first_column = x % stride, last_place = x / stride;
        for (int row = share.first + lane; row < share.last; row += lanes) {
            const int example = row / height, y = row % height + above;
            float sum = 0.0f;
            for (int i = y % stride, py = y / stride; i < kernel && py >= 0; i += stride, --py) {
                if (py >= down) continue;
                const i64 line = ((i64)example * down + py) * across;
                for (int j = first_column, px = last_place; j < kernel && px >= 0; j += stride, --px)
                    if (px < across) sum += own[((line + px) * kernel * kernel + i * kernel + j) * channels + channel];
            }
            out[(i64)row * numbers + number] = sum;
        }
    }
}

// The sum over the rows of a block's threads, in the threads of the first row.
__device__ __forceinline__ float over_rows(float part, int columns, int lanes, float* shared) {
    shared[threadIdx.x] = part;
    __syncthreads();
    float total = 0.0f;
    if ((int)threadIdx.x < columns)
        for (int lane = 0; lane < lanes; ++lane) total += shared[lane * columns + threadIdx.x];
    __syncthreads();
    return total;
}

// As `reverse`, for z (runs, batch * places, units): blockIdx.y is a part of the run's rows, `rows` of them. Of each part
// the sums for the gradients of biases, then of learned slopes, go to parts (runs, gridDim.y, part_size), from `sums` on.
extern "C" __global__ void reverse_places(
    const float* upper, float* z, const float* weights, float* parts, const float* slope, const u64* keys,
    const u32* thresholds, const float* scales, int activation, int units_mask, int channels_mask, int places,
    int bias_start, int slope_start, int rows, int units, int size, int sums, int part_size) {
    __shared__ float shared[THREADS];
    const int run = blockIdx.x, columns = units < (int)blockDim.x ? units : blockDim.x, lanes = blockDim.x / columns;
    const int lane = threadIdx.x / columns;
    const i64 part = (i64)run * gridDim.y + blockIdx.y;
    float* out = parts + part * part_size + sums;
    for (int first = 0; first < units; first += columns) {
        const int unit = first + threadIdx.x % columns;
        const bool works = lane < lanes && unit < units;
        float bias_sum = 0.0f, slope_sum = 0.0f;
        if (works) {
            const float bias = weights[(i64)run * size + bias_start + unit];
            const float left = slope_start < 0 ? slope[run] : weights[(i64)run * size + slope_start + unit];
            for (int row = lane; row < rows; row += lanes) {
                const i64 at = (part * rows + row) * units + unit;
                const int place = blockIdx.y * rows + row;
                const float here = z[at] + bias;
                float dl_da = upper[at] * kept(keys, thresholds, scales, units_mask, place * units + unit);
                if (channels_mask >= 0)
                    dl_da *= kept(keys, thresholds, scales, channels_mask, place / places * units + unit);
                const float dl_dz = dl_da * derivative(activation, here, left);
                z[at] = dl_dz;
                bias_sum += dl_dz;
                if (slope_start >= 0) slope_sum += dl_da * slope_derivative(activation, here);
            }
        }
        bias_sum = over_rows(bias_sum, columns, lanes, shared);
        if (works && lane == 0) out[unit] = bias_sum;
        if (slope_start < 0) continue;
        slope_sum = over_rows(slope_sum, columns, lanes, shared);
        if (works && lane == 0) out[units + unit] = slope_sum;
    }
}

// The same for maxout, z (runs, batch * places, pieces * units).
extern "C" __global__ void reverse_maxout_places(
    const float* upper, float* z, const float* weights, float* parts, const u64* keys, const u32* thresholds,
    const float* scales, int pieces, int units_mask, int channels_mask, int places, int bias_start, int rows,
    int units, int size, int sums, int part_size) {
    __shared__ float shared[THREADS];
    const int run = blockIdx.x, columns = units < (int)blockDim.x ? units : blockDim.x, lanes = blockDim.x / columns;
    const int lane = threadIdx.x / columns;
    const i64 part = (i64)run * gridDim.y + blockIdx.y;
    float* out = parts + part * part_size + sums;
    for (int first = 0; first < units; first += columns) {
        const int unit = first + threadIdx.x % columns;
        const bool works = lane < lanes && unit < units;
        float* own = z + part * rows * pieces * units + unit;
        const float* biases = weights + (i64)run * size + bias_start + unit;
        for (int row = lane; row < rows && works; row += lanes) {
            const int place = blockIdx.y * rows + row;
            float dl_da = upper[(part * rows + row) * units + unit];
            dl_da *= kept(keys, thresholds, scales, units_mask, place * units + unit);
            if (channels_mask >= 0)
                dl_da *= kept(keys, thresholds, scales, channels_mask, place / places * units + unit);
            to_winning_piece(dl_da, own + (i64)row * pieces * units, biases, pieces, units);
        }
        for (int piece = 0; piece < pieces; ++piece) {
            float sum = 0.0f;
            for (int row = lane; row < rows && works; row += lanes) sum += own[((i64)row * pieces + piece) * units];
            sum = over_rows(sum, columns, lanes, shared);
            if (works && lane == 0) out[piece * units + unit] = sum;
        }
    }
}

// gradients of every run <- the sums over its parts (runs, count, part_size), of which the first `numbers` count: the
// gradients of weights, biases and learned slopes, so many of each, one after the other.
extern "C" __global__ void sum_parts(
    const float* parts, float* gradients, int count, int part_size, int numbers, int weights, int biases,
    int weights_start, int bias_start, int slope_start, int size) {
    __shared__ float shared[THREADS];
    const int run = blockIdx.x, lanes = blockDim.x / TILE;
    for (int first = blockIdx.y * TILE; first < numbers; first += gridDim.y * TILE) {
        const int number = first + threadIdx.x % TILE;
        const float* own = parts + (i64)run * count * part_size + number;
        float sum = 0.0f;
        for (int part = threadIdx.x / TILE; part < count && number < numbers; part += lanes)
            sum += own[(i64)part * part_size];
        sum = over_lanes(sum, shared);
        if (threadIdx.x >= TILE || number >= numbers) continue;
        const int bias = number - weights, slope = bias - biases;
        const int place = bias < 0 ? weights_start + number : slope < 0 ? bias_start + bias : slope_start + slope;
        gradients[(i64)run * size + place] = sum;
    }
}
