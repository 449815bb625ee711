// Publishes what happens in a run to all that keep or show it: the event journal in the store.
//
// The journal is written at most twice a second, so a job costs no system call. Not thread-safe.
#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cli/run/workflow_session.hpp"
#include "os/events/event_loop.hpp"
#include "plan/event.hpp"
#include "store/event_journal.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::cli {

class EventPublisher final : public plan::EventSink {
 public:
  // Borrows all. A folder in which the journal cannot be written gets none.
  EventPublisher(WorkflowSession& session, const workflow::WorkflowSource& source, os::EventLoop& loop);
  ~EventPublisher() override;

  // Borrowed. Call it before the first event.
  void add_listener(store::RunEvents& listener);
  void on_event(const plan::Event& event) override;
  // No event follows. CODE: that of the run.
  void finish(int code);

 private:
  store::RunFacts facts() const;
  void publish_plan();
  void started(const plan::Event& event);
  void ended(const plan::Event& event);
  void write_soon();
  const std::string& reason_of(workflow::NodeId node);

  template <class Notify>
  void publish(Notify notify) {
    for (store::RunEvents* const listener : listeners_) notify(*listener);
    write_soon();
  }

  WorkflowSession& session_;
  const workflow::WorkflowSource& source_;
  os::EventLoop& loop_;
  std::unique_ptr<store::EventJournalWriter> journal_;
  std::vector<store::RunEvents*> listeners_;
  std::unordered_set<workflow::NodeId> running_;
  std::unordered_map<workflow::Reasons, std::string> reasons_;
  std::uint64_t timer_ = 0;
};

}  // namespace furrow::cli
