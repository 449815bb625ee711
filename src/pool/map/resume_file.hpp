// The resume file of one map: gives back what an earlier run had done, then keeps what this one does.
// docs/design/resume-file.md says what is in it, and when it is written.
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
#include "pool/map/map_run.hpp"
#include "pool/map/resume_format.hpp"

namespace furrow::pool {

class ResumeFile final : public MapObserver {
 public:
  // Stores the results that the file has, leaves the other units to RUN, and gives it the number that the
  // file's streams are keyed by. Throws PoolError where the file does not belong to this map.
  explicit ResumeFile(MapRun& run);
  ~ResumeFile() override;

  std::uint64_t restored() const { return restored_; }  // units
  void on_chunk(const ChunkDone& chunk) override;
  void on_failure(const Failure& failure, int worker) override;
  void tick();
  // After the last chunk: everything is on the disk. Says why where results could not be kept.
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
  void restore(Span units, std::string_view body);
  void leave_the_rest();

  std::vector<Span> take_good(Span units);
  std::string encode(Span units) const;
  void keep(const std::string& head_and_body);
  void flush();
  void give_up(Error error);

  MapRun& run_;
  const std::string& path_;
  std::unique_ptr<os::LockedFile> file_;
  ResumeHeader header_;
  std::uint64_t header_size_ = 0, header_checksum_ = 0;
  std::uint64_t restored_ = 0;
  std::vector<bool> done_;  // while results are restored

  std::mutex mutex_;  // guards all below, and the file while the map runs
  std::set<std::uint64_t> failed_;
  std::string buffer_;
  std::int64_t written_ns_ = 0, synced_ns_ = 0;
  bool unsynced_ = false;
  Result<void> state_{};
};

}  // namespace furrow::pool
