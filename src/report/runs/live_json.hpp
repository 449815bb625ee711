// A run that goes on as JSON, for the dashboard.
#pragma once

#include <string>

#include "report/runs/live_run.hpp"

namespace furrow::report {

// Of many running and failed jobs, some. NOW: when it is written; EARLIER: for the time that is left.
std::string live_json(const LiveRun& run, const RuleTimes& earlier, double now);

}  // namespace furrow::report
