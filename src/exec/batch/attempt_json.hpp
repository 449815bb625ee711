// What an attempt executes, and how it ended, as members of a JSON object: in batches, in journals, between
// ranks. docs/design/cluster.md lists them. The streams of a launch do not travel this way.
#pragma once

#include "exec/batch/batch_file.hpp"
#include "exec/batch/sealed_line.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

void put_launch(SealedWriter& json, const plan::Launch& launch);
plan::Launch launch_of(const rapidjson::Value& object);

// Without job, attempt and output.
void put_exit(SealedWriter& json, const plan::Exit& exit);
plan::Exit exit_of(const rapidjson::Value& object);

void put_evaluator(SealedWriter& json, const BatchEvaluator& evaluator);
BatchEvaluator evaluator_of(const rapidjson::Value& object);  // empty where there is none

}  // namespace furrow::exec
