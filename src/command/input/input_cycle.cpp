#include "command/input/input_sources.hpp"

namespace furrow::command {

namespace {

class Cycle final : public InputSource {
 public:
  Cycle(std::vector<std::unique_ptr<RecordReader>> readers, std::vector<std::string> names)
      : names_(std::move(names)) {
    for (auto& reader : readers) sources_.push_back({std::move(reader)});
  }

  Result<Pull> next(Arguments& out) override {
    for (; at_ < sources_.size(); ++at_) {
      const auto pulled = pull(sources_[at_]);
      if (!pulled || *pulled == Pull::kNotYet) return pulled;
      any_ |= *pulled == Pull::kValue;
    }
    at_ = 0;
    out.clear();
    if (!any_) return Pull::kEnd;
    any_ = false;
    for (Source& source : sources_) {
      for (std::size_t i = 0; i < source.now.size(); ++i) out.add(source.now[i]);
      if (!source.ended) source.kept.push_back(std::move(source.now));
      source.now.clear();
    }
    return Pull::kValue;
  }
  int descriptor() const override { return sources_[at_].reader->descriptor(); }
  const std::vector<std::string>& names() const override { return names_; }

 private:
  struct Source {
    std::unique_ptr<RecordReader> reader;
    std::vector<Arguments> kept{};  // the values, to start over with
    Arguments now{};
    std::size_t again = 0;
    bool ended = false;
  };

  // kEnd: there is no new value; SOURCE.now holds an old one if there is any.
  Result<Pull> pull(Source& source) {
    if (!source.ended) {
      auto pulled = source.reader->next(source.now);
      if (!pulled || *pulled != Pull::kEnd) return pulled;
      source.ended = true;
    }
    if (!source.kept.empty()) source.now = source.kept[source.again++ % source.kept.size()];
    return Pull::kEnd;
  }

  std::vector<Source> sources_;
  std::vector<std::string> names_;
  std::size_t at_ = 0;  // the source to ask next
  bool any_ = false;    // whether a source has had a new value in this round
};

}  // namespace

std::unique_ptr<InputSource> make_cycle(std::vector<std::unique_ptr<RecordReader>> readers,
                                        std::vector<std::string> names) {
  return std::make_unique<Cycle>(std::move(readers), std::move(names));
}

}  // namespace furrow::command
