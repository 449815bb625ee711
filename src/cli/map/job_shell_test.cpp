#include "cli/map/job_shell.hpp"

#include <gtest/gtest.h>

namespace furrow::cli {
namespace {

TEST(JobShell, IsKnownByTheNameItWasCalledBy) {
  EXPECT_EQ(shell_of({1, {"/bin/sh", "-c"}, "/bin/sh"}), "/bin/sh");
  EXPECT_EQ(shell_of({1, {"-sh"}, "/bin/sh"}), "/bin/sh");
  EXPECT_EQ(shell_of({1, {"sh", "script"}, "/usr/bin/some-shell"}), "sh");
  EXPECT_EQ(shell_of({1, {"busybox", "ash"}, "/bin/busybox"}), "ash");
}

TEST(JobShell, IsKnownByItsFileIfItCallsItselfOtherwise) {
  EXPECT_EQ(shell_of({1, {"worker"}, "/bin/sh"}), "/bin/sh");
  EXPECT_EQ(shell_of({1, {"worker"}, "/no/such/bash"}), "");
}

TEST(JobShell, OtherProgramsAreNone) {
  for (const char* name : {"make", "/usr/bin/sudo", "python3", "bashful", "sshd: sh", ""})
    EXPECT_EQ(shell_of({1, {name, "bash"}, "/usr/bin/other"}), "") << name;
  EXPECT_EQ(shell_of({1, {}, ""}), "");
}

TEST(JobShell, ThatWouldRunAJobInTheBackgroundIsFoundOut) {
  EXPECT_FALSE(runs_in_background("/bin/bash"));
  EXPECT_FALSE(runs_in_background("/no/such/shell"));
}

}  // namespace
}  // namespace furrow::cli
