// Makes the jobs and attempts of a run of the events in its journal.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "report/runs/run_picture.hpp"

namespace furrow::report {

class JobCollector final : public store::RunEvents {
 public:
  // Borrows it.
  explicit JobCollector(RunPicture& picture) : picture_(picture) {}

  void on_run(const store::RunFacts& facts) override;
  void on_workflow(std::string_view facts) override { picture_.workflow = facts; }
  void on_plan(const std::vector<store::RulePlan>& rules) override { picture_.plan = rules; }
  void on_total(std::uint64_t due) override { picture_.due = due; }
  void on_skipped(std::uint64_t jobs) override { picture_.skipped += jobs; }
  void on_start(const store::JobStart& start) override;
  void on_place(const store::JobPlace& place) override;
  void on_end(const store::JobEnd& end) override;
  void on_stopping(int signal, double at) override;
  void on_finish(int code, double at) override;

 private:
  void see(double at);

  RunPicture& picture_;
  std::unordered_map<std::uint32_t, std::uint32_t> numbers_;
  std::unordered_map<std::uint32_t, std::size_t> open_;  // attempts that run
};

}  // namespace furrow::report
