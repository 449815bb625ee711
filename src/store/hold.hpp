// An exclusive hold on a path that ends with its processes, and a short text that says who has it.
//
// With flock, the hold belongs to the open file description of PATH. Where the file system has no flock, it is the file
// PATH.N with the highest N, which one process can create; the text in it must name the holder. Only who knows that the
// holder is dead takes it over, by creating PATH.N+1. So a process that was suspended meanwhile sees that it has lost
// the hold. An empty text means that nobody has it. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.hpp"

namespace furrow::store {

class Hold {
 public:
  // Whether the holder that the text names is alive, or may be.
  using IsHeld = std::function<bool(const std::string& text)>;
  using OwnText = std::function<std::string()>;

  // Tries once. Both are asked only where there is no flock; OWN_TEXT is what the file says then, if it is taken.
  static Result<Hold> attempt(const std::string& path, const OwnText& own_text, const IsHeld& is_held);
  Hold() = default;
  Hold(Hold&& other) noexcept { *this = std::move(other); }
  Hold& operator=(Hold&& other) noexcept;
  ~Hold();  // closes the file; a hold with flock stays with those who have inherited it

  bool is_taken() const { return is_taken_; }
  // If it is taken, that of the one before; else that of the holder.
  const std::string& text() const { return text_; }
  int fd() const { return fd_; }
  // No system call with flock. Without: whether nobody has taken it over.
  bool is_still_taken() const;
  bool has_flock() const { return epoch_ == 0; }

  // Whether this error of flock() means that the file system does not have it.
  static bool is_missing(int error);
  // FD is that of a hold, perhaps inherited.
  static bool write(int fd, const std::string& text);
  static std::string read(int fd);

 private:
  Result<bool> attempt_epoch(const OwnText& own_text, const IsHeld& is_held);
  std::string file() const { return path_ + "." + std::to_string(epoch_); }

  std::string path_, text_;
  std::uint64_t epoch_ = 0;
  int fd_ = -1;
  bool is_taken_ = false;
};

}  // namespace furrow::store
