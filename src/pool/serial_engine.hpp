// The backend that is no backend: the calling thread does everything, at once.
#pragma once

#include "pool/engine.hpp"

namespace furrow::pool {

class SerialEngine : public Engine {
 public:
  int workers() const override { return 1; }
  void check(const detail::MapCall& call, const MapOptions& options) const override;
  void check(const detail::CallNode& call) const override;
  void run(MapRun& run) override;
  std::unique_ptr<detail::Stream> open(MapRun& run) override;
  void submit(detail::CallNode* call) override;
  void wait() override {}
};

}  // namespace furrow::pool
