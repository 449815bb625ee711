#include "report/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/files/files.hpp"
#include "report/base64.hpp"
#include "report/jobs.hpp"
#include "text/json.hpp"

namespace furrow::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(os::make_directories(folder_));
    ASSERT_EQ(::chdir(folder_.c_str()), 0);
  }
  void TearDown() override {
    ASSERT_EQ(::chdir("/"), 0);
    (void)os::remove_tree(folder_);
  }
  std::string folder_ = ::testing::TempDir() + "furrow_page_" + std::to_string(::getpid());
};

TEST(Base64, EncodesAnyLength) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64(std::string("\0\xff\xfe", 3)), "AP/+");
}

TEST(Page, NothingInDataEndsItsElement) {
  EXPECT_EQ(script_json(R"({"a":"</script><!--"})"), R"({"a":"\u003c/script>\u003c!--"})");
  EXPECT_EQ(html_text("<b class=\"x\">&"), "&lt;b class=&quot;x&quot;&gt;&amp;");
}

TEST_F(PageTest, HoldsDataFilesAndTheStyleOfTheUser) {
  ASSERT_TRUE(os::write_file("a.bin", std::string(400'000, 'x')));
  Page page{"A <title>", "p { color: red } </style>", {{"about", "{\"a\":1}"}}, {{"12ab", "a.bin"}}};
  ASSERT_TRUE(write_page("page.html", page));
  const std::string text = os::read_file("page.html").value_or("");
  EXPECT_THAT(text, HasSubstr("<title>A &lt;title&gt;</title>"));
  EXPECT_THAT(text, HasSubstr("p { color: red } <\\/style>"));
  EXPECT_THAT(text, HasSubstr("id=\"data-about\">{\"a\":1}</script>"));
  EXPECT_THAT(text, HasSubstr("id=\"file-12ab\">" + base64(std::string(400'000, 'x')) + "</script>"));
  EXPECT_THAT(text, Not(HasSubstr("<!--script-->")));
}

TEST_F(PageTest, AFileThatIsNotThereLeavesNoPage) {
  const auto written = write_page("page.html", Page{"t", "", {}, {{"1", "gone"}}});
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("gone"));
  EXPECT_FALSE(os::status("page.html").exists());
}

std::vector<store::JobRecord> records(std::size_t count, const std::string& command) {
  std::vector<store::JobRecord> all(count);
  for (std::size_t at = 0; at < count; ++at) {
    all[at].key = "out/" + std::to_string(at);
    all[at].rule = at % 2 ? "b" : "a";
    all[at].phase = store::JobPhase::kFinished;
    all[at].started_at = 1e9;
    all[at].finished_at = 1e9 + 1.5;
    all[at].command = command;
  }
  return all;
}

TEST(JobsJson, HasAColumnForEachFactAndEachTextOnce) {
  const auto json = text::JsonDocument::parse(jobs_json(records(3, "make it"), Redactor({})), "jobs");
  ASSERT_TRUE(json);
  EXPECT_EQ(text::to_text(*text::member(json->root(), "rules")), R"(["a","b"])");
  EXPECT_EQ(text::to_text(*text::member(json->root(), "rule")), "[0,1,0]");
  EXPECT_EQ(text::to_text(*text::member(json->root(), "took")), "[1.5,1.5,1.5]");
  EXPECT_EQ(text::to_text(*text::member(json->root(), "command")), R"(["make it","make it","make it"])");
}

TEST(JobsJson, CommandsAreCutSoThatManyJobsStaySmall) {
  const std::string json = jobs_json(records(10'000, std::string(1000, 'c')), Redactor({}));
  EXPECT_LT(json.size(), 5'000'000u);
  EXPECT_THAT(jobs_json(records(1, std::string(1000, 'c')), Redactor({})), HasSubstr(std::string(1000, 'c')));
}

}  // namespace
}  // namespace furrow::report
