// What a RankCrew makes of the records that ranks send.
#include <algorithm>

#include "mpi/rank_ticket.hpp"
#include "pool/map/participant.hpp"
#include "pool/task/failure.hpp"

namespace furrow::mpi_detail {

bool RankCrew::receive() {
  bool happened = false;
  while (auto letter = mailbox_.receive()) {
    for_each_record(letter->message,
                    [&](RecordKind kind, BytesReader record) { take(*letter, kind, record); });
    mailbox_.keep(std::move(letter->message));
    happened = true;
  }
  return happened;
}

RankCrew::Ticket* RankCrew::find(std::uint64_t number) {
  const auto found = tickets_.find(number);
  return found == tickets_.end() ? nullptr : found->second.get();
}

// Null where the ticket is of a Pool that is over.
RankCrew::Ticket* RankCrew::find(std::uint64_t number, std::uint64_t begin, std::uint64_t end) {
  Ticket* const ticket = find(number);
  if (!ticket) return nullptr;
  bool expected = begin >= ticket->begin && end <= ticket->end && begin <= end;
  for (std::uint64_t unit = begin; expected && unit < end; ++unit) expected = !ticket->knows(unit);
  if (expected) return ticket;
  throw PoolError("rank " + std::to_string(ticket->rank) + " reported units that it did not have");
}

void RankCrew::take(Mailbox::Letter& letter, RecordKind kind, BytesReader record) {
  switch (kind) {
    case RecordKind::kResults:
      return take_results(record);
    case RecordKind::kBlock:
      return take_block(record, letter);
    case RecordKind::kFailure:
      return take_failure(record);
    case RecordKind::kReturned: {
      const auto head = record.take<ReturnedHead>();
      if (Ticket* ticket = find(head.ticket, head.begin, head.end)) give_back(*ticket, head.begin, head.end);
      return;
    }
    case RecordKind::kDone: {
      const auto head = record.take<DoneHead>();
      if (Ticket* ticket = find(head.ticket)) finish(*ticket, static_cast<int>(head.worker), head.busy_ns);
      return;
    }
    case RecordKind::kRestarted:
    case RecordKind::kBroken:
      if (record.take<std::uint64_t>() != pool_) return;  // of a Pool before
      if (kind == RecordKind::kBroken) return collapse(Codec<std::string>::decode(record));
      return restarted(static_cast<int>(record.take<std::uint64_t>()));
    case RecordKind::kReply:
      if (replies_.empty()) return;
      replies_[static_cast<std::size_t>(letter.from)].emplace().write(record.skip(0), record.remaining());
      return;
    default:
      return;
  }
}

void RankCrew::take_results(BytesReader record) {
  const auto head = record.take<ResultsHead>();
  Ticket* const ticket = find(head.ticket, head.unit, head.unit + head.count);
  if (!ticket) return;
  const std::byte* bytes = record.skip(head.count * head.size);
  pool::Parcel& parcel = *ticket->real;
  if (parcel.store_plain(head.unit, head.count, head.size, bytes))
    return ticket->account(head.unit, head.count);
  for (std::uint64_t i = 0; i < head.count; ++i, bytes += head.size) {
    BytesReader value(bytes, head.size);
    try {
      ticket->store(head.unit + i, value);
    } catch (...) {
      ticket->failed(pool::lost("its result could not be read: " + pool::current_failure().message),
                     head.unit + i, -1);
    }
  }
}

// Results that only the parcel can tell apart.
void RankCrew::take_block(BytesReader record, Mailbox::Letter& letter) {
  const auto head = record.take<BlockHead>();
  Ticket* const ticket = find(head.ticket, head.unit, head.unit + head.count);
  if (!ticket) return;
  const std::size_t size = record.remaining();
  std::byte* const values = letter.message.data() + (record.skip(size) - letter.message.data());
  std::vector<pool::Beside> used;
  try {
    cargo_->unload({values, size}, letter.beside, nullptr, used);
    ticket->real->store_block(head.unit, head.count, {values, size});
  } catch (...) {
    const Failure why = pool::lost("its result could not be read: " + pool::current_failure().message);
    for (std::uint64_t i = 0; i < head.count; ++i) ticket->failed(why, head.unit + i, -1);
    return;
  }
  ticket->account(head.unit, head.count);
}

void RankCrew::take_failure(BytesReader record) {
  const auto head = record.take<FailureHead>();
  if (Ticket* ticket = find(head.ticket, head.unit, head.unit + 1))
    ticket->failed(pool::decode_failure(record), head.unit, static_cast<int>(head.worker));
}

void RankCrew::fail(pool::Parcel& parcel, std::uint64_t unit, Failure failure, int worker) {
  failure.index = parcel.item_of(unit, failure.index);
  parcel.failed(std::move(failure), unit, std::max(worker, 0));
}

void RankCrew::give_back(Ticket& ticket, std::uint64_t begin, std::uint64_t end) {
  ticket.mark(begin, end - begin);
  queue(ticket.real, begin, end, true);
}

void RankCrew::finish(Ticket& ticket, int worker, std::int64_t busy_ns) {
  Link& link = links_[static_cast<std::size_t>(ticket.rank)];
  --link.tickets;
  link.chunks -= ticket.chunks;
  if (ticket.rank != 0) --remote_tickets_;
  pool::Parcel& parcel = *ticket.real;
  const auto found = tickets_.find(ticket.number);
  over_.push_back(std::move(found->second));
  tickets_.erase(found);
  parcel.busy_ns += busy_ns;
  finish_piece(parcel, worker);
}

void RankCrew::finish_piece(pool::Parcel& parcel, int worker) {
  --pieces_;
  --parcel.pieces;
  if (parcel.pieces > 0 || parcel.left > 0) return;
  const std::int64_t now = pool::steady_ns();
  parcel.done(worker, {now - parcel.busy_ns, now});
}

}  // namespace furrow::mpi_detail
