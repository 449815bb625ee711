// How a RankCrew shares out its pieces, and writes the messages that carry them.
#include <algorithm>
#include <cstring>

#include "mpi/rank_ticket.hpp"
#include "pool/task/failure.hpp"

namespace furrow::mpi_detail {

namespace {

constexpr std::uint64_t kCallsAhead = 256;                   // as kChunksAhead, of single calls
constexpr std::size_t kInputsAtOnce = std::size_t{8} << 20;  // bytes in one stretch of several units
constexpr std::size_t kFullBatch = std::size_t{256} << 10;
constexpr std::size_t kTreeJob = std::size_t{64} << 10;

// Tickets are unlike those of Pools before, whose records may still come.
std::uint64_t last_ticket = 0;

std::uint64_t chunks_in(const pool::Parcel& parcel, std::uint64_t units) {
  return parcel.chunksize ? (units + parcel.chunksize - 1) / parcel.chunksize : units;
}

}  // namespace

int RankCrew::choose_link(const Piece& piece) const {
  const std::uint64_t ahead = piece.parcel->job == 0 ? kCallsAhead : kChunksAhead;
  int best = -1;
  double least = 0;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Link& each = links_[i];
    const auto workers = static_cast<std::uint64_t>(each.workers);
    if (workers == 0) continue;
    if (each.tickets >= kTicketsAhead && each.chunks >= ahead * workers) continue;
    const double load = static_cast<double>(each.chunks) / each.workers;
    if (best >= 0 && load >= least) continue;
    best = static_cast<int>(i);
    least = load;
  }
  return best;
}

bool RankCrew::hand_out() {
  bool happened = false;
  while (!queue_.empty()) {
    const int rank = choose_link(queue_.front());
    if (rank < 0) break;
    const Piece piece = queue_.front();
    queue_.pop_front();
    send(rank, piece);
    happened = true;
  }
  return happened;
}

RankCrew::Ticket& RankCrew::new_ticket(int rank, const Piece& piece) {
  auto made = std::make_unique<Ticket>(*this, rank);
  Ticket& ticket = *made;
  ticket.real = piece.parcel;
  ticket.number = ++last_ticket;
  ticket.begin = piece.begin;
  ticket.end = piece.end;
  ticket.job = piece.parcel->job;
  ticket.unit_items = piece.parcel->unit_items;
  ticket.result_size = piece.parcel->result_size;
  ticket.chunksize = piece.parcel->chunksize;
  ticket.timeout_s = piece.parcel->timeout_s;
  ticket.retries = piece.parcel->retries;
  tickets_.emplace(ticket.number, std::move(made));
  return ticket;
}

void RankCrew::send(int rank, Piece piece) {
  Ticket& ticket = new_ticket(rank, piece);
  Link& link = links_[static_cast<std::size_t>(rank)];
  if (rank != 0 && !write_stretch(rank, piece, ticket)) {
    tickets_.erase(ticket.number);
    return finish_piece(*piece.parcel, -1);
  }
  ticket.end = piece.end;
  ticket.open = piece.end - piece.begin;
  ticket.seen.resize(ticket.open);
  ticket.chunks = chunks_in(*piece.parcel, ticket.open);
  ++link.tickets;
  link.chunks += ticket.chunks;
  if (rank == 0) return own_->submit(&ticket);
  ++remote_tickets_;
  if (link.out.size() >= kFullBatch || !link.out.beside.empty()) dispatch(rank);
}

void RankCrew::dispatch(int rank) {
  Batch& out = links_[static_cast<std::size_t>(rank)].out;
  mailbox_.send(rank, out.take(), out.take_beside());
}

// What did not go with it is queued again. False where nothing went.
bool RankCrew::write_stretch(int rank, Piece& piece, Ticket& ticket) {
  Link& link = links_[static_cast<std::size_t>(rank)];
  pool::Parcel& parcel = *piece.parcel;
  std::optional<StretchWriter> stretch;
  std::optional<Failure> failure;
  std::uint64_t unit = piece.begin;
  try {
    teach(rank, parcel);
    stretch.emplace(link.out, StretchHead{ticket.number, parcel.job, piece.begin, piece.begin,
                                          parcel.chunksize, parcel.unit_items, parcel.result_size,
                                          static_cast<std::uint64_t>(parcel.retries), parcel.timeout_s,
                                          piece.begin - parcel.index_of(piece.begin)});
    for (; unit < piece.end && (stretch->size() < kInputsAtOnce || unit == piece.begin); ++unit) {
      parcel.encode(unit, unit + 1, stretch->next());
      if (cargo_) cargo_->load(stretch->written(), link.out.beside, &link.lasting[ticket.job]);
      stretch->end_unit();
    }
  } catch (...) {
    failure = pool::lost("its input could not be sent: " + pool::current_failure().message);
  }
  const bool some = unit > piece.begin;
  if (stretch) some ? stretch->end() : link.out.drop();
  queue(piece.parcel, failure ? unit + 1 : unit, piece.end, true);
  piece.end = unit;
  if (failure) {
    --parcel.left;
    fail(parcel, unit, *std::move(failure), -1);
  }
  return some;
}

// The rank must know the function before its first stretch comes. A large one goes to all ranks at once.
void RankCrew::teach(int rank, pool::Parcel& parcel) {
  Link& link = links_[static_cast<std::size_t>(rank)];
  const auto knows = [&](const Link& each) {
    return std::find(each.jobs.begin(), each.jobs.end(), parcel.job) != each.jobs.end();
  };
  if (parcel.job == 0 || knows(link)) return;
  const auto remember = [&](Link& by) {
    by.jobs.push_back(parcel.job);
    by.lasting.erase(parcel.job);
    if (by.jobs.size() <= pool::MessageCrew::kJobs) return;
    by.lasting.erase(by.jobs.front());
    by.jobs.pop_front();
  };
  Batch job;
  Writer& record = job.begin(RecordKind::kJob);
  const std::uint64_t direct[2] = {parcel.job, 0};
  record.write(direct, sizeof direct);
  parcel.encode_job(record);
  job.end();
  const bool by_tree =
      job.size() > kTreeJob && links_.size() > 2 && std::none_of(links_.begin() + 1, links_.end(), knows);
  Bytes bytes = job.take();
  if (!by_tree) {
    remember(link);
    link.out.append(bytes);
    return;
  }
  const std::uint64_t passed_on = 1;
  std::memcpy(bytes.data() + sizeof(RecordHead) + sizeof parcel.job, &passed_on, sizeof passed_on);
  for (int child : {1, 2}) {
    Bytes copy;
    copy.write(bytes.data(), bytes.size());
    mailbox_.send(child, std::move(copy));
  }
  for (std::size_t i = 1; i < links_.size(); ++i) remember(links_[i]);
}

void RankCrew::flush() {
  for (std::size_t i = 1; i < links_.size(); ++i)
    if (!links_[i].out.empty()) {
      dispatch(static_cast<int>(i));
      links_[i].out.reuse(mailbox_.spare());
    }
}

}  // namespace furrow::mpi_detail
