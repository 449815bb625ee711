// What every rank but 0 does: it runs the chunks that it is sent on its own workers, until the program ends.
//
// Thread-safety: one thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "remote/rank_workers.hpp"
#include "remote/record.hpp"
#include "remote/transport.hpp"

namespace furrow::remote {

class RankServer {
 public:
  // What differs from one kind of rank to the other.
  struct Hooks {
    // Makes the workers for a Pool as rank 0 describes them; READER stands right after HEAD.
    std::function<std::unique_ptr<RankWorkers>(const OpenHead& head, pool::BytesReader reader)> make_workers;
    std::string name{};  // of this rank, for messages; empty: its number
    // A Pool was opened with so many workers here; it was closed.
    std::function<void(int workers)> opened = [](int) {};
    std::function<void()> closed = [] {};
    // Answers kOperation.
    std::function<void(pool::BytesReader record, Writer& reply)> run_operation = [](pool::BytesReader,
                                                                                    Writer&) {};
    // Adds kNotice records: what the workers have sent apart from results.
    std::function<void(RecordWriter& out)> add_notices = [](RecordWriter&) {};
  };
  // WORKERS are for the first Pool, forked before MPI was started. If null, HOOKS make those too. TRANSPORT is
  // borrowed.
  RankServer(Transport& transport, std::unique_ptr<RankWorkers> workers, Hooks hooks);
  ~RankServer();
  void serve();  // returns when the program ends, or rank 0 is lost

 private:
  struct ReceivedChunk;
  using SharedBytes = std::shared_ptr<Bytes>;
  struct SentMap {
    std::uint64_t number = 0;
    Bytes blob{};
    pool::LastingBuffers lasting{};
  };

  bool receive();
  void take(RecordKind kind, pool::BytesReader record, const SharedBytes& message);
  void open(pool::BytesReader record);
  void close();
  void learn(pool::BytesReader record, const SharedBytes& message);
  std::shared_ptr<SentMap> known(std::uint64_t map) const;
  void begin(pool::BytesReader record, const SharedBytes& message);
  void start(std::unique_ptr<ReceivedChunk> received);
  void recall();
  void stop(std::uint64_t id);
  void keep_memory(bool tasks_run);
  void stop_what_should();
  void report_broken(const std::string& why);
  void flush();

  Transport& transport_;
  const Hooks hooks_;
  std::unique_ptr<RankWorkers> first_workers_;
  std::unique_ptr<RankWorkers> workers_{};               // while a Pool is open
  std::deque<std::shared_ptr<SentMap>> maps_{};          // the latest ones received
  std::vector<std::unique_ptr<ReceivedChunk>> early_{};  // chunks that arrived before their map
  std::map<ReceivedChunk*, std::unique_ptr<ReceivedChunk>> running_;
  std::vector<std::unique_ptr<ReceivedChunk>> over_{};  // finished, to be deleted when no call is inside one
  std::set<std::uint64_t> stopping_{};
  std::vector<pool::OutOfBandBuffer> buffers_{};  // of the message being read
  RecordWriter out_{};
  std::int64_t flushed_ns_ = 0;
  std::uint64_t pool_ = 0;  // the number of the latest Pool
  bool broken_ = false;
  bool tasks_run_ = false;
  bool ended_ = false;
};

}  // namespace furrow::remote
