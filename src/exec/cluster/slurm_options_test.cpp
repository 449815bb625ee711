#include "exec/cluster/slurm_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::exec {
namespace {

Allocation with(std::vector<std::pair<std::string, std::string>> others, std::string extra = {}) {
  Allocation asked;
  asked.others = std::move(others);
  asked.extra = std::move(extra);
  return asked;
}

TEST(SlurmOptions, EachResourceBecomesItsOption) {
  EXPECT_EQ(options_for_others(with({{"gres", "gpu:1"}})), " --gres=gpu:1");
  EXPECT_EQ(options_for_others(with({{"gpu", "2"}})), " --gpus=2");
  EXPECT_EQ(options_for_others(with({{"gpu", "1"}, {"gpu_model", "a100"}})), " --gpus=a100:1");
  EXPECT_EQ(options_for_others(with({{"gpu", "0"}})), "");
  EXPECT_EQ(options_for_others(with({{"qos", "long"}, {"reservation", "a b"}})),
            " --qos=long --reservation='a b'");
  EXPECT_EQ(options_for_others(with({{"slurm_qos", "long"}, {"clusters", "x,y"}})),
            " --qos=long --clusters=x,y");
  EXPECT_EQ(options_for_others(with({{"cpus_per_gpu", "4"}, {"gpus", "1"}})), " --gpus=1 --cpus-per-gpu=4");
}

TEST(SlurmOptions, FlagsMayHaveAValue) {
  EXPECT_EQ(options_for_others(with({{"exclusive", "1"}})), " --exclusive");
  EXPECT_EQ(options_for_others(with({{"exclusive", "user"}})), " --exclusive=user");
  EXPECT_EQ(options_for_others(with({{"exclusive", "0"}})), "");
  EXPECT_TRUE(may_requeue(with({{"slurm_requeue", "1"}})));
  EXPECT_FALSE(may_requeue(with({{"slurm_requeue", "0"}})));
}

TEST(SlurmOptions, WhatIsCountedIsNotShared) {
  EXPECT_TRUE(is_divisible({}));
  EXPECT_TRUE(is_divisible(with({{"qos", "long"}, {"reservation", "r"}})));
  EXPECT_TRUE(is_divisible(with({{"gpu", "0"}})));
  for (const char* name : {"gres", "gpu", "gpus", "exclusive"})
    EXPECT_FALSE(is_divisible(with({{name, "1"}}))) << name;
}

TEST(SlurmOptions, OptionsOfTheUserAreSharedOnlyIfTheyAreKnownToAllowIt) {
  for (const char* extra : {"--qos=long --mail-type=END", "-q long", "--constraint='a|b' --nice=5",
                            "'--qos=long'", "--comment \"two words\"", "-pshort"})
    EXPECT_TRUE(is_divisible(with({}, extra))) << extra;
  for (const char* extra :
       {"--gres=gpu:1", "--qos=long --gres gpu:1", "-G1", "--licenses=tool:1", "-L tool", "--exclusive",
        "--tmp=10G", "'--gres=gpu:1'", "--mem-per-gpu=4", "--what-is-this"})
    EXPECT_FALSE(is_divisible(with({}, extra))) << extra;
}

TEST(SlurmOptions, NamesTheResourceThatWasMeant) {
  EXPECT_EQ(misspelled_slurm_resource("slurm_partitoin"), "slurm_partition");
  EXPECT_EQ(misspelled_slurm_resource("runtimes"), "runtime");
  EXPECT_EQ(misspelled_slurm_resource("slurm_something_else"), "");
  for (const char* name : {"slurm_partition", "io", "cores", "licences", "gpu2", "disk_mb", "seats"})
    EXPECT_EQ(misspelled_slurm_resource(name), std::nullopt) << name;
}

}  // namespace
}  // namespace furrow::exec
