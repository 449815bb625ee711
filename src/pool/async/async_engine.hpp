// The async backend: coroutines that take turns on one thread (see furrow/async.hpp). Functions that return
// plain values run at once on the calling thread, as on serial.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "pool/async/async_calls.hpp"
#include "pool/engine.hpp"
#include "pool/serial_engine.hpp"

namespace furrow::pool {

class AsyncEngine : public Engine {
 public:
  AsyncEngine(int in_flight, const PoolOptions& options);

  int workers() const override { return in_flight_; }
  void check(const detail::MapCall& call, const MapOptions& options) const override;
  void check(const detail::CallNode& call) const override;
  void run(RunningMap& run) override;
  std::unique_ptr<detail::Stream> open(RunningMap& run) override;
  void submit(detail::CallNode* call, const std::stop_token& stop) override;
  void wait() override;
  void cancel_calls() override;
  CallCounts call_counts() override;

 private:
  AsyncCalls& calls(const detail::AsyncStart& how);
  AsyncCalls* calls();  // null: there was none yet

  const int in_flight_;
  const PoolOptions options_;
  SerialEngine plain_;
  std::mutex mutex_;
  std::unique_ptr<AsyncCalls> calls_;  // made by the first call
};

}  // namespace furrow::pool
