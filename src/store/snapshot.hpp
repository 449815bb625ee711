// A consistent copy of a database that another process may be writing, made without a lock.
// docs/design/store.md explains why it is consistent.
#pragma once

#include <string>

#include "base/error.hpp"

namespace furrow::store {

// Owns the folder that holds the copy and removes it.
class Snapshot {
 public:
  // Fails if there is no file at DATABASE, or if it changes faster than it can be copied.
  static Result<Snapshot> take(const std::string& database);
  // A folder for a database that is not there yet.
  static Result<Snapshot> empty();
  Snapshot() = default;
  Snapshot(Snapshot&& other) noexcept : folder_(std::move(other.folder_)) { other.folder_.clear(); }
  Snapshot& operator=(Snapshot&& other) noexcept;
  ~Snapshot();
  std::string database() const { return folder_ + "/furrow.db"; }

 private:
  std::string folder_;
};

}  // namespace furrow::store
