#include "snakefile/report_question.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::snakefile {
namespace {

using ::testing::HasSubstr;

Result<ReportAnswer> decoded(const std::string& json) {
  const auto document = text::JsonDocument::parse(json, "the answer");
  return decode_report(document->root());
}

TEST(ReportQuestion, SaysWhichJobsAndHowRulesAreLinked) {
  ReportQuestion question;
  question.is_archive = true;
  question.envvars = {"TOKEN"};
  question.rules = {"a", "all"};
  question.links = {{0, 1}};
  workflow::JobView job;
  job.wildcards = {{"x", "1"}};
  job.output = {"1.txt"};
  question.jobs.push_back(job);
  const std::string text = encode_report(7, question);
  EXPECT_THAT(text, HasSubstr(R"("op":"report","archive":true,"envvars":["TOKEN"])"));
  EXPECT_THAT(text, HasSubstr(R"("graph":{"rules":["a","all"],"links":[[0,1]]})"));
  EXPECT_THAT(text, HasSubstr(R"("w":{"x":"1"})"));
}

TEST(ReportQuestion, ReadsFactsAsTheyStandAndTheFiles) {
  const auto report = decoded(
      R"({"facts":{"text":"<p>"},"secrets":["s"],"files":[{"id":"1","path":"a/b","name":"b","page":true,)"
      R"("others":[["a/c","c"]]}]})");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->facts, R"({"text":"<p>"})");
  ASSERT_EQ(report->files.size(), 1u);
  EXPECT_TRUE(report->files[0].is_in_page);
  EXPECT_EQ(report->files[0].others[0].second, "c");
  EXPECT_EQ(report->secrets.front(), "s");
}

TEST(ReportQuestion, AMalformedAnswerIsAnError) {
  EXPECT_FALSE(decoded(R"({"facts":{},"files":[{"id":1}]})"));
  EXPECT_FALSE(decoded(R"({"facts":{},"files":[{"id":"1","path":"a","name":"a","others":[["x"]]}]})"));
}

TEST(ReportQuestion, AnArchiveHasAPageAndFiles) {
  EXPECT_THAT(encode_archive(1, "r.zip", "page", {{"a", "data/a"}}),
              HasSubstr(R"("path":"r.zip","page":"page","files":[["a","data/a"]])"));
}

}  // namespace
}  // namespace furrow::snakefile
