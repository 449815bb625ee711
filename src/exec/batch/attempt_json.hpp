// What an attempt executes, and how it ended, as members of a JSON object: in batches, in journals, between
// ranks. docs/design/cluster.md lists them. The streams of a launch do not travel this way.
//
// Each table is both the reader and the writer of its format (text/json_fields.hpp).
#pragma once

#include "exec/batch/batch_spec.hpp"
#include "plan/executor.hpp"
#include "text/json_fields.hpp"

namespace furrow::exec {

// Launch::Kind by its name.
struct LaunchKindCodec {
  static void write(text::JsonWriter& json, plan::Launch::Kind kind);
  static void read(const text::JsonValue& json, plan::Launch::Kind& kind);
};

inline constexpr auto kLaunchFields =
    std::tuple(text::field_as<LaunchKindCodec>("kind", &plan::Launch::kind),
               text::optional_field("argv", &plan::Launch::argv),              //
               text::optional_field("command", &plan::Launch::command),        //
               text::optional_field("prefix", &plan::Launch::prefix),          //
               text::optional_field("executable", &plan::Launch::executable),  //
               text::optional_field("directory", &plan::Launch::directory),    //
               text::optional_field("payload", &plan::Launch::payload),        //
               text::optional_field("scratch", &plan::Launch::scratch),        //
               text::optional_field("watch_memory", &plan::Launch::watch_memory),
               text::optional_field("nice", &plan::Launch::nice),  //
               text::optional_field("environment", &plan::Launch::environment),
               text::optional_field("removed", &plan::Launch::removed));

inline constexpr auto kUsageFields = std::tuple(
    text::field("wall_s", &plan::Usage::wall_s), text::field("user_s", &plan::Usage::user_s),
    text::field("system_s", &plan::Usage::system_s), text::field("max_rss_kb", &plan::Usage::max_rss_kb),
    text::field("read_blocks", &plan::Usage::read_blocks),
    text::field("write_blocks", &plan::Usage::write_blocks));

// Without job, attempt and output.
inline constexpr auto kExitFields = std::tuple(
    text::field("status", &plan::Exit::status), text::field("signal", &plan::Exit::signal),
    text::field("at", &plan::Exit::started_at), text::inline_fields(&plan::Exit::usage, kUsageFields),
    text::optional_field("cancelled", &plan::Exit::cancelled),
    text::optional_field("timed_out", &plan::Exit::timed_out),
    text::optional_field("error", &plan::Exit::error));

inline constexpr auto kEvaluatorFields = std::tuple(text::field("python", &BatchEvaluator::python),
                                                    text::field("directory", &BatchEvaluator::directory),
                                                    text::field("load", &BatchEvaluator::load));

// An object of its own; left out where no job needs an evaluator.
struct EvaluatorCodec {
  static void write(text::JsonWriter& json, const BatchEvaluator& evaluator);
  static void read(const text::JsonValue& json, BatchEvaluator& evaluator);
};

}  // namespace furrow::exec
