// --results FOLDER, or a template of file names: what each job prints goes into files of its own, as it is
// printed. GNU parallel's names. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "command/job_feed.hpp"
#include "command/template/template.hpp"

namespace furrow::command {

struct ResultsPaths {
  std::string out, err, seq;
};

class ResultsFiles {
 public:
  // TEXT, borrowed: the option's value as a template. NAMES of the columns, where there are any.
  ResultsFiles(const CommandTemplate& text, std::vector<std::string> names);

  ResultsPaths paths(const MapJob& job, const RenderContext& context) const;
  // Makes the files: they become the job's output.
  Result<void> open(MapJob& job, const RenderContext& context) const;
  bool exist(const MapJob& job, const RenderContext& context) const;  // from an earlier run

 private:
  std::string values_folder(const Arguments& values) const;
  std::string name_of(std::size_t value) const;

  const CommandTemplate& text_;
  const std::vector<std::string> names_;
};

}  // namespace furrow::command
