// What the engine removes: one decision, for every occasion.
//
// These stay:
// - logs and benchmarks; in a folder that is an output, until the folder is removed as a temp file or on request,
// - a folder with files in it where the rule declares a file,
// - outputs that are write-protected, unless the job itself made them in this run.
// A folder around an output goes once it is empty, if the engine made it in this run, and if no job that has
// not ended has an output, a log, a benchmark or its shadow folder in it. Not thread-safe.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"

namespace furrow::workflow {

enum class Occasion : std::uint8_t {
  kStart,    // its job starts: nothing old may be taken for new
  kFailure,  // its job has failed and may have made half of it
  kUsedUp,   // a temp file that no job needs any longer
  kRequest,  // --delete-all-output
};

enum class Verdict : std::uint8_t {
  kStays,
  kGoes,
  kGoesIfEmpty,  // a folder where a file is declared
  kProtected,    // it stays, and its job must not start
};

// What becomes of an output with these flags.
Verdict judge(Occasion occasion, FileFlags flags, const os::FileStatus& found);

class Removal {
 public:
  // Borrows its arguments. SHADOWS: the folder of all shadow folders of the run; empty: none.
  Removal(const Dag& dag, const RuleSet& rules, FileStates& states, std::string shadows = {});

  // The jobs that the run has to end.
  void expect(const std::function<bool(NodeId)>& must_run);
  // NODE writes nothing any longer.
  void ended(NodeId node);
  // The run has to end this job, too.
  void expect_more(NodeId node);
  bool has_ended(NodeId node) const { return node >= unfinished_.size() || !unfinished_[node]; }

  // Whether the outputs of NODE may go, as far as their state is known. An error says why the job must not
  // start.
  Result<void> check(NodeId node);
  // Makes the folders of its outputs, logs and benchmarks.
  Result<void> make_folders(NodeId node);

  // Removes the outputs of NODE; their state must be known.
  Result<void> remove(NodeId node, Occasion occasion);
  // Removes one output.
  Result<void> remove(FileId file, FileFlags flags, Occasion occasion);
  // Removes the folders of NODE's files that need not stay.
  void remove_folders(NodeId node);
  // Removes the folders around PATH that need not stay.
  void remove_folders_above(std::string_view path);
  // At the end of a run: the same for folders that stayed for jobs which then did not run.
  void remove_leftover_folders();

 private:
  Verdict verdict(Occasion occasion, FileFlags flags, FileId file);
  std::set<std::string> kept(NodeId node) const;
  std::vector<std::string> folders_of(NodeId node) const;
  Result<void> remove(FileId file, FileFlags flags, Occasion occasion, const std::set<std::string>& kept);
  bool is_promised(const std::string& folder);
  void count_promises(const std::string& folder, int change);

  const Dag& dag_;
  const RuleSet& rules_;
  FileStates& states_;
  const std::string shadows_;
  std::unordered_set<std::string> made_;  // folders that this run has made
  std::set<std::string> left_;            // of those: stayed for jobs that had not ended
  std::vector<char> unfinished_;          // by job
  bool has_promises_ = false;             // counted only when the first folder may go
  std::unordered_map<std::string, int>
      promises_;  // by folder: how many files of unfinished jobs belong in it
};

}  // namespace furrow::workflow
