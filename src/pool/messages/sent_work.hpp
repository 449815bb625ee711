// Sends calls and maps to workers that were started before them, and runs them there.
//
// The body of a message whose map is 0 is a SentHead and a call. Otherwise it is the inputs of its indices;
// before them, in a worker's first message of that map, come a SentHead and the function. A SentHead begins
// with the number in the Pool of the first of these workers: a rank that passes messages on fills it in.
// Functions are sent as addresses relative to the program (function_address.hpp).
#pragma once

#include <deque>

#include "furrow/detail/call_node.hpp"
#include "pool/map/running_map.hpp"
#include "pool/messages/message_worker.hpp"

namespace furrow::pool {

struct SentHead {
  std::uint64_t first_worker = 0;
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
  std::uint64_t cores_per_task = 1;
  std::uint64_t retries = 0;
  std::uint64_t result_size = 0;  // of plain results, which are reported in blocks; 0: others
};

void encode_call(const detail::CallNode& call, Writer& body);
void encode_map(const RunningMap& run, Writer& body);

// Why CALL cannot be sent, as the end of a sentence; null if it can.
const char* why_not_sent(const detail::CallNode& call);
const char* why_not_sent(const detail::MapCall& call);

// Runs calls and maps in the worker.
class SentWorkHandler : public MessageHandler {
 public:
  void begin(const WorkerContext&) override {}
  void handle(const MessageHead& head, bool with_map, ValueReader& body,
              const WorkerContext& context) override;

 private:
  using Run = void(void*, detail::TaskScope&, std::uint64_t, std::uint64_t, Reader&, detail::ResultWriter&);
  using Drop = void(void*);
  struct SentMap {
    std::uint64_t id = 0;
    SentHead head{};
    void* function = nullptr;
    Run* run = nullptr;
    Drop* drop = nullptr;
  };
  const SentMap& learn(std::uint64_t id, Reader& body);
  const SentMap& known(std::uint64_t id) const;

  std::deque<SentMap> maps_{};
};

}  // namespace furrow::pool
