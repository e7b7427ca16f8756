// Penalties and optimizer of one parameter: the rows of `OPTIMIZERS` and `PENALTIES` that have a form here.

// What is remembered of one parameter; an optimizer with fewer slots leaves the others alone.
struct Parameter {
    float w, first, second;
};

__device__ __forceinline__ float sign(float w) { return (float)(w > 0.0f) - (float)(w < 0.0f); }

__device__ __forceinline__ Parameter optimized(int optimizer, Parameter p, float g, const float* at) {
    float rate = at[AT_LEARNING_RATE], momentum = at[AT_MOMENTUM], epsilon = at[AT_EPSILON];
    switch (optimizer) {
        case OPTIMIZER_MOMENTUM:
            p.first = momentum * p.first - rate * g;
            p.w += p.first;
            break;
        case OPTIMIZER_NESTEROV: {
            float step = rate * g;
            p.first = momentum * p.first - step;
            p.w = p.w - step + at[AT_NEXT_MOMENTUM] * p.first;
            break;
        }
        case OPTIMIZER_ADAGRAD:
            p.first += g * g;
            p.w -= rate * g / (sqrtf(p.first) + epsilon);
            break;
        case OPTIMIZER_RMSPROP: {
            float alpha = at[AT_ALPHA];
            p.first = alpha * p.first + (1.0f - alpha) * (g * g);
            p.w -= rate * g / (sqrtf(p.first) + epsilon);
            break;
        }
        case OPTIMIZER_ADAM: {
            float beta1 = at[AT_BETA1], beta2 = at[AT_BETA2];
            p.first = beta1 * p.first + (1.0f - beta1) * g;
            p.second = beta2 * p.second + (1.0f - beta2) * (g * g);
            p.w -= rate / at[AT_BIAS1] * p.first / (sqrtf(p.second / at[AT_BIAS2]) + epsilon);
            break;
        }
        default: p.w -= rate * g;  // stochastic gradient descent
    }
    return p;
}

// One update; `at` holds the numbers of the run at this step, in the order of `codes.NUMBERS`. Biases are not penalised.
__device__ __forceinline__ Parameter updated(int optimizer, Parameter p, float g, bool penalised, const float* at) {
    if (!penalised) return optimized(optimizer, p, g, at);
    if (at[AT_L1] > 0.0f) g += at[AT_L1] * sign(p.w);
    if (at[AT_L2] > 0.0f) g += at[AT_L2] * p.w;
    if (at[AT_DECAY] > 0.0f) p.w *= 1.0f - at[AT_LEARNING_RATE] * at[AT_DECAY];
    p = optimized(optimizer, p, g, at);
    if (at[AT_L1_PROXIMAL] > 0.0f) {
        float threshold = at[AT_LEARNING_RATE] * at[AT_L1_PROXIMAL];
        p.w = larger(p.w - threshold, 0.0f) + smaller(p.w + threshold, 0.0f);
    }
    return p;
}
