// Which job has made which file, and the order of rules that follows.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "report/crate/contents.hpp"

namespace furrow::report {

class Makers {
 public:
  // Borrows it.
  explicit Makers(const CrateContents& contents);

  // The job of the plan that has made the file, or a folder that it is in; kNoJob: none.
  std::uint32_t of(const std::string& path) const;
  // By rule, from 1: each comes after those whose files it uses. All 0 if rules need each other in a circle.
  std::vector<int> positions() const;

 private:
  const CrateContents& contents_;
  std::unordered_map<std::string, std::uint32_t> makers_;
};

}  // namespace furrow::report
