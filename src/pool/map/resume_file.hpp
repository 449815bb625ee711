// The resume file of one map: restores the results of an earlier run, then keeps those of this one.
// docs/design/resume-file.md describes its contents, and when they are written.
//
// Workers report chunks and failures from any thread; tick() and finish() belong to the map's caller.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "os/files/locked_file.hpp"
#include "pool/map/resume_format.hpp"
#include "pool/map/running_map.hpp"

namespace furrow::pool {

class ResumeFile final : public MapObserver {
 public:
  // Stores the results that the file has, limits RUN to the other indices, and sets its number to the one
  // that the random streams of the file's map are keyed by. Throws PoolError if the file does not belong to
  // this map.
  explicit ResumeFile(RunningMap& run);
  ~ResumeFile() override;

  std::uint64_t restored() const { return restored_; }  // indices
  void on_chunk(const ChunkDone& chunk) override;
  void on_failure(const Failure& failure, int worker) override;
  void tick();
  // Called after the last chunk; writes everything to the disk. Returns an error if results could not be
  // kept.
  Result<void> finish();

 private:
  [[noreturn]] void refuse(const std::string& why) const;
  ResumeHeader expected() const;
  void open();
  bool find_header(const ResumeHeader& mine);
  void begin(const ResumeHeader& mine);
  void adopt(const ReadHeader& read);
  void compare(const ResumeHeader& mine) const;
  void restore_all();
  void restore(IndexRange indices, std::string_view body);
  void select_remaining();

  std::vector<IndexRange> take_good(IndexRange indices);
  std::string encode(IndexRange indices) const;
  void keep(const std::string& head_and_body);
  void flush();
  void give_up(Error error);

  RunningMap& run_;
  const std::string& path_;
  std::unique_ptr<os::LockedFile> file_;
  ResumeHeader header_;
  std::uint64_t header_size_ = 0, header_checksum_ = 0;
  std::uint64_t restored_ = 0;
  std::vector<bool> done_;  // used only while results are restored

  std::mutex mutex_;  // guards all below, and the file while the map runs
  std::set<std::uint64_t> failed_;
  std::string buffer_;
  std::int64_t written_ns_ = 0, synced_ns_ = 0;
  bool unsynced_ = false;
  Result<void> state_{};
};

}  // namespace furrow::pool
