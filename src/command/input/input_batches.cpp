#include "command/input/input_batches.hpp"

#include <algorithm>
#include <deque>

namespace furrow::command {

namespace {

// Linux accepts no argument longer than 128 KiB, and the command is one argument of the shell (after -c).
constexpr std::size_t kMostBytes = 128 * 1024 - 1;

class InputBatches final : public InputSource {
 public:
  InputBatches(std::unique_ptr<InputSource> records, const CommandTemplate& command,
               const InputBatchOptions& options)
      : records_(std::move(records)),
        command_(command),
        options_(options),
        limit_(options.max_length > 0 ? std::min<std::size_t>(options.max_length, kMostBytes) : kMostBytes),
        most_(options.max_records > 0 ? options.max_records : SIZE_MAX),
        spread_(options.spread) {}

  Result<Pull> next(Arguments& out) override {
    out.clear();
    for (;;) {
      if (!enough()) {
        const auto read = read_one();
        if (!read || *read == Pull::kNotYet) return read;
        continue;
      }
      if (pending_.empty()) return Pull::kEnd;
      const std::size_t fitting = count_fitting();
      if (fitting == 0 || (options_.exit_if_too_long && fitting < std::min(pending_.size(), most_)))
        return fail(too_long(fitting + 1));
      // All records so far fit, but more may come.
      if (fitting == pending_.size() && fitting < most_ && !ended_) {
        wanted_ = pending_.size() * 2;
        continue;
      }
      if (spread_ && ended_ && fitting == pending_.size() && fitting > 1) {
        spread_ = false;
        most_ = (fitting + options_.slots - 1) / options_.slots;
      }
      take(std::min(fitting, most_), out);
      return Pull::kValue;
    }
  }
  int descriptor() const override { return records_->descriptor(); }
  const std::vector<std::string>& names() const override { return records_->names(); }

 private:
  // The rest can be spread over the slots only once it is known to be the rest, so one record more than fits
  // is read.
  bool enough() const {
    return ended_ || pending_.size() >= std::min(wanted_, most_ < SIZE_MAX ? most_ + spread_ : SIZE_MAX);
  }

  Result<Pull> read_one() {
    Arguments record;
    const auto pulled = records_->next(record);
    if (!pulled) return pulled;
    if (*pulled == Pull::kEnd) ended_ = true;
    if (*pulled == Pull::kValue) pending_.push_back(std::move(record));
    return pulled;
  }

  std::size_t length_of(std::size_t count) const {
    Arguments values;
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < pending_[i].size(); ++j) values.add(pending_[i][j]);
    return command_.render(values, {}).size();
  }

  // How many of the pending records fit, at most most_. Found by bisection, since each try renders all of
  // them.
  std::size_t count_fitting() const {
    const std::size_t all = std::min(pending_.size(), most_);
    if (length_of(all) < limit_) return all;
    std::size_t good = 0, bad = all;
    while (bad - good > 1) {
      const std::size_t middle = good + (bad - good) / 2;
      (length_of(middle) < limit_ ? good : bad) = middle;
    }
    return good;
  }

  void take(std::size_t count, Arguments& out) {
    for (; count > 0; --count) {
      const Arguments& record = pending_.front();
      for (std::size_t i = 0; i < record.size(); ++i) out.add(record[i]);
      pending_.pop_front();
      ++taken_;
    }
  }

  Error too_long(std::size_t records) const {
    std::string input = pending_[records - 1].joined(" ");
    if (input.size() > 50) input = input.substr(0, 50) + "...";
    return Error{
        "the command for record " + std::to_string(taken_ + records) + " is " +
            std::to_string(length_of(records)) + " bytes long, and " + std::to_string(limit_ - 1) +
            " is the limit: " + input,
        {},
        0,
        options_.max_length > 0 ? "Raise -s." : "Linux accepts no longer command; pass the value in a file."};
  }

  std::unique_ptr<InputSource> records_;
  CommandTemplate command_;
  InputBatchOptions options_;
  std::size_t limit_;
  // The most records that a job takes.
  std::size_t most_;
  // Whether the rest must still be spread over the slots when the input ends.
  bool spread_;
  // How many records to read ahead before a batch is made.
  std::size_t wanted_ = 64;
  std::deque<Arguments> pending_;
  std::uint64_t taken_ = 0;
  bool ended_ = false;
};

// Leaves out the jobs that the command skips.
class Filtered final : public InputSource {
 public:
  Filtered(std::unique_ptr<InputSource> jobs, const CommandTemplate& command)
      : jobs_(std::move(jobs)), command_(command) {}

  Result<Pull> next(Arguments& out) override {
    for (;;) {
      const auto pulled = jobs_->next(out);
      if (!pulled || *pulled != Pull::kValue || !command_.skips(out)) return pulled;
    }
  }
  int descriptor() const override { return jobs_->descriptor(); }
  const std::vector<std::string>& names() const override { return jobs_->names(); }

 private:
  std::unique_ptr<InputSource> jobs_;
  CommandTemplate command_;
};

}  // namespace

std::unique_ptr<InputSource> make_input_batches(std::unique_ptr<InputSource> records,
                                                const CommandTemplate& command,
                                                const InputBatchOptions& options) {
  const bool single = options.max_records == 1 && options.max_length == 0 && !options.spread;
  if (!single) records = std::make_unique<InputBatches>(std::move(records), command, options);
  if (command.may_skip()) records = std::make_unique<Filtered>(std::move(records), command);
  return records;
}

}  // namespace furrow::command
