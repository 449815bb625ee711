#include "text/json_fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::text {
namespace {

using testing::ElementsAre;
using testing::Pair;

struct Point {
  double x = 0, y = 0;
};
struct Shape {
  std::string name;
  std::int64_t corners = 4;
  bool is_filled = false;
  std::optional<int> layer{};
  std::vector<std::string> tags{};
  std::vector<std::pair<std::string, std::string>> attributes{};
  std::uint64_t hash = 0;
  Point center{};
};

constexpr auto kPoint = std::tuple(field("x", &Point::x), field("y", &Point::y));
constexpr auto kShape =
    std::tuple(field("name", &Shape::name), field("corners", &Shape::corners),
               optional_field("filled", &Shape::is_filled), optional_field("layer", &Shape::layer),
               optional_field("tags", &Shape::tags), optional_field("attributes", &Shape::attributes),
               field_as<HexCodec>("hash", &Shape::hash), inline_fields(&Shape::center, kPoint));

std::string written(const Shape& shape) {
  return json_object([&](JsonWriter& json) { write_fields(json, shape, kShape); });
}

Shape read(const std::string& text) {
  Shape shape;
  const auto document = JsonDocument::parse(text, "the test");
  if (document) read_fields(document->root(), shape, kShape);
  return shape;
}

TEST(JsonFields, LeavesOutOptionalFieldsThatHaveTheirDefault) {
  EXPECT_EQ(written({.name = "box"}),
            R"({"name":"box","corners":4,"hash":"0000000000000000","x":0.0,"y":0.0})");
}

TEST(JsonFields, ReadsWhatItWrote) {
  const Shape shape = read(written({.name = "a \"b\"\n",
                                    .corners = -3,
                                    .is_filled = true,
                                    .layer = 7,
                                    .tags = {"x", ""},
                                    .attributes = {{"k", "v"}},
                                    .hash = 0xfedcba9876543210,
                                    .center = {1.5, -2}}));
  EXPECT_EQ(shape.name, "a \"b\"\n");
  EXPECT_EQ(shape.corners, -3);
  EXPECT_TRUE(shape.is_filled);
  EXPECT_EQ(shape.layer, 7);
  EXPECT_THAT(shape.tags, ElementsAre("x", ""));
  EXPECT_THAT(shape.attributes, ElementsAre(Pair("k", "v")));
  EXPECT_EQ(shape.hash, 0xfedcba9876543210);
  EXPECT_EQ(shape.center.y, -2);
}

TEST(JsonFields, KeepsDefaultsForMissingAndMistypedMembers) {
  const Shape shape = read(R"({"name":5,"corners":"many","layer":3000000000,"filled":1,"x":"far"})");
  EXPECT_EQ(shape.name, "");
  EXPECT_EQ(shape.corners, 4);
  EXPECT_FALSE(shape.is_filled);
  EXPECT_EQ(shape.center.x, 0);
}

}  // namespace
}  // namespace furrow::text
