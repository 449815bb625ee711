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
  EXPECT_EQ(parsed("{\"n\":9223372036854775808}"), "{\"n\":\"9223372036854775808\"}");
  EXPECT_EQ(parsed("[9223372036854775807,-9223372036854775807]"),
            "[9223372036854775807,-9223372036854775807]");
}

TEST(Json, LongDigitsElsewhereStayWhatTheyAre) {
  EXPECT_EQ(parsed(R"(["99999999999999999999", "\"99999999999999999999", "\\", 99999999999999999999])"),
            R"(["99999999999999999999","\"99999999999999999999","\\","99999999999999999999"])");
  EXPECT_EQ(parsed("[0.12345678901234567890, 12345678901234567890e2, 1e-00000000000000000000000002]"),
            "[0.12345678901234568,1234567890123456800000.0,0.01]");
  EXPECT_TRUE(parsed("[01234567890123456789012345]").starts_with("error: "));
}

}  // namespace
}  // namespace furrow::text
