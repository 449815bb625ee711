#include "os/process/ancestors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <climits>
#include <string_view>

namespace furrow::os {

namespace {

constexpr int kMost = 256;             // generations
constexpr std::size_t kRead = 4096;    // bytes of a file in /proc
constexpr std::size_t kArguments = 2;  // for "busybox sh"
constexpr std::string_view kDeleted = " (deleted)";

std::string start_of(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text(kRead, '\0');
  const ssize_t n = ::read(fd, text.data(), text.size());
  ::close(fd);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

std::string link_of(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t n = ::readlink(path.c_str(), target, sizeof target);
  std::string_view text(target, n > 0 ? static_cast<std::size_t>(n) : 0);
  if (text.ends_with(kDeleted)) text.remove_suffix(kDeleted.size());
  return std::string(text);
}

std::vector<std::string> first_arguments(std::string_view text) {
  std::vector<std::string> arguments;
  while (!text.empty() && arguments.size() < kArguments) {
    const std::size_t end = text.find('\0');
    arguments.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return arguments;
}

// "PID (NAME) STATE PARENT ...", where NAME may hold anything. 0: not known.
int parent_in(const std::string& stat) {
  const std::size_t end = stat.rfind(") ");
  int parent = 0;
  if (end == std::string::npos || end + 4 >= stat.size()) return 0;
  std::from_chars(stat.data() + end + 4, stat.data() + stat.size(), parent);
  return parent;
}

}  // namespace

void for_each_ancestor(const std::function<bool(const Ancestor&)>& use, int parent, const std::string& root) {
  for (int generation = 0; parent > 0 && generation < kMost; ++generation) {
    const std::string folder = root + "/proc/" + std::to_string(parent);
    const std::string stat = start_of(folder + "/stat");
    if (stat.empty()) return;
    const Ancestor ancestor{parent, first_arguments(start_of(folder + "/cmdline")), link_of(folder + "/exe")};
    if (use(ancestor)) return;
    parent = parent_in(stat);
  }
}

void for_each_ancestor(const std::function<bool(const Ancestor&)>& use) {
  for_each_ancestor(use, ::getppid());
}

}  // namespace furrow::os
