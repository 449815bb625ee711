// One hash for everything that is remembered or looked up: XXH3, 64 bits. Not for defence against an
// adversary.
#pragma once

#include <cstdint>
#include <string_view>

namespace furrow {

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

// The hash of a pair, in which order counts.
std::uint64_t combine(std::uint64_t a, std::uint64_t b);

}  // namespace furrow
