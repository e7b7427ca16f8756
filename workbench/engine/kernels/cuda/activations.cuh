// Activations and their derivatives: the rows of `ACTIVATIONS` that have a form here. Codes stand in `codes.py`.
//
// Nothing is kept of the forward pass but z: the way back works the rest out again, which costs less than reading it.
// Comparisons are written so that what is not a number stays not a number, as in NumPy: a diverged run must show.

__device__ __forceinline__ float larger(float a, float b) { return a > b || a != a ? a : b; }
__device__ __forceinline__ float smaller(float a, float b) { return a < b || a != a ? a : b; }
__device__ __forceinline__ float sigmoid(float z) { return tanhf(z * 0.5f) * 0.5f + 0.5f; }

__device__ __forceinline__ float activated(int activation, float z, float slope) {
    switch (activation) {
        case ACTIVATION_SIGMOID: return sigmoid(z);
        case ACTIVATION_TANH: return tanhf(z);
        case ACTIVATION_RELU: return larger(z, 0.0f);
        case ACTIVATION_LEAKY_RELU:
        case ACTIVATION_PRELU: return larger(z, 0.0f) + slope * smaller(z, 0.0f);
        case ACTIVATION_SOFTPLUS: return larger(z, 0.0f) + log1pf(expf(-fabsf(z)));
        default: return z;
    }
}

__device__ __forceinline__ float derivative(int activation, float z, float slope) {
    switch (activation) {
        case ACTIVATION_SIGMOID: {
            float a = sigmoid(z);
            return a * (1.0f - a);
        }
        case ACTIVATION_TANH: {
            float a = tanhf(z);
            return 1.0f - a * a;
        }
        case ACTIVATION_RELU: return z > 0.0f ? 1.0f : 0.0f;
        case ACTIVATION_LEAKY_RELU:
        case ACTIVATION_PRELU: return z > 0.0f ? 1.0f : z <= 0.0f ? slope : 0.0f;
        case ACTIVATION_SOFTPLUS: return sigmoid(z);
        default: return 1.0f;
    }
}

// Maxout: the largest of a unit's pieces. z is the unit's place in one example's row, its pieces lie `units` apart; the
// biases likewise.
__device__ __forceinline__ float largest_piece(const float* z, const float* biases, int pieces, int units) {
    float largest = z[0] + biases[0];
    for (int piece = 1; piece < pieces; ++piece) largest = larger(largest, z[piece * units] + biases[piece * units]);
    return largest;
}

// Hand dl_da to the first piece that is the largest, nothing to the others; writes over z.
__device__ __forceinline__ void to_winning_piece(float dl_da, float* z, const float* biases, int pieces, int units) {
    float largest = largest_piece(z, biases, pieces, units);
    bool undecided = true;
    for (int piece = 0; piece < pieces; ++piece) {
        bool wins = undecided && z[piece * units] + biases[piece * units] == largest;
        undecided = undecided && !wins;
        z[piece * units] = wins ? dl_da : dl_da * 0.0f;
    }
}
