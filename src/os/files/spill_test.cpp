#include "os/files/spill.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace furrow::os {
namespace {

std::string content(const Spill& spill) {
  std::string text;
  for_each_fragment(spill.view(), [&](std::string_view fragment) {
    text += fragment;
    return true;
  });
  return text;
}

struct SpillTest : testing::Test {
  std::string folder = testing::TempDir();
  Spill spill{folder};
};

TEST_F(SpillTest, KeepsTheOrderAcrossMemoryAndFile) {
  std::string expected;
  for (int i = 0; i < 50'000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    spill.append(line);
    expected += line;
  }
  EXPECT_TRUE(spill.has_file());
  EXPECT_LE(spill.in_memory(), Spill::kInMemory);
  EXPECT_EQ(content(spill), expected);
  EXPECT_EQ(spill.view().size(), static_cast<std::int64_t>(expected.size()));
}

TEST_F(SpillTest, UsesNoFileForLittle) {
  spill.append("a little");
  EXPECT_FALSE(spill.has_file());
  EXPECT_EQ(content(spill), "a little");
}

TEST_F(SpillTest, LeavesNoFileNameBehind) {
  const std::string own = folder + "/spill-test-names";
  std::filesystem::create_directory(own);
  Spill here(own);
  here.append(std::string(3 * Spill::kInMemory, 'x'));
  here.append("y");
  EXPECT_TRUE(here.has_file());
  EXPECT_TRUE(std::filesystem::is_empty(own));
  std::filesystem::remove_all(own);
}

TEST_F(SpillTest, IsEmptyAgainAfterClear) {
  spill.append(std::string(2 * Spill::kInMemory, 'x'));
  spill.append("end");
  spill.clear();
  EXPECT_TRUE(spill.empty());
  spill.append("new");
  EXPECT_EQ(content(spill), "new");
}

TEST_F(SpillTest, MovesWithItsFile) {
  spill.append(std::string(2 * Spill::kInMemory, 'x'));
  spill.append("end");
  const std::string before = content(spill);
  Spill other(std::move(spill));
  EXPECT_EQ(content(other), before);
  EXPECT_TRUE(spill.empty());
}

TEST_F(SpillTest, StopsWhenTheCallbackReturnsFalse) {
  spill.append("some");
  EXPECT_FALSE(for_each_fragment(spill.view(), [](std::string_view) { return false; }));
}

}  // namespace
}  // namespace furrow::os
