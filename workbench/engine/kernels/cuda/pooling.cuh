// Pooling: of every tile of an image the largest number of each channel, or the mean. One thread looks at one tile and
// channel. blockIdx.x is the run; images are (batch, height, width, channels), tiles lie side by side.

// The largest of a tile's numbers; the first of them is `pixel`.
__device__ __forceinline__ float largest_of_tile(const float* pixel, int tall, int wide, int width, int channels) {
    float found = pixel[0];
    for (int row = 0; row < tall; ++row)
        for (int column = 0; column < wide; ++column) found = larger(found, pixel[(row * width + column) * channels]);
    return found;
}

// out (runs, batch, height / tall, width / wide, channels) <- the largest or the mean of every tile, times the masks;
// `share` is 1 / pixels of a tile, or 0 for the largest.
extern "C" __global__ void pool(
    const float* images, const u64* keys, const u32* thresholds, const float* scales, float* out, int units_mask,
    int channels_mask, int batch, int height, int width, int channels, int tall, int wide, float share) {
    const int run = blockIdx.x, down = height / tall, across = width / wide, elements = batch * down * across * channels;
    const float* own = images + (i64)run * batch * height * width * channels;
    for (int e = blockIdx.y * blockDim.x + threadIdx.x; e < elements; e += gridDim.y * blockDim.x) {
        const int channel = e % channels, tile = e / channels, x = tile % across, row = tile / across;
        const int example = row / down, y = row % down;
        const float* pixel = own + (((i64)example * height + y * tall) * width + x * wide) * channels + channel;
        float a;
        if (share == 0.0f) {
            a = largest_of_tile(pixel, tall, wide, width, channels);
        } else {
            a = pixel[0];
            for (int i = 1; i < tall * wide; ++i) a += pixel[(i / wide * width + i % wide) * channels];
            a *= share;
        }
        a *= kept(keys, thresholds, scales, units_mask, e);
        out[(i64)run * elements + e] = a * kept(keys, thresholds, scales, channels_mask, example * channels + channel);
    }
}

// back, of the images' shape <- dl/d images, for upper = dl/d out: all of it to the first pixel that is the largest of
// its tile, or to each pixel its share. Pixels at the lower and right border that fill no tile get nothing.
extern "C" __global__ void reverse_pool(
    const float* images, const float* upper, const u64* keys, const u32* thresholds, const float* scales, float* back,
    int units_mask, int channels_mask, int batch, int height, int width, int channels, int tall, int wide, float share) {
    const int run = blockIdx.x, down = height / tall, across = width / wide;
    const int rows = (height + tall - 1) / tall, columns = (width + wide - 1) / wide;
    const i64 images_of_run = (i64)run * batch * height * width * channels;
    const i64 upper_of_run = (i64)run * batch * down * across * channels;
    for (int i = blockIdx.y * blockDim.x + threadIdx.x; i < batch * rows * columns * channels; i += gridDim.y * blockDim.x) {
        const int channel = i % channels, tile = i / channels, x = tile % columns, row = tile / columns;
        const int example = row / rows, y = row % rows;
        const i64 first = images_of_run + (((i64)example * height + y * tall) * width + x * wide) * channels + channel;
        const bool whole = y < down && x < across;
        float dl_da = 0.0f, largest = 0.0f;
        if (whole) {
            const int e = ((example * down + y) * across + x) * channels + channel;
            dl_da = upper[upper_of_run + e] * kept(keys, thresholds, scales, units_mask, e);
            dl_da *= kept(keys, thresholds, scales, channels_mask, example * channels + channel);
            if (share == 0.0f) largest = largest_of_tile(images + first, tall, wide, width, channels);
        }
        bool undecided = true;
        for (int pixel_y = 0; pixel_y < tall && y * tall + pixel_y < height; ++pixel_y)
            for (int pixel_x = 0; pixel_x < wide && x * wide + pixel_x < width; ++pixel_x) {
                const i64 at = first + (pixel_y * width + pixel_x) * channels;
                float value = dl_da * share;
                if (whole && share == 0.0f) {
                    const bool wins = undecided && images[at] == largest;
                    undecided = undecided && !wins;
                    value = wins ? dl_da : dl_da * 0.0f;
                }
                back[at] = whole ? value : 0.0f;
            }
    }
}
