#include "snakefile/yaml_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::snakefile {
namespace {

using testing::HasSubstr;

std::string json_of(const std::string& yaml, Keys keys = Keys::kText) {
  const auto json = yaml_to_json(yaml, "c.yaml", keys);
  return json ? *json : "error: " + json.error().to_string();
}

TEST(Yaml, ScalarsHaveTheTypesOfYaml11) {
  const std::pair<const char*, const char*> cases[] = {
      {"yes", "true"},
      {"On", "true"},
      {"TRUE", "true"},
      {"no", "false"},
      {"off", "false"},
      {"y", "\"y\""},
      {"tRue", "\"tRue\""},
      {"12", "12"},
      {"-7", "-7"},
      {"+5", "5"},
      {"1_000", "1000"},
      {"0", "0"},
      {"-0", "0"},
      {"0_", "0"},
      {"0x1F", "31"},
      {"-0x1f", "-31"},
      {"0b101", "5"},
      {"017", "15"},
      {"08", "\"08\""},
      {"0o17", "\"0o17\""},
      {"1:30", "90"},
      {"190:20:30", "685230"},
      {"60:99", "\"60:99\""},
      {"0:30", "\"0:30\""},
      {"_1", "\"_1\""},
      {"0x", "\"0x\""},
      {"123456789012345678901234567890", "123456789012345678901234567890"},
      {"1.5", "1.5"},
      {"1.", "1.0"},
      {".5", "0.5"},
      {"-.5", "\"-.5\""},
      {"1e5", "\"1e5\""},
      {"1.5e3", "\"1.5e3\""},
      {"1.5e+3", "1500.0"},
      {"1.e-3", "0.001"},
      {"1_0.2_5", "10.25"},
      {"1:30.5", "90.5"},
      {".", "\".\""},
      {".inf", "Infinity"},
      {"-.inf", "-Infinity"},
      {".nan", "NaN"},
      {"~", "null"},
      {"null", "null"},
      {"", "null"},
      {"nulL", "\"nulL\""},
      {"2001-01-01", "\"2001-01-01\""},
      {"\"12\"", "\"12\""},
      {"'yes'", "\"yes\""},
      {"''", "\"\""},
      {"!!str 12", "\"12\""},
      {"! 12", "\"12\""},
      {"!!float 3", "3.0"},
      {"!!int 3", "3"},
      {"a b", "\"a b\""},
      {"1 2", "\"1 2\""},
      {"v1.0", "\"v1.0\""},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(json_of("k: " + std::string(text)), "{\"k\":" + std::string(expected) + "}");
}

TEST(Yaml, DatesAreMarkedForThoseWhoKnowThem) {
  for (const char* text : {"2020-01-31", "2020-01-31T12:00:00", "2020-1-3 1:02:03.5",
                           "2020-01-31 12:00:00 +02:00", "2020-01-31t12:00:00Z"}) {
    const std::string quoted = "\"" + std::string(text) + "\"";
    EXPECT_EQ(json_of("k: " + std::string(text), Keys::kPairs), "{\"k\":{\"__time__\":" + quoted + "}}");
    EXPECT_EQ(json_of("k: " + std::string(text)), "{\"k\":" + quoted + "}");
    EXPECT_EQ(json_of("k: " + quoted, Keys::kPairs), "{\"k\":" + quoted + "}");
  }
  for (const char* text :
       {"2020-01-3", "2020-01", "20-01-31", "2020-01-31x", "2020-01-31 12:00", "v2020-01-31"})
    EXPECT_EQ(json_of("k: " + std::string(text), Keys::kPairs), "{\"k\":\"" + std::string(text) + "\"}");
  EXPECT_EQ(json_of("2020-01-31: x", Keys::kPairs), R"({"__pairs__":[[{"__time__":"2020-01-31"},"x"]]})");
}

TEST(Yaml, CollectionsKeepTheirOrder) {
  EXPECT_EQ(json_of("b: [1, {x: y}]\na:\n  - c\n  - - d\n    - []\ne: {}\n"),
            R"({"b":[1,{"x":"y"}],"a":["c",["d",[]]],"e":{}})");
  EXPECT_EQ(json_of("- 1\n- two\n"), R"([1,"two"])");
  EXPECT_EQ(json_of("t: |\n  one\n  two\nf: >-\n  a\n  b\n"), R"({"t":"one\ntwo\n","f":"a b"})");
  EXPECT_EQ(json_of(""), "null");
  EXPECT_EQ(json_of("# nothing\n---\n"), "null");
}

TEST(Yaml, TheLastOfEqualKeysCounts) {
  EXPECT_EQ(json_of("a: 1\nb: 2\na: 3\n"), R"({"a":3,"b":2})");
  EXPECT_EQ(json_of("1: a\n'1': b\n", Keys::kPairs), R"({"__pairs__":[[1,"a"],["1","b"]]})");
}

TEST(Yaml, NonTextKeysBecomeTextOrPairs) {
  const char* yaml = "chr: {1: a, X: b}\non: {k: v}\n";
  EXPECT_EQ(json_of(yaml), R"({"chr":{"1":"a","X":"b"},"on":{"k":"v"}})");
  EXPECT_EQ(json_of(yaml, Keys::kPairs),
            R"({"__pairs__":[["chr",{"__pairs__":[[1,"a"],["X","b"]]}],[true,{"k":"v"}]]})");
  EXPECT_THAT(json_of("? [1, 2]\n: x\n"), HasSubstr("a key must be a text or a number"));
}

TEST(Yaml, AliasesAndMergeKeysAreResolved) {
  EXPECT_EQ(json_of("a: &x [1, 2]\nb: *x\n"), R"({"a":[1,2],"b":[1,2]})");
  EXPECT_EQ(json_of("base: &b {x: 1, y: 2}\nc:\n  y: 3\n  <<: *b\n"),
            R"({"base":{"x":1,"y":2},"c":{"x":1,"y":3}})");
  EXPECT_EQ(json_of("l: [&a {k: 1}, &b {k: 2, m: 3}]\nc: {<<: [*a, *b]}\n"),
            R"({"l":[{"k":1},{"k":2,"m":3}],"c":{"k":1,"m":3}})");
  EXPECT_EQ(json_of("'<<': 1\n"), R"({"<<":1})");
  EXPECT_THAT(json_of("<<: 1\n"), HasSubstr("c.yaml:1: << must name a mapping"));
}

TEST(Yaml, ASelfReferenceIsAnError) {
  EXPECT_THAT(json_of("a: &x\n  b: *x\n"),
              HasSubstr("c.yaml:2: this alias makes the document contain itself"));
  EXPECT_THAT(json_of("&x [*x]\n"), HasSubstr("contain itself"));
}

TEST(Yaml, AliasExpansionIsBounded) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  std::string merges = "m0: &m0 {k: v}\n";
  for (int i = 1; i < 12; ++i) {
    const std::string name = "a" + std::to_string(i), last = "*a" + std::to_string(i - 1);
    laughs += name + ": &" + name + " [" + last;
    for (int k = 0; k < 9; ++k) laughs += ", " + last;
    laughs += "]\n";
    const std::string part = "*m" + std::to_string(i - 1);
    merges += "m" + std::to_string(i) + ": &m" + std::to_string(i) + " {<<: [" + part;
    for (int k = 0; k < 9; ++k) merges += ", " + part;
    merges += "]}\n";
  }
  EXPECT_THAT(json_of(laughs), HasSubstr("too large once its aliases are followed"));
  EXPECT_THAT(json_of(merges), HasSubstr("too large once its aliases are followed"));
}

TEST(Yaml, DepthIsBounded) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(json_of(deep), HasSubstr("error: "));
  std::string chain = "a0: &a0 [1]\n";
  for (int i = 1; i < 1000; ++i) {
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_THAT(json_of(chain), HasSubstr("nested too deeply"));
}

// What is written can be read again, as part of a configuration, too.
TEST(Yaml, DepthIsCountedInJson) {
  for (const std::string open : {"[", "{1: ", "{a: "}) {
    int most = 0;
    for (const int depth : {100, 130, 133, 134, 398, 399, 400, 401}) {
      std::string text;
      for (int i = 0; i < depth; ++i) text += open;
      text += "x" + std::string(static_cast<std::size_t>(depth), open == "[" ? ']' : '}');
      const auto json = yaml_to_json(text, "c.yaml", Keys::kPairs);
      if (!json) continue;
      most = depth;
      EXPECT_TRUE(text::JsonDocument::parse("{\"a\":" + *json + "}", "it")) << open << depth;
    }
    EXPECT_GE(most, 120) << open;
  }
}

TEST(Yaml, ErrorsNameTheLine) {
  EXPECT_THAT(json_of("a: 1\nb: [1, 2\nc: 3\n"), HasSubstr("error: c.yaml:"));
  EXPECT_THAT(json_of("a: 1\nb: !include x.yaml\n"),
              HasSubstr("c.yaml:2: the tag !include is not supported"));
  EXPECT_THAT(json_of("a: 1\n---\nb: 2\n"), HasSubstr("c.yaml:3: a second document"));
  EXPECT_THAT(json_of("a: *nobody\n"), HasSubstr("c.yaml:1: "));
}

TEST(Yaml, JsonIsUsedAsItIs) {
  EXPECT_EQ(json_of("{\"a\":\t[1e5, null, \"yes\"]}"), "{\"a\":\t[1e5, null, \"yes\"]}");
  EXPECT_EQ(json_of("{a: yes}"), R"({"a":true})");  // not quite JSON is YAML
  const auto json = yaml_to_json("{\"a\": 1,\n \"b\": ]}", "c.json");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().line, 2);
  EXPECT_THAT(json.error().message, HasSubstr("not JSON"));
}

TEST(Yaml, IntegersMayHaveAnyLength) {
  const std::string nines(50, '9'), many(1000, '7');
  for (const std::string& text : {nines, "-" + nines, many}) {
    EXPECT_EQ(json_of("n: " + text), "{\"n\":" + text + "}");
    EXPECT_EQ(json_of("{\"n\": " + text + "}"), "{\"n\": " + text + "}");
  }
  EXPECT_EQ(json_of("0x1" + std::string(20, '0')), "1208925819614629174706176");
  EXPECT_EQ(json_of("-0xffffffffffffffffffff"), "-1208925819614629174706175");
  EXPECT_EQ(json_of("0b1" + std::string(64, '0')), "18446744073709551616");
  EXPECT_EQ(json_of("02000000000000000000000"), "18446744073709551616");
  EXPECT_EQ(json_of("100000000000000000000:30"), "6000000000000000000030");
  EXPECT_EQ(json_of("1:00:00"), "3600");
  EXPECT_EQ(json_of("-0x0"), "0");
}

TEST(Yaml, NonUtf8BytesPassUnchanged) { EXPECT_EQ(json_of("k: \"a\xff\"\n"), "{\"k\":\"a\xff\"}"); }

TEST(Yaml, RandomTextNeverCrashes) {
  const std::string alphabet = "a1:-?[]{},&*!|>'\"%#@` \n\t<~.x\\";
  std::uint32_t seed = 1;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (int i = 0; i < 24; ++i)
      text += alphabet[((seed = seed * 1664525 + 1013904223) >> 16) % alphabet.size()];
    const auto json = yaml_to_json(text, "c.yaml");
    if (json) {
      EXPECT_TRUE(text::JsonDocument::parse(*json, "it")) << text << "\n" << *json;
    }
  }
}

TEST(Yaml, AMissingFileIsAnError) {
  EXPECT_FALSE(yaml_file_to_json("/no/such/file.yaml"));
  EXPECT_FALSE(read_yaml("/no/such/file.yaml"));
}

std::string config_text(std::vector<std::string> arguments) {
  const auto json = config_of(arguments);
  return json ? *json : "error: " + json.error().message;
}

TEST(Config, ValuesHaveTheTypesTheyLookLike) {
  EXPECT_EQ(config_text({"a=1", "b=-2.5", "c=True", "d=true", "e=", "f=x y", "g=1e3", "h=007"}),
            R"({"a":1,"b":-2.5,"c":true,"d":"true","e":null,"f":"x y","g":1000.0,"h":7})");
  EXPECT_EQ(config_text({"a=[1, b]", "c={d: [e]}", "u=s3://x/y", "w=a=b", "t=12:30"}),
            R"({"a":["1","b"],"c":{"d":["e"]},"u":"s3://x/y","w":"a=b","t":"12:30"})");
  EXPECT_EQ(config_text({"a=1_000", "b=1__0", "c=_1"}), R"({"a":1000,"b":"1__0","c":"_1"})");
  EXPECT_EQ(config_text({}), "{}");
  const std::string nines(400, '9');
  EXPECT_EQ(config_text({"a=" + nines, "b=-" + nines}), "{\"a\":" + nines + ",\"b\":-" + nines + "}");
  EXPECT_EQ(config_text({"a={x: 1}", "a={y: 2}", "a={x: 3}"}), R"({"a":{"x":"3","y":"2"}})");
  EXPECT_EQ(config_text({"a=1", "b=2", "a={x: 1}", "a=5"}), R"({"a":5,"b":2})");
  EXPECT_EQ(config_text({"a=[1"}), R"({"a":"[1"})");
  EXPECT_THAT(config_text({"a"}), HasSubstr("error: --config takes NAME=VALUE"));
  EXPECT_THAT(config_text({"1a=2"}), HasSubstr("error: "));
}

}  // namespace
}  // namespace furrow::snakefile
