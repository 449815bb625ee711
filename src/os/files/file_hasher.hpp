// Hashes of files' contents, computed by one background thread and delivered in the loop: the loop never
// reads a user's file.
//
// States of a request: queued -> hashing -> hashed -> delivered. The thread owns the first two, the loop's
// thread the last; one mutex guards the queues between them. Destruction drops what is queued, stops a hash
// in the middle of its file, and joins.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "os/events/event_loop.hpp"

namespace furrow::os {

class FileHasher {
 public:
  // HASH as os::hash_file gives it; 0: not known (larger than the limit, no regular file, unreadable).
  using Callback = std::function<void(std::uint64_t hash)>;

  FileHasher(EventLoop& loop, std::int64_t size_limit);  // bytes; negative: none
  ~FileHasher();
  FileHasher(const FileHasher&) = delete;
  FileHasher& operator=(const FileHasher&) = delete;

  void hash(std::string path,
            Callback callback);  // callbacks come in the order of the calls, from the loop or from drain()
  std::size_t pending() const;
  void drain();  // blocks until all are delivered

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace furrow::os
