// A folder that appears under its name only when it is complete: it is filled under another name, then renamed.
//
// Without finish(), it is removed with all that is in it. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"

namespace furrow::os {

class NewFolder {
 public:
  // Fails if there is something at PATH already; an empty folder is replaced. Makes the folders above it.
  static Result<std::unique_ptr<NewFolder>> create(const std::string& path);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  // Where it is filled; absolute.
  const std::string& place() const { return place_; }
  Result<void> finish();

 private:
  NewFolder(std::string path, std::string place) : path_(std::move(path)), place_(std::move(place)) {}
  std::string path_;
  std::string place_;  // empty once it is renamed
};

}  // namespace furrow::os
