#include "report/workflow_facts.hpp"

#include <gtest/gtest.h>

namespace furrow::report {
namespace {

WorkflowFacts some() {
  WorkflowFacts facts;
  facts.snakefile = "/w/\xff \"Snakefile\"";
  facts.folder = "/w";
  facts.command = "furrow run -c2";
  facts.python = "3.11.2";
  facts.config = R"({"a":1})";
  facts.envvars = {"TOKEN"};
  facts.included = {"/w/rules/a.smk"};
  facts.config_files = {"/w/config.yaml"};
  facts.sources = {{facts.snakefile, -5, 7, 0xfedcba9876543210}};
  facts.rules = {{.name = "all", .file = facts.snakefile, .kind = "none", .line = 1},
                 {.name = "a",
                  .file = "/w/rules/a.smk",
                  .kind = "shell",
                  .docstring = "what it does",
                  .line = 3,
                  .script = "/w/a.py",
                  .wildcards = {"x", "y"},
                  .conda_file = "/w/env.yaml",
                  .conda_name = "n",
                  .image = "docker://a/b:1",
                  .modules = {"bwa/0.7"}}};
  return facts;
}

TEST(WorkflowFacts, AreTheSameAfterTheyWereWrittenAndRead) {
  const auto read = workflow_facts_from(to_json(some()));
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(*read, some());
}

TEST(WorkflowFacts, WhatIsMissingIsEmptyAndWhatIsUnknownIsPassedOver) {
  const auto read = workflow_facts_from(R"({"snakefile":"/S","new":[1],"rules":[{"name":"a"},7]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->snakefile, "/S");
  EXPECT_EQ(read->config, "{}");
  EXPECT_EQ(read->rules.size(), 2u);
}

TEST(WorkflowFacts, WhatIsNoObjectIsRefused) {
  EXPECT_FALSE(workflow_facts_from("[1]"));
  EXPECT_FALSE(workflow_facts_from("{"));
}

}  // namespace
}  // namespace furrow::report
