// One block trains one run: weights, the optimizer's slots and one minibatch stay in shared memory for a whole pass over a
// split. `fused_source.py` prints a struct of places for every layer, called L here, and the kernel itself.
//
// A place is counted in floats from the start of `pool`, the block's shared memory. Rows of matrices are an odd number of
// 16-byte words apart, so that threads that read consecutive rows have no bank conflict. The padding of a row is 0.

#ifndef POOL
#define POOL extern __shared__ Four shared_memory[]; float* const pool = (float*)shared_memory
#endif

// `benchmarks/gpu_floor.py` counts the cycles of a phase with this.
#ifndef MARK
#define MARK_START
#define MARK(phase)
#endif

__device__ __forceinline__ Four& four(float* place) { return *(Four*)place; }
__device__ __forceinline__ const Four& four(const float* place) { return *(const Four*)place; }
__device__ constexpr int divided(int number, int by) { return (number + by - 1) / by; }
__device__ constexpr int lesser(int a, int b) { return a < b ? a : b; }

// The first of a thread's share of some work; `shift` spreads works that run side by side over different threads.
template <int SHIFT>
__device__ __forceinline__ int first_of() {
    return ((int)threadIdx.x + BLOCK - SHIFT % BLOCK) % BLOCK;
}

// The numbers from which one layer's masks are drawn at this step; a threshold of 0 drops nothing.
struct Mask {
    u64 key;
    u32 threshold;
    float scale;
    __device__ __forceinline__ float of(int element) const {
        return threshold ? mask_of(key, (u32)element, threshold, scale) : 1.0f;
    }
};

__device__ __forceinline__ Mask mask_at(const float* pool, int layer, int parity) {
    const u64* keys = (const u64*)(pool + KEYS) + parity * MASKED;
    return {keys[layer], ((const u32*)(pool + THRESHOLDS))[layer], pool[SCALES + layer]};
}

template <class L>
__device__ __forceinline__ float slope_at(const float* pool, int unit) {
    return L::SLOPES < 0 ? pool[SLOPE] : pool[L::SLOPES + unit];
}

// --- forward: z = a w^T + b, then what the next layer reads ----------------------------------------------------------

template <class L>
__device__ __forceinline__ void forward(float* pool, int parity) {
    constexpr int DOWN = divided(BATCH, L::TALL), ACROSS = divided(L::ROWS, L::WIDE);
    constexpr bool JOINED = !L::LAST && L::PIECES == 1;  // the activation follows in the same loop
    Mask mask = {0, 0, 1.0f};
    if constexpr (!L::LAST) mask = mask_at(pool, L::NUMBER + 1, parity);
    for (int tile = threadIdx.x; tile < DOWN * ACROSS; tile += BLOCK) {
        const int down = tile / ACROSS, across = tile % ACROSS;
        float sum[L::TALL][L::WIDE] = {};
#pragma unroll 4
        for (int k = 0; k < L::COLUMNS; k += 4) {
            Four left[L::TALL], right[L::WIDE];
#pragma unroll
            for (int i = 0; i < L::TALL; ++i) {
                const int row = down + i * DOWN;
                left[i] = four(pool + L::READS + (BATCH % L::TALL ? lesser(row, BATCH - 1) : row) * L::READS_ROW + k);
            }
#pragma unroll
            for (int j = 0; j < L::WIDE; ++j) {
                const int row = across + j * ACROSS;
                right[j] = four(pool + L::W + (L::ROWS % L::WIDE ? lesser(row, L::ROWS - 1) : row) * L::W_ROW + k);
            }
#pragma unroll
            for (int i = 0; i < L::TALL; ++i)
#pragma unroll
                for (int j = 0; j < L::WIDE; ++j)
#pragma unroll
                    for (int c = 0; c < 4; ++c) sum[i][j] += left[i].of[c] * right[j].of[c];
        }
#pragma unroll
        for (int i = 0; i < L::TALL; ++i)
#pragma unroll
            for (int j = 0; j < L::WIDE; ++j) {
                const int example = down + i * DOWN, row = across + j * ACROSS;
                if (example >= BATCH || row >= L::ROWS) continue;
                const float z = sum[i][j] + (L::PIECES == 1 ? pool[L::BIASES + row] : 0.0f);
                pool[L::Z + example * L::Z_ROW + row] = z;
                if constexpr (JOINED) {
                    const float a = activated(L::ACTIVATION, z, slope_at<L>(pool, row));
                    pool[L::OUT + example * L::OUT_ROW + row] = a * mask.of(example * L::UNITS + row);
                }
            }
    }
    __syncthreads();
    if constexpr (L::PIECES > 1) {  // z is without biases here: the largest piece is chosen with them
        for (int e = threadIdx.x; e < BATCH * L::UNITS; e += BLOCK) {
            const int example = e / L::UNITS, unit = e % L::UNITS;
            const float* z = pool + L::Z + example * L::Z_ROW + unit;
            const float a = largest_piece(z, pool + L::BIASES + unit, L::PIECES, L::UNITS);
            pool[L::OUT + example * L::OUT_ROW + unit] = a * mask.of(e);
        }
        __syncthreads();
    }
}

// --- backward: dl/dz of the layer below P, out of dl/dz of layer L; written over z of P ------------------------------

template <class L, class P>
__device__ __forceinline__ void backward(float* pool, int parity) {
    constexpr int DOWN = divided(BATCH, L::TALL_BACK), ACROSS = divided(P::UNITS, 4);
    const Mask mask = mask_at(pool, P::NUMBER + 1, parity);
    for (int tile = threadIdx.x; tile < DOWN * ACROSS; tile += BLOCK) {
        const int down = tile / ACROSS, across = tile % ACROSS;
        float sum[L::TALL_BACK][4] = {};
#pragma unroll 2
        for (int r = 0; r < L::ROWS; r += 4) {
            Four left[L::TALL_BACK];
#pragma unroll
            for (int i = 0; i < L::TALL_BACK; ++i) {
                const int row = down + i * DOWN;
                left[i] = four(pool + L::Z + (BATCH % L::TALL_BACK ? lesser(row, BATCH - 1) : row) * L::Z_ROW + r);
            }
#pragma unroll
            for (int c = 0; c < 4; ++c) {
                const Four right = four(pool + L::W + (r + c) * L::W_ROW + 4 * across);
#pragma unroll
                for (int i = 0; i < L::TALL_BACK; ++i)
#pragma unroll
                    for (int j = 0; j < 4; ++j) sum[i][j] += left[i].of[c] * right.of[j];
            }
        }
#pragma unroll
        for (int i = 0; i < L::TALL_BACK; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                const int example = down + i * DOWN, unit = 4 * across + j;
                if (example >= BATCH || unit >= P::UNITS) continue;
                float* z = pool + P::Z + example * P::Z_ROW + unit;
                const float dl_da = sum[i][j] * mask.of(example * P::UNITS + unit);
                if constexpr (P::PIECES > 1) {
                    to_winning_piece(dl_da, z, pool + P::BIASES + unit, P::PIECES, P::UNITS);
                } else {
                    if constexpr (P::SLOPES >= 0)
                        pool[P::TERMS + example * P::Z_ROW + unit] = dl_da * slope_derivative(P::ACTIVATION, *z);
                    *z = dl_da * derivative(P::ACTIVATION, *z, slope_at<P>(pool, unit));
                }
            }
    }
}

// --- update: gradients of a layer and, while they are in registers, the optimizer's step -----------------------------

// One parameter at `place`, and its state at `slot` of each of the optimizer's slots.
__device__ __forceinline__ void update_one(float* pool, int place, int slot, float g, const float* at) {
    float slots[MOST_SLOTS];
#pragma unroll
    for (int s = 0; s < SLOT_COUNT; ++s) slots[s] = pool[SLOTS + s * SLOT_SIZE + slot];
    optimized(OPTIMIZER, pool[place], g, slots, at);
#pragma unroll
    for (int s = 0; s < SLOT_COUNT; ++s) pool[SLOTS + s * SLOT_SIZE + slot] = slots[s];
}

// The sums over the minibatch of matrix (BATCH, count), for parameters that no penalty touches.
template <int COUNT, int ROW, int SHIFT>
__device__ __forceinline__ void update_sums(float* pool, int matrix, int place, int slot, const float* at) {
    for (int unit = first_of<SHIFT>(); unit < COUNT; unit += BLOCK) {
        float sum = 0.0f;
#pragma unroll 8
        for (int example = 0; example < BATCH; ++example) sum += pool[matrix + example * ROW + unit];
        update_one(pool, place + unit, slot + unit, sum, at);
    }
}

// dl/dW of four rows and four columns, added to `sum`.
template <class L>
__device__ __forceinline__ void add_gradients(const float* pool, int row, int column, float (&sum)[4][4]) {
#pragma unroll 4
    for (int example = 0; example < BATCH; ++example) {
        const Four left = four(pool + L::Z + example * L::Z_ROW + row);
        const Four right = four(pool + L::READS + example * L::READS_ROW + column);
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j) sum[i][j] += left.of[i] * right.of[j];
    }
}

// Four weights side by side, of which `within` are in the row. There is no branch between them, so their long chains of
// arithmetic overlap.
template <bool PENALISED>
__device__ __forceinline__ void update_four(
    Four& w, const float (&g)[4], Four (&remembered)[MOST_SLOTS], int within, const float* at) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
        float one = w.of[j], slots[MOST_SLOTS];
#pragma unroll
        for (int s = 0; s < SLOT_COUNT; ++s) slots[s] = remembered[s].of[j];
        updated(OPTIMIZER, one, g[j], slots, PENALISED, at);
        w.of[j] = j < within ? one : 0.0f;  // the padding of a row stays 0
#pragma unroll
        for (int s = 0; s < SLOT_COUNT; ++s) remembered[s].of[j] = j < within ? slots[s] : 0.0f;
    }
}

template <class L>
__device__ __forceinline__ void update_layer(float* pool, bool penalised, const float* at) {
    constexpr int DOWN = divided(L::ROWS, 4), ACROSS = divided(L::COLUMNS, 4);
    for (int tile = first_of<L::SHIFT>(); tile < DOWN * ACROSS; tile += BLOCK) {
        const int row = 4 * (tile / ACROSS), column = 4 * (tile % ACROSS);
        const int within = L::COLUMNS % 4 ? L::COLUMNS - column : 4;
        float sum[4][4] = {};
        add_gradients<L>(pool, row, column, sum);
#pragma unroll 1
        for (int i = 0; i < 4 && row + i < L::ROWS; ++i) {  // not unrolled: the rules make it long
            float* const place = pool + L::W + (row + i) * L::W_ROW + column;
            float* const slot = pool + SLOTS + L::W_SLOT + (row + i) * L::SLOT_ROW + column;
            Four w = four(place), remembered[MOST_SLOTS];
#pragma unroll
            for (int s = 0; s < SLOT_COUNT; ++s) remembered[s] = four(slot + s * SLOT_SIZE);
            if (penalised)
                update_four<true>(w, sum[0], remembered, within, at);
            else
                update_four<false>(w, sum[0], remembered, within, at);
            four(place) = w;
#pragma unroll
            for (int s = 0; s < SLOT_COUNT; ++s) four(slot + s * SLOT_SIZE) = remembered[s];
#pragma unroll
            for (int j = 0; j < 4; ++j) {  // the next row moves up, so that registers are named by constants
                sum[0][j] = sum[1][j];
                sum[1][j] = sum[2][j];
                sum[2][j] = sum[3][j];
            }
        }
    }
    update_sums<L::ROWS, L::Z_ROW, L::SHIFT_BIASES>(pool, L::Z, L::BIASES, L::B_SLOT, at);
    if constexpr (L::SLOPES >= 0)
        update_sums<L::UNITS, L::Z_ROW, L::SHIFT_SLOPES>(pool, L::TERMS, L::SLOPES, L::S_SLOT, at);
}

// Max-norm: each neuron's incoming weights kept within the run's norm.
template <class L>
__device__ __forceinline__ void bound_layer(float* pool, float largest) {
    for (int row = threadIdx.x; row < L::ROWS; row += BLOCK) {
        float* w = pool + L::W + row * L::W_ROW;
        float square = 0.0f;
        for (int k = 0; k < L::COLUMNS; ++k) square += w[k] * w[k];
        const float norm = sqrtf(square);
        if (!(norm > largest)) continue;
        for (int k = 0; k < L::COLUMNS; ++k) w[k] *= largest / norm;
    }
}

// --- between device memory and shared memory -------------------------------------------------------------------------

// A matrix (ROWS, COLUMNS) of rows that lie ROW apart in shared memory, one after the other in device memory.
template <int ROWS, int COLUMNS, int ROW>
__device__ __forceinline__ void fetch(float* place, const float* from) {
#pragma unroll 1
    for (int i = threadIdx.x; i < ROWS * COLUMNS; i += BLOCK) place[i / COLUMNS * ROW + i % COLUMNS] = from[i];
}

template <int ROWS, int COLUMNS, int ROW>
__device__ __forceinline__ void put(const float* place, float* to) {
#pragma unroll 1
    for (int i = threadIdx.x; i < ROWS * COLUMNS; i += BLOCK) to[i] = place[i / COLUMNS * ROW + i % COLUMNS];
}

template <class L>
__device__ __forceinline__ void fetch_weights(float* pool, const float* row) {
    fetch<L::ROWS, L::COLUMNS, L::W_ROW>(pool + L::W, row + L::W_START);
    fetch<1, L::ROWS, L::ROWS>(pool + L::BIASES, row + L::B_START);
    if constexpr (L::SLOPES >= 0) fetch<1, L::UNITS, L::UNITS>(pool + L::SLOPES, row + L::S_START);
}

template <class L>
__device__ __forceinline__ void put_weights(const float* pool, float* row) {
    put<L::ROWS, L::COLUMNS, L::W_ROW>(pool + L::W, row + L::W_START);
    put<1, L::ROWS, L::ROWS>(pool + L::BIASES, row + L::B_START);
    if constexpr (L::SLOPES >= 0) put<1, L::UNITS, L::UNITS>(pool + L::SLOPES, row + L::S_START);
}

template <class L>
__device__ __forceinline__ void fetch_slots(float* slots, const float* row) {
    fetch<L::ROWS, L::COLUMNS, L::SLOT_ROW>(slots + L::W_SLOT, row + L::W_START);
    fetch<1, L::ROWS, L::ROWS>(slots + L::B_SLOT, row + L::B_START);
    if constexpr (L::SLOPES >= 0) fetch<1, L::UNITS, L::UNITS>(slots + L::S_SLOT, row + L::S_START);
}

template <class L>
__device__ __forceinline__ void put_slots(const float* slots, float* row) {
    put<L::ROWS, L::COLUMNS, L::SLOT_ROW>(slots + L::W_SLOT, row + L::W_START);
    put<1, L::ROWS, L::ROWS>(slots + L::B_SLOT, row + L::B_START);
    if constexpr (L::SLOPES >= 0) put<1, L::UNITS, L::UNITS>(slots + L::S_SLOT, row + L::S_START);
}

// --- the minibatch ---------------------------------------------------------------------------------------------------

// Four stored inputs at a time if the number of features is divisible by four. They are requested before the update, and
// written to shared memory after it, so that no thread waits for them.
constexpr int TOGETHER = FEATURES % 4 ? 1 : 4;
constexpr int WORDS = BATCH * FEATURES / TOGETHER, EACH = divided(WORDS, BLOCK);
constexpr bool AHEAD = EACH * TOGETHER * (int)sizeof(Stored) <= 64;  // bytes of registers a thread

struct alignas(TOGETHER * sizeof(Stored)) Word {
    Stored of[TOGETHER];
};

// An image that moves by up to `most_moved` pixels each way gives every pixel from where it was.
__device__ __forceinline__ Word word_at(
    const float* pool, const Stored* stored, int word, int most_moved, int parity) {
    constexpr int A_ROW = FEATURES / TOGETHER;
    const int place = word / A_ROW, row = ((const int*)(pool + EXAMPLES))[parity * BATCH + place];
    const Stored* image = stored + (i64)row * FEATURES;
    if constexpr (MOVING) {
        const Move by = move_at(((const u64*)(pool + SHIFT_KEYS))[parity], place, most_moved);
        Word found;
#pragma unroll
        for (int i = 0; i < TOGETHER; ++i)
            found.of[i] = moved_pixel(image, word % A_ROW * TOGETHER + i, by, HEIGHT, WIDTH, CHANNELS);
        return found;
    } else {
        return ((const Word*)image)[word % A_ROW];
    }
}

__device__ __forceinline__ void write_word(float* pool, const Word& found, int word, const Mask& mask) {
    constexpr int A_ROW = FEATURES / TOGETHER;
    const int place = word / A_ROW, feature = word % A_ROW * TOGETHER;
#pragma unroll
    for (int i = 0; i < TOGETHER; ++i) {
        const float value = (float)found.of[i] * pool[INPUT_SCALE + feature + i] + pool[INPUT_SHIFT + feature + i];
        pool[X + place * X_ROW + feature + i] = value * mask.of(place * FEATURES + feature + i);
    }
}

struct Inputs {
    Word words[AHEAD ? EACH : 1] = {};

    __device__ __forceinline__ void ask(const float* pool, const Stored* stored, int most_moved, int parity) {
        if constexpr (AHEAD) {
#pragma unroll
            for (int i = 0; i < EACH; ++i)
                if ((int)threadIdx.x + i * BLOCK < WORDS)
                    words[i] = word_at(pool, stored, threadIdx.x + i * BLOCK, most_moved, parity);
        }
    }

    __device__ __forceinline__ void write(float* pool, const Stored* stored, int most_moved, int parity) {
        const Mask mask = mask_at(pool, 0, parity);
        if constexpr (AHEAD) {
#pragma unroll
            for (int i = 0; i < EACH; ++i)
                if ((int)threadIdx.x + i * BLOCK < WORDS) write_word(pool, words[i], threadIdx.x + i * BLOCK, mask);
        } else {
#pragma unroll 4
            for (int word = threadIdx.x; word < WORDS; word += BLOCK)
                write_word(pool, word_at(pool, stored, word, most_moved, parity), word, mask);
        }
    }
};

// What a step needs, fetched during the step before it, each part well before it is used. One thread fetches one example;
// other threads draw the keys of the masks. `parity` is that of the next step.
struct Ahead {
    static constexpr int EACH_THREAD = divided(BATCH, BLOCK);
    int example[EACH_THREAD], row[EACH_THREAD], label[EACH_THREAD];

    // The numbers of the examples: by the order of the epoch, or ascending; -1 beyond the end of the split.
    __device__ __forceinline__ void ask(const int* order, int step, int examples) {
#pragma unroll
        for (int i = 0; i < EACH_THREAD; ++i) {
            const int number = step * BATCH + lesser(threadIdx.x + i * BLOCK, BATCH - 1);
            example[i] = order ? order[number] : number < examples ? number : -1;
        }
    }

    // Where they are stored, and their labels; of a regression, their rows of values.
    __device__ __forceinline__ void follow(const int* index, const int* labels) {
#pragma unroll
        for (int i = 0; i < EACH_THREAD; ++i) {
            const int known = example[i] < 0 ? 0 : example[i];
            row[i] = index[known];
            label[i] = example[i] < 0 ? -1 : REGRESSION ? known : labels[known];
        }
    }

    __device__ __forceinline__ void place(float* pool, int parity) {
#pragma unroll
        for (int i = 0; i < EACH_THREAD; ++i) {
            const int place = threadIdx.x + i * BLOCK;
            if (place >= BATCH) break;
            ((int*)(pool + EXAMPLES))[parity * BATCH + place] = row[i];
            ((int*)(pool + LABELS))[parity * BATCH + place] = label[i];
        }
    }

    __device__ __forceinline__ void write(float* pool, const float* varying, u64 seed, u64 number, int parity) {
        place(pool, parity);
        const int late = BLOCK - 1 - (int)threadIdx.x;
        if (late < VARYING) pool[AT + parity * NUMBERS + late] = varying[late];
        for (int layer = late; layer < MASKED; layer += BLOCK)
            ((u64*)(pool + KEYS))[parity * MASKED + layer] = key_of(seed, PURPOSE, number, layer);
        if (MOVING && late == MASKED % BLOCK)
            ((u64*)(pool + SHIFT_KEYS))[parity] = key_of(seed, SHIFT_PURPOSE, number, 0);
    }
};

// Loss and hits of a thread's examples; z of the output layer becomes dl/dz of the mean loss.
__device__ __forceinline__ void judge_outputs(
    float* pool, const float* values, int parity, int z_place, int z_row, double& loss, int& hits) {
    for (int place = threadIdx.x; place < BATCH; place += BLOCK) {
        const int label = ((const int*)(pool + LABELS))[parity * BATCH + place];
        if (label < 0) continue;
        const float* target = REGRESSION ? values + (i64)label * OUTPUTS : values;
        const Verdict verdict = judged(LOSS, pool + z_place + place * z_row, OUTPUTS, label, target, MEAN);
        loss += verdict.loss;
        hits += verdict.hit;
    }
}
