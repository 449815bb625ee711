// What every rank but 0 does: it runs the chunks that it is sent on its own workers, until the program ends.
//
// Thread-safety: one thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "mpi_pool/program.hpp"
#include "mpi_pool/rank_workers.hpp"
#include "mpi_pool/record.hpp"

namespace furrow::mpi_pool {

class RankServer {
 public:
  // Makes the workers for a Pool as rank 0 describes them; READER stands right after HEAD.
  using MakeWorkers =
      std::function<std::unique_ptr<RankWorkers>(const OpenHead& head, pool::BytesReader reader)>;
  // WORKERS are for the first Pool, forked before MPI was started. If null, MAKE_WORKERS makes those too.
  RankServer(Program& program, std::unique_ptr<RankWorkers> workers, MakeWorkers make_workers);
  ~RankServer();
  void serve();  // returns when the program ends

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
  void stop_what_should();
  void report_broken(const std::string& why);
  void flush();

  Program& program_;
  const MakeWorkers make_workers_;
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
  bool ended_ = false;
};

}  // namespace furrow::mpi_pool
