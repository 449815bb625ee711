// The parts of a run as JSON, which the JSON for programs and the page share.
#pragma once

#include <string>

#include "report/runs/run_picture.hpp"
#include "text/json.hpp"

namespace furrow::report {

class JsonText {
 public:
  JsonText() { json_.SetMaxDecimalPlaces(4); }
  text::JsonWriter& operator*() { return json_; }
  std::string text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

 private:
  text::JsonBuffer buffer_;
  text::JsonWriter json_{buffer_};
};

void write_number(text::JsonWriter& json, const char* name, double value);
void write_whole(text::JsonWriter& json, const char* name, std::int64_t value);
// null if it is 0.
void write_known(text::JsonWriter& json, const char* name, double value);
void write_known_whole(text::JsonWriter& json, const char* name, std::int64_t value);

// Members of an object: `run`, and `rules`.
void write_run(text::JsonWriter& json, const RunPicture& picture);
void write_rules(text::JsonWriter& json, const RunPicture& picture);

// The end of a log, from the beginning of a line; empty if it cannot be read.
std::string end_of_log(const std::string& path);

// The ends of the logs of jobs that have not succeeded; of many such jobs, only those of the first.
class LogEnds {
 public:
  explicit LogEnds(std::string folder) : folder_(std::move(folder)) {}
  std::string of(const PicturedJob& job);

 private:
  std::string folder_;
  int left_ = 500;
};

}  // namespace furrow::report
