// What a `furrow map` shows to people: a bar during a long run; at the end, what took longest, what failed,
// and how to run only that again. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/bar.hpp"
#include "cli/map/map_plan.hpp"
#include "cli/map/map_rerun.hpp"
#include "command/map_source.hpp"
#include "farm/farm.hpp"
#include "plan/event.hpp"

namespace furrow::cli {

class MapProgress final : public plan::EventSink {
 public:
  // Borrows all. NAMES are those of the values' columns.
  MapProgress(const MapCommandOptions& options, const MapPlan& plan, const command::MapSource& source,
              std::vector<std::string> names, os::EventLoop& loop);

  void on_event(const plan::Event& event) override;
  void before_output() { bar_.clear(); }
  void finish() { bar_.stop(); }
  // The text at the end; empty if there is nothing to say.
  std::string summary(const farm::Summary& summary) const;

 private:
  struct Ended {
    double wall_s;
    std::string input;
    std::string how;
    FailedInput again;
  };
  bool is_wanted() const { return options_.bar || options_.progress || options_.eta; }
  std::optional<std::size_t> total() const;
  void ended(const plan::Event& event);
  const MapCommandOptions& options_;
  const MapPlan& plan_;
  const command::MapSource& source_;
  const std::vector<std::string> names_;
  Bar bar_;
  std::vector<Ended> slowest_;  // longest first
  std::vector<Ended> failed_;   // the first of them
};

}  // namespace furrow::cli
