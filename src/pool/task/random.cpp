#include "furrow/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <cstddef>

namespace FURROW_NAMESPACE {

namespace {

__extension__ typedef unsigned __int128 Wide;

// Horner's rule, lowest coefficient first.
template <std::size_t N>
double polynomial(const double (&coefficients)[N], double x) {
  double sum = 0;
  for (std::size_t i = N; i-- > 0;) sum = sum * x + coefficients[i];
  return sum;
}

// Wichura's AS 241 (PPND16): the inverse of the normal distribution function, as quotients of polynomials for
// the middle, the flanks and the tails. The middle, with 85% of all draws, needs no function of the C
// library.
double inverse_normal(double p) {
  static constexpr double kMiddle[] = {
      3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
      4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr double kUnderMiddle[] = {1.0,
                                            4.2313330701600911252e+1,
                                            6.8718700749205790830e+2,
                                            5.3941960214247511077e+3,
                                            2.1213794301586595867e+4,
                                            3.9307895800092710610e+4,
                                            2.8729085735721942674e+4,
                                            5.2264952788528545610e+3};
  static constexpr double kFlank[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                      5.76949722146069140550e0,  3.64784832476320460504e0,
                                      1.27045825245236838258e0,  2.41780725177450611770e-1,
                                      2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double kUnderFlank[] = {1.0,
                                           2.05319162663775882187e0,
                                           1.67638483018380384940e0,
                                           6.89767334985100004550e-1,
                                           1.48103976427480074590e-1,
                                           1.51986665636164571966e-2,
                                           5.47593808499534494600e-4,
                                           1.05075007164441684324e-9};
  static constexpr double kTail[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                     1.78482653991729133580e0,  2.96560571828504891230e-1,
                                     2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                     2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double kUnderTail[] = {1.0,
                                          5.99832206555887937690e-1,
                                          1.36929880922735805310e-1,
                                          1.48753612908506148525e-2,
                                          7.86869131145613259100e-4,
                                          1.84631831751005468180e-5,
                                          1.42151175831644588870e-7,
                                          2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(kMiddle, r) / polynomial(kUnderMiddle, r);
  }
  const double r = std::sqrt(-std::log(q < 0 ? p : 1 - p));
  const double x = r <= 5 ? polynomial(kFlank, r - 1.6) / polynomial(kUnderFlank, r - 1.6)
                          : polynomial(kTail, r - 5) / polynomial(kUnderTail, r - 5);
  return q < 0 ? -x : x;
}

}  // namespace

void Philox::refill() {
  ++blocks_;
  const r123::Philox4x64::key_type key{{seed_, stream_}};
  const r123::Philox4x64::ctr_type counter{{blocks_, blocks_ == 0, index_, 0}};  // carries as numpy does
  const auto block = r123::Philox4x64()(counter, key);
  for (int i = 0; i < 4; ++i) words_[i] = block[i];
  left_ = 4;
}

void Philox::discard(unsigned long long count) {
  if (count <= left_) {
    left_ -= static_cast<unsigned>(count);
    return;
  }
  count -= left_;
  left_ = 0;
  blocks_ += count / 4;
  for (count %= 4; count > 0; --count) (*this)();
}

double Philox::normal() {
  const auto middle_of = [](std::uint64_t bits) { return (static_cast<double>(bits) + 0.5) * 0x1p-52; };
  return inverse_normal(middle_of((*this)() >> 12));  // never 0, never 1
}

// Lemire, "Fast random integer generation in an interval": the upper half of the product. Products whose
// lower half is among the first 2^64 mod n values would favour some results, and are drawn again.
std::uint64_t Philox::below(std::uint64_t n) {
  if (n == 0) return (*this)();
  Wide product = static_cast<Wide>((*this)()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t surplus = -n % n;
    while (static_cast<std::uint64_t>(product) < surplus) product = static_cast<Wide>((*this)()) * n;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace FURROW_NAMESPACE
