// Counters that tasks can change on every backend: they are in a file that all processes on this computer
// map. furrow::bind sends them as the file's name.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include "furrow/codec.hpp"

namespace furrow::testing {

class SharedCounters {
 public:
  explicit SharedCounters(std::size_t count) : SharedCounters(new_name(), count, ::getpid()) {}
  // Attaches to the counters of another process.
  SharedCounters(const std::string& name, std::size_t count, pid_t owner)
      : file_(std::make_shared<File>(name, count, owner)) {}
  std::atomic<int>& operator[](std::size_t i) const { return file_->counters[i]; }
  const std::string& name() const { return file_->name; }
  std::size_t count() const { return file_->count; }

 private:
  struct File {
    File(const std::string& of, std::size_t many, pid_t by) : name(of), count(many), owner(by) {
      const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      void* const memory =
          fd < 0 || ::ftruncate(fd, static_cast<off_t>(count * sizeof(int))) != 0
              ? MAP_FAILED
              : ::mmap(nullptr, count * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (fd >= 0) ::close(fd);
      if (memory == MAP_FAILED) throw std::runtime_error("cannot map " + name);
      counters = static_cast<std::atomic<int>*>(memory);
    }
    ~File() {
      ::munmap(counters, count * sizeof(int));
      if (owner == ::getpid()) ::unlink(name.c_str());
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    const std::string name;
    const std::size_t count;
    const pid_t owner;
    std::atomic<int>* counters = nullptr;
  };
  static std::string new_name() {
    static int made = 0;
    return "/dev/shm/furrow-test-" + std::to_string(::getpid()) + "-" + std::to_string(++made);
  }
  std::shared_ptr<File> file_;
};

}  // namespace furrow::testing

template <>
struct furrow::Codec<furrow::testing::SharedCounters> {
  static void encode(Writer& writer, const testing::SharedCounters& counters) {
    Codec<std::string>::encode(writer, counters.name());
    Codec<std::size_t>::encode(writer, counters.count());
  }
  static testing::SharedCounters decode(Reader& reader) {
    const std::string name = Codec<std::string>::decode(reader);
    return {name, Codec<std::size_t>::decode(reader), 0};
  }
};
