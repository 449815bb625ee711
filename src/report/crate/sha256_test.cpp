#include "report/crate/sha256.hpp"

#include <gtest/gtest.h>

namespace furrow::report {
namespace {

std::string sum_of(std::unique_ptr<Sha256> sha256, const std::string& text, std::size_t step) {
  for (std::size_t at = 0; at < text.size(); at += step)
    sha256->add(text.data() + at, std::min(step, text.size() - at));
  return sha256->hex();
}

TEST(Sha256, IsThatOfTheStandard) {
  for (const auto make : {&new_sha256, &new_portable_sha256}) {
    EXPECT_EQ(make()->hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sum_of(make(), "abc", 2), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sum_of(make(), std::string(1'000'000, 'a'), 777),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

}  // namespace
}  // namespace furrow::report
