// A private folder in which a job runs (`shadow:`), so that files it writes beside its outputs vanish.
//
// Made before the job runs. When the job has succeeded, its outputs are moved to their own paths. The folder
// is removed with the object.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::workflow {

class Shadow {
 public:
  // KIND: minimal (links to the inputs), copy-minimal (copies of them), shallow (links to everything in the
  // current directory), full (a copy of all of it). Inputs and products with absolute paths are left alone.
  // PATH is the absolute path of the folder to make; anything there before is removed. The job finds nothing
  // in the place of what is in ABSENT, although the old outputs are still there.
  static Result<std::unique_ptr<Shadow>> make(const std::string& kind, const std::string& path,
                                              const std::vector<std::string>& inputs,
                                              const std::vector<std::string>& products,
                                              const std::vector<std::string>& absent = {});
  // Puts a copy of FILE, if it is there, where its job will change it.
  Result<void> bring_old(const std::string& file) const;
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
