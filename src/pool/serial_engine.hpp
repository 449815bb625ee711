// The serial backend: the calling thread runs everything at once.
#pragma once

#include <mutex>
#include <vector>

#include "pool/engine.hpp"

namespace furrow::pool {

class SerialEngine : public Engine {
 public:
  explicit SerialEngine(const PoolOptions& options);
  ~SerialEngine() override;
  int workers() const override { return 1; }
  void check(const detail::MapCall& call, const MapOptions& options) const override;
  void check(const detail::CallNode& call) const override;
  void run(RunningMap& run) override;
  std::unique_ptr<detail::Stream> open(RunningMap& run) override;
  void submit(detail::CallNode* call, const std::stop_token& stop) override;
  void wait() override {}
  void cancel_calls() override;
  CallCounts call_counts() override;

 private:
  const WorkerFunction finalizer_;
  std::mutex mutex_;
  std::vector<detail::CallNode*> running_;
  std::uint64_t ended_ = 0;
};

}  // namespace furrow::pool
