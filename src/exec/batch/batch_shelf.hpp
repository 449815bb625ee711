// Where batches lie: a folder for each submission, in `.furrow/batches` on the shared file system.
// docs/design/cluster.md says what is in them. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "exec/batch/batch_file.hpp"

namespace furrow::exec {

inline constexpr const char* kBatchShelf = ".furrow/batches";

// One submission's folder, by its absolute path.
class BatchFolder {
 public:
  BatchFolder() = default;
  explicit BatchFolder(std::string path);

  const std::string& path() const { return path_; }
  const std::string& id() const { return id_; }
  std::string batch(std::uint32_t index) const { return file("batch", index); }
  std::string journal(std::uint32_t index) const { return file("journal", index); }
  std::string script() const { return path_ + "/script"; }
  std::string log() const { return path_ + "/log"; }

  // Whether WHO has it from now on ("run" and the name of its job, "withdrawn"); false where somebody was
  // first.
  Result<bool> claim(std::uint32_t index, const std::string& who) const;
  bool is_claimed(std::uint32_t index) const;
  // The batch system's name of the job that runs it; empty: nobody does, or it is not known.
  std::string runs_in(std::uint32_t index) const;
  // Batches that nobody has claimed, the last first.
  std::vector<std::uint32_t> unclaimed() const;

  // SYSTEM: the batch system that knows it by NAME; another one is not to be asked about it.
  Result<void> mark_submitted(const std::string& name, const std::string& system) const;
  std::string submitted(const std::string& system) const;  // empty: not known
  Result<void> settle() const;                             // only its logs are of interest from now on
  bool is_settled() const;

 private:
  std::string file(const char* what, std::uint32_t index) const {
    return path_ + "/" + what + "." + std::to_string(index);
  }
  std::string path_, id_;
};

// The number of a batch; nothing where TEXT is none.
std::optional<std::uint32_t> batch_index(std::string_view text);

class BatchShelf {
 public:
  explicit BatchShelf(std::string folder);  // made when the first batch comes

  Result<BatchFolder> add();
  std::vector<BatchFolder> unsettled() const;  // oldest first
  // Removes what was settled, but for the newest KEPT.
  void tidy(std::size_t kept) const;

 private:
  std::vector<BatchFolder> all() const;
  std::string folder_;
  int made_ = 0;
};

}  // namespace furrow::exec
