// A consistent copy of a database that another process may be writing, without a lock: docs/design/store.md
// says why it is sound.
#pragma once

#include <string>

#include "base/error.hpp"

namespace furrow::store {

// A folder of its own for the copy, removed with it.
class Snapshot {
 public:
  // Fails where there is no file at DATABASE, or where it changes faster than it can be copied.
  static Result<Snapshot> take(const std::string& database);
  Snapshot() = default;
  Snapshot(Snapshot&& other) noexcept : folder_(std::move(other.folder_)) { other.folder_.clear(); }
  Snapshot& operator=(Snapshot&& other) noexcept;
  ~Snapshot();
  std::string database() const { return folder_ + "/furrow.db"; }

 private:
  std::string folder_;
};

}  // namespace furrow::store
