#include "text/json.hpp"

#include <gtest/gtest.h>

namespace furrow::text {
namespace {

std::string parsed(const std::string& text) {
  const auto document = JsonDocument::parse(text, "it");
  return document ? to_text(document->root()) : "error: " + document.error().message;
}

TEST(Json, AnIntegerOfMoreThan64BitsIsItsDigits) {
  const std::string nines(400, '9');
  EXPECT_EQ(parsed("[" + nines + ", -" + nines + "]"), "[\"" + nines + "\",\"-" + nines + "\"]");
  EXPECT_EQ(parsed("{\"n\":18446744073709551616}"), "{\"n\":\"18446744073709551616\"}");
  EXPECT_EQ(parsed("[18446744073709551615,-9223372036854775808]"),
            "[18446744073709551615,-9223372036854775808]");
}

TEST(Json, LongDigitsElsewhereStayWhatTheyAre) {
  EXPECT_EQ(parsed(R"(["99999999999999999999", "\"99999999999999999999", "\\", 99999999999999999999])"),
            R"(["99999999999999999999","\"99999999999999999999","\\","99999999999999999999"])");
  for (const char* number : {"0.12345678901234567890", "12345678901234567890.5", "12345678901234567890e2"})
    EXPECT_EQ(parsed(number).find('"'), std::string::npos) << number;
  EXPECT_TRUE(parsed("[01234567890123456789012345]").starts_with("error: "));
}

}  // namespace
}  // namespace furrow::text
