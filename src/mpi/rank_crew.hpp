// Rank 0's side: gives parcels to the ranks, as stretches, and accounts for every unit of them.
//
// A parcel waits in the queue as one piece, or in several; a piece (or its first part, where its inputs are
// many bytes) is sent to the rank that has least to do for its workers, under a ticket. What ranks give back
// is queued again. Rank 0's own workers are a rank like the others, without messages.
//
// Where a rank cannot have workers, the whole crew is broken: everything fails with that rank's reason.
//
// Thread-safety: one thread at a time, but for nudge().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>

#include "furrow/detail/rank_call.hpp"
#include "mpi/mailbox.hpp"
#include "mpi/rank_workers.hpp"
#include "mpi/record.hpp"
#include "pool/messages/parcel_crew.hpp"

namespace furrow::mpi_detail {

class RankCrew : public pool::ParcelCrew {
 public:
  // POOL is its number, which ranks were told. WORKERS_OF says how many workers each rank has; OWN, the
  // workers of this one, is null where it has none. MAILBOX and CARGO, which may be null, are borrowed.
  RankCrew(Mailbox& mailbox, std::uint64_t pool, const std::vector<int>& workers_of,
           std::unique_ptr<RankWorkers> own, pool::Cargo* cargo = nullptr);
  ~RankCrew() override;

  void submit(pool::Parcel* parcel) override;
  bool work() override;
  void rest(std::int64_t at_most_ns) override;
  bool idle() const override { return pieces_ == 0; }
  std::vector<pool::Parcel*> withdraw() override;
  void stop(std::uint64_t job) override;
  void forget(std::uint64_t job) override;
  const std::string& broken() const override { return broken_; }
  void nudge() override;
  void leave() override;
  Appetite appetite() const override;

  // Runs an operation on all ranks, this one too. Throws the failure of the lowest index.
  void operate(const detail::RankCall& call);

 private:
  static constexpr std::uint64_t kChunksAhead = 2;   // of each worker
  static constexpr std::uint64_t kTicketsAhead = 2;  // of each rank
  struct Piece {
    pool::Parcel* parcel = nullptr;
    std::uint64_t begin = 0, end = 0;
  };
  struct Ticket;
  struct Link {
    int workers = 0;
    std::uint64_t tickets = 0;
    std::uint64_t chunks = 0;          // about as many as its workers take one after the other
    std::deque<std::uint64_t> jobs{};  // that the rank knows
    std::map<std::uint64_t, std::set<std::uint64_t>> lasting{};  // buffers that it keeps, by job
    Batch out{};
    std::int64_t recalled_ns = 0;
    std::uint64_t stopping = 0;  // the job it was told to stop last
  };

  bool hand_out();
  int choose_link(const Piece& piece) const;
  void send(int rank, Piece piece);
  bool write_stretch(int rank, Piece& piece, Ticket& ticket);
  void teach(int rank, pool::Parcel& parcel);
  void queue(pool::Parcel* parcel, std::uint64_t begin, std::uint64_t end, bool front);
  Ticket& new_ticket(int rank, const Piece& piece);
  Ticket* find(std::uint64_t number);
  Ticket* find(std::uint64_t number, std::uint64_t begin, std::uint64_t end);

  bool receive();
  void take(Mailbox::Letter& letter, RecordKind kind, BytesReader record);
  void take_results(BytesReader record);
  void take_block(BytesReader record, Mailbox::Letter& letter);
  void take_failure(BytesReader record);
  void give_back(Ticket& ticket, std::uint64_t begin, std::uint64_t end);
  void fail(pool::Parcel& parcel, std::uint64_t unit, Failure failure, int worker);
  void finish(Ticket& ticket, int worker, std::int64_t busy_ns);
  void finish_piece(pool::Parcel& parcel, int worker);
  bool balance();
  void dispatch(int rank);
  void flush();
  void collapse(const std::string& why);

  Mailbox& mailbox_;
  const std::uint64_t pool_;
  pool::Cargo* const cargo_;
  std::unique_ptr<RankWorkers> own_;
  std::vector<Link> links_;
  std::deque<Piece> queue_{};
  std::uint64_t pieces_ = 0;  // queued or sent
  std::unordered_map<std::uint64_t, std::unique_ptr<Ticket>> tickets_;
  std::vector<std::unique_ptr<Ticket>> over_{};  // to be deleted when nobody is in them
  std::uint64_t remote_tickets_ = 0;
  std::vector<std::optional<Bytes>> replies_{};  // to the operation that is under way
  std::string broken_{};
  std::int64_t patience_ns_ = 0;
};

}  // namespace furrow::mpi_detail
