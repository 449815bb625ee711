#include "furrow/serialize.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <variant>

#include "furrow/pool.hpp"

namespace furrow {
namespace {

struct Body {
  double mass = 0;
  std::map<std::string, std::vector<int>> tags{};
  std::optional<std::string> name{};
  bool operator==(const Body&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(mass, tags, name);
  }
};

struct Split {
  std::string text{};
  template <class Archive>
  void save(Archive& archive) const {
    archive(text);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(text);
    text += "!";
  }
};

struct Unwilling {
  std::string text{};
  template <class Archive>
  void save(Archive&) const {
    throw std::runtime_error("not this one");
  }
  template <class Archive>
  void load(Archive&) {}
};

struct NoWay {
  std::string text{};
};

static_assert(Encodable<std::map<int, std::string>> && Encodable<std::optional<std::vector<Body>>> &&
              Encodable<std::variant<int, std::string>> && Encodable<std::unique_ptr<Body>> &&
              Encodable<std::vector<Body>> && Encodable<std::pair<Body, int>>);
static_assert(!Encodable<NoWay> && !Encodable<std::map<int, NoWay>> && !Encodable<Body*>);

class Serialized : public ::testing::Test {
 protected:
  void SetUp() override { ::alarm(30); }
  void TearDown() override { ::alarm(0); }
};

Body body(int x) {
  Body made;
  made.mass = x;
  made.tags["numbers"] = std::vector<int>(static_cast<std::size_t>(x), x);
  if (x % 2) made.name = "body " + std::to_string(x);
  return made;
}

TEST_F(Serialized, ReturnsUserTypesUnchanged) {
  Pool pool(processes(2));
  std::vector<int> xs(50);
  std::iota(xs.begin(), xs.end(), 0);
  const auto made = pool.map(body, xs);
  for (int x : xs) ASSERT_EQ(made[static_cast<std::size_t>(x)], body(x));
}

TEST_F(Serialized, UsesSaveAndLoadOfAType) {
  Pool pool(processes(2));
  const auto made = pool.map([](int x) { return Split{std::to_string(x)}; }, std::vector<int>{7});
  EXPECT_EQ(made[0].text, "7!");
}

TEST_F(Serialized, SendsInputsAndArguments) {
  Pool pool(processes(2));
  std::vector<std::map<std::string, int>> inputs{{{"a", 1}}, {{"b", 2}, {"c", 3}}};
  std::vector<std::size_t> sizes;
  for (auto size : pool.imap([](const std::map<std::string, int>& m) { return m.size(); }, inputs))
    sizes.push_back(size);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(pool.apply([](const Body& b) { return b.tags.at("numbers").size(); }, body(9)), 9u);
}

TEST_F(Serialized, LosesAResultThatCannotBeWritten) {
  Pool pool(processes(2));
  const auto outcomes = pool.try_map([](int) { return Unwilling{}; }, std::vector<int>{1, 2});
  for (const auto& each : outcomes) {
    EXPECT_EQ(each.failure().kind, FailureKind::kLost);
    EXPECT_NE(each.failure().message.find("not this one"), std::string::npos);
  }
}

TEST_F(Serialized, RefusesATypeWithoutSerializeAtTheCall) {
  Pool pool(processes(2));
  try {
    pool.map([](int) { return NoWay{}; }, std::vector<int>{1});
    FAIL();
  } catch (const PoolError& error) {
    EXPECT_NE(std::string(error.what()).find("serialize"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace furrow
