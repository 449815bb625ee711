// Calls and maps on their way to workers that were started before them, and what such a worker does.
//
// The body of a message is a CallHead and the call, where its job is 0; otherwise the inputs of its units,
// and before them, if that is the worker's first message of this job, a JobHead and the function. Both heads
// begin with the number that the crew's first worker has in the Pool: whoever passes messages on to a crew
// puts it there. Functions are sent as places in the program (function_place.hpp).
#pragma once

#include <deque>

#include "furrow/detail/call_node.hpp"
#include "pool/map/map_run.hpp"
#include "pool/messages/message_worker.hpp"

namespace furrow::pool {

struct SentHead {
  std::uint64_t first_worker = 0;
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
  std::uint64_t share = 1;
  std::uint64_t retries = 0;
  std::uint64_t result_size = 0;  // of plain results, which are reported in blocks; 0: of others
};

void encode_call(const detail::CallNode& call, Writer& body);
void encode_job(const MapRun& run, Writer& body);

// Why they cannot be sent, as the end of a sentence; null where they can.
const char* why_not_sent(const detail::CallNode& call);
const char* why_not_sent(const detail::MapCall& call);

// In the worker.
class SentWorkHandler : public MessageHandler {
 public:
  void begin(const WorkerDesk&) override {}
  void handle(const MessageHead& head, bool with_job, Reader& body, const WorkerDesk& desk) override;

 private:
  using Run = void(void*, detail::TaskScope&, std::uint64_t, std::uint64_t, Reader&, detail::ResultWriter&);
  using Drop = void(void*);
  struct Job {
    std::uint64_t id = 0;
    SentHead head{};
    void* function = nullptr;
    Run* run = nullptr;
    Drop* drop = nullptr;
  };
  const Job& learn(std::uint64_t id, Reader& body);
  const Job& known(std::uint64_t id) const;

  std::deque<Job> jobs_{};
};

}  // namespace furrow::pool
