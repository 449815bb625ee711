// Puts the jobs' output on standard output and error as the user wants it: each job's whole, or line by line;
// in the order in which jobs end, or of the input; with a tag before each line.
//
// States of a job here: begun -> printed (by the executor: show(), on_piece()) -> ended. An attempt that is
// tried again is forgotten (again()). In the order of the input, a job that has ended waits for all before
// it. What waits is kept in memory while it is little, and in one unlinked file beyond. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "exec/output/output_sink.hpp"
#include "exec/output/stream_writer.hpp"
#include "os/files/spill.hpp"
#include "plan/job_graph.hpp"

namespace furrow::command {

struct CollatorOptions {
  bool keep_order = false;
  bool by_line = false;
  std::string folder{};                   // for what is long
  std::function<void()> before_output{};  // called before anything is written: a bar goes away
  std::function<void()> on_closed{};      // called once when nobody takes the output any more
};

class Collator final : public exec::OutputSink {
 public:
  Collator(exec::StreamWriter& out, exec::StreamWriter& err, CollatorOptions options);  // borrows both
  ~Collator() override;

  // An attempt starts. TAG goes before each line, HEAD before all.
  void begin(plan::JobId job, std::string tag, std::string head);
  void again(plan::JobId job);              // it failed and will be tried again: what it printed is dropped
  void end(plan::JobId job, bool printed);  // for good; PRINTED: or dropped
  void finish();                            // the run is over: prints what still waits
  // In place of what the last attempt printed, what USE makes of it, as its standard output.
  using Rewrite = std::function<void(const os::SpillView& out, const os::SpillView& err, os::Spill& instead)>;
  void rewrite(plan::JobId job, const Rewrite& use);
  void print(std::string_view text);  // to standard output, now

  std::int64_t out_size(plan::JobId job) const;  // what the last attempt wrote to its standard output
  bool is_incomplete(plan::JobId job) const;     // some of it could not be kept

  void show(const exec::CapturedOutput& output) override;
  bool wants_pieces() const override { return options_.by_line; }
  void on_piece(plan::JobId job, bool is_err, std::string_view piece) override;

 private:
  // A part of the file of all that waits.
  struct Parked {
    std::int64_t begin = 0, size = 0;
  };
  struct Stream {
    explicit Stream(const std::string& folder) : held(folder) {}
    os::Spill held;        // not printed yet
    Parked parked;         // comes before what is held
    std::string half;      // by line: what has no end yet
    bool in_line = false;  // the last that was printed ended inside of a line
    std::int64_t size = 0, lost = 0;
  };
  struct Held {
    explicit Held(const std::string& folder) : out(folder), err(folder) {}
    std::string tag, head;
    Stream out, err;
    bool has_ended = false, is_dropped = false;
  };

  bool is_next(plan::JobId job) const { return !options_.keep_order || job == next_; }
  void print(Held& held);
  void print_head(Held& held);
  void print_stream(Held& held, Stream& stream, exec::StreamWriter& to);
  void print_lines(Held& held, Stream& stream, std::string_view text, exec::StreamWriter& to);
  void write(const Held& held, Stream& stream, std::string_view text, exec::StreamWriter& to);
  void note_error();
  void advance();
  void park_if_much(Held& held);
  void park(Stream& stream);
  void unpark(Held& held, Stream& stream, exec::StreamWriter& to);

  exec::StreamWriter& out_;
  exec::StreamWriter& err_;
  const CollatorOptions options_;
  std::unordered_map<plan::JobId, Held> held_;
  plan::JobId next_ = 0;
  bool is_closed_ = false;
  std::string tagged_;  // kept for its memory
  std::size_t waiting_bytes_ = 0, waiting_files_ = 0;
  int parking_ = -1;
  std::int64_t parked_end_ = 0;
  std::size_t parked_streams_ = 0;
};

}  // namespace furrow::command
