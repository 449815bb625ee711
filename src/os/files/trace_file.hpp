// A timeline in Chrome's trace format, which https://ui.perfetto.dev and chrome://tracing open: tracks with slices, marks,
// counters, and arrows between slices. All timelines of Furrow are written here.
//
// Events are written as they come to a temporary file beside the target, which is renamed at the end. So memory is
// bounded, and a path that cannot be written is refused before anything runs. There are only a few kinds of events, so
// they are written without a JSON library. Times are microseconds since the timeline's own start. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "os/files/replacing_file.hpp"

namespace furrow::os {

// Members of a JSON object.
class TraceArguments {
 public:
  TraceArguments& text(std::string_view name, std::string_view value);
  TraceArguments& number(std::string_view name, std::int64_t value);
  TraceArguments& real(std::string_view name, double value);
  const std::string& json() const { return json_; }

 private:
  void key(std::string_view name);
  std::string json_;
};

struct TraceSlice {
  int track = 0;
  double start_us = 0, took_us = 0;
  std::string_view kind, name;
  bool is_bad = false;  // shown in red
};

class TraceFile {
 public:
  // NAME is that of the whole timeline, TRACK what its tracks are: "worker", "slot".
  static Result<std::unique_ptr<TraceFile>> create(const std::string& path, std::string_view name,
                                                   std::string track);

  void add(const TraceSlice& slice, const TraceArguments& arguments);
  void mark(int track, double at_us, std::string_view name, const TraceArguments& arguments);
  void count(double at_us, std::string_view name, const TraceArguments& values);
  // From the end of a slice in one track to the start of one in another.
  void arrow(int from, double from_us, int to, double to_us);
  // The first error of writing; nothing was written after it.
  Result<void> finish();

 private:
  TraceFile(std::unique_ptr<ReplacingFile> file, std::string track);
  void name_track(int track);
  void write(std::string_view event);

  std::unique_ptr<ReplacingFile> file_;
  std::string track_;
  std::string buffer_;
  std::set<int> named_;
  std::int64_t arrows_ = 0;
  Result<void> state_{};
};

}  // namespace furrow::os
