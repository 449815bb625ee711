// Messages over pairs of pipes, one pair for each rank: those of a program that a launcher such as srun runs on
// another computer, or, on that computer, standard input and output.
//
// Each message is a frame in the machine's byte order:
//
//   u32 kMagic   u32 number of buffers   u64 size of the message   u64 size of each buffer   message   buffers
//
// and a line feed, since srun passes on whole lines. A rank is lost when its pipe ends or holds anything else;
// what was sent before is still received. Descriptors are owned, and made non-blocking. The process must ignore
// SIGPIPE, as Python does.
//
// A launcher's own connection mostly sends nothing small while the other end has not acknowledged something small
// (Nagle), which the other end does after 40 ms, or at once if it has something to send (delayed acknowledgement).
// So there are frames without a message (kReply), sent by whoever has nothing else to send: to a message of which
// only a part has come, before rest(), and, while results are awaited or nothing runs, to such a frame itself.
#pragma once

#include <deque>
#include <memory>

#include "os/events/notifier.hpp"
#include "remote/transport.hpp"

namespace furrow::remote {

class StreamTransport final : public Transport {
 public:
  struct Pipes {
    int in, out;
  };
  // PIPES: those of rank 0 to ranks 1, 2, ...; of any other RANK, one pair to rank 0.
  StreamTransport(int rank, const std::vector<Pipes>& pipes);
  ~StreamTransport() override;

  int rank() const override { return rank_; }
  int size() const override { return rank_ == 0 ? static_cast<int>(links_.size()) + 1 : rank_ + 1; }
  bool connects_all() const override { return false; }

  using Transport::send;
  void send(int rank, Bytes message, Buffers buffers) override;
  std::optional<Message> receive() override;
  bool all_sent() override;
  void flush() override;  // gives up ranks that take nothing for seconds
  std::optional<Lost> lost() override;
  bool wakes() const override { return true; }
  void rest(std::int64_t at_most_ns) override;
  void nudge() override { notifier_.notify(); }
  // Nothing is sent any more: the ranks read the end of their pipes.
  void close_out();
  bool all_lost() const;

 private:
  struct Link;
  Link& link_to(int rank);
  std::optional<Message> read_next();
  bool read(Link& link);

  const int rank_;
  std::vector<std::unique_ptr<Link>> links_{};
  std::size_t next_ = 0;           // the link that is read first
  std::deque<Message> arrived_{};  // while flush() waited
  os::Notifier notifier_{};
};

}  // namespace furrow::remote
