// How many processors and how much memory the control groups (cgroups, versions 1 and 2) leave to this
// process.
//
// ROOT is put before /proc and /sys, for tests. Nothing is changed. A file that is missing, unreadable or
// nonsense sets no limit. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace furrow::os {

struct CpuQuota {
  // Processor seconds per second, for the group with everything in it.
  double cores;
  // The folder of the group that has this quota.
  std::string folder;
};

// The tightest quota of this process's group and all enclosing groups.
std::optional<CpuQuota> cpu_quota(const std::string& root = "");

struct CpuSet {
  std::vector<int> threads;  // numbers of hardware threads, ascending
  std::string folder;
};

// The hardware threads that the group's cpuset allows, whatever the affinity of this process.
std::optional<CpuSet> cpu_set(const std::string& root = "");

// How many bytes this process's group, with everything in it, may use: the tightest limit of this group and
// all enclosing ones.
std::optional<std::uint64_t> memory_limit(const std::string& root = "");

// How many processes and threads this process's group, with everything in it, may have: the tightest limit of
// this group and all enclosing ones.
std::optional<std::uint64_t> process_limit(const std::string& root = "");

// "0-2,8" -> 0 1 2 8; empty if the text makes no sense.
std::vector<int> parse_cpu_list(const std::string& text);

}  // namespace furrow::os
