#include "remote/rank_server.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "pool/task/failure.hpp"

namespace furrow::remote {

namespace {

constexpr std::int64_t kFirstPatience_ns = 20'000;
// The longest sleep between two looks for messages, while workers are busy and while they are not.
constexpr std::int64_t kBusyPatience_ns = 200'000;
constexpr std::int64_t kIdlePatience_ns = 1'000'000;
constexpr std::int64_t kWokenPatience_ns = 50'000'000;
constexpr std::size_t kFullMessage = std::size_t{64} << 10;
constexpr std::int64_t kFlush_ns = 100'000;
constexpr int kRoot = 0;

}  // namespace

// A chunk from rank 0. Its inputs are not copied: they stay in the message.
struct RankServer::ReceivedChunk : pool::Chunk {
  ReceivedChunk(RankServer& of, const ChunkHead& head, SharedBytes in)
      : server(of),
        request(head.request),
        first(head.first),
        message(std::move(in)),
        item_size(head.item_size) {
    begin = head.begin;
    end = head.end;
    map = head.map;
    items_per_index = head.block;
    result_size = head.result_size;
    chunksize = head.chunksize;
    timeout_s = head.timeout_s;
    retries = static_cast<int>(head.retries);
  }
  std::size_t offset_of(std::uint64_t index) const {
    return offsets.empty() ? (index - begin) * item_size : offsets[index - begin];
  }
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    body.write(inputs + offset_of(from), offset_of(to) - offset_of(from));
  }
  void encode_map(Writer& body) override { body.write(common->blob.data(), common->blob.size()); }
  void store(std::uint64_t index, pool::ValueReader& result) override {
    if (server.workers_->codec()) return store_value(index, result);
    server.out_.add_result(request, index, [&](Writer& to) { result.copy_rest(to); });
  }
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes) override {
    pool::PayloadCodec* const codec = server.workers_->codec();
    if (!codec) return server.out_.add_results(request, index, count, result_size, bytes.data());
    send_values(index, count, *codec,
                [&](Writer& to) { to.write(bytes.data(), codec->measure(bytes, count)); });
  }
  // One large result, which follows its size.
  void store_value(std::uint64_t index, pool::ValueReader& result) {
    std::uint64_t size = 0;
    result.read(&size, sizeof size);
    send_values(index, 1, *server.workers_->codec(), [&](Writer& to) { result.copy_rest(to); });
  }
  template <class Write>
  void send_values(std::uint64_t index, std::uint64_t count, pool::PayloadCodec& codec, const Write& write) {
    Writer& record = server.out_.begin(RecordKind::kBlock);
    const BlockHead head{request, index, count};
    record.write(&head, sizeof head);
    const std::size_t mark = server.out_.mark();
    try {
      write(record);
      codec.load(server.out_.since(mark), server.out_.buffers, nullptr);
    } catch (...) {
      server.out_.drop();
      throw;
    }
    server.out_.end();
  }
  // Puts the chunk's large buffers where the workers see them. If that fails, every index fails; returns
  // false.
  bool unload() {
    pool::PayloadCodec* const codec = server.workers_->codec();
    if (!codec) return true;
    std::byte* const values = message->data() + (inputs - message->data());
    try {
      codec->unload({values, offset_of(end)}, std::exchange(buffers, {}), &common->lasting, used);
      return true;
    } catch (...) {
      Failure failure = pool::current_failure();
      failure.kind = FailureKind::kLost;
      for (std::uint64_t index = begin; index < end; ++index) {
        failure.index = index_in_map(index);
        failed(failure, index, 0);
      }
      return false;
    }
  }
  void failed(Failure failure, std::uint64_t index, int worker) override {
    Writer& record = server.out_.begin(RecordKind::kFailure);
    const FailureHead head{request, index, static_cast<std::uint64_t>(worker)};
    record.write(&head, sizeof head);
    pool::encode_failure(record, failure);
    server.out_.end();
  }
  void done(int worker, const Times& times) override {
    server.out_.add(RecordKind::kDone,
                    DoneHead{request, static_cast<std::uint64_t>(worker), times.ended_ns - times.began_ns});
    if (map == 0) server.stopping_.erase(begin);
    const auto found = server.running_.find(this);
    server.over_.push_back(std::move(found->second));
    server.running_.erase(found);
  }

  std::uint64_t index_in_map(std::uint64_t index) const override { return index - first; }

  RankServer& server;
  const std::uint64_t request;
  const std::uint64_t first;
  const SharedBytes message;
  std::shared_ptr<SentMap> common{};             // what all chunks of the map have in common
  std::vector<pool::OutOfBandBuffer> buffers{};  // those that came with the message
  std::vector<pool::OutOfBandBuffer> used{};     // those that the inputs refer to
  const std::byte* inputs = nullptr;
  const std::uint64_t item_size;
  // Where each index's input begins, and where the last one ends; empty if all have one size.
  std::vector<std::size_t> offsets{};
};

RankServer::RankServer(Transport& transport, std::unique_ptr<RankWorkers> workers, Hooks hooks)
    : transport_(transport), hooks_(std::move(hooks)), first_workers_(std::move(workers)) {}

RankServer::~RankServer() = default;

void RankServer::serve() {
  std::int64_t patience = kFirstPatience_ns;
  while (!ended_) {
    bool happened = receive();
    if (transport_.lost()) {  // rank 0, since this rank hears of no other; it may have closed the Pool before
      if (workers_ && !broken_) workers_->abandon();
      flush();
      return transport_.flush();
    }
    if (workers_ && !broken_) {
      const std::size_t before = out_.size();
      workers_->work();
      if (!workers_->broken().empty()) report_broken(workers_->broken());
      happened = happened || out_.size() != before;
      keep_memory(!workers_->idle());
      stop_what_should();
    }
    over_.clear();
    if (happened) patience = kFirstPatience_ns;
    const bool full = out_.size() > kFullMessage || !out_.buffers.empty();
    if (!happened || full || os::monotonic_ns() - flushed_ns_ > kFlush_ns) flush();
    if (happened || (!transport_.all_sent() && !transport_.wakes())) continue;
    if (workers_ && !broken_ && !workers_->idle())
      workers_->rest(std::min(patience, kBusyPatience_ns));
    else
      transport_.rest(transport_.wakes() ? kWokenPatience_ns : patience);
    patience = std::min(2 * patience, kIdlePatience_ns);
  }
}

// After a while without tasks, an idle worker gives the memory back (Arena::trim).
void RankServer::keep_memory(bool tasks_run) {
  if (std::exchange(tasks_run_, tasks_run) != tasks_run && workers_->codec())
    workers_->codec()->keep_memory(tasks_run);
}

void RankServer::stop_what_should() {
  std::set<std::uint64_t> now;
  for (const auto& [chunk, received] : running_)
    if (stopping_.count(chunk->stop_id())) now.insert(chunk->stop_id());
  for (std::uint64_t id : now) workers_->stop(id);
}

// Chunks of a map may come later; a call that is not here is over.
void RankServer::stop(std::uint64_t id) {
  const bool is_call = id >= pool::Chunk::kCallIndices;
  const auto has = [&](const auto& each) { return each.first->stop_id() == id; };
  if (!is_call || std::any_of(running_.begin(), running_.end(), has)) stopping_.insert(id);
}

void RankServer::flush() {
  flushed_ns_ = os::monotonic_ns();
  hooks_.add_notices(out_);
  if (out_.empty()) return;
  transport_.send(kRoot, out_.take(), out_.take_buffers());
  out_.reuse(transport_.spare());
}

bool RankServer::receive() {
  bool happened = false;
  while (auto received = transport_.receive()) {
    const auto message = std::make_shared<Bytes>(std::move(received->message));
    buffers_ = std::move(received->buffers);
    for_each_record(*message,
                    [&](RecordKind kind, pool::BytesReader record) { take(kind, record, message); });
    happened = true;
    buffers_.clear();
  }
  return happened;
}

void RankServer::take(RecordKind kind, pool::BytesReader record, const SharedBytes& message) {
  switch (kind) {
    case RecordKind::kOpen:
      return open(record);
    case RecordKind::kMap:
      return learn(record, message);
    case RecordKind::kChunk:
      return begin(record, message);
    case RecordKind::kRecall:
      return recall();
    case RecordKind::kStop:
      return stop(record.take<std::uint64_t>());
    case RecordKind::kForget:
      if (const auto map = known(record.take<std::uint64_t>())) map->lasting.clear();
      return;
    case RecordKind::kClose:
      return close();
    case RecordKind::kOperation: {
      flush();
      Writer& reply = out_.begin(RecordKind::kReply);
      hooks_.run_operation(record, reply);
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

void RankServer::open(pool::BytesReader record) {
  const auto head = record.take<OpenHead>();
  pool_ = head.pool;
  tasks_run_ = false;
  try {
    if (head.first_pool != 0) {
      workers_ = std::move(first_workers_);
    } else {
      first_workers_.reset();
      workers_ = hooks_.make_workers(head, record);
    }
    workers_->number_from(head.first_worker);
    if (pool::PayloadCodec* const codec = workers_->codec())
      transport_.room = [codec](std::size_t size) { return codec->room(size); };
    hooks_.opened(workers_->workers());
    FURROW_LOG(mpi, info, "rank {} serves Pool {} with {} workers", transport_.rank(), pool_,
               workers_->workers());
    workers_->processes().restarted = [this, first = head.first_worker](int worker) {
      const std::uint64_t restarted[2] = {pool_, first + static_cast<std::uint64_t>(worker)};
      out_.add(RecordKind::kRestarted, restarted);
    };
  } catch (const std::exception& error) {
    report_broken(error.what());
  }
}

void RankServer::close() {
  if (workers_ && !broken_) running_.empty() ? workers_->shut_down() : workers_->abandon();
  transport_.room = nullptr;
  workers_.reset();
  running_.clear();
  early_.clear();
  stopping_.clear();
  maps_.clear();
  hooks_.closed();
  broken_ = false;
}

void RankServer::report_broken(const std::string& why) {
  broken_ = true;
  Writer& record = out_.begin(RecordKind::kBroken);
  record.write(&pool_, sizeof pool_);
  const std::string& name = hooks_.name;
  const std::string here = name.empty() ? "rank " + std::to_string(transport_.rank()) : name;
  Codec<std::string>::encode(record, why + " (on " + here + ")");
  out_.end();
}

// A map that is sent down the tree is passed on before this rank uses it.
void RankServer::learn(pool::BytesReader record, const SharedBytes& message) {
  const auto map = record.take<std::uint64_t>();
  const auto by_tree = record.take<std::uint64_t>();
  for (int child = 2 * transport_.rank() + 1; by_tree && child <= 2 * transport_.rank() + 2; ++child) {
    if (child >= transport_.size()) break;
    Bytes copy;
    copy.write(message->data(), message->size());
    transport_.send(child, std::move(copy));
  }
  auto learned = std::make_shared<SentMap>();
  learned->number = map;
  learned->blob.write(record.skip(0), record.remaining());
  std::erase_if(maps_, [&](const auto& each) { return each->number == map; });
  maps_.push_back(std::move(learned));
  if (maps_.size() > 2 * pool::MessageWorkers::kMaps) maps_.pop_front();
  std::vector<std::unique_ptr<ReceivedChunk>> waiting = std::exchange(early_, {});
  for (auto& each : waiting) start(std::move(each));
}

std::shared_ptr<RankServer::SentMap> RankServer::known(std::uint64_t map) const {
  for (const auto& each : maps_)
    if (each->number == map) return each;
  return nullptr;
}

void RankServer::begin(pool::BytesReader record, const SharedBytes& message) {
  if (!workers_ || broken_) return;  // rank 0 knows, or will learn it from kBroken
  const auto head = record.take<ChunkHead>();
  auto received = std::make_unique<ReceivedChunk>(*this, head, message);
  received->inputs = record.skip(0);
  if (head.item_size == ChunkHead::kVarious) {
    const std::uint64_t indices = head.end - head.begin;
    if (indices > record.remaining() / sizeof(std::uint64_t))
      throw std::runtime_error("a chunk from rank 0 is incomplete");
    record.skip(record.remaining() - indices * sizeof(std::uint64_t));
    std::size_t offset = 0;
    received->offsets.push_back(offset);
    for (std::uint64_t index = 0; index < indices; ++index)
      received->offsets.push_back(offset += record.take<std::uint64_t>());
  }
  received->buffers = buffers_;
  start(std::move(received));
}

void RankServer::start(std::unique_ptr<ReceivedChunk> received) {
  received->common = known(received->map);
  if (received->map != 0 && !received->common) {
    early_.push_back(std::move(received));
    return;
  }
  ReceivedChunk* const chunk = received.get();
  running_.emplace(chunk, std::move(received));
  if (chunk->unload()) return workers_->submit(chunk);
  chunk->done(0, {});
}

void RankServer::recall() {
  if (!workers_ || broken_) return;
  workers_->give_back(
      [](const pool::Chunk&) { return true; },
      [&](pool::Chunk* chunk, std::uint64_t from, std::uint64_t to) {
        out_.add(RecordKind::kReturned, ReturnedHead{static_cast<ReceivedChunk*>(chunk)->request, from, to});
      });
}

}  // namespace furrow::remote
