// As `read_rows`, for images that move: each pixel is fetched from where it was. blockIdx.x is the run.

template <typename Stored>
__device__ __forceinline__ void read_moved(
    const Stored* stored, const int* index, const int* order, const i64* counters, const float* scale,
    const float* shift, const u64* keys, const u32* thresholds, const float* scales, const u64* seeds,
    const int* shift_pixels, float* x, int purpose, int examples, int batch, int height, int width, int channels) {
    const int run = blockIdx.x, features = height * width * channels, most = shift_pixels[run];
    const u64 key = key_of(seeds[run], purpose, counters[1], 0);
    const Mask mask(keys, thresholds, scales, 0);
    const float *own_scale = scale + (i64)run * features, *own_shift = shift + (i64)run * features;
    float* out = x + (i64)run * batch * features;
    for (int place = blockIdx.y; place < batch; place += gridDim.y) {
        const Stored* image = stored_row(stored, index, order, counters, place, 1, examples, batch, features);
        const Move by = move_at(key, place, most);
        for (int f = threadIdx.x; f < features; f += blockDim.x) {
            const float pixel = (float)moved_pixel(image, f, by, height, width, channels);
            const int element = place * features + f;
            const float kept = mask.threshold ? mask_of(mask.key, element, mask.threshold, mask.scale) : 1.0f;
            out[element] = (pixel * own_scale[f] + own_shift[f]) * kept;
        }
    }
}

// x (runs, batch, features) <- the minibatch of training images, each moved by up to shift_pixels (runs,) each way, then as
// `read_bytes` and `read_floats`.
#define READ_MOVED(NAME, STORED)                                                                                  \
    extern "C" __global__ void NAME(                                                                              \
        const STORED* stored, const int* index, const int* order, const i64* counters, const float* scale,        \
        const float* shift, const u64* keys, const u32* thresholds, const float* scales, const u64* seeds,        \
        const int* shift_pixels, float* x, int purpose, int examples, int batch, int height, int width,           \
        int channels) {                                                                                           \
        read_moved(stored, index, order, counters, scale, shift, keys, thresholds, scales, seeds, shift_pixels,   \
                   x, purpose, examples, batch, height, width, channels);                                         \
    }
READ_MOVED(read_moved_bytes, unsigned char)
READ_MOVED(read_moved_floats, float)
