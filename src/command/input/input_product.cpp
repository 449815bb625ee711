#include "command/input/input_sources.hpp"

namespace furrow::command {

namespace {

void append(Arguments& out, const Arguments& values) {
  for (std::size_t i = 0; i < values.size(); ++i) out.add(values[i]);
}

// One group of the product: its values so far, and more on request.
class Group {
 public:
  Group(LinkedReaders readers, bool keeps) : readers_(std::move(readers.readers)), keeps_(keeps) {}

  // kValue: value I exists. I is the index of a known value or of the next one.
  Result<Pull> reach(std::size_t i) {
    if (i < count_ && (keeps_ || i + 1 == count_)) return Pull::kValue;
    if (ended_) return Pull::kEnd;
    for (; part_ < readers_.size(); ++part_) {
      const auto pulled = readers_[part_]->next(building_);
      if (!pulled || *pulled == Pull::kNotYet) return pulled;
      if (*pulled == Pull::kEnd) {
        ended_ = true;
        return Pull::kEnd;
      }
    }
    part_ = 0;
    ++count_;
    if (keeps_) {
      kept_.push_back(building_);
    } else {
      current_ = building_;
    }
    building_.clear();
    return Pull::kValue;
  }

  void be_empty() {  // one empty value instead of no value
    current_.add("");
    if (keeps_) kept_.push_back(current_);
    ++count_;
    ended_ = true;
  }
  const Arguments& value(std::size_t i) const { return keeps_ ? kept_[i] : current_; }
  int descriptor() const { return readers_[part_]->descriptor(); }

 private:
  std::vector<std::unique_ptr<RecordReader>> readers_;
  bool keeps_;
  std::vector<Arguments> kept_;
  Arguments current_, building_;
  std::size_t count_ = 0, part_ = 0;
  bool ended_ = false;
};

class Product final : public InputSource {
 public:
  Product(std::vector<LinkedReaders> groups, std::vector<std::string> names)
      : names_(std::move(names)), at_(groups.size()) {
    for (std::size_t i = 0; i < groups.size(); ++i) groups_.emplace_back(std::move(groups[i]), i > 0);
    turning_ = groups_.size();
  }

  Result<Pull> next(Arguments& out) override {
    out.clear();
    if (finished_) return Pull::kEnd;
    const auto moved = started_ ? turn() : start();
    if (!moved || *moved != Pull::kValue) return moved;
    for (std::size_t i = 0; i < groups_.size(); ++i) append(out, groups_[i].value(at_[i]));
    return Pull::kValue;
  }
  int descriptor() const override { return descriptor_; }
  const std::vector<std::string>& names() const override { return names_; }

 private:
  Result<Pull> wait_for(const Group& group) {
    descriptor_ = group.descriptor();
    return Pull::kNotYet;
  }

  // Gets the first value of every group. RESUMED_ is the group that had no value yet the last time.
  Result<Pull> start() {
    for (; resumed_ < groups_.size(); ++resumed_) {
      const auto reached = groups_[resumed_].reach(0);
      if (!reached) return reached;
      if (*reached == Pull::kNotYet) return wait_for(groups_[resumed_]);
      if (*reached == Pull::kEnd) {
        groups_[resumed_].be_empty();
      } else {
        any_ = true;
      }
    }
    started_ = true;
    finished_ = !any_;
    return any_ ? Pull::kValue : Pull::kEnd;
  }

  // Advances the odometer by one. TURNING_ counts down from the last group to one that has a next value.
  Result<Pull> turn() {
    while (turning_ > 0) {
      Group& group = groups_[turning_ - 1];
      const auto reached = group.reach(at_[turning_ - 1] + 1);
      if (!reached) return reached;
      if (*reached == Pull::kNotYet) return wait_for(group);
      if (*reached == Pull::kValue) {
        ++at_[turning_ - 1];
        for (std::size_t i = turning_; i < groups_.size(); ++i) at_[i] = 0;
        turning_ = groups_.size();
        return Pull::kValue;
      }
      --turning_;
    }
    finished_ = true;
    return Pull::kEnd;
  }

  std::vector<Group> groups_;
  std::vector<std::string> names_;
  std::vector<std::size_t> at_;
  std::size_t turning_ = 0, resumed_ = 0;
  int descriptor_ = -1;
  bool started_ = false, finished_ = false, any_ = false;
};

}  // namespace

std::unique_ptr<InputSource> make_product(std::vector<LinkedReaders> groups, std::vector<std::string> names) {
  return std::make_unique<Product>(std::move(groups), std::move(names));
}

}  // namespace furrow::command
