// Maxout, by hand: the largest of a unit's pieces is a choice between rows, not elementwise.
//
// z is the unit's place in one example's row, its pieces lie `units` apart; the
// biases likewise.
__device__ __forceinline__ float largest_piece(const float* z, const float* biases, int pieces, int units) {
    float largest = z[0] + biases[0];
    for (int piece = 1; piece < pieces; ++piece) largest = larger(largest, z[piece * units] + biases[piece * units]);
    return largest;
}

// Hand dl_da to the first piece that is the largest, nothing to the others; overwrites z.
__device__ __forceinline__ void to_winning_piece(float dl_da, float* z, const float* biases, int pieces, int units) {
    float largest = largest_piece(z, biases, pieces, units);
    bool undecided = true;
    for (int piece = 0; piece < pieces; ++piece) {
        bool wins = undecided && z[piece * units] + biases[piece * units] == largest;
        undecided = undecided && !wins;
        z[piece * units] = wins ? dl_da : dl_da * 0.0f;
    }
}
