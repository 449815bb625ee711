#include "exec/executor_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace furrow::exec {
namespace {

TEST(ExecutorTable, NamesEachExecutorOnce) {
  std::set<std::string_view> names;
  for (const ExecutorType& type : executor_types()) {
    EXPECT_TRUE(names.insert(type.name).second) << type.name;
    EXPECT_EQ(find_executor(type.name), &type);
    EXPECT_NE(type.make, nullptr);
  }
  EXPECT_EQ(find_executor("nowhere"), nullptr);
}

TEST(ExecutorTable, ListsWhatTheOptionTakes) {
  EXPECT_EQ(executor_names(), "local, slurm, cluster-generic");
  EXPECT_EQ(executor_names(true), "local, slurm");
}

TEST(ExecutorTable, OnlyClustersKeepJobsInFlight) {
  os::EventLoop loop;
  const auto local = make_executor("local", {}, {.loop = loop});
  EXPECT_EQ(local->in_flight_jobs(), nullptr);
  for (const ExecutorType& type : executor_types())
    EXPECT_TRUE(type.is_cluster || !(type.shares_submissions || type.takes_commands)) << type.name;
}

TEST(ExecutorSettings, AreForThisMachineByDefault) {
  const ExecutorSettings settings;
  EXPECT_EQ(settings.type().name, "local");
  EXPECT_FALSE(settings.is_cluster());
}

}  // namespace
}  // namespace furrow::exec
