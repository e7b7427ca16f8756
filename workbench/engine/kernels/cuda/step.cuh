// The parts of a step around its passes: the tick, the loss, the update. blockIdx.x is the run, but for
// `tick`, which is one block.

// Begin a step. counters: the step within the epoch, and since training began; keys (layers, runs) are those of its
// masks, so that a replayed step draws new ones.
extern "C" __global__ void tick(i64* counters, const u64* seeds, u64* keys, int purpose, int layers, int runs) {
    i64 step = counters[0] + 1, number = counters[1] + 1;
    __syncthreads();  // every thread has read before any writes
    if (threadIdx.x == 0) {
        counters[0] = step;
        counters[1] = number;
    }
    for (int i = threadIdx.x; i < layers * runs; i += blockDim.x)
        keys[i] = key_of(seeds[i % runs], purpose, number, i / runs);
}

// z (runs, batch, outputs) <- scale * dl/dz of the output layer; adds to each run's losses and hits. `learning`: write
// the gradients of the output layer's biases too.
extern "C" __global__ void judge(
    float* z, const float* weights, float* gradients, const int* labels, const float* values, const int* order,
    const i64* counters, double* losses, i64* hits, int loss, int ordered, int learning, int bias_start, int examples,
    int batch, int outputs, int size, float scale) {
    __shared__ double shared[JUDGES];
    __shared__ float staged[JUDGES * (JUDGED + 1)];
    const int run = blockIdx.x, is_staged = outputs <= JUDGED, stride = is_staged ? outputs | 1 : outputs;
    const i64 row = (i64)run * size, first = (i64)run * examples;
    const float* biases = weights + row + bias_start;
    double sum = 0.0, right = 0.0;
    for (int done = 0; done < batch; done += blockDim.x) {
        const int here = batch - done < (int)blockDim.x ? batch - done : (int)blockDim.x;
        float* matrix = z + ((i64)run * batch + done) * outputs;
        float* judged_here = is_staged ? staged : matrix;
        for (int i = threadIdx.x; i < here * outputs; i += blockDim.x)
            judged_here[i / outputs * stride + i % outputs] = matrix[i] + biases[i % outputs];
        __syncthreads();
        const bool has_place = (int)threadIdx.x < here;  // others would look beyond the order's end
        const int place = done + threadIdx.x;
        const int example = has_place ? example_at(place, order, ordered, counters[0], batch, examples) : examples;
        if (example < examples) {
            const int label = loss == LOSS_SQUARED_ERROR ? 0 : labels[first + example];
            const float* target = loss == LOSS_SQUARED_ERROR ? values + (first + example) * outputs : values;
            const Verdict verdict = judged(loss, judged_here + threadIdx.x * stride, outputs, label, target, scale);
            sum += verdict.loss;
            right += verdict.hit ? 1.0 : 0.0;
        }
        __syncthreads();
        for (int i = threadIdx.x; is_staged && i < here * outputs; i += blockDim.x)
            matrix[i] = staged[i / outputs * stride + i % outputs];
        __syncthreads();
    }
    sum = block_sum(sum, shared);
    right = block_sum(right, shared);
    if (threadIdx.x == 0) {
        losses[run] += sum;
        hits[run] += (i64)right;
    }
    if (learning) column_sums(z + (i64)run * batch * outputs, batch, outputs, gradients + row + bias_start, (float*)shared);
}

// Everything that an update of a run's parameters needs but the gradient. slot0, ... (runs, size) are the optimizer's
// slots, as many as it has. varying (runs, updates, VARYING), constant (runs, CONSTANT): see `codes.py`. `previous`
// receives the weights before the epoch's last update.
struct Updating {
    float* const weights;
    float* const previous;
    float* const kept[MOST_SLOTS];
    const bool is_last;
    float at[VARYING + CONSTANT];
    bool is_penalised;

    __device__ __forceinline__ Updating(
        int run, float* weights, float* slot0, float* slot1, float* slot2, float* slot3, float* previous,
        const i64* counters, const float* varying, const float* constant, int updates)
        : weights(weights), previous(previous), kept{slot0, slot1, slot2, slot3}, is_last(counters[0] == updates - 1) {
        for (int i = 0; i < VARYING; ++i) at[i] = varying[((i64)run * updates + counters[0]) * VARYING + i];
        for (int i = 0; i < CONSTANT; ++i) at[VARYING + i] = constant[run * CONSTANT + i];
        is_penalised = has_penalty(at);
    }

    // Four parameters side by side, with their place in the buffers.
    struct Parameters {
        i64 place;
        Four w, remembered[MOST_SLOTS];
    };

    template <int OPTIMIZER>
    __device__ __forceinline__ Parameters read(i64 place) const {
        Parameters found = {place, *(const Four*)(weights + place), {}};
        for (int k = 0; k < slots_of(OPTIMIZER); ++k) found.remembered[k] = *(const Four*)(kept[k] + place);
        return found;
    }

    template <int OPTIMIZER>
    __device__ __forceinline__ void update(Parameters& four, const Four g, bool are_weights) const {
        if (is_last) *(Four*)(previous + four.place) = four.w;
        for (int i = 0; i < 4; ++i) {
            float slot[MOST_SLOTS];
            for (int k = 0; k < MOST_SLOTS; ++k) slot[k] = four.remembered[k].of[i];
            updated(OPTIMIZER, four.w.of[i], g.of[i], slot, are_weights && is_penalised, at);
            for (int k = 0; k < MOST_SLOTS; ++k) four.remembered[k].of[i] = slot[k];
        }
        *(Four*)(weights + four.place) = four.w;
        for (int k = 0; k < slots_of(OPTIMIZER); ++k) *(Four*)(kept[k] + four.place) = four.remembered[k];
    }
};

// The parameters from `first` to `last` of a run's row, which begins at `row`, four a thread at a time.
struct StretchUpdate {
    const Updating& updating;
    const float* const gradients;
    const i64 row;
    const int weights_end, first, last;

    template <int OPTIMIZER>
    __device__ __forceinline__ void by() const {
        for (int p = first + 4 * (blockIdx.y * blockDim.x + threadIdx.x); p < last; p += 4 * gridDim.y * blockDim.x) {
            Updating::Parameters four = updating.read<OPTIMIZER>(row + p);
            updating.update<OPTIMIZER>(four, *(const Four*)(gradients + row + p), p < weights_end);
        }
    }
};

// One update of the parameters from `first` to `last` of every run's row.
extern "C" __global__ void update(
    float* weights, const float* gradients, float* slot0, float* slot1, float* slot2, float* slot3, float* previous,
    const i64* counters, const float* varying, const float* constant, int optimizer, int weights_end, int first,
    int last, int size, int updates) {
    const int run = blockIdx.x;
    const Updating updating(run, weights, slot0, slot1, slot2, slot3, previous, counters, varying, constant, updates);
    by_optimizer(optimizer, StretchUpdate{updating, gradients, (i64)run * size, weights_end, first, last});
}

// Max-norm: each neuron's incoming weights, a row of (rows, columns), kept within the run's norm; 0 is off.
extern "C" __global__ void bound(
    float* weights, const float* constant, int weights_start, int rows, int columns, int size) {
    __shared__ float shared[THREADS];
    float largest = constant[blockIdx.x * CONSTANT + AT_MAX_NORM - VARYING];
    if (!(largest > 0.0f)) return;
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        float* w = weights + (i64)blockIdx.x * size + weights_start + (i64)row * columns;
        float square = 0.0f;
        for (int i = threadIdx.x; i < columns; i += blockDim.x) square += w[i] * w[i];
        float norm = sqrtf(block_sum(square, shared));
        if (!(norm > largest)) continue;
        for (int i = threadIdx.x; i < columns; i += blockDim.x) w[i] *= largest / norm;
    }
}
