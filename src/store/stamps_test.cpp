#include "store/stamps.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace furrow::store {
namespace {

void expect_equal(const std::vector<FileStamp>& a, const std::vector<FileStamp>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].path, b[i].path);
    EXPECT_EQ(a[i].mtime_ns, b[i].mtime_ns);
    EXPECT_EQ(a[i].size, b[i].size);
    EXPECT_EQ(a[i].content, b[i].content);
  }
}

TEST(Stamps, SurviveARoundTrip) {
  const std::vector<FileStamp> stamps = {
      {"results/a.txt", 1'700'000'000'123'456'789, 5, 0xfedcba9876543210u},
      {"results/b.txt", 1'700'000'000'123'456'788, 0, 0},
      {"", std::numeric_limits<std::int64_t>::min(), -1, 1},
      {std::string("\xff\xfe odd \0 name", 13), std::numeric_limits<std::int64_t>::max(),
       std::numeric_limits<std::int64_t>::max(), 0},
      {"results/b.txt", 0, 3, 9},
  };
  expect_equal(unpack_stamps("results/a.txt", pack_stamps("results/a.txt", stamps)), stamps);
  expect_equal(unpack_stamps("k", pack_stamps("k", {})), {});
}

TEST(Stamps, TakeFewBytesWherePathsShareAPrefix) {
  std::vector<FileStamp> stamps;
  for (int i = 0; i < 1000; ++i) {
    stamps.push_back({"some/long/folder/name/sample_" + std::to_string(10'000 + i) + ".txt",
                      1'700'000'000'000'000'000 + i * 1'000'000, 1000 + i, 0x9e3779b97f4a7c15u * (i + 1u)});
  }
  EXPECT_LT(pack_stamps("k", stamps).size(), 1000u * 30);
}

TEST(Stamps, ReportTheirNumberBeforeBeingRead) {
  StampCursor cursor;
  const std::string blob = pack_stamps("k", {{"a", 1, 1, 1}, {"b", 2, 2, 0}});
  cursor.reset("k", blob);
  EXPECT_EQ(cursor.size(), 2u);
  EXPECT_TRUE(cursor.next());
  EXPECT_TRUE(cursor.next());
  EXPECT_FALSE(cursor.next());
  EXPECT_FALSE(cursor.is_damaged());
  EXPECT_EQ(cursor.size(), 2u);
}

TEST(Stamps, ATimeMayLoseItsLastDigitsButNotChange) {
  constexpr std::int64_t kTime = 1'700'000'001'234'567'890;
  EXPECT_TRUE(is_same_time(kTime, kTime));
  EXPECT_TRUE(is_same_time(kTime, 1'700'000'001'234'567'800));  // 100 ns
  EXPECT_TRUE(is_same_time(kTime, 1'700'000'001'234'567'000));  // 1 us
  EXPECT_TRUE(is_same_time(kTime, 1'700'000'001'000'000'000));  // 1 s
  EXPECT_TRUE(is_same_time(kTime, 1'700'000'000'000'000'000));  // 2 s
  EXPECT_FALSE(is_same_time(kTime, kTime + 1));
  EXPECT_FALSE(is_same_time(kTime, kTime - 1));
  EXPECT_FALSE(is_same_time(kTime, 1'700'000'002'000'000'000));
  EXPECT_FALSE(is_same_time(kTime, 1'699'999'999'000'000'000));
  EXPECT_FALSE(is_same_time(kTime, 0));
}

TEST(Stamps, DetectATruncatedBlob) {
  const std::string blob = pack_stamps("key", {{"path/one", 123456, 10, 77}, {"path/two", 123457, 300, 78}});
  for (std::size_t size = 1; size < blob.size(); ++size) {
    // A separate allocation, so that a sanitizer sees a read beyond its end.
    const std::string cut = blob.substr(0, size);
    StampCursor cursor;
    cursor.reset("key", cut);
    while (cursor.next()) {
    }
    EXPECT_TRUE(cursor.is_damaged()) << size;
  }
}

TEST(Stamps, NeverReadBeyondTheEndOfRandomBytes) {
  std::mt19937 random(7);
  StampCursor cursor;
  for (int round = 0; round < 100'000; ++round) {
    std::string blob(random() % 40, '\0');
    for (char& c : blob) c = static_cast<char>(random());
    if (!blob.empty()) blob[0] = static_cast<char>(random() % 8);
    cursor.reset("some/key", blob);
    while (cursor.next()) ASSERT_LE(cursor.stamp().path.size(), 1000u);
  }
}

}  // namespace
}  // namespace furrow::store
