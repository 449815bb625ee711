// The one hash function for everything that Furrow stores or looks up: XXH3, 64 bits. It does not protect
// against an adversary.
#pragma once

#include <cstdint>
#include <string_view>

namespace furrow {

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

// The hash of a pair; the order matters.
std::uint64_t combine(std::uint64_t a, std::uint64_t b);

}  // namespace furrow
