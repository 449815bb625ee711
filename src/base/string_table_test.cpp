#include "base/string_table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace furrow {
namespace {

TEST(StringTable, EqualStringsShareAnId) {
  StringTable table;
  const auto a = table.intern("a"), b = table.intern("b");
  EXPECT_NE(a, b);
  EXPECT_EQ(table.intern(std::string("a")), a);
  EXPECT_EQ(table.view(a), "a");
  EXPECT_EQ(table.size(), 2u);
}

TEST(StringTable, FindsWithoutAdding) {
  StringTable table;
  EXPECT_EQ(table.find("a"), StringTable::kNone);
  EXPECT_EQ(table.size(), 0u);
  const auto a = table.intern("a");
  EXPECT_EQ(table.find("a"), a);
}

TEST(StringTable, IdsAreDenseAndViewsStayValidAsItGrows) {
  StringTable table;
  const std::string_view first = table.view(table.intern("the first"));
  for (int i = 0; i < 200000; ++i)
    ASSERT_EQ(table.intern("folder/file-" + std::to_string(i)), static_cast<StringTable::Id>(i + 1));
  EXPECT_EQ(first, "the first");
  EXPECT_EQ(first.data(), table.view(0).data());
  for (int i = 0; i < 200000; i += 997)
    EXPECT_EQ(table.find("folder/file-" + std::to_string(i)), static_cast<StringTable::Id>(i + 1));
}

TEST(StringTable, TakesAnyBytesAndAnyLength) {
  StringTable table;
  const std::string nul("a\0b", 3), huge(1 << 20, 'x');
  const auto empty = table.intern(""), a = table.intern(nul), b = table.intern(huge);
  EXPECT_EQ(table.view(empty), "");
  EXPECT_EQ(table.view(a), nul);
  EXPECT_EQ(table.view(b), huge);
  EXPECT_EQ(table.find("a"), StringTable::kNone);
}

TEST(StringTable, ReservesAheadWithoutChangingAnything) {
  StringTable table;
  const auto a = table.intern("a");
  table.reserve(100000);
  EXPECT_EQ(table.find("a"), a);
  EXPECT_EQ(table.intern("b"), a + 1);
}

}  // namespace
}  // namespace furrow
