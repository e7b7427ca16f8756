// The elementwise parts of the passes. blockIdx.x is the run in all of them, gridDim.x the number of runs.
//
// weights and gradients are (runs, size); a tensor's place in a row is its `start`. keys, thresholds and scales are
// (masks, runs), mask 0 being that of the inputs; a threshold of 0 drops nothing, and so does mask -1.

// The mask of one element of what a layer reads.
__device__ __forceinline__ float kept(
    const u64* keys, const u32* thresholds, const float* scales, int mask, u32 element) {
    if (mask < 0) return 1.0f;
    int row = mask * gridDim.x + blockIdx.x;
    u32 threshold = thresholds[row];
    return threshold ? mask_of(keys[row], element, threshold, scales[row]) : 1.0f;
}

// The number of the run's example at this place of the minibatch: by the order of the epoch, or ascending.
__device__ __forceinline__ int example_at(int place, const int* order, bool ordered, i64 step, int batch, int examples) {
    i64 number = step * batch + place;
    if (ordered) return order[(i64)blockIdx.x * examples + number];
    return number < examples ? (int)number : examples;  // beyond the last there is no example
}

// Four numbers that lie side by side, stored or in float32: one access.
template <typename Number>
struct alignas(4 * sizeof(Number)) Quad {
    Number of[4];
};

// The mask of four elements side by side, the first of them even: two share a draw.
__device__ __forceinline__ Four kept_four(u64 key, u32 threshold, float scale, u32 element) {
    Four mask = {{1.0f, 1.0f, 1.0f, 1.0f}};
    if (threshold)
        for (int i = 0; i < 4; i += 2) {
            const u32 bits = random_bits(key, (element + i) >> 1);
            mask.of[i] = (bits & 0xFFFFu) >= threshold ? scale : 0.0f;
            mask.of[i + 1] = (bits >> 16) >= threshold ? scale : 0.0f;
        }
    return mask;
}

// The run's row of one mask.
struct Mask {
    u64 key;
    u32 threshold;
    float scale;

    __device__ __forceinline__ Mask(const u64* keys, const u32* thresholds, const float* scales, int mask)
        : key(0), threshold(0), scale(1.0f) {
        if (mask < 0) return;
        const int row = mask * gridDim.x + blockIdx.x;
        key = keys[row], threshold = thresholds[row], scale = scales[row];
    }
};

// Where the stored inputs of a place of the minibatch begin; beyond the last example, those of the last are read, but
// never evaluated.
template <typename Stored>
__device__ __forceinline__ const Stored* stored_row(
    const Stored* stored, const int* index, const int* order, const i64* counters, int place, int ordered, int examples,
    int batch, int features) {
    const int example = example_at(place, order, ordered, counters[0], batch, examples);
    return stored + (i64)index[(i64)blockIdx.x * examples + (example < examples ? example : examples - 1)] * features;
}

// A block reads PLACES examples at a time: an order and an index stand before each, and those of several are fetched
// while one is waited for.
template <typename Stored>
__device__ __forceinline__ void read_rows(
    const Stored* stored, const int* index, const int* order, const i64* counters, const float* scale,
    const float* shift, const u64* keys, const u32* thresholds, const float* scales, float* x, int ordered,
    int examples, int batch, int features) {
    const int run = blockIdx.x;
    const u64 key = keys[run];
    const u32 threshold = thresholds[run];
    const float kept_scale = scales[run];
    float* out = x + (i64)run * batch * features;
    for (int first = blockIdx.y * PLACES; first < batch; first += gridDim.y * PLACES) {
        const int places = first + PLACES < batch ? PLACES : batch - first;
        const Stored* rows[PLACES];
#pragma unroll
        for (int i = 0; i < PLACES; ++i)
            rows[i] = stored_row(
                stored, index, order, counters, i < places ? first + i : first, ordered, examples, batch, features);
        if (features % 4 == 0) {
            for (int f = 4 * threadIdx.x; f < features; f += 4 * blockDim.x) {
                const Four by = *(const Four*)(scale + run * features + f), to = *(const Four*)(shift + run * features + f);
                Quad<Stored> found[PLACES];
#pragma unroll
                for (int i = 0; i < PLACES; ++i) found[i] = *(const Quad<Stored>*)(rows[i] + f);
#pragma unroll
                for (int i = 0; i < PLACES; ++i) {
                    const int element = (first + i) * features + f;
                    const Four mask = kept_four(key, threshold, kept_scale, element);
                    Four value;
                    for (int k = 0; k < 4; ++k) value.of[k] = ((float)found[i].of[k] * by.of[k] + to.of[k]) * mask.of[k];
                    if (i < places) *(Four*)(out + element) = value;
                }
            }
            continue;
        }
#pragma unroll
        for (int i = 0; i < PLACES; ++i)
            for (int f = threadIdx.x; f < features && i < places; f += blockDim.x) {
                const float value = (float)rows[i][f] * scale[run * features + f] + shift[run * features + f];
                const int element = (first + i) * features + f;
                out[element] = value * (threshold ? mask_of(key, element, threshold, kept_scale) : 1.0f);
            }
    }
}

// x (runs, batch, features) <- the minibatch: stored rows, each run's scale and shift, and its mask.
#define READ(NAME, STORED)                                                                                        \
    extern "C" __global__ void NAME(                                                                              \
        const STORED* stored, const int* index, const int* order, const i64* counters, const float* scale,        \
        const float* shift, const u64* keys, const u32* thresholds, const float* scales, float* x, int ordered,   \
        int examples, int batch, int features) {                                                                  \
        read_rows(stored, index, order, counters, scale, shift, keys, thresholds, scales, x, ordered, examples,   \
                  batch, features);                                                                               \
    }
READ(read_bytes, unsigned char)
READ(read_floats, float)

// What the next layer reads, out (runs, batch, units) <- activation(z + b) * masks, for z (runs, batch, pieces * units).
// Of an image, batch counts the places of all examples, `places` each, and units are channels.
extern "C" __global__ void activate(
    const float* z, const float* weights, const float* slope, const u64* keys, const u32* thresholds,
    const float* scales, float* out, int activation, int pieces, int units_mask, int channels_mask, int places,
    int bias_start, int slope_start, int batch, int units, int size) {
    int run = blockIdx.x, elements = batch * units;
    const float* row = weights + (i64)run * size;
    if (pieces == 1 && units % 4 == 0) {
        const Mask of_unit(keys, thresholds, scales, units_mask), of_channel(keys, thresholds, scales, channels_mask);
        const float shared_slope = slope_start < 0 ? slope[run] : 0.0f;
        for (int e = 4 * (blockIdx.y * blockDim.x + threadIdx.x); e < elements; e += 4 * gridDim.y * blockDim.x) {
            const int unit = e % units;
            const Four here = *(const Four*)(z + (i64)run * elements + e), bias = *(const Four*)(row + bias_start + unit);
            Four mask = kept_four(of_unit.key, of_unit.threshold, of_unit.scale, e);
            if (of_channel.threshold) {
                const u32 channel = e / (places * units) * units + unit;
                const Four other = kept_four(of_channel.key, of_channel.threshold, of_channel.scale, channel);
                for (int i = 0; i < 4; ++i) mask.of[i] *= other.of[i];
            }
            Four a;
            for (int i = 0; i < 4; ++i) {
                const float left = slope_start < 0 ? shared_slope : row[slope_start + unit + i];
                a.of[i] = activated(activation, here.of[i] + bias.of[i], left) * mask.of[i];
            }
            *(Four*)(out + (i64)run * elements + e) = a;
        }
        return;
    }
    for (int e = blockIdx.y * blockDim.x + threadIdx.x; e < elements; e += gridDim.y * blockDim.x) {
        int example = e / units, unit = e - example * units;
        const float* from = z + ((i64)run * batch + example) * units * pieces + unit;
        float here = largest_piece(from, row + bias_start + unit, pieces, units);
        float left = slope_start < 0 ? slope[run] : row[slope_start + unit];
        float a = activated(activation, here, left);
        if (channels_mask >= 0) a *= kept(keys, thresholds, scales, channels_mask, example / places * units + unit);
        out[(i64)run * elements + e] = a * kept(keys, thresholds, scales, units_mask, e);
    }
}

// z (runs, batch, units) <- dl/dz = dl/da * mask * sigma'(z + b); the gradients of biases and of learned slopes with it.
extern "C" __global__ void reverse(
    const float* upper, float* z, const float* weights, float* gradients, const float* slope, const u64* keys,
    const u32* thresholds, const float* scales, int activation, int mask, int bias_start, int slope_start, int batch,
    int units, int size) {
    __shared__ float shared[MOST_THREADS];
    int run = blockIdx.x, unit = blockIdx.y * TILE + threadIdx.x % TILE, lanes = blockDim.x / TILE;
    i64 row = (i64)run * size;
    float bias_sum = 0.0f, slope_sum = 0.0f;
    if (unit < units) {
        float bias = weights[row + bias_start + unit];
        float left = slope_start < 0 ? slope[run] : weights[row + slope_start + unit];
        for (int example = threadIdx.x / TILE; example < batch; example += lanes) {
            int e = example * units + unit;
            i64 place = (i64)run * batch * units + e;
            float here = z[place] + bias;
            float dl_da = upper[place] * kept(keys, thresholds, scales, mask, e);
            float dl_dz = dl_da * derivative(activation, here, left);
            z[place] = dl_dz;
            bias_sum += dl_dz;
            if (slope_start >= 0) slope_sum += dl_da * slope_derivative(activation, here);
        }
    }
    bias_sum = over_lanes(bias_sum, shared);
    slope_sum = over_lanes(slope_sum, shared);
    if (threadIdx.x >= TILE || unit >= units) return;
    gradients[row + bias_start + unit] = bias_sum;
    if (slope_start >= 0) gradients[row + slope_start + unit] = slope_sum;
}

// The same for maxout, z (runs, batch, pieces * units): each thread sums what it wrote itself, piece by piece.
extern "C" __global__ void reverse_maxout(
    const float* upper, float* z, const float* weights, float* gradients, const u64* keys, const u32* thresholds,
    const float* scales, int pieces, int mask, int bias_start, int batch, int units, int size) {
    __shared__ float shared[MOST_THREADS];
    int run = blockIdx.x, unit = blockIdx.y * TILE + threadIdx.x % TILE, lane = threadIdx.x / TILE;
    int lanes = blockDim.x / TILE, rows = pieces * units;
    i64 biases = (i64)run * size + bias_start + unit;
    float* own = z + (i64)run * batch * rows + unit;
    for (int example = lane; example < batch && unit < units; example += lanes) {
        int e = example * units + unit;
        float dl_da = upper[(i64)run * batch * units + e] * kept(keys, thresholds, scales, mask, e);
        to_winning_piece(dl_da, own + example * rows, weights + biases, pieces, units);
    }
    for (int piece = 0; piece < pieces; ++piece) {
        float sum = 0.0f;
        for (int example = lane; example < batch && unit < units; example += lanes)
            sum += own[example * rows + piece * units];
        sum = over_lanes(sum, shared);
        if (lane == 0 && unit < units) gradients[biases + piece * units] = sum;
    }
}
