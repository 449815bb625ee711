#include "base/json_text.hpp"

#include <gtest/gtest.h>

namespace furrow {
namespace {

TEST(JsonText, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(json_text("a\"b\\c\n\x01"), "a\\\"b\\\\c\\u000a\\u0001");
}

TEST(JsonText, KeepsUtf8) {
  EXPECT_EQ(json_text("caf\xc3\xa9 \xf0\x9f\x8c\xbe"), "caf\xc3\xa9 \xf0\x9f\x8c\xbe");
}

TEST(JsonText, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(json_text("\xff.\x80"), "\\ufffd.\\ufffd");
  EXPECT_EQ(json_text("\xc3"), "\\ufffd");                        // ends within a character
  EXPECT_EQ(json_text("\xc3("), "\\ufffd(");                      // breaks off
  EXPECT_EQ(json_text("\xc0\xaf"), "\\ufffd\\ufffd");             // overlong
  EXPECT_EQ(json_text("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");  // a surrogate
}

TEST(JsonText, JoinsCharactersThatAreSplitBetweenFragments) {
  JsonTextEscaper escaper;
  std::string out;
  for (const char c : std::string_view("x\xf0\x9f\x8c\xbey\xc3")) out += escaper.append({&c, 1});
  out += escaper.finish();
  EXPECT_EQ(out, "x\xf0\x9f\x8c\xbey\\ufffd");
}

}  // namespace
}  // namespace furrow
