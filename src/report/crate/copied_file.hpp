// Checksums of files, and copies of them. Thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace furrow::report {

struct FileSum {
  std::string sha256{};  // hexadecimal
  std::int64_t size = 0;
};

// Of a regular file. A named pipe or the like is an error, not waited for.
Result<FileSum> sum_of(const std::string& path);

// Copies a regular file to TO, which must not exist, with its permissions and times. A file system that can lets both share
// the blocks. The sum is that of the copy.
Result<FileSum> copy_file(const std::string& from, const std::string& to);

}  // namespace furrow::report
