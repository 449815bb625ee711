#include "command/template/shell_text.hpp"

#include <gtest/gtest.h>

namespace furrow::command {
namespace {

TEST(ShellText, FindsTheOperatorInCode) {
  for (const char* command :
       {"a &> log", "a &>log", "a&>>log", "a; b &> c", "x \"$(a &> log)\"", "x `a &> b`", "x \"`a &> b`\"",
        "( a &> b )", "echo 'x' &> b", "a # x\nb &> c", "echo a#b &> c"})
    EXPECT_TRUE(redirects_both(command)) << command;
}

TEST(ShellText, LeavesQuotesCommentsAndOtherOperatorsAlone) {
  for (const char* command :
       {"", "a & b > c", "a && b", "a &&> c", "a >& c", "a 2>&1", "echo '&> log'", "echo \"&> log\"",
        "echo \\&> log", "a # &> b", "# &> b", "echo \"it's &> \"", "echo 'unended &> "})
    EXPECT_FALSE(redirects_both(command)) << command;
}

}  // namespace
}  // namespace furrow::command
