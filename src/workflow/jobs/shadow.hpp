// A folder of a job's own to run in (`shadow:`), so that whatever it writes beside its outputs is gone with
// it.
//
// Made before the job runs; its outputs are moved to where they belong when it succeeded; removed with the
// object.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::workflow {

class Shadow {
 public:
  // KIND: minimal (links to the inputs), copy-minimal (copies of them), shallow (links to all in the current
  // directory), full (a copy of all of it). Inputs and products are relative paths; absolute ones are left
  // alone. PATH is where: absolute; what is there goes.
  static Result<std::unique_ptr<Shadow>> make(const std::string& kind, const std::string& path,
                                              const std::vector<std::string>& inputs,
                                              const std::vector<std::string>& products);
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  const std::string& path() const { return path_; }  // absolute
  Result<void> move_out(const std::vector<std::string>& products) const;

 private:
  explicit Shadow(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace furrow::workflow
