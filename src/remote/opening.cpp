#include "remote/opening.hpp"

#include "remote/record.hpp"

namespace furrow::remote {

std::uint64_t open_on_others(Transport& transport, const Opening& opening) {
  static std::uint64_t last_pool = 0;
  ++last_pool;
  std::uint64_t before = 0;
  for (int rank = 0; rank < transport.size(); ++rank) {
    const auto index = static_cast<std::size_t>(rank);
    const auto workers = static_cast<std::uint64_t>(opening.workers_of[index]);
    const bool made = !opening.made.empty() && opening.made[index] > 0;
    const bool sends_functions = !made && opening.worker_functions;
    const OpenHead head{last_pool, before, made, workers, opening.max_tasks_per_child, sends_functions};
    before += workers;
    if (rank == 0) continue;
    RecordWriter records;
    Writer& record = records.begin(RecordKind::kOpen);
    record.write(&head, sizeof head);
    if (sends_functions) opening.worker_functions(record);
    records.end();
    transport.send(rank, records.take());
  }
  return last_pool;
}

void end_others(Transport& transport) {
  for (int rank = 1; rank < transport.size(); ++rank) {
    RecordWriter records;
    records.add(RecordKind::kEnd);
    transport.send(rank, records.take());
  }
  for (int left = transport.size() - 1; left > 0;) {
    const auto received = transport.receive();
    if (!received) {
      transport.rest(50'000);
      continue;
    }
    for_each_record(received->message,
                    [&](RecordKind kind, pool::BytesReader) { left -= kind == RecordKind::kEnded; });
  }
}

}  // namespace furrow::remote
