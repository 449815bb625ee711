#include "remote/remote_workers.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "furrow/detail/function_address.hpp"
#include "os/events/clock.hpp"
#include "pool/task/failure.hpp"
#include "remote/request.hpp"

namespace furrow::remote {

namespace {

// Of work, for each worker of a rank; more where messages may take some time.
constexpr std::int64_t kChunk_ns = 4'000'000, kSlowChunk_ns = 20'000'000;
constexpr std::int64_t kFirstPatience_ns = 20'000, kLastPatience_ns = 500'000;
constexpr std::int64_t kSending_ns = 1'000;
constexpr std::int64_t kBetweenRecalls_ns = 5'000'000;

}  // namespace

RemoteWorkers::RemoteWorkers(Transport& transport, std::uint64_t pool, const std::vector<int>& workers_of,
                             std::unique_ptr<RankWorkers> own, pool::PayloadCodec* codec)
    : transport_(transport), pool_(pool), codec_(codec), own_(std::move(own)), links_(workers_of.size()) {
  if (codec) transport_.room = [codec](std::size_t size) { return codec->room(size); };
  for (std::size_t i = 0; i < links_.size(); ++i) links_[i].workers = workers_of[i];
  transport_.awaits = [this](int rank) { return links_[static_cast<std::size_t>(rank)].requests > 0; };
  if (own_) own_->processes().restarted = [this](int worker) { restarted(worker); };
}

RemoteWorkers::~RemoteWorkers() {
  transport_.room = nullptr;
  transport_.awaits = nullptr;
}

pool::ChunkWorkers::FlowControl RemoteWorkers::flow_control() const {
  std::uint64_t workers = 0;
  for (const Link& each : links_) workers += static_cast<std::uint64_t>(each.workers);
  const std::uint64_t average = std::max<std::uint64_t>(workers / links_.size(), 1);
  return {links_.size() * kRequestsAhead, kChunksAhead * workers,
          (transport_.wakes() ? kSlowChunk_ns : kChunk_ns) * static_cast<std::int64_t>(average), true};
}

void RemoteWorkers::submit(pool::Chunk* chunk) {
  ledger_.add(chunk);
  if (!broken_.empty()) return collapse(broken_);
  dispatch_queue();
}

bool RemoteWorkers::work() {
  try {
    bool happened = receive();
    while (const auto lost = transport_.lost()) lose(*lost);
    if (!broken_.empty()) {
      over_.clear();
      return happened;
    }
    const bool own_happened = own_ && own_->work();
    if (own_ && !own_->broken().empty()) {
      collapse(own_->broken());
      return true;
    }
    happened = dispatch_queue() || happened;
    if (!happened && balance()) happened = true;
    flush();
    over_.clear();
    if (happened) patience_ns_ = kFirstPatience_ns;
    return happened || own_happened;
  } catch (const PoolError& error) {
    collapse(error.what());
    return true;
  }
}

// Where the transport wakes nobody, this sleeps for short times. This rank's own workers ring when they have
// something.
void RemoteWorkers::rest(std::int64_t at_most_ns) {
  if (!broken_.empty()) return;
  if (transport_.wakes() && !own_) return transport_.rest(at_most_ns);
  const bool waits_for_others = remote_requests_ > 0 || !transport_.all_sent();
  std::int64_t patience = at_most_ns;
  if (waits_for_others) {
    patience = std::min(patience, patience_ns_);
    patience_ns_ = transport_.all_sent() ? std::min(2 * patience_ns_, kLastPatience_ns) : kSending_ns;
  }
  if (own_ && !own_->idle()) return own_->rest(patience);
  transport_.rest(std::min(patience, kLastPatience_ns));
}

// Recalls work that waits at the busiest rank, if another rank has too little to do.
bool RemoteWorkers::balance() {
  if (ledger_.waits() || links_.size() == 1) return false;
  int fullest = -1;
  bool somebody_idles = false;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Link& each = links_[i];
    if (each.workers == 0) continue;
    if (each.chunks < static_cast<std::uint64_t>(each.workers)) somebody_idles = true;
    if (each.chunks > static_cast<std::uint64_t>(each.workers) &&
        (fullest < 0 || each.chunks > links_[static_cast<std::size_t>(fullest)].chunks))
      fullest = static_cast<int>(i);
  }
  if (!somebody_idles || fullest < 0) return false;
  Link& link = links_[static_cast<std::size_t>(fullest)];
  const std::int64_t now = os::monotonic_ns();
  if (now - link.recalled_ns < kBetweenRecalls_ns) return false;
  link.recalled_ns = now;
  FURROW_LOG(mpi, debug, "another rank has too little to do: work is recalled from rank {}", fullest);
  if (fullest > 0) {
    link.out.add(RecordKind::kRecall);
    return false;
  }
  own_->give_back([](const pool::Chunk&) { return true; },
                  [&](pool::Chunk* chunk, std::uint64_t begin, std::uint64_t end) {
                    ledger_.requeue(static_cast<Request&>(*chunk).take(begin, end));
                  });
  return dispatch_queue();
}

std::vector<pool::Chunk*> RemoteWorkers::withdraw() { return ledger_.withdraw(); }

void RemoteWorkers::stop(std::uint64_t id) {
  ledger_.stop(id);
  if (own_) own_->stop(id);
  for (std::size_t i = 1; i < links_.size(); ++i) {
    Link& link = links_[i];
    // A map is stopped again and again until it is over, a call once.
    if (link.requests == 0 || (id < pool::Chunk::kCallIndices && std::exchange(link.stopping, id) == id))
      continue;
    link.out.add(RecordKind::kStop, id);
  }
}

void RemoteWorkers::forget(std::uint64_t map) {
  for (std::size_t i = 1; i < links_.size(); ++i) {
    const auto found = links_[i].lasting.find(map);
    if (found == links_[i].lasting.end()) continue;
    if (!found->second.empty()) links_[i].out.add(RecordKind::kForget, map);
    links_[i].lasting.erase(found);
  }
  flush();
}

void RemoteWorkers::operate(const detail::RankCall& call, const RunHere& run_here) {
  Bytes arguments;
  detail::write_function_address(arguments, call.operation);
  call.encode(arguments);
  for (std::size_t i = 1; i < links_.size(); ++i) {
    links_[i].out.begin(RecordKind::kOperation).write(arguments.data(), arguments.size());
    links_[i].out.end();
  }
  flush();
  replies_ = std::vector<std::optional<Bytes>>(links_.size());
  run_here(pool::BytesReader(arguments.data(), arguments.size()), replies_[0].emplace());
  const auto missing = [](const std::optional<Bytes>& each) { return !each; };
  while (std::any_of(replies_.begin(), replies_.end(), missing))
    if (!receive()) rest(kFirstPatience_ns);
  const auto replies = std::exchange(replies_, {});
  std::optional<Failure> first;
  for (const auto& each : replies) {
    pool::BytesReader reply(each->data(), each->size());
    if (reply.take<std::uint64_t>() == 0) continue;
    Failure failure = pool::decode_failure(reply);
    if (!first || failure.index < first->index) first = std::move(failure);
  }
  if (first) throw_failure(*first);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    pool::BytesReader reply(replies[i]->data(), replies[i]->size());
    reply.take<std::uint64_t>();
    call.take(static_cast<int>(i), reply);
  }
}

void RemoteWorkers::nudge() {
  if (own_)
    own_->processes().nudge();
  else
    transport_.nudge();
}

void RemoteWorkers::shut_down() {
  if (own_) own_->idle() ? own_->shut_down() : own_->abandon();
  for (std::size_t i = 1; i < links_.size(); ++i) links_[i].out.add(RecordKind::kClose);
  flush();
  transport_.flush();
}

void RemoteWorkers::lose(const Transport::Lost& lost) {
  const std::string why = explain(lost.rank, lost.why);
  FURROW_LOG(mpi, info, "{}", why);
  links_[static_cast<std::size_t>(lost.rank)].workers = 0;  // it gets nothing any more
  if (!broken_.empty()) return;
  const auto works = [](const Link& each) { return each.workers > 0; };
  if (std::none_of(links_.begin(), links_.end(), works)) return collapse(why);
  std::vector<Request*> held;
  for (const auto& [number, request] : requests_)
    if (request->rank == lost.rank) held.push_back(request.get());
  for (Request* each : held) {
    for (const Subchunk& subchunk : std::exchange(each->open, {})) ledger_.lost(subchunk, why);
    finish(*each, -1, 0);
  }
}

// Fails everything. Other ranks may work on for a while; what they send is ignored.
void RemoteWorkers::collapse(const std::string& why) {
  broken_ = why;
  FURROW_LOG(mpi, info, "the ranks are given up, and all their work fails: {}", why);
  if (own_) own_->abandon();
  for (auto& [number, request] : std::exchange(requests_, {})) {
    for (const Subchunk& subchunk : request->open) ledger_.requeue(subchunk);
    over_.push_back(std::move(request));
  }
  remote_requests_ = 0;
  for (Link& each : links_) each.requests = each.chunks = 0;
  ledger_.fail_waiting(pool::lost(why));
}

}  // namespace furrow::remote
