// The input values of one job: any bytes, in the order of the sources (and of the records, if a job takes
// several records).
//
// They lie in one block of memory, so that a million waiting jobs are cheap and one object can be refilled
// for each job without allocating. job without allocating.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::command {

class Arguments {
 public:
  void clear() {
    bytes_.clear();
    ends_.clear();
  }
  void add(std::string_view value) {
    bytes_ += value;
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  }
  std::size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }
  std::string_view operator[](std::size_t i) const {
    const std::uint32_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  void shrink_to(std::size_t count) {  // drops all but the first COUNT values
    if (count >= ends_.size()) return;
    ends_.resize(count);
    bytes_.resize(count == 0 ? 0 : ends_.back());
  }
  std::string joined(std::string_view separator) const;  // unquoted, for people to read

  bool operator==(const Arguments&) const = default;

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;  // where each value ends in bytes_
};

}  // namespace furrow::command
