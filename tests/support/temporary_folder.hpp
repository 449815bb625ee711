// A temporary folder for a test, which is the current directory until the test ends; and functions that write
// files with chosen times.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "os/files/files.hpp"

namespace furrow::support {

class TemporaryFolder {
 public:
  TemporaryFolder() : before_(os::current_directory()) {
    char name[] = "/tmp/furrow-test-XXXXXX";
    path_ = ::mkdtemp(name);
    EXPECT_TRUE(os::change_directory(path_));
  }
  ~TemporaryFolder() {
    EXPECT_TRUE(os::change_directory(before_));
    (void)os::set_writable(path_, true);
    (void)os::remove_tree(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string before_, path_;
};

// Sets the time of a file, or of a link itself, in seconds since a day long ago, so that no test depends on
// the clock.
inline void set_time(const std::string& path, long seconds) {
  const timespec time{1'000'000'000 + seconds, 0};
  const timespec times[2] = {time, time};
  EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0) << path;
}

inline void write(const std::string& path, const std::string& content = "text\n", long seconds = -1) {
  EXPECT_TRUE(os::make_parent(path));
  EXPECT_TRUE(os::write_file(path, content)) << path;
  if (seconds >= 0) set_time(path, seconds);
}

// "?" if the file does not exist.
inline std::string content_of(const std::string& path) { return os::read_file(path).value_or("?"); }

inline bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace furrow::support
