// Compares the capability table in docs/pool.md with the one that the tests use.
#include <fstream>
#include <map>
#include <string>

#include "contract.hpp"

namespace furrow::testing {
namespace {

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> made;
  std::size_t at = 1;
  for (std::size_t bar; (bar = line.find('|', at)) != std::string::npos; at = bar + 1) {
    const std::string cell = line.substr(at, bar - at);
    const auto first = cell.find_first_not_of(' ');
    made.push_back(first == std::string::npos ? ""
                                              : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
  }
  return made;
}

// The table on the page, by row and backend.
std::map<std::string, std::map<std::string, std::string>> documented() {
  std::map<std::string, std::map<std::string, std::string>> table;
  std::ifstream page(FURROW_SOURCE "/docs/pool.md");
  std::vector<std::string> head;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("| | serial |", 0) == 0)
      head = cells(line);
    else if (head.empty() || line.empty())
      head.clear();
    else if (const auto row = cells(line); row.size() == head.size())
      for (std::size_t i = 1; i < row.size(); ++i) table[row[0]][head[i]] = row[i];
  }
  return table;
}

TEST(CapabilityTable, IsTheSameInTheDocsAndTheTests) {
  const auto table = documented();
  for (const Capabilities& each : all_backends()) {
    const auto cell = [&](const std::string& row) { return table.at(row).at(name(each.backend.kind)); };
    const auto claims = [&](const std::string& row) {
      EXPECT_TRUE(cell(row) == "yes" || cell(row) == "no") << row << ": " << cell(row);
      return cell(row) == "yes";
    };
    if (each.backend.workers > 1) {
      const std::string together = cell("runs two tasks at a time");
      EXPECT_EQ(together == "yes", each.in_parallel) << each;
      EXPECT_EQ(together == "yes" || together == "while they wait", each.waits_together) << each;
    }
    EXPECT_EQ(claims("tasks write to the caller's variables"), each.shares_memory) << each;
    EXPECT_TRUE(claims("asks a task to end after `timeout_s`")) << each;
    EXPECT_EQ(claims("ends any task after `timeout_s`"), each.stops_any_task) << each;
    EXPECT_EQ(claims("ends a coroutine after `timeout_s`"), each.stops_coroutine) << each;
    EXPECT_EQ(claims("survives a task that crashes"), each.survives_a_crash) << each;
    EXPECT_EQ(claims("takes functions with captures"), each.takes_captures) << each;
    EXPECT_EQ(claims("carries any type of result"), each.carries_any_result) << each;
  }
}

}  // namespace
}  // namespace furrow::testing
