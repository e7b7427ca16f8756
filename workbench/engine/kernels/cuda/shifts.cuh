// Shifts: a training image is moved by a few pixels, as `training/shifts.py` has it. A move is a function of the run's seed
// and the step, through the key of that step.

struct Move {
    int down, right;
};

// The move of the example at this place of the minibatch: each way a whole number from -most to most, equally likely.
__device__ __forceinline__ Move move_at(u64 key, int place, int most) {
    const u64 choices = 2 * most + 1;
    const u64 down = random_bits(key, 2 * place) * choices >> 32, right = random_bits(key, 2 * place + 1) * choices >> 32;
    return {(int)down - most, (int)right - most};
}

// What a moved image (height, width, channels) shows at one of its features; what moves in is 0.
template <typename Stored>
__device__ __forceinline__ Stored moved_pixel(
    const Stored* image, int feature, const Move& by, int height, int width, int channels) {
    const int line = width * channels, y = feature / line - by.down, column = feature % line - by.right * channels;
    return y >= 0 && y < height && column >= 0 && column < line ? image[y * line + column] : (Stored)0;
}
