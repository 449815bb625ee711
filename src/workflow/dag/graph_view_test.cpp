#include "workflow/dag/graph_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.hpp"
#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using support::write;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class GraphView : public testing::Test {
 protected:
  void plan(Workflow::Rules rules, const std::vector<std::string>& targets) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    ASSERT_TRUE(flow_->plan(targets));
    staleness_ = std::make_unique<Staleness>(flow_->dag, flow_->rules, flow_->states, flow_->evaluator,
                                             nullptr, StalenessOptions{});
    ASSERT_TRUE(staleness_->decide());
  }
  std::string jobs(GraphFormat format = GraphFormat::kDot) const {
    return job_graph(flow_->dag, flow_->rules, *staleness_, format);
  }
  std::string rules(GraphFormat format = GraphFormat::kDot) const {
    return rule_graph(flow_->dag, flow_->rules, format);
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Workflow> flow_;
  std::unique_ptr<Staleness> staleness_;
};

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST_F(GraphView, DrawsABoxForEachJobAndAnArrowForEachDependency) {
  plan({rule("all").aggregates().input("1.a").input("1.b").input("2.a"),
        rule("pair").output("{x}.a").output("{x}.b")},
       {"all"});
  const std::string text = jobs();
  EXPECT_THAT(text, ::testing::StartsWith("digraph jobs {"));
  EXPECT_EQ(count(text, "label = "), 3u);
  EXPECT_EQ(count(text, " -> "), 2u);
  EXPECT_THAT(text, HasSubstr("label = \"pair\\nx: 1\""));
}

TEST_F(GraphView, DrawsUpToDateJobsDashed) {
  write("done", "", 10);
  plan({rule("done").output("done"), rule("due").output("due")}, {"done", "due"});
  const std::string text = jobs();
  EXPECT_EQ(count(text, "rounded,dashed"), 1u);
  for (const std::string& line : split(text, '\n')) {
    if (line.find("rounded,dashed") != std::string::npos) {
      EXPECT_THAT(line, HasSubstr("label = \"done\""));
    }
  }
}

TEST_F(GraphView, EscapesQuotesBackslashesAndNewlines) {
  plan({rule("a").output("{x}.out")}, {"say \"hi\" \\n\\.out"});
  EXPECT_THAT(jobs(), HasSubstr("label = \"a\\nx: say \\\"hi\\\" \\\\n\\\\\","));
  EXPECT_THAT(jobs(GraphFormat::kMermaid), HasSubstr("[\"a<br>x: say #quot;hi#quot; \\n\\\"]"));
}

TEST_F(GraphView, RuleGraphShowsEachRuleOnce) {
  plan({rule("all").aggregates().input("1.b").input("2.b"), rule("b").output("{x}.b").input("{x}.a"),
        rule("a").output("{x}.a")},
       {"all"});
  const std::string text = rules();
  EXPECT_EQ(count(text, "label = "), 3u);
  EXPECT_EQ(count(text, " -> "), 2u);
  EXPECT_EQ(count(text, "dashed"), 0u);
}

TEST_F(GraphView, DrawsMermaidToo) {
  plan({rule("b").output("b").input("a"), rule("a").output("a")}, {"b"});
  const std::string text = rules(GraphFormat::kMermaid);
  EXPECT_THAT(text, AllOf(::testing::StartsWith("flowchart TB\n"), HasSubstr("id1[\"a\"]"),
                          HasSubstr("id1 --> id0\n")));
}

TEST_F(GraphView, FileGraphNamesSourcesAndPatterns) {
  write("1.txt");
  plan({rule("count").output("{x}.counts").input("{x}.txt")}, {"1.counts"});
  EXPECT_THAT(file_graph(flow_->dag, flow_->rules), HasSubstr("count\\n<- 1.txt\\n-> {x}.counts"));
}

TEST_F(GraphView, SummaryHasALineForEachOutput) {
  write("old", "", 10);
  write("in", "", 20);
  write("fine", "", 30);
  plan({rule("old").output("old").log("old.log").input("in"), rule("fine").output("fine").input("in"),
        rule("new").output("new").output("newer")},
       {"old", "fine", "new"});
  std::vector<std::string> shown;
  for (const std::string& line : split(summary(flow_->dag, flow_->rules, flow_->states, *staleness_), '\n')) {
    auto columns = split(line, '\t');
    if (columns.size() < 6) continue;
    columns[1] = columns[1] == "-" || columns[1] == "date" ? columns[1] : "time";
    shown.push_back(join(columns, "|"));
  }
  EXPECT_THAT(
      shown, ElementsAre("output_file|date|rule|log-file(s)|status|plan",
                         "old|time|old|old.log|input is newer|update pending", "fine|time|fine||ok|no update",
                         "new|-|new||missing|update pending", "newer|-|new||missing|update pending"));
}

TEST(DescribeReasons, NamesAllReasons) {
  EXPECT_EQ(describe(0), "up to date");
  EXPECT_EQ(describe(kNewerInput | kForced), "forced, input is newer");
}

}  // namespace
}  // namespace furrow::workflow
