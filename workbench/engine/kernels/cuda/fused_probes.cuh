// Probes of a run in shared memory (`fused.cuh`): sums over what its passes leave there. The network's rules are those of
// training; the probes are those of `engine/rules/probes.py`. SUMS is a place for the sums of a block's threads.

// The mean of what `of` gives for 0, 1, ... count - 1.
template <class Of>
__device__ __forceinline__ double mean_of(float* pool, int count, Of of) {
    float part = 0.0f;
    for (int e = threadIdx.x; e < count; e += BLOCK) part += of(e);
    return block_sum((double)part, (double*)(pool + SUMS)) / count;
}

__device__ __forceinline__ float square(float number) { return number * number; }

// The outputs of a layer, and the derivative at them, before the backward pass overwrites z.
template <class L>
__device__ __forceinline__ void probe_forward(float* pool, double* found) {
    constexpr int A = L::LAST ? L::Z : L::OUT, A_ROW = L::LAST ? L::Z_ROW : L::OUT_ROW, COUNT = BATCH * L::UNITS;
    const auto a = [&](int e) { return pool[A + e / L::UNITS * A_ROW + e % L::UNITS]; };
    const double mean = mean_of(pool, COUNT, a);
    const double variance = mean_of(pool, COUNT, [&](int e) { return square(a(e) - (float)mean); });
    double saturated = not_a_number(), gain = not_a_number(), dead = not_a_number();
    if constexpr (!L::LAST) {
        const auto derived = [&](int example, int unit) {
            if constexpr (L::PIECES > 1)
                return 1.0f;  // the whole of a change passes through the winning piece
            else
                return derivative(
                    L::ACTIVATION, pool[L::Z + example * L::Z_ROW + unit], slope_at<L>(pool, unit));
        };
        gain = mean_of(pool, COUNT, [&](int e) { return square(derived(e / L::UNITS, e % L::UNITS)); });
        saturated = mean_of(pool, COUNT, [&](int e) {
            return fabsf(derived(e / L::UNITS, e % L::UNITS)) < SATURATED ? 1.0f : 0.0f;
        });
        dead = mean_of(pool, L::UNITS, [&](int unit) {
            bool none = true;
            for (int example = 0; example < BATCH; ++example) none = none && derived(example, unit) == 0.0f;
            return none ? 1.0f : 0.0f;
        });
    }
    if (threadIdx.x) return;
    found[PROBE_ACTIVATION_MEAN] = mean;
    found[PROBE_ACTIVATION_DEVIATION] = sqrt(variance);
    found[PROBE_SATURATED] = saturated;
    found[PROBE_GAIN] = sqrt(gain);
    found[PROBE_DEAD] = dead;
}

// What the backward pass leaves at a layer, and its weights; `previous` are those before the last update, null before the
// first.
template <class L>
__device__ __forceinline__ void probe_backward(float* pool, const float* previous, double* found) {
    constexpr int COUNT = L::ROWS * L::COLUMNS, DOWN = divided(L::ROWS, 4), ACROSS = divided(L::COLUMNS, 4);
    const double of_z = mean_of(pool, BATCH * L::ROWS, [&](int e) {
        return square(pool[L::Z + e / L::ROWS * L::Z_ROW + e % L::ROWS] * BATCH);
    });
    const double of_weights = mean_of(pool, DOWN * ACROSS, [&](int tile) {
        const int row = 4 * (tile / ACROSS), column = 4 * (tile % ACROSS);
        float sum[4][4] = {}, squares = 0.0f;
        add_gradients<L>(pool, row, column, sum);
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j) squares += row + i < L::ROWS && column + j < L::COLUMNS ? square(sum[i][j]) : 0.0f;
        return squares;
    });
    const auto w = [&](int e) { return pool[L::W + e / L::COLUMNS * L::W_ROW + e % L::COLUMNS]; };
    const double squares = mean_of(pool, COUNT, [&](int e) { return square(w(e)); });
    const double near_zero = mean_of(pool, COUNT, [&](int e) { return fabsf(w(e)) < NEAR_ZERO ? 1.0f : 0.0f; });
    const double exact_zero = mean_of(pool, COUNT, [&](int e) { return w(e) == 0.0f ? 1.0f : 0.0f; });
    double moved = not_a_number(), before = 1.0;
    if (previous) {
        moved = mean_of(pool, COUNT, [&](int e) { return square(w(e) - previous[L::W_START + e]); });
        before = mean_of(pool, COUNT, [&](int e) { return square(previous[L::W_START + e]); });
    }
    if (threadIdx.x) return;
    found[PROBE_GRADIENT_Z] = sqrt(of_z);
    found[PROBE_GRADIENT_WEIGHTS] = sqrt(of_weights * (DOWN * ACROSS) / COUNT);
    found[PROBE_WEIGHT_RMS] = sqrt(squares);
    found[PROBE_NEAR_ZERO] = near_zero;
    found[PROBE_EXACT_ZERO] = exact_zero;
    found[PROBE_UPDATE_SIZE] = sqrt(moved) / sqrt(before);
}

// rms of dl/dx, L being the first layer.
template <class L>
__device__ __forceinline__ void probe_inputs(float* pool, double* found) {
    const double squares = mean_of(pool, BATCH * L::COLUMNS, [&](int e) {
        const float* dl_dz = pool + L::Z + e / L::COLUMNS * L::Z_ROW;
        const float* w = pool + L::W + e % L::COLUMNS;
        float sum = 0.0f;
        for (int row = 0; row < L::ROWS; ++row) sum += dl_dz[row] * w[row * L::W_ROW];
        return square(sum * BATCH);
    });
    if (threadIdx.x == 0) *found = sqrt(squares);
}
