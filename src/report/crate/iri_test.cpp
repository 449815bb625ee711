#include "report/crate/iri.hpp"

#include <gtest/gtest.h>

namespace furrow::report {
namespace {

TEST(Iri, LeavesPlainPathsAsTheyAre) {
  EXPECT_EQ(path_iri("out/A-1_x.~(b)+c,d.txt"), "out/A-1_x.~(b)+c,d.txt");
}

TEST(Iri, EncodesWhatAPathOfAnIriCannotHold) {
  EXPECT_EQ(path_iri("a b\n\"c\"<d>#?%[]^`{|}\\"), "a%20b%0A%22c%22%3Cd%3E%23%3F%25%5B%5D%5E%60%7B%7C%7D%5C");
}

TEST(Iri, IsNeitherASchemeNorAKeyword) {
  EXPECT_EQ(path_iri("http:x"), "http%3Ax");
  EXPECT_EQ(path_iri("@id"), "%40id");
  EXPECT_EQ(path_iri("_:b"), "_%3Ab");
}

TEST(Iri, KeepsCharactersOfAllScriptsAndEncodesOtherBytes) {
  EXPECT_EQ(path_iri("\u00fc\u4e2d\U0001f600"), "\u00fc\u4e2d\U0001f600");
  EXPECT_EQ(path_iri("a\xff\xe2\x82"), "a%FF%E2%82");
  EXPECT_EQ(path_iri("\u202e\u0085\ue000\ufdd0\ufffe"), "%E2%80%AE%C2%85%EE%80%80%EF%B7%90%EF%BF%BE");
}

TEST(Iri, ANameHasNoSlashAndIsNeverLong) {
  EXPECT_EQ(name_iri("a/b"), "a%2Fb");
  EXPECT_EQ(name_iri(std::string(500, 'x')).size(), 16u);
  EXPECT_NE(name_iri(std::string(500, 'x')), name_iri(std::string(501, 'x')));
}

}  // namespace
}  // namespace furrow::report
