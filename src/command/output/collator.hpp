// Puts the jobs' output on standard output and error as the user wants it: one job at a time, or line by
// line; in the order in which the jobs end, or in that of the input; with a tag before each line.
//
// States of a job here: begun -> printed (by the executor: show(), on_output()) -> ended. An attempt that
// will be retried is dropped (again()). In input order, a job that has ended waits for all jobs before it.
// Small amounts of waiting output stay in memory, larger ones go into one unlinked file. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exec/output/output_sink.hpp"
#include "exec/output/stream_writer.hpp"
#include "os/files/spill.hpp"
#include "plan/job_graph.hpp"

namespace furrow::command {

struct CollatorOptions {
  bool keep_order = false;
  bool by_line = false;
  // Where long output is kept.
  std::string folder{};
  // Called before anything is written, to erase the progress bar.
  std::function<void()> before_output{};
  // Called once when nobody reads the output any longer, or it cannot be kept.
  std::function<void()> on_closed{};
};

class Collator final : public exec::OutputSink {
 public:
  Collator(exec::StreamWriter& out, exec::StreamWriter& err, CollatorOptions options);  // borrows both
  ~Collator() override;

  // An attempt starts. TAG goes before each line, HEAD before everything.
  void begin(plan::JobId job, std::string tag, std::string head);
  void again(plan::JobId job);  // the attempt failed and will be retried: drops its output
  // The job has finally ended. PRINTED: print its output; otherwise drop it.
  void end(plan::JobId job, bool printed);
  void finish();  // the run is over: prints what still waits
  // The jobs whose output has come out in full since the last call. Output that a full disk or a reader that
  // has gone took away makes a job missing here for good.
  std::vector<plan::JobId> take_delivered() { return std::exchange(delivered_, {}); }
  // Whether output was lost on its way, although the job could not know: the disk for waiting output is full.
  bool has_lost() const { return has_lost_; }
  // Replaces the output of the last attempt by what USE makes of it, as standard output.
  using Rewrite = std::function<void(const os::SpillView& out, const os::SpillView& err, os::Spill& instead)>;
  void rewrite(plan::JobId job, const Rewrite& use);
  void print(std::string_view text);  // to standard output, now

  std::int64_t out_size(plan::JobId job) const;  // bytes that the last attempt wrote to its standard output
  bool is_incomplete(plan::JobId job) const;     // whether some of it could not be kept

  void show(const exec::CapturedOutput& output) override;
  bool wants_live_output() const override { return options_.by_line; }
  void on_output(plan::JobId job, bool is_err, std::string_view fragment) override;

 private:
  // A range of the file for all waiting output.
  struct Parked {
    std::int64_t begin = 0, size = 0;
  };
  struct Stream {
    explicit Stream(const std::string& folder) : held(folder) {}
    // Not printed yet.
    os::Spill held;
    // Comes before what is held.
    Parked parked;
    // By line: the start of a line that has not ended yet.
    std::string half;
    // Whether what was printed last ended in the middle of a line.
    bool in_line = false;
    // LOST: bytes that the disk had no room for, apart from those that HELD counts.
    std::int64_t size = 0, lost = 0;
    std::int64_t all_lost() const { return lost + held.view().lost; }
  };
  struct Held {
    explicit Held(const std::string& folder) : out(folder), err(folder) {}
    std::string tag, head;
    Stream out, err;
    bool has_ended = false, is_dropped = false;
    // Whether all that was to be printed so far has been.
    bool is_delivered = true;
  };

  bool is_next(plan::JobId job) const { return !options_.keep_order || job == next_; }
  void print(Held& held);
  void print_head(Held& held);
  void print_stream(Held& held, Stream& stream, exec::StreamWriter& to);
  void print_lines(Held& held, Stream& stream, std::string_view text, exec::StreamWriter& to);
  void write(Held& held, Stream& stream, std::string_view text, exec::StreamWriter& to);
  bool write_all(std::string_view text, exec::StreamWriter& to);
  void deliver(plan::JobId job, Held& held);
  void close();
  void advance();
  void park_if_much(Held& held);
  void park(Stream& stream);
  void unpark(Held& held, Stream& stream, exec::StreamWriter& to);

  exec::StreamWriter& out_;
  exec::StreamWriter& err_;
  const CollatorOptions options_;
  std::unordered_map<plan::JobId, Held> held_;
  plan::JobId next_ = 0;
  std::vector<plan::JobId> delivered_;
  bool is_closed_ = false, has_lost_ = false;
  std::string tagged_;  // kept to reuse its memory
  std::size_t waiting_bytes_ = 0, waiting_files_ = 0;
  int parking_ = -1;
  std::int64_t parked_end_ = 0;
  std::size_t parked_streams_ = 0;
};

}  // namespace furrow::command
