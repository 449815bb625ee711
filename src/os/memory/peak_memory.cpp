#include "os/memory/peak_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace furrow::os {

namespace {

std::int64_t peak_of_one_kb(const std::string& folder) {
  constexpr std::string_view kPeak = "VmHWM:";
  std::ifstream status(folder + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kPeak)) return std::strtoll(line.c_str() + kPeak.size(), nullptr, 10);
  }
  return 0;
}

}  // namespace

std::int64_t peak_of_tree_kb(int pid) {
  const std::string number = std::to_string(pid), folder = "/proc/" + number;
  std::int64_t peak = peak_of_one_kb(folder);
  std::ifstream children(folder + "/task/" + number + "/children");
  for (int child = 0; children >> child;) peak = std::max(peak, peak_of_tree_kb(child));
  return peak;
}

}  // namespace furrow::os
