// Hashes the contents of files in one background thread and delivers the results from the loop, so that the
// loop itself never reads a user's file.
//
// States of a request: queued -> hashing -> hashed -> delivered. The background thread owns the first two,
// the loop's thread the last; one mutex guards the queues between them. The destructor drops what is queued,
// stops a hash in the middle of its file, and joins the thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "os/events/event_loop.hpp"

namespace furrow::os {

class FileHasher {
 public:
  // HASH is what os::hash_file returns; 0: unknown (larger than the limit, not a regular file, unreadable).
  // MTIME_NS is that of the file once it was read: if it is what was expected, so is the content.
  struct Content {
    std::uint64_t hash = 0;
    std::int64_t mtime_ns = 0;
  };
  using Callback = std::function<void(Content content)>;

  FileHasher(EventLoop& loop, std::int64_t size_limit);  // bytes; negative: none
  ~FileHasher();
  FileHasher(const FileHasher&) = delete;
  FileHasher& operator=(const FileHasher&) = delete;

  // Callbacks come in the order of the calls, from the loop or from drain().
  void hash(std::string path, Callback callback);
  std::size_t pending() const;
  void drain();  // blocks until all hashes are delivered

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace furrow::os
