// Rank 0's side of a Pool over ranks: sends chunks to the ranks. A WorkLedger accounts for every index in them.
//
// A subchunk is sent, under a request id, to the rank with the least work for each of its workers; if its inputs
// are many bytes, only its first indices are sent. Indices that a rank gives back wait again. Rank 0's own workers count
// as a rank like the others, but need no messages.
//
// If one rank cannot start workers, all of them are unusable: everything fails with that rank's reason. If a
// transport tells of a rank that is lost, the others go on. What the lost rank had is run again by others if the
// caller allows retries, and fails otherwise: nobody knows which of its tasks had begun.
//
// Thread-safety: one thread at a time, except for nudge().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

#include "furrow/detail/rank_call.hpp"
#include "pool/work/chunk_workers.hpp"
#include "pool/work/work_ledger.hpp"
#include "remote/rank_workers.hpp"
#include "remote/record.hpp"
#include "remote/transport.hpp"

namespace furrow::remote {

class RemoteWorkers : public pool::ChunkWorkers {
 public:
  // POOL is the Pool's number, which the ranks know. WORKERS_OF: how many workers each rank has. OWN: the
  // workers of this rank, or null if it has none. TRANSPORT and CODEC are borrowed; CODEC may be null.
  RemoteWorkers(Transport& transport, std::uint64_t pool, const std::vector<int>& workers_of,
                std::unique_ptr<RankWorkers> own, pool::PayloadCodec* codec = nullptr);
  ~RemoteWorkers() override;

  void submit(pool::Chunk* chunk) override;
  bool work() override;
  void rest(std::int64_t at_most_ns) override;
  bool idle() const override { return ledger_.idle(); }
  std::vector<pool::Chunk*> withdraw() override;
  void stop(std::uint64_t id) override;
  void forget(std::uint64_t map) override;
  const std::string& broken() const override { return broken_; }
  void nudge() override;
  void shut_down() override;
  FlowControl flow_control() const override;

  // Runs an operation on all ranks, including this one, which does so with RUN_HERE. Throws the failure of the
  // lowest index.
  using RunHere = std::function<void(pool::BytesReader record, Writer& reply)>;
  void operate(const detail::RankCall& call, const RunHere& run_here);

  // Called with what workers have sent apart from results.
  std::function<void(std::span<const std::byte>)> noticed = [](std::span<const std::byte>) {};
  // Explains what became of a rank that is lost; WHY is all that the transport knows.
  std::function<std::string(int rank, const std::string& why)> explain =
      [](int rank, const std::string& why) { return "rank " + std::to_string(rank) + " is lost: " + why; };

 private:
  static constexpr std::uint64_t kChunksAhead = 2;    // for each worker
  static constexpr std::uint64_t kRequestsAhead = 2;  // for each rank
  using Subchunk = pool::WorkLedger::Subchunk;
  struct Request;
  struct Link {
    int workers = 0;
    std::uint64_t requests = 0;
    // About how many chunks its workers will run: an index each where the caller gave no chunk size.
    std::uint64_t chunks = 0;
    std::deque<std::uint64_t> maps{};  // those whose function the rank has
    // Buffers that the rank keeps, by map.
    std::map<std::uint64_t, std::set<std::uint64_t>> lasting{};
    RecordWriter out{};
    std::int64_t recalled_ns = 0;
    std::uint64_t stopping = 0;  // the last map that the rank was asked to stop
  };

  bool dispatch_queue();
  int choose_link(const Subchunk& subchunk) const;
  void send(int rank, const Subchunk& subchunk);
  std::uint64_t write_chunk(int rank, Request& request, std::optional<Failure>& failure);
  void teach(int rank, pool::Chunk& chunk);
  Request* find(std::uint64_t number);
  Request* find(std::uint64_t number, std::uint64_t begin, std::uint64_t end);

  bool receive();
  void take(Transport::Message& received, RecordKind kind, pool::BytesReader record);
  void take_results(pool::BytesReader record);
  void take_block(pool::BytesReader record, Transport::Message& received);
  void take_failure(pool::BytesReader record);
  void finish(Request& request, int worker, std::int64_t busy_ns);
  bool balance();
  void dispatch(int rank);
  void flush();
  void collapse(const std::string& why);
  void lose(const Transport::Lost& lost);

  Transport& transport_;
  const std::uint64_t pool_;
  pool::PayloadCodec* const codec_;
  std::unique_ptr<RankWorkers> own_;
  std::vector<Link> links_;
  pool::WorkLedger ledger_{};
  std::unordered_map<std::uint64_t, std::unique_ptr<Request>> requests_;
  std::vector<std::unique_ptr<Request>> over_{};  // finished, to be deleted when no call is inside one
  std::uint64_t remote_requests_ = 0;
  std::vector<std::optional<Bytes>> replies_{};  // to the running operation, by rank
  std::string broken_{};
  std::int64_t patience_ns_ = 0;
};

}  // namespace furrow::remote
