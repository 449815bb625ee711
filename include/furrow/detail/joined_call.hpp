// A call that no Pool runs: it ends when other calls have ended. Not for direct use.
#pragma once

#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/call_node.hpp"

namespace FURROW_NAMESPACE::detail {

// Owned by its Future, and by whoever calls end() or end_with(), once.
template <class R>
class JoinedCall final : public CallState<R> {
 public:
  // OF_PARTS: the pump that settles the calls that this one waits for; may be null.
  explicit JoinedCall(pool::CallPump* of_parts) : CallState<R>(of_parts) {}

  // Ends with what MAKE returns or throws.
  template <class Make>
  void end(const Make& make) noexcept {
    try {
      if constexpr (std::is_void_v<R>) {
        make();
        this->outcome_ = Outcome<void>::done();
      } else {
        this->outcome_ = Outcome<R>(make());
      }
    } catch (...) {
      this->outcome_ = Outcome<R>(failure_here());
    }
    this->settle();
  }
  void end_with(const Failure& failure) noexcept {
    this->outcome_ = Outcome<R>(failure);
    this->settle();
  }

  bool stoppable() const override { return false; }
  SentCall sent() const override { return {"it is no call of a Pool", nullptr}; }
  void encode(Writer&) const override {}

 protected:
  void call(TaskScope&) override {}
  void drop_function() noexcept override {}
};

}  // namespace FURROW_NAMESPACE::detail
