#include "pool/map/trace.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <map>
#include <numeric>

#include "furrow/pool.hpp"
#include "support/temporary_folder.hpp"

namespace furrow {
namespace {

using support::content_of;
using support::TemporaryFolder;

class TraceTest : public testing::Test {
 protected:
  TraceTest() : xs(100) { std::iota(xs.begin(), xs.end(), 0); }

  const rapidjson::Value& events() {
    document.Parse<rapidjson::kParseValidateEncodingFlag>(content_of("trace.json").c_str());
    EXPECT_FALSE(document.HasParseError()) << content_of("trace.json");
    return document["traceEvents"];
  }
  std::vector<const rapidjson::Value*> of_kind(const char* phase) {
    std::vector<const rapidjson::Value*> found;
    for (const auto& each : events().GetArray())
      if (each["ph"] == phase) found.push_back(&each);
    return found;
  }

  TemporaryFolder folder;
  rapidjson::Document document;
  std::vector<int> xs;
  const MapOptions options{.chunksize = 7, .trace = "trace.json"};
};

TEST_F(TraceTest, ShowsEveryItemOnce) {
  Pool(threads(2)).map([](int x) { return x; }, xs, options);
  std::map<int, int> seen;
  for (const auto* each : of_kind("X")) {
    const auto& item = (*each)["args"];
    for (int i = item["first"].GetInt(); i <= item["last"].GetInt(); ++i) ++seen[i];
    EXPECT_GE((*each)["ts"].GetDouble(), 0);
    EXPECT_GE((*each)["dur"].GetDouble(), 0);
  }
  EXPECT_EQ(seen.size(), 100u);
  for (const auto& [item, times] : seen) EXPECT_EQ(times, 1) << item;
}

TEST_F(TraceTest, NamesATrackForEachWorker) {
  Pool(serial()).map([](int x) { return x; }, xs, options);
  std::map<std::string, std::string> names;
  for (const auto* each : of_kind("M"))
    if ((*each)["args"].HasMember("name"))
      names[(*each)["name"].GetString()] = (*each)["args"]["name"].GetString();
  EXPECT_EQ(names["process_name"], "furrow::Pool, serial");
  EXPECT_EQ(names["thread_name"], "worker 0");
}

TEST_F(TraceTest, MarksFailuresAndEscapesTheirMessages) {
  const auto f = [](int x) {
    if (x == 42) throw std::runtime_error("\"quoted\"\n\\ \xff ünïcode \x01");
    return x;
  };
  EXPECT_THROW(Pool(threads(2)).map(f, xs, options), std::runtime_error);
  const auto marks = of_kind("i");
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_STREQ((*marks[0])["name"].GetString(), "item 42 failed");
  EXPECT_STREQ((*marks[0])["args"]["message"].GetString(), "\"quoted\"\n\\ \xef\xbf\xbd ünïcode \x01");
}

TEST_F(TraceTest, MarksReplacedWorkers) {
  detail::MapCall call;
  pool::Trace trace("trace.json", "processes", call);
  trace.on_restart(3);
  ASSERT_TRUE(trace.finish());
  EXPECT_STREQ((*of_kind("i").at(0))["name"].GetString(), "worker replaced");
  EXPECT_EQ((*of_kind("i").at(0))["tid"].GetInt(), 3);
}

TEST_F(TraceTest, CountsTheItemsOfAReduction) {
  std::vector<int> many(10000, 1);
  Pool(serial()).map_reduce([](int x) { return x; }, std::plus<>{}, many, options);
  int items = 0;
  for (const auto* each : of_kind("X")) items += (*each)["args"]["items"].GetInt();
  EXPECT_EQ(items, 10000);
}

TEST_F(TraceTest, ShowsTheItemsOfAStream) {
  {
    Pool pool(threads(2));
    for (int y : pool.imap([](int x) { return x; }, xs, options)) (void)y;
  }
  int items = 0;
  for (const auto* each : of_kind("X")) items += (*each)["args"]["items"].GetInt();
  EXPECT_EQ(items, 100);
}

TEST_F(TraceTest, LeavesNoOtherFileBehind) {
  Pool(serial()).map([](int x) { return x; }, xs, options);
  EXPECT_EQ(os::list_directory(".")->size(), 1u);
}

TEST_F(TraceTest, RefusesAnUnwritablePathBeforeAnythingRuns) {
  bool ran = false;
  const auto f = [&](int) { ran = true; };
  EXPECT_THROW(Pool(serial()).for_each(f, xs, {.trace = "no/such/folder/t"}), PoolError);
  EXPECT_THROW(Pool(serial()).for_each(f, xs, {.trace = "/tmp"}), PoolError);
  EXPECT_FALSE(ran);
}

TEST_F(TraceTest, KeepsTheOldTraceOfARefusedMap) {
  support::write("trace.json", "old");
  support::write("resume", "no resume file");
  EXPECT_THROW(
      Pool(serial()).map([](int x) { return x; }, xs, {.resume = {"resume", "k"}, .trace = "trace.json"}),
      PoolError);
  EXPECT_EQ(os::list_directory(".")->size(), 2u);
  EXPECT_EQ(content_of("trace.json"), "old");
}

}  // namespace
}  // namespace furrow
