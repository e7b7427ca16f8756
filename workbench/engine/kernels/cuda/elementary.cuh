// What the rules use besides CUDA's own functions. Comparisons are written so that NaN stays NaN, as in NumPy: a diverged
// run must show.

__device__ __forceinline__ float larger(float a, float b) { return a > b || a != a ? a : b; }
__device__ __forceinline__ float smaller(float a, float b) { return a < b || a != a ? a : b; }
__device__ __forceinline__ float sign(float a) { return (float)(a > 0.0f) - (float)(a < 0.0f); }
__device__ __forceinline__ float sigmoid(float z) { return tanhf(z * 0.5f) * 0.5f + 0.5f; }
__device__ __forceinline__ float not_a_number() { return nanf(""); }  // what an unknown code gives

// --- quotients and roots without a branch ------------------------------------------------------------------------------
//
// The compiler's own test every operand, and call a function for very large or small ones. So no two of them overlap, and
// a thread waits for each in turn. These scale by powers of two instead. They round as IEEE 754 requires, except for
// quotients under 2^-100: CuPy flushes numbers under 2^-126 to zero, and the last correction may be such a number.

#ifdef __CUDACC__
#ifndef INFINITY  // from <math.h>, which NVRTC does not have
#define INFINITY __int_as_float(0x7F800000)
#define NAN __int_as_float(0x7FFFFFFF)
#endif
__device__ __forceinline__ float as_float(unsigned int bits) { return __uint_as_float(bits); }
__device__ __forceinline__ unsigned int as_bits(float number) { return __float_as_uint(number); }
__device__ __forceinline__ float about_reciprocal(float a) {
    float r;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(a));
    return r;
}
__device__ __forceinline__ float about_reciprocal_root(float a) {
    float r;
    asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(a));
    return r;
}
#endif

__device__ __forceinline__ float quotient(float a, float b) {
    const unsigned int bits = as_bits(b) & 0x7F800000u;
    const float scale = as_float(0x7F000000u - (bits < 0x7E800000u ? bits : 0x7E800000u));  // b * scale: from 1 to 2
    const float over = a * scale, under = b * scale, about = about_reciprocal(under);
    const float r = fmaf(fmaf(-under, about, 1.0f), about, about);
    float q = over * r;
    q = fmaf(fmaf(-under, q, over), r, q);
    q = fmaf(fmaf(-under, q, over), r, q);
    return q == q ? q : over * about;  // where zeros and infinities meet
}

__device__ __forceinline__ float root(float a) {
    const bool small = a < 0x1p-100f;
    const float scaled = small ? a * 0x1p64f : a;
    const float about = about_reciprocal_root(scaled), s = scaled * about;
    const float found = fmaf(fmaf(-s, s, scaled), 0.5f * about, s);
    return a == 0.0f || a == INFINITY ? a : small ? found * 0x1p-32f : found;
}
