// A picture of the Mandelbrot set: worker processes write its rows into one shared array, nothing is sent
// back.
//
//   mandelbrot [WIDTH] [HEIGHT] > picture.pgm
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <furrow/pool.hpp>
#include <furrow/shared_array.hpp>
#include <numeric>
#include <vector>

namespace {

constexpr int kMostRounds = 255;

// How many rounds z = z * z + c stays near the origin.
std::uint8_t rounds(double re, double im) {
  double x = 0, y = 0;
  int n = 0;
  for (; n < kMostRounds && x * x + y * y <= 4; ++n) {
    const double next = x * x - y * y + re;
    y = 2 * x * y + im;
    x = next;
  }
  return static_cast<std::uint8_t>(n);
}

}  // namespace

int main(int argc, char** argv) {
  const int width = argc > 1 ? std::atoi(argv[1]) : 1200;
  const int height = argc > 2 ? std::atoi(argv[2]) : 800;
  if (width <= 0 || height <= 0)
    return std::fputs("usage: mandelbrot [WIDTH] [HEIGHT] > picture.pgm\n", stderr), 2;

  furrow::shared_array<std::uint8_t> picture(static_cast<std::size_t>(width) *
                                             static_cast<std::size_t>(height));
  std::vector<int> rows(static_cast<std::size_t>(height));
  std::iota(rows.begin(), rows.end(), 0);

  furrow::Pool pool{furrow::processes()};
  pool.for_each(
      [&](int row) {
        for (int column = 0; column < width; ++column)
          picture[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) +
                  static_cast<std::size_t>(column)] =
              rounds(-2.0 + 3.0 * column / width, -1.0 + 2.0 * row / height);
      },
      rows, {.progress = true});

  std::printf("P5 %d %d 255\n", width, height);
  return std::fwrite(picture.data(), 1, picture.size(), stdout) == picture.size() ? 0 : 1;
}
