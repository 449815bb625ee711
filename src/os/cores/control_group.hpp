// What the control groups (cgroups, version 1 and 2) around this process leave it of processors and memory.
//
// ROOT stands before /proc and /sys, for tests. Nothing is changed; files that are not there, not readable or
// make no sense are no limit. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace furrow::os {

struct CpuQuota {
  double cores;        // processor seconds a second, of the group and all in it together
  std::string folder;  // of the group whose quota it is
};

// The tightest of this process's group and of all groups around it.
std::optional<CpuQuota> cpu_quota(const std::string& root = "");

struct CpuSet {
  std::vector<int> threads;  // numbers of hardware threads, ascending
  std::string folder;
};

// The hardware threads that the group's cpuset leaves, whatever the affinity of this process.
std::optional<CpuSet> cpu_set(const std::string& root = "");

// Bytes that this process's group, with all in it, may have at most: the tightest of it and all around it.
std::optional<std::uint64_t> memory_limit(const std::string& root = "");

// "0-2,8" -> 0 1 2 8; empty where it makes no sense.
std::vector<int> parse_cpu_list(const std::string& text);

}  // namespace furrow::os
