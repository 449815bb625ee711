#include "mpi/rank_server.hpp"

#include <algorithm>
#include <ctime>

#include "mpi/operations.hpp"
#include "pool/map/participant.hpp"
#include "pool/task/failure.hpp"

namespace furrow::mpi_detail {

namespace {

constexpr std::int64_t kFirstPatience_ns = 20'000;
constexpr std::int64_t kBusyPatience_ns = 200'000;    // between looks for messages while workers work
constexpr std::int64_t kIdlePatience_ns = 1'000'000;  // and while they do not
constexpr std::size_t kFullBatch = std::size_t{64} << 10;
constexpr std::int64_t kFlush_ns = 100'000;
constexpr int kRoot = 0;

}  // namespace

// What rank 0 sent, as a parcel: its units' inputs are pieces of the message.
struct RankServer::Stretch : pool::Parcel {
  Stretch(RankServer& of, const StretchHead& head, Message in)
      : server(of),
        ticket(head.ticket),
        first(head.first),
        message(std::move(in)),
        item_size(head.item_size) {
    begin = head.begin;
    end = head.end;
    job = head.job;
    unit_items = head.block;
    result_size = head.result_size;
    chunksize = head.chunksize;
    timeout_s = head.timeout_s;
    retries = static_cast<int>(head.retries);
  }
  std::size_t offset_of(std::uint64_t unit) const {
    return offsets.empty() ? (unit - begin) * item_size : offsets[unit - begin];
  }
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    body.write(inputs + offset_of(from), offset_of(to) - offset_of(from));
  }
  void encode_job(Writer& body) override { body.write(common->blob.data(), common->blob.size()); }
  void store(std::uint64_t unit, Reader& result) override {
    // A crew gives nothing else.
    if (server.workers_->cargo()) return store_value(unit, static_cast<pool::PartsReader&>(result));
    server.out_.add_result(ticket, unit,
                           [&](Writer& to) { static_cast<pool::PartsReader&>(result).copy_rest(to); });
  }
  void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes) override {
    pool::Cargo* const cargo = server.workers_->cargo();
    if (!cargo) return server.out_.add_results(ticket, unit, count, result_size, bytes.data());
    send_values(unit, count, *cargo,
                [&](Writer& to) { to.write(bytes.data(), cargo->measure(bytes, count)); });
  }
  // A large one, after its size.
  void store_value(std::uint64_t unit, pool::PartsReader& result) {
    std::uint64_t size = 0;
    result.read(&size, sizeof size);
    send_values(unit, 1, *server.workers_->cargo(), [&](Writer& to) { result.copy_rest(to); });
  }
  template <class Write>
  void send_values(std::uint64_t unit, std::uint64_t count, pool::Cargo& cargo, const Write& write) {
    Writer& record = server.out_.begin(RecordKind::kBlock);
    const BlockHead head{ticket, unit, count};
    record.write(&head, sizeof head);
    const std::size_t mark = server.out_.mark();
    try {
      write(record);
      cargo.load(server.out_.since(mark), server.out_.beside, nullptr);
    } catch (...) {
      server.out_.drop();
      throw;
    }
    server.out_.end();
  }
  // Its large buffers are to be where the workers see them. False where all of it has failed.
  bool unload() {
    pool::Cargo* const cargo = server.workers_->cargo();
    if (!cargo) return true;
    std::byte* const values = message->data() + (inputs - message->data());
    try {
      cargo->unload({values, offset_of(end)}, std::exchange(beside, {}), &common->lasting, used);
      return true;
    } catch (...) {
      Failure failure = pool::current_failure();
      failure.kind = FailureKind::kLost;
      for (std::uint64_t unit = begin; unit < end; ++unit) {
        failure.index = index_of(unit);
        failed(failure, unit, 0);
      }
      return false;
    }
  }
  void failed(Failure failure, std::uint64_t unit, int worker) override {
    Writer& record = server.out_.begin(RecordKind::kFailure);
    const FailureHead head{ticket, unit, static_cast<std::uint64_t>(std::max(worker, 0))};
    record.write(&head, sizeof head);
    pool::encode_failure(record, failure);
    server.out_.end();
  }
  void done(int worker, const Times& times) override {
    server.out_.add(RecordKind::kDone, DoneHead{ticket, static_cast<std::uint64_t>(worker), times.ended_ns});
    const auto found = server.running_.find(this);
    server.over_.push_back(std::move(found->second));
    server.running_.erase(found);
  }

  std::uint64_t index_of(std::uint64_t unit) const override { return unit - first; }

  RankServer& server;
  const std::uint64_t ticket;
  const std::uint64_t first;
  const Message message;
  std::shared_ptr<Job> common{};       // to its job
  std::vector<pool::Beside> beside{};  // what came with the message
  std::vector<pool::Beside> used{};    // what the inputs need
  const std::byte* inputs = nullptr;
  const std::uint64_t item_size;
  std::vector<std::size_t> offsets{};  // of each unit, and of the end; empty where all have one size
};

RankServer::RankServer(Program& program, std::unique_ptr<RankWorkers> workers, Hire hire)
    : program_(program), hire_(std::move(hire)), first_workers_(std::move(workers)) {}

RankServer::~RankServer() = default;

void RankServer::serve() {
  std::int64_t patience = kFirstPatience_ns;
  while (!ended_) {
    bool happened = receive();
    if (workers_ && !broken_) {
      const std::size_t before = out_.size();
      workers_->work();
      if (!workers_->broken().empty()) report_broken(workers_->broken());
      happened = happened || out_.size() != before;
      stop_what_should();
    }
    over_.clear();
    if (happened) patience = kFirstPatience_ns;
    const bool full = out_.size() > kFullBatch || !out_.beside.empty();
    if (!happened || full || pool::steady_ns() - flushed_ns_ > kFlush_ns) flush();
    if (happened || !program_.mailbox().all_sent()) continue;
    if (workers_ && !broken_ && !workers_->idle()) {
      workers_->rest(std::min(patience, kBusyPatience_ns));
    } else {
      const timespec time{0, static_cast<long>(patience)};
      ::nanosleep(&time, nullptr);
    }
    patience = std::min(2 * patience, kIdlePatience_ns);
  }
}

void RankServer::stop_what_should() {
  std::set<std::uint64_t> now;
  for (const auto& [parcel, stretch] : running_)
    if (stopping_.count(parcel->job)) now.insert(parcel->job);
  for (std::uint64_t job : now) workers_->stop(job);
}

void RankServer::flush() {
  flushed_ns_ = pool::steady_ns();
  if (out_.empty()) return;
  program_.mailbox().send(kRoot, out_.take(), out_.take_beside());
  out_.reuse(program_.mailbox().spare());
}

bool RankServer::receive() {
  bool happened = false;
  while (auto letter = program_.mailbox().receive()) {
    const auto message = std::make_shared<Bytes>(std::move(letter->message));
    beside_ = std::move(letter->beside);
    for_each_record(*message, [&](RecordKind kind, BytesReader record) { take(kind, record, message); });
    happened = true;
    beside_.clear();
  }
  return happened;
}

void RankServer::take(RecordKind kind, BytesReader record, const Message& message) {
  switch (kind) {
    case RecordKind::kOpen:
      return open(record);
    case RecordKind::kJob:
      return learn(record, message);
    case RecordKind::kStretch:
      return begin(record, message);
    case RecordKind::kRecall:
      return recall();
    case RecordKind::kStop:
      stopping_.insert(record.take<std::uint64_t>());
      return;
    case RecordKind::kForget:
      if (const auto job = known(record.take<std::uint64_t>())) job->lasting.clear();
      return;
    case RecordKind::kClose:
      return close();
    case RecordKind::kOperation: {
      flush();
      Writer& reply = out_.begin(RecordKind::kReply);
      run_operation(record, reply);
      out_.end();
      return flush();
    }
    case RecordKind::kEnd:
      close();
      ended_ = true;
      out_.add(RecordKind::kEnded);
      return flush();
    default:
      return;
  }
}

void RankServer::open(BytesReader record) {
  const auto head = record.take<OpenHead>();
  pool_ = head.pool;
  try {
    if (head.first_pool != 0) {
      workers_ = std::move(first_workers_);
    } else {
      first_workers_.reset();
      workers_ = hire_(head, record);
    }
    workers_->number_from(head.first_worker);
    if (pool::Cargo* const cargo = workers_->cargo())
      program_.mailbox().room = [cargo](std::size_t size) { return cargo->room(size); };
    set_rank_here(program_.rank(), workers_->workers());
    workers_->crew().restarted = [this, first = head.first_worker](int worker) {
      const std::uint64_t restarted[2] = {pool_, first + static_cast<std::uint64_t>(worker)};
      out_.add(RecordKind::kRestarted, restarted);
    };
  } catch (const std::exception& error) {
    report_broken(error.what());
  }
}

void RankServer::close() {
  if (workers_ && !broken_) running_.empty() ? workers_->leave() : workers_->abandon();
  program_.mailbox().room = nullptr;
  workers_.reset();
  running_.clear();
  early_.clear();
  stopping_.clear();
  jobs_.clear();
  drop_all_parts();
  broken_ = false;
}

void RankServer::report_broken(const std::string& why) {
  broken_ = true;
  Writer& record = out_.begin(RecordKind::kBroken);
  record.write(&pool_, sizeof pool_);
  Codec<std::string>::encode(record, why + " (on rank " + std::to_string(program_.rank()) + ")");
  out_.end();
}

// A job that came by the tree is passed on before anything else.
void RankServer::learn(BytesReader record, const Message& message) {
  const auto job = record.take<std::uint64_t>();
  const auto by_tree = record.take<std::uint64_t>();
  for (int child = 2 * program_.rank() + 1; by_tree && child <= 2 * program_.rank() + 2; ++child) {
    if (child >= program_.size()) break;
    Bytes copy;
    copy.write(message->data(), message->size());
    program_.mailbox().send(child, std::move(copy));
  }
  auto learned = std::make_shared<Job>();
  learned->number = job;
  learned->blob.write(record.skip(0), record.remaining());
  std::erase_if(jobs_, [&](const auto& each) { return each->number == job; });
  jobs_.push_back(std::move(learned));
  if (jobs_.size() > 2 * pool::MessageCrew::kJobs) jobs_.pop_front();
  std::vector<std::unique_ptr<Stretch>> waiting = std::exchange(early_, {});
  for (auto& each : waiting) start(std::move(each));
}

std::shared_ptr<RankServer::Job> RankServer::known(std::uint64_t job) const {
  for (const auto& each : jobs_)
    if (each->number == job) return each;
  return nullptr;
}

void RankServer::begin(BytesReader record, const Message& message) {
  if (!workers_ || broken_) return;  // rank 0 knows, or will soon
  const auto head = record.take<StretchHead>();
  auto stretch = std::make_unique<Stretch>(*this, head, message);
  stretch->inputs = record.skip(0);
  if (head.item_size == StretchHead::kVarious) {
    const std::uint64_t units = head.end - head.begin;
    if (units > record.remaining() / sizeof(std::uint64_t)) throw std::runtime_error("a stretch is torn");
    record.skip(record.remaining() - units * sizeof(std::uint64_t));
    std::size_t offset = 0;
    stretch->offsets.push_back(offset);
    for (std::uint64_t unit = 0; unit < units; ++unit)
      stretch->offsets.push_back(offset += record.take<std::uint64_t>());
  }
  stretch->beside = beside_;
  start(std::move(stretch));
}

void RankServer::start(std::unique_ptr<Stretch> stretch) {
  stretch->common = known(stretch->job);
  if (stretch->job != 0 && !stretch->common) {
    early_.push_back(std::move(stretch));
    return;
  }
  Stretch* const parcel = stretch.get();
  running_.emplace(parcel, std::move(stretch));
  if (parcel->unload()) return workers_->submit(parcel);
  parcel->done(0, {});
}

void RankServer::recall() {
  if (!workers_ || broken_) return;
  workers_->give_back(
      [](const pool::Parcel&) { return true; },
      [&](pool::Parcel* parcel, std::uint64_t from, std::uint64_t to) {
        out_.add(RecordKind::kReturned, ReturnedHead{static_cast<Stretch*>(parcel)->ticket, from, to});
      });
}

}  // namespace furrow::mpi_detail
