#include "command/input/input_list.hpp"

#include <poll.h>

#include <random>

#include "command/input/input_batches.hpp"

namespace furrow::command {

namespace {

class List final : public InputSource {
 public:
  List(std::vector<Arguments> values, std::vector<std::string> names)
      : values_(std::move(values)), names_(std::move(names)) {}

  Result<Pull> next(Arguments& out) override {
    out.clear();
    if (at_ == values_.size()) return Pull::kEnd;
    out = std::move(values_[at_++]);
    return Pull::kValue;
  }
  int descriptor() const override { return -1; }
  const std::vector<std::string>& names() const override { return names_; }

 private:
  std::vector<Arguments> values_;
  std::vector<std::string> names_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<Arguments>> read_all(InputSource& source) {
  std::vector<Arguments> values;
  Arguments value;
  for (;;) {
    const auto pulled = FURROW_TRY(source.next(value));
    if (pulled == Pull::kEnd) return values;
    if (pulled == Pull::kValue) {
      values.push_back(value);
    } else {
      pollfd more{source.descriptor(), POLLIN, 0};
      ::poll(&more, 1, -1);
    }
  }
}

std::unique_ptr<InputSource> make_list(std::vector<Arguments> values, std::vector<std::string> names) {
  return std::make_unique<List>(std::move(values), std::move(names));
}

void shuffle(std::vector<Arguments>& values, std::uint64_t seed) {
  // Not std::shuffle: its result differs between standard libraries.
  std::mt19937_64 random(seed);
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random() % i]);
}

Result<CountedInputs> count_inputs(std::unique_ptr<InputSource> inputs) {
  auto values = FURROW_TRY(read_all(*inputs));
  const std::uint64_t total = values.size();
  return CountedInputs{make_list(std::move(values), inputs->names()), total};
}

}  // namespace furrow::command
