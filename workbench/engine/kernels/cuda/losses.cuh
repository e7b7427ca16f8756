// Losses: the rows of `LOSSES` that have a form here. `judged` looks at one example: z (outputs,) becomes
// scale * dl/dz; returns l, and sets `hit` to whether its class is named (`engine/classes.py`). `values` is read for a
// regression only.

struct Verdict {
    double loss;
    bool hit;
};

__device__ __forceinline__ float largest_of(const float* z, int outputs) {
    float largest = z[0];
    for (int k = 1; k < outputs; ++k) largest = larger(largest, z[k]);
    return largest;
}

// Whether the label's logit is larger than every other: ties and NaN name no class.
__device__ __forceinline__ bool exceeds_others(const float* z, int outputs, int label) {
    int below = 0;
    for (int k = 0; k < outputs; ++k) below += z[k] < z[label];
    return below == outputs - 1;
}

// z <- exp(z - largest); returns the sum, and the label's z - largest through `own`.
__device__ __forceinline__ float exponentials(float* z, int outputs, float largest, int label, float* own) {
    float total = 0.0f;
    for (int k = 0; k < outputs; ++k) {
        float shifted = z[k] - largest;
        if (k == label) *own = shifted;
        z[k] = expf(shifted);
        total += z[k];
    }
    return total;
}

__device__ __forceinline__ Verdict cross_entropy(float* z, int outputs, int label, float scale) {
    float largest = largest_of(z, outputs), own = 0.0f;
    bool hit = exceeds_others(z, outputs, label);
    float total = exponentials(z, outputs, largest, label, &own);
    for (int k = 0; k < outputs; ++k) z[k] = (quotient(z[k], total) - (k == label ? 1.0f : 0.0f)) * scale;
    return {(double)(logf(total) - own), hit};
}

__device__ __forceinline__ Verdict binary_cross_entropy(float* z, int label, float scale) {
    float logit = z[0], target = (float)label;
    float loss = larger(logit, 0.0f) + log1pf(expf(-fabsf(logit))) - target * logit;
    z[0] = (sigmoid(logit) - target) * scale;
    return {(double)loss, (label > 0 ? logit : -logit) > 0.0f};
}

__device__ __forceinline__ Verdict squared_error(float* z, int outputs, const float* values, float scale) {
    float sum = 0.0f;
    for (int k = 0; k < outputs; ++k) {
        float error = z[k] - values[k];
        sum += error * error;
        z[k] = error * scale;
    }
    return {(double)(sum * 0.5f), false};
}

__device__ __forceinline__ Verdict softmax_squared_error(float* z, int outputs, int label, float scale) {
    float largest = largest_of(z, outputs), own = 0.0f;
    bool hit = exceeds_others(z, outputs, label);
    float total = exponentials(z, outputs, largest, label, &own), squares = 0.0f, mixed_error = 0.0f;
    for (int k = 0; k < outputs; ++k) {
        float y = z[k] / total, error = y - (k == label ? 1.0f : 0.0f);
        squares += error * error;
        mixed_error += error * y;
    }
    for (int k = 0; k < outputs; ++k) {
        float y = z[k] / total, error = y - (k == label ? 1.0f : 0.0f);
        z[k] = y * (error - mixed_error) * scale;
    }
    return {(double)(squares * 0.5f), hit};
}

__device__ __forceinline__ Verdict judged(
    int loss, float* z, int outputs, int label, const float* values, float scale) {
    switch (loss) {
        case LOSS_BINARY_CROSS_ENTROPY: return binary_cross_entropy(z, label, scale);
        case LOSS_SQUARED_ERROR: return squared_error(z, outputs, values, scale);
        case LOSS_SOFTMAX_SQUARED_ERROR: return softmax_squared_error(z, outputs, label, scale);
        default: return cross_entropy(z, outputs, label, scale);
    }
}
