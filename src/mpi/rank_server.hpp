// What a rank other than 0 does: runs what it is sent on its own workers, until the program ends.
//
// Thread-safety: one thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "mpi/program.hpp"
#include "mpi/rank_workers.hpp"
#include "mpi/record.hpp"

namespace furrow::mpi_detail {

class RankServer {
 public:
  // Workers for a Pool, from what rank 0 sent: READER is behind the head.
  using Hire = std::function<std::unique_ptr<RankWorkers>(const OpenHead& head, BytesReader reader)>;
  // WORKERS are those for the first Pool, forked before MPI was started; null where HIRE makes them too.
  RankServer(Program& program, std::unique_ptr<RankWorkers> workers, Hire hire);
  ~RankServer();
  void serve();  // until the program ends

 private:
  struct Stretch;
  using Message = std::shared_ptr<Bytes>;
  struct Job {
    std::uint64_t number = 0;
    Bytes blob{};
    pool::LastingBuffers lasting{};
  };

  bool receive();
  void take(RecordKind kind, BytesReader record, const Message& message);
  void open(BytesReader record);
  void close();
  void learn(BytesReader record, const Message& message);
  std::shared_ptr<Job> known(std::uint64_t job) const;
  void begin(BytesReader record, const Message& message);
  void start(std::unique_ptr<Stretch> stretch);
  void recall();
  void stop_what_should();
  void report_broken(const std::string& why);
  void flush();

  Program& program_;
  const Hire hire_;
  std::unique_ptr<RankWorkers> first_workers_;
  std::unique_ptr<RankWorkers> workers_{};         // while a Pool is open
  std::deque<std::shared_ptr<Job>> jobs_{};        // the latest that came
  std::vector<std::unique_ptr<Stretch>> early_{};  // whose job has not come
  std::map<Stretch*, std::unique_ptr<Stretch>> running_;
  std::vector<std::unique_ptr<Stretch>> over_{};
  std::set<std::uint64_t> stopping_{};
  std::vector<pool::Beside> beside_{};  // of the message that is being read
  Batch out_{};
  std::int64_t flushed_ns_ = 0;
  std::uint64_t pool_ = 0;  // the number of the last one
  bool broken_ = false;
  bool ended_ = false;
};

}  // namespace furrow::mpi_detail
