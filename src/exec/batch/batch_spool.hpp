// Where batches are stored: one folder for each submission, in `.furrow/batches` on the shared file system.
// docs/design/cluster.md describes their contents. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "exec/batch/batch_spec.hpp"

namespace furrow::exec {

inline constexpr const char* kBatchSpool = ".furrow/batches";

// The folder of one submission, given by its absolute path.
class BatchFolder {
 public:
  BatchFolder() = default;
  explicit BatchFolder(std::string path);

  const std::string& path() const { return path_; }
  const std::string& id() const { return id_; }
  std::string spec(std::uint32_t index) const { return file("batch", index); }
  std::string journal(std::uint32_t index) const { return file("journal", index); }
  std::string script() const { return path_ + "/script"; }
  std::string log() const { return path_ + "/log"; }

  // Claims a batch for `who`: "run" and the batch system's name of the runner's job, or "withdrawn". False if
  // it was already claimed.
  Result<bool> claim(std::uint32_t index, const std::string& who) const;
  // The batch system's name of the job that runs the batch; empty if none does or it is not known.
  std::string runs_in(std::uint32_t index) const;
  // The batches that have a journal. A look at the folder makes a network file system ask its server, while a
  // name that was looked for in vain can stay unknown to it for a minute.
  std::set<std::uint32_t> journals() const;
  // The batches that are not claimed, the last one first.
  std::vector<std::uint32_t> unclaimed() const;

  // Records the name by which the batch system `system` knows the submission. submitted() returns it for that
  // system only.
  Result<void> mark_submitted(const std::string& name, const std::string& system) const;
  std::string submitted(const std::string& system) const;  // empty: not known
  Result<void> settle() const;                             // from now on only its logs are of interest
  bool is_settled() const;

 private:
  std::string file(const char* what, std::uint32_t index) const {
    return path_ + "/" + what + "." + std::to_string(index);
  }
  std::string path_, id_;
};

// The index of a batch; nullopt if `text` is not one.
std::optional<std::uint32_t> batch_index(std::string_view text);

class BatchSpool {
 public:
  explicit BatchSpool(std::string folder);  // add() creates the folder

  Result<BatchFolder> add();
  std::vector<BatchFolder> unsettled() const;  // oldest first
  // Removes settled folders, except the newest `kept`.
  void tidy(std::size_t kept) const;

 private:
  std::vector<BatchFolder> all() const;
  std::string folder_;
  int made_ = 0;
};

}  // namespace furrow::exec
