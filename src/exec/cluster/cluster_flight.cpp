#include "exec/cluster/cluster_flight.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

constexpr std::size_t kLogLooked = 16384;
constexpr std::size_t kLogLines = 10;

std::string end_of_log(const Flight& flight) {
  if (flight.log.empty()) return {};
  (void)os::list_directory(os::parent_of(flight.log));  // a network file system looks again
  auto text = os::read_file(flight.log);
  if (!text) return {};
  return text->size() > kLogLooked ? text->substr(text->size() - kLogLooked) : *text;
}

}  // namespace

std::string describe(const Flight& flight, const char* system) {
  const std::string name = flight.name.empty() ? "of " + flight.folder.id() : flight.name;
  const std::string host = !flight.host.empty()                          ? flight.host
                           : flight.state && !flight.state->node.empty() ? flight.state->node
                                                                         : std::string();
  return fmt::format("{} job {}{}", system, name, host.empty() ? "" : " on " + host);
}

std::string reason_of(const Flight& flight) {
  const std::string state =
      flight.state && flight.state->phase == BatchState::Phase::kEnded ? flight.state->reason : "";
  if (state == "OUT_OF_MEMORY" || state == "TIMEOUT" || state == "NODE_FAIL") return state;
  const std::string log = end_of_log(flight);
  for (const char* sign : {"oom-kill", "oom_kill", "exceeded memory limit", "Exceeded job memory limit"}) {
    if (log.find(sign) != std::string::npos) return "OUT_OF_MEMORY";
  }
  if (log.find("DUE TO TIME LIMIT") != std::string::npos) return "TIMEOUT";
  if (log.find("DUE TO NODE FAILURE") != std::string::npos) return "NODE_FAIL";
  return state == "COMPLETED" ? std::string() : state;
}

bool has_log(const Flight& flight) { return !flight.log.empty() && os::status(flight.log).exists(); }

std::string log_tail(const Flight& flight) {
  const std::vector<std::string> lines = split(end_of_log(flight), '\n');
  std::string text;
  for (std::size_t i = lines.size() > kLogLines ? lines.size() - kLogLines : 0; i < lines.size(); ++i) {
    if (!lines[i].empty()) text += "\n  | " + lines[i];
  }
  return text;
}

}  // namespace furrow::exec
