// The files that catch what one attempt prints: unlinked, on disk rather than in memory, and used again for
// the next attempt.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace furrow::exec {

class Capture {
 public:
  Capture() = default;
  ~Capture() { drop(); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Makes sure that there are empty files. They lie in FOLDER, or in /tmp where that cannot be.
  Result<void> open(const std::string& folder, bool one_stream);
  int out_fd() const { return out_fd_; }
  int err_fd() const { return err_fd_ >= 0 ? err_fd_ : out_fd_; }
  bool is_one_stream() const { return err_fd_ < 0; }

  std::int64_t out_size() const;
  std::int64_t err_size() const;  // 0 where both are one stream
  std::string tail(
      std::size_t most) const;  // the end of what was printed; standard error goes first where not both fit

  void clear();  // for the next attempt
  void drop();   // somebody may still write into the files: the next attempt gets others

 private:
  int out_fd_ = -1;
  int err_fd_ = -1;
};

}  // namespace furrow::exec
