// Which job writes which file: no two jobs of a run may write the same one. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"

namespace furrow::command {

class PathClaims {
 public:
  // SEQ is the job's number, VALUES its inputs for people to read. Fails if another job has a path of PATHS; the
  // error names both jobs. Paths are compared as text, after ".", ".." and double slashes are resolved.
  Result<void> claim(std::span<const std::string> paths, std::uint64_t seq, std::string_view values);

 private:
  struct Owner {
    std::uint64_t seq;
    std::string values;
  };
  std::unordered_map<std::uint64_t, Owner> owners_;  // by the hash of the path
};

}  // namespace furrow::command
