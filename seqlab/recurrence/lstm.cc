// The steps of an LSTM and of its backward pass, float32, on one core: the kernel of seqlab/recurrence/native.py.
//
// R is copied once into panels of a few columns. A panel stays in the cache while the rows of a batch are multiplied
// by it, and the sums of a tile, some rows of a panel's columns, stay in registers.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32>;
using Integers = ffi::Buffer<ffi::S32>;
using Result = ffi::ResultBuffer<ffi::F32>;

#if defined(__AVX512F__)
constexpr int WIDTH = 16, ROWS = 6;  // 24 of 32 registers hold the sums of a tile
#elif defined(__AVX__)
constexpr int WIDTH = 8, ROWS = 3;  // 12 of 16
#else
constexpr int WIDTH = 4, ROWS = 3;
#endif
constexpr int PANEL = 4 * WIDTH;
constexpr int64_t DEPTH = 512;  // the rows of a panel that are read at a time, so that they stay in the cache
typedef float Vector __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

// Set tile (rows, PANEL) to a (rows, depth) · panel (depth, PANEL), or add this to it.
template <int rows>
void multiply(const float* a, int64_t a_stride, const float* panel, int64_t depth, float* tile, int64_t stride,
              bool add) {
  Vector sums[rows][4];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < 4; ++v) sums[r][v] = add ? *(const Vector*)(tile + r * stride + v * WIDTH) : Vector{};
  for (int64_t k = 0; k < depth; ++k, panel += PANEL) {
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < 4; ++v) sums[r][v] += a[r * a_stride + k] * *(const Vector*)(panel + v * WIDTH);
  }
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < 4; ++v) *(Vector*)(tile + r * stride + v * WIDTH) = sums[r][v];
}

template <int most = ROWS>
void multiply_rows(int64_t rows, const float* a, int64_t a_stride, const float* panel, int64_t depth, float* tile,
                   int64_t stride, bool add) {
  if constexpr (most > 1)
    if (rows < most) return multiply_rows<most - 1>(rows, a, a_stride, panel, depth, tile, stride, add);
  multiply<most>(a, a_stride, panel, depth, tile, stride, add);
}

// Call a function with the first row and the number of rows of each tile. The numbers differ by one at most.
template <class Function>
void for_tiles(int64_t B, Function function) {
  const int64_t count = (B + ROWS - 1) / ROWS;
  for (int64_t i = 0; i < count; ++i) function(i * B / count, (i + 1) * B / count - i * B / count);
}

// tanh x = (1 − e) / (1 + e) with e = exp(−2 |x|) = 2^n exp(r), |r| ≤ ½ log 2. The error is below 2e-7; NaN stays.
inline float tanh_of(float x) {
  const float t = -2.88539008f * std::min(std::fabs(x), 10.0f);
  const float n = std::nearbyint(t), r = (t - n) * 0.69314718f;
  const float power = 1 + r * (1 + r * (1 / 2.f + r * (1 / 6.f + r * (1 / 24.f + r * (1 / 120.f + r / 720.f)))));
  const int32_t bits = ((int32_t)n + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  const float e = power * scale;
  return std::copysign((1 - e) / (1 + e), x);
}

// Finish a step of `width` units of a row: `A` holds z of four gates, H numbers apart, and `product` h R.
inline __attribute__((always_inline)) void advance(int width, int64_t H, float* __restrict product,
                                                   float* __restrict A, const float* __restrict before,
                                                   float* __restrict c, float* __restrict h) {
  for (int gate = 0; gate < 4; ++gate)
    for (int u = 0; u < width; ++u)
      A[gate * H + u] = product[gate * WIDTH + u] = tanh_of(A[gate * H + u] + product[gate * WIDTH + u]);
  const float *i = product, *f = i + WIDTH, *g = f + WIDTH, *o = g + WIDTH;
  for (int u = 0; u < width; ++u) {
    c[u] = 0.5f * ((1 + f[u]) * before[u] + (1 + i[u]) * g[u]);
    h[u] = 0.5f * (1 + o[u]) * tanh_of(c[u]);
  }
}

// Run all steps. z (T, B, 4·H) = x W + b becomes A = tanh(z + h R), in place; c and h (T, B, H) are the states.
ffi::Error forward(Array z, Array R, Array c_first, Array h_first, Integers lengths, Result A, Result c, Result h) {
  const int64_t T = z.dimensions()[0], B = z.dimensions()[1], G = z.dimensions()[2], H = G / 4;
  std::vector<float> panels((H + WIDTH - 1) / WIDTH * H * PANEL);
  for (int64_t begin = 0; begin < H; begin += WIDTH)
    for (int64_t k = 0; k < H; ++k)
      for (int gate = 0; gate < 4; ++gate)
        std::copy_n(R.typed_data() + k * G + gate * H + begin, std::min<int64_t>(WIDTH, H - begin),
                    &panels[begin / WIDTH * H * PANEL + k * PANEL + gate * WIDTH]);
  alignas(64) float tile[ROWS * PANEL];
  for (int64_t t = 0; t < T; ++t) {
    const float* h_before = t ? h->typed_data() + (t - 1) * B * H : h_first.typed_data();
    const float* c_before = t ? c->typed_data() + (t - 1) * B * H : c_first.typed_data();
    float *A_now = A->typed_data() + t * B * G;
    float *c_now = c->typed_data() + t * B * H, *h_now = h->typed_data() + t * B * H;
    for (int64_t begin = 0; begin < H; begin += WIDTH)
      for_tiles(B, [&](int64_t first, int64_t rows) {
        multiply_rows(rows, h_before + first * H, H, &panels[begin / WIDTH * H * PANEL], H, tile, PANEL, false);
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t row = first + r, at = row * H + begin, width = std::min<int64_t>(WIDTH, H - begin);
          float *product = tile + r * PANEL, *gates = A_now + row * G + begin;
          if (width == WIDTH) advance(WIDTH, H, product, gates, c_before + at, c_now + at, h_now + at);
          else advance(width, H, product, gates, c_before + at, c_now + at, h_now + at);
          if (t >= lengths.typed_data()[row]) {
            std::copy_n(c_before + at, width, c_now + at);
            std::copy_n(h_before + at, width, h_now + at);
          }
        }
      });
  }
  return ffi::Error::Success();
}

// Take the elementwise part of a step back for one row: the gates become δa, and dc becomes δc_{t−1}.
void pull(int64_t H, float* __restrict i, float* __restrict f, float* __restrict g, float* __restrict o,
          const float* c, const float* before, const float* dy, const float* flow, float* __restrict dc) {
  for (int64_t u = 0; u < H; ++u) {
    const float tanh_c = tanh_of(c[u]), dh = flow[u] + dy[u];
    const float dcell = dc[u] + 0.5f * dh * (1 + o[u]) * (1 - tanh_c * tanh_c);
    dc[u] = 0.5f * dcell * (1 + f[u]);
    o[u] = 0.5f * dh * tanh_c * (1 - o[u] * o[u]);
    f[u] = 0.5f * dcell * before[u] * (1 - f[u] * f[u]);
    const float input = i[u], candidate = g[u];
    i[u] = 0.5f * dcell * candidate * (1 - input * input);
    g[u] = 0.5f * dcell * (1 + input) * (1 - candidate * candidate);
  }
}

// Go back over all steps. A becomes δa (T, B, 4·H), in place; δc and δh (B, H) become those of the first carry.
ffi::Error backward(Array, Array c, Array R, Array c_first, Integers lengths, Array dy, Array, Array dh_end, Result da,
                    Result dc, Result dh_first) {
  const int64_t T = c.dimensions()[0], B = c.dimensions()[1], H = c.dimensions()[2], G = 4 * H;
  const int64_t stride = (H + PANEL - 1) / PANEL * PANEL;
  std::vector<float> panels(stride * G), dh(B * stride);
  for (int64_t column = 0; column < H; ++column)
    for (int64_t k = 0; k < G; ++k)
      panels[column / PANEL * G * PANEL + k * PANEL + column % PANEL] = R.typed_data()[column * G + k];
  for (int64_t t = T - 1; t >= 0; --t) {
    float* da_now = da->typed_data() + t * B * G;
    const float *c_now = c.typed_data() + t * B * H, *dy_now = dy.typed_data() + t * B * H;
    const float* before = t ? c_now - B * H : c_first.typed_data();
    for (int64_t row = 0; row < B; ++row) {
      float *i = da_now + row * G, *dc_row = dc->typed_data() + row * H;
      const int64_t end = lengths.typed_data()[row], at = row * H;
      const float* flow = t + 1 == std::min(end, T) ? dh_end.typed_data() + at : &dh[row * stride];
      if (t < end) pull(H, i, i + H, i + 2 * H, i + 3 * H, c_now + at, before + at, dy_now + at, flow, dc_row);
      else std::fill_n(i, G, 0.0f);
    }
    for (int64_t begin = 0; begin < H; begin += PANEL)
      for (int64_t k = 0; k < G; k += DEPTH)
        for_tiles(B, [&](int64_t first, int64_t rows) {
          multiply_rows(rows, da_now + first * G + k, G, &panels[begin * G + k * PANEL], std::min(DEPTH, G - k),
                        &dh[first * stride + begin], stride, k > 0);
        });
  }
  for (int64_t row = 0; row < B; ++row)
    std::copy_n(lengths.typed_data()[row] > 0 ? &dh[row * stride] : dh_end.typed_data() + row * H, H,
                dh_first->typed_data() + row * H);
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(lstm_forward, forward,
                              ffi::Ffi::Bind().Arg<Array>().Arg<Array>().Arg<Array>().Arg<Array>().Arg<Integers>()
                                  .Ret<Array>().Ret<Array>().Ret<Array>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(lstm_backward, backward,
                              ffi::Ffi::Bind().Arg<Array>().Arg<Array>().Arg<Array>().Arg<Array>().Arg<Integers>()
                                  .Arg<Array>().Arg<Array>().Arg<Array>().Ret<Array>().Ret<Array>().Ret<Array>());
