// What follows from when jobs ran and what they need: slots, waits, the longest chain of work, how the cores were used.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "report/runs/run_picture.hpp"

namespace furrow::report {

// Which jobs need files of which others, by the stamps of their records.
class JobNeeds {
 public:
  void add(std::uint32_t job, const store::JobRecord& record);
  // The jobs that make the inputs of JOB, each once.
  std::vector<std::uint32_t> of(std::uint32_t job) const;

 private:
  std::uint32_t number_of(const std::string& path);
  std::unordered_map<std::string, std::uint32_t> paths_;
  std::vector<std::uint32_t> makers_;  // by path; kNoJob: none
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> inputs_;
};

// NOW: until when running jobs have worked.
void analyse(RunPicture& picture, const JobNeeds& needs, double now);

}  // namespace furrow::report
