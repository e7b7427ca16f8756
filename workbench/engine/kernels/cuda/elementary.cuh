// What the rules are made of beside CUDA's own functions. Comparisons are written so that what is not a number stays not
// a number, as in NumPy: a diverged run must show.

__device__ __forceinline__ float larger(float a, float b) { return a > b || a != a ? a : b; }
__device__ __forceinline__ float smaller(float a, float b) { return a < b || a != a ? a : b; }
__device__ __forceinline__ float sign(float a) { return (float)(a > 0.0f) - (float)(a < 0.0f); }
__device__ __forceinline__ float sigmoid(float z) { return tanhf(z * 0.5f) * 0.5f + 0.5f; }
__device__ __forceinline__ float not_a_number() { return nanf(""); }  // what an unknown code gives
