// --results FOLDER, or a template of file names: the output of each job goes into files of its own, while it
// is printed. The files have GNU parallel's names. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "command/job_producer.hpp"
#include "command/template/template.hpp"

namespace furrow::command {

struct ResultsPaths {
  std::string out, err, seq;
};

class ResultsFiles {
 public:
  // TEXT, borrowed, is the option's value as a template. NAMES of the columns, if there are any.
  ResultsFiles(const CommandTemplate& text, std::vector<std::string> names);

  ResultsPaths paths(const MapJob& job, const RenderContext& context) const;
  // Whether the names depend on the job's slot, which is not known before it starts.
  bool uses_slot() const { return text_.uses_slot(); }
  // Creates the files and makes them the job's output.
  Result<void> open(MapJob& job, const RenderContext& context) const;
  bool exist(const MapJob& job, const RenderContext& context) const;  // whether an earlier run made them

 private:
  std::string values_folder(const Arguments& values) const;
  std::string name_of(std::size_t value) const;

  const CommandTemplate& text_;
  const std::vector<std::string> names_;
};

}  // namespace furrow::command
