// The fixtures of the tests of staleness: several runs of one workflow, on the same files and store.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"
#include "workflow/dag/graph_view.hpp"
#include "workflow/dag/job_params.hpp"
#include "workflow/dag/staleness.hpp"
#include "workflow/jobs/recorder.hpp"

namespace furrow::workflow {

using support::rule;
using support::set_time;
using support::Workflow;
using support::write;

// Simulates several runs: each plans from scratch, as a new process would, on the same files and store.
class StalenessTest : public testing::Test {
 protected:
  void SetUp() override { open_store(); }
  void open_store() {
    auto opened = store::Store::open_alone(".furrow", 0);
    ASSERT_TRUE(opened) << opened.error().to_string();
    store_ = std::move(*opened);
  }
  void end_and_reopen() {
    ASSERT_TRUE(store_->close_cleanly());
    store_.reset();
    open_store();
  }

  // What would run, with the reason: "rule(x=a): input is newer".
  std::vector<std::string> due(const std::vector<std::string>& targets) {
    auto flow = plan(targets);
    Staleness staleness(flow->dag, flow->rules, flow->states, flow->evaluator,
                        has_store_ ? store_.get() : nullptr, with_files(*flow));
    const auto decided = staleness.decide();
    EXPECT_TRUE(decided) << decided.error().to_string();
    std::vector<std::string> due;
    for (const NodeId node : flow->dag.order()) {
      if (staleness.must_run(node))
        due.push_back(flow->name_of(node) + ": " + describe(staleness.reasons(node)));
    }
    EXPECT_EQ(staleness.count(), due.size());
    detail_batches_ = flow->evaluator.detail_batches;
    return due;
  }

  std::vector<std::string> why(const std::string& target) {
    auto flow = plan({target});
    Staleness staleness(flow->dag, flow->rules, flow->states, flow->evaluator, store_.get(),
                        with_files(*flow));
    EXPECT_TRUE(staleness.decide());
    auto lines = staleness.explain(flow->job(target));
    EXPECT_TRUE(lines);
    return *lines;
  }

  std::vector<std::string> changed_while_running(const std::string& target) {
    auto flow = plan({target});
    Staleness staleness(flow->dag, flow->rules, flow->states, flow->evaluator, store_.get(),
                        with_files(*flow));
    EXPECT_TRUE(staleness.decide());
    std::vector<std::string> names;
    for (const auto& [node, files] : staleness.changed_while_running()) {
      for (const FileId file : files) names.emplace_back(flow->dag.files.view(file));
    }
    return names;
  }

  // Records a run of the job that makes OUTPUT, with the files as they are.
  void record(const std::string& output, store::JobPhase phase = store::JobPhase::kFinished,
              double finished_at = 1) {
    auto flow = plan({output});
    const NodeId node = flow->job(output);
    os::FileHasher hasher(loop_, -1);
    Recorder recorder(flow->dag, flow->rules, flow->states, *store_, &hasher, 1 << 20);
    store::JobRecord record;
    const CompiledRule& compiled = flow->rules[flow->dag.node(node).rule];
    record.key = record_key(flow->dag, flow->rules, node);
    record.rule = compiled.rule.name;
    record.code_hash = CodeHashes().of(compiled);
    std::vector<Param> answered;
    if (compiled.has_param_functions)
      answered = flow->evaluator.answer_details({.job = view_of(flow->dag, flow->rules, node)})->params;
    const auto values = flow->dag.values(node, flow->rules);
    JobParams(compiled, values, answered).write_to(record);
    ASSERT_TRUE(recorder.started(node, record));
    record.started_at = 0;
    record.finished_at = finished_at;
    if (phase != store::JobPhase::kStarted) {
      record.phase = phase;
      ASSERT_TRUE(recorder.ended(node, record));
    }
    ASSERT_TRUE(recorder.finish());
  }

  std::unique_ptr<Workflow> plan(const std::vector<std::string>& targets) {
    auto flow = std::make_unique<Workflow>(rules_);
    flow->evaluator.answer_details = [this](const DetailQuestion&) -> Result<DetailAnswer> {
      if (param_.empty()) return fail("no value yet");
      return DetailAnswer{1, {}, {Param{.name = {}, .text = param_, .failure = failure_}}};
    };
    const auto planned = flow->plan(targets);
    EXPECT_TRUE(planned) << planned.error().to_string();
    return flow;
  }
  StalenessOptions with_files(const Workflow& flow) const {
    StalenessOptions options = options_;
    for (const std::string& name : force_files_) options.force_files.insert(flow.file(name));
    return options;
  }

  support::TemporaryFolder folder_;
  os::EventLoop loop_;
  std::unique_ptr<store::Store> store_;
  bool has_store_ = true;
  Workflow::Rules rules_;
  StalenessOptions options_;
  std::vector<std::string> force_files_;
  std::string param_;                            // what the params function answers; empty: an error
  std::shared_ptr<const ParamFailure> failure_;  // of the params function; null: none
  std::vector<std::size_t> detail_batches_;
};

// One job, "in" -> "out", made and recorded.
class OneJob : public StalenessTest {
 protected:
  void SetUp() override {
    StalenessTest::SetUp();
    use(rule("copy").output("out").input("in").param("1"));
    write("in", "text\n", 10);
    write("out", "text\n", 20);
    record("out");
  }
  void use(Rule made) {
    made.line = 1;
    rules_ = {std::move(made)};
  }
};

}  // namespace furrow::workflow
