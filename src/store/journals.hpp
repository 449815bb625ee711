// The journals of engines that did not have the database: what they add to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/database.hpp"
#include "store/run_journal.hpp"

namespace furrow::store {

class Journals {
 public:
  // Those in the store's folder whose engines have ended, that of OWN_RUN, and with LIVING all others. In this order a
  // later record of a key replaces an earlier one.
  static Journals read(const std::string& folder, const std::string& own_run, bool living);

  bool is_empty() const { return paths_.empty(); }
  // Of all runs together: open ones, and those that the machine has not survived.
  const JournalState& state() const { return state_; }
  // In one transaction. Records that were on the disk when the machine went down get the commit DURABLE, those that were not
  // get DOUBTFUL, and all others new numbers after COMMITS, which becomes the last of them.
  Result<void> apply(Database& database, std::int64_t durable, std::int64_t doubtful,
                     std::int64_t& commits) const;
  bool has_erased() const { return has_erased_; }
  void remove() const;

 private:
  struct Commit {
    std::int64_t serial;
    bool is_stale, was_durable;
    std::string records;
  };
  void add(const std::string& path);
  // What engines had locked that were killed.
  void add_dead(const std::string& place);

  std::vector<std::string> paths_;
  std::vector<Commit> commits_;
  JournalState state_;
  mutable bool has_erased_ = false;
};

}  // namespace furrow::store
