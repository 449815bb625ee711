#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace furrow {
namespace {

TEST(Utf8, DecodesTheFirstCharacter) {
  EXPECT_EQ(first_character("a").code, U'a');
  EXPECT_EQ(first_character("\u00e9x").size, 2u);
  EXPECT_EQ(first_character("\u20ac").code, 0x20acu);
  EXPECT_EQ(first_character("\U0001f600").size, 4u);
}

TEST(Utf8, RefusesWhatIsNoCharacter) {
  for (const char* const bytes : {"\xff", "\x80", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
    EXPECT_EQ(first_character(bytes).size, 0u) << bytes;
}

TEST(Utf8, ReplacesEachWrongByte) {
  EXPECT_EQ(valid_utf8("a\xff\u00e9\xe2\x82"), "a\ufffd\u00e9\ufffd\ufffd");
  EXPECT_EQ(valid_utf8(""), "");
}

}  // namespace
}  // namespace furrow
