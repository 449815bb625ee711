#include "native/agents.hpp"

#include <algorithm>

#include "native/workers_of_rank.hpp"
#include "os/events/clock.hpp"
#include "remote/opening.hpp"
#include "remote/remote_workers.hpp"

namespace furrow::python {

namespace {

using remote::StreamTransport;

std::shared_ptr<StreamTransport> transport_over(int rank, const std::vector<std::pair<int, int>>& pipes) {
  std::vector<StreamTransport::Pipes> made;
  for (const auto& [in, out] : pipes) made.push_back({in, out});
  return std::make_shared<StreamTransport>(rank, made);
}

py::bytes bytes_of(std::span<const std::byte> notice) {
  return py::bytes(reinterpret_cast<const char*>(notice.data()), notice.size());
}

// What the capsule owns.
struct Opened {
  std::shared_ptr<StreamTransport> transport;
  std::unique_ptr<remote::RemoteWorkers> workers;
};

}  // namespace

Agents::Agents(const std::vector<std::pair<int, int>>& pipes) : transport_(transport_over(0, pipes)) {}

py::capsule Agents::open(const std::vector<int>& workers_of, std::uint64_t max_tasks, const py::bytes& sent,
                         const py::object& runtime, py::object noticed, py::object explain) {
  const py::capsule codec = runtime.attr("codec");
  const std::string bytes = sent;
  const auto write = [&](Writer& to) { to.write(bytes.data(), bytes.size()); };
  std::vector<int> of_ranks{0};  // rank 0, this process, has none
  of_ranks.insert(of_ranks.end(), workers_of.begin(), workers_of.end());
  const std::uint64_t pool = remote::open_on_others(*transport_, {of_ranks, {}, max_tasks, write});
  auto workers = std::make_unique<remote::RemoteWorkers>(*transport_, pool, of_ranks, nullptr,
                                                         codec.get_pointer<pool::PayloadCodec>());
  workers->noticed = [noticed = std::move(noticed)](std::span<const std::byte> notice) {
    noticed(bytes_of(notice));
  };
  workers->explain = [explain = std::move(explain)](int rank, const std::string& why) {
    return explain(rank - 1, why).cast<std::string>();
  };
  pool::ChunkWorkers* const chunk_workers = workers.get();
  py::capsule capsule(chunk_workers, kRanksName);
  auto* const opened = new Opened{transport_, std::move(workers)};
  PyCapsule_SetContext(capsule.ptr(), opened);
  PyCapsule_SetDestructor(capsule.ptr(),
                          [](PyObject* dying) { delete static_cast<Opened*>(PyCapsule_GetContext(dying)); });
  return capsule;
}

bool Agents::end(double seconds, const py::object& noticed) {
  const auto take = [&](remote::RecordKind kind, pool::BytesReader record) {
    if (kind != remote::RecordKind::kNotice) return;
    const py::gil_scoped_acquire gil;
    const std::size_t size = record.remaining();
    noticed(bytes_of({record.skip(size), size}));
  };
  const py::gil_scoped_release released;
  transport_->close_out();
  const std::int64_t deadline = os::monotonic_ns() + static_cast<std::int64_t>(seconds * 1e9);
  for (;;) {
    while (const auto received = transport_->receive()) remote::for_each_record(received->message, take);
    if (transport_->all_lost()) return true;
    const std::int64_t left = deadline - os::monotonic_ns();
    if (left <= 0) return false;
    transport_->rest(left);
  }
}

void serve_pipes(int rank, int in, int out, std::string name, const py::object& make_workers,
                 const py::object& notices) {
  const auto transport = transport_over(rank, {{in, out}});
  std::vector<py::object> runtimes;
  remote::RankServer::Hooks hooks;
  hooks.name = std::move(name);
  hooks.make_workers = workers_made_by(make_workers, runtimes);
  hooks.add_notices = [&notices](remote::RecordWriter& records) {
    const py::gil_scoped_acquire gil;
    for (const py::handle each : notices()) {
      const std::string_view notice = each.cast<std::string_view>();
      records.begin(remote::RecordKind::kNotice).write(notice.data(), notice.size());
      records.end();
    }
  };
  const py::gil_scoped_release released;
  remote::RankServer(*transport, nullptr, std::move(hooks)).serve();
}

}  // namespace furrow::python
