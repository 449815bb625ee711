// The files that one engine has locked, in a file that the other engines of the folder read. Paths are known by their
// hashes. Format: docs/design/several-engines.md. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::store {

struct OutputToLock {
  std::string_view path;
  std::string_view key;  // of the record of its job
  bool is_folder = false;
};

// What an engine is about to write and to read. Views are borrowed for the call.
struct FilesToLock {
  std::vector<OutputToLock> outputs{};
  std::vector<std::string_view> inputs{};
  bool any_file = false;  // it does not know in advance
};

// The job of which this engine is a part, if that job belongs to an engine in the same folder. It may write the job's
// outputs and read its inputs.
struct OuterJob {
  std::string run;
  std::uint64_t key = 0;                // the hash of its record's key
  std::vector<std::uint64_t> inputs{};  // hashes; sorted

  // The chain of jobs above this process, from its environment.
  static std::vector<OuterJob> all();
  // The value of the variable for a job with this key.
  static std::string variable_for(const std::string& run, std::string_view key);
  static constexpr const char* kVariable = "FURROW_OUTPUTS_OF";
};

class FileLocks {
 public:
  // As blocks, to be appended to the file of an engine.
  static std::string text_of(const FilesToLock& files, bool is_new);
  // What an engine has locked; nothing if it has no such file yet.
  static FileLocks read(const std::string& path);

  // The first of FILES that this engine has locked against it. OUTER may be null.
  std::optional<std::string> clash(const FilesToLock& files, const OuterJob* outer) const;
  std::vector<std::uint64_t> keys() const;  // hashes of the keys of the jobs that make its outputs
  static std::uint64_t hash_of(std::string_view path);
  bool locks_anything() const { return any_file_ || !outputs_.empty() || !inputs_.empty(); }

 private:
  struct Output {
    std::uint64_t path, key;
    bool operator<(const Output& other) const { return path < other.path; }
  };
  void sort();
  std::uint64_t folder_above(std::string_view path) const;
  bool is_output(std::uint64_t path, std::uint64_t key) const;  // KEY 0: of any job

  bool any_file_ = false;
  std::vector<Output> outputs_;
  std::vector<std::uint64_t> inputs_;
  // Outputs that are folders; and folders with outputs, with inputs.
  std::vector<std::uint64_t> folders_, used_folders_;
};

}  // namespace furrow::store
