#include "remote/stream_transport.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <system_error>

#include "base/printable.hpp"
#include "furrow/errors.hpp"
#include "os/events/clock.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::remote {

namespace {

constexpr std::uint32_t kMagic = 0x5257'7246, kReply = 0x5257'7247;  // "FrWR", "GrWR"
constexpr std::byte kLineFeed{'\n'};
constexpr std::int64_t kPatience_ns = 5'000'000'000;
constexpr std::size_t kMostParts = 64;  // of one write

struct FrameHead {
  std::uint32_t magic = kMagic;  // kReply: there is no message
  std::uint32_t buffers = 0;
  std::uint64_t size = 0;
};
static_assert(sizeof(FrameHead) == 16);

void never_block(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

std::string text_of_errno() { return std::generic_category().message(errno); }

// A frame on its way out.
struct Outgoing {
  Outgoing(std::uint32_t magic, Bytes bytes, Transport::Buffers out_of_band)
      : message(std::move(bytes)), buffers(std::move(out_of_band)) {
    const FrameHead begin{magic, static_cast<std::uint32_t>(buffers.size()), message.size()};
    head.write(&begin, sizeof begin);
    for (const auto& each : buffers) head.write(&each.size, sizeof each.size);
  }
  // The parts that are still to be written; at most so many that one call takes them.
  std::size_t parts(std::array<iovec, kMostParts>& into) const {
    std::size_t count = 0, skipped = sent;
    const auto add = [&](const void* data, std::size_t size) {
      const std::size_t skip = std::min(skipped, size);
      skipped -= skip;
      if (skip < size && count < into.size())
        into[count++] = {static_cast<std::byte*>(const_cast<void*>(data)) + skip, size - skip};
    };
    add(head.data(), head.size());
    add(message.data(), message.size());
    for (const auto& each : buffers) add(each.data, each.size);
    add(&kLineFeed, 1);
    return count;
  }

  Bytes head{};
  Bytes message;
  Transport::Buffers buffers;
  std::size_t sent = 0;
};

// A frame that arrives: which part of it comes next, and where that goes.
struct Incoming {
  enum class Part { kHead, kReplied, kSizes, kMessage, kBuffer, kEnd, kComplete };

  Part part = Part::kHead;
  std::byte* at = reinterpret_cast<std::byte*>(&head);
  std::size_t left = sizeof head;
  FrameHead head{};
  std::vector<std::uint64_t> sizes{};
  Bytes message{};
  Transport::Buffers buffers{};
  std::byte end{};

  Incoming() = default;
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  void expect(Part next, void* where, std::size_t size) {
    part = next;
    at = static_cast<std::byte*>(where);
    left = size;
  }
};

}  // namespace

struct StreamTransport::Link {
  Link(int to, Pipes pipes) : rank(to), in(pipes.in), out(std::in_place, pipes.out) {
    never_block(pipes.in);
    never_block(pipes.out);
  }
  bool is_lost() const { return !why.empty(); }
  void give_up(std::string text) {
    if (is_lost()) return;
    why = std::move(text);
    outgoing.clear();
  }
  void write();
  // Sends a frame without a message, unless there is one to be sent.
  void reply() {
    if (is_lost() || !takes || !outgoing.empty()) return;
    came = false;
    outgoing.emplace_back(kReply, Bytes(), Buffers());
    write();
  }

  const int rank;
  const os::Descriptor in;
  std::optional<os::Descriptor> out;
  std::string why{};  // it is lost
  bool named = false;
  bool came = false;  // a message came, and nothing was sent since
  bool takes = true;  // false: nobody reads what is sent, and the end of its own pipe will say why
  std::deque<Outgoing> outgoing{};
  std::unique_ptr<Incoming> incoming = std::make_unique<Incoming>();
};

StreamTransport::StreamTransport(int rank, const std::vector<Pipes>& pipes) : rank_(rank) {
  for (const Pipes& each : pipes)
    links_.push_back(std::make_unique<Link>(rank == 0 ? static_cast<int>(links_.size()) + 1 : 0, each));
  auto notifier = os::Notifier::create();
  if (!notifier) throw PoolError(notifier.error().to_string());
  notifier_ = std::move(*notifier);
}

StreamTransport::~StreamTransport() = default;

StreamTransport::Link& StreamTransport::link_to(int rank) {
  return *links_[static_cast<std::size_t>(rank_ == 0 ? rank - 1 : 0)];
}

void StreamTransport::send(int rank, Bytes message, Buffers buffers) {
  Link& link = link_to(rank);
  if (link.is_lost() || !link.takes) return;
  link.outgoing.emplace_back(kMagic, std::move(message), std::move(buffers));
  link.came = false;
  link.write();
}

void StreamTransport::Link::write() {
  while (!outgoing.empty()) {
    Outgoing& first = outgoing.front();
    std::array<iovec, kMostParts> parts{};
    const std::size_t count = first.parts(parts);
    if (count == 0) {
      outgoing.pop_front();
      continue;
    }
    const ssize_t written = ::writev(out->get(), parts.data(), static_cast<int>(count));
    if (written > 0) {
      first.sent += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      if (errno == EAGAIN) return;
      takes = false;
      outgoing.clear();
    }
  }
}

bool StreamTransport::all_sent() {
  bool all = true;
  for (auto& each : links_) {
    each->write();
    all = all && each->outgoing.empty();
  }
  return all;
}

// Reads meanwhile: a rank that waits for its own messages to be taken takes none.
void StreamTransport::flush() {
  const std::int64_t deadline = os::monotonic_ns() + kPatience_ns;
  while (!all_sent()) {
    while (auto message = read_next()) arrived_.push_back(*std::move(message));
    const std::int64_t left = deadline - os::monotonic_ns();
    if (left > 0) {
      rest(std::min<std::int64_t>(left, 10'000'000));
      continue;
    }
    for (auto& each : links_)
      if (!each->outgoing.empty()) each->give_up("it takes no messages any more");
  }
}

void StreamTransport::close_out() {
  for (auto& each : links_) {
    each->takes = false;
    each->outgoing.clear();
    each->out.reset();
  }
}

bool StreamTransport::all_lost() const {
  return std::all_of(links_.begin(), links_.end(), [](const auto& each) { return each->is_lost(); });
}

std::optional<Transport::Lost> StreamTransport::lost() {
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (links_[i]->is_lost() && !std::exchange(links_[i]->named, true))
      return Lost{links_[i]->rank, links_[i]->why};
  return std::nullopt;
}

std::optional<Transport::Message> StreamTransport::receive() {
  all_sent();
  if (arrived_.empty()) return read_next();
  Message first = std::move(arrived_.front());
  arrived_.pop_front();
  return first;
}

std::optional<Transport::Message> StreamTransport::read_next() {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const std::size_t index = (next_ + i) % links_.size();
    Link& link = *links_[index];
    if (link.is_lost() || !read(link)) continue;
    next_ = index;
    const auto read = std::exchange(link.incoming, std::make_unique<Incoming>());
    return Message{link.rank, std::move(read->message), std::move(read->buffers)};
  }
  return std::nullopt;
}

// Reads what there is of the frame; true if it is complete.
bool StreamTransport::read(Link& link) {
  Incoming& frame = *link.incoming;
  using Part = Incoming::Part;
  bool progressed = false;
  const auto next_buffer = [&] {
    const std::size_t number = frame.buffers.size();
    if (number == frame.sizes.size()) return frame.expect(Part::kEnd, &frame.end, 1);
    frame.buffers.push_back(room_for(frame.sizes[number]));
    frame.expect(Part::kBuffer, frame.buffers.back().data, frame.sizes[number]);
  };
  while (frame.part != Part::kComplete) {
    if (frame.left > 0) {
      const ssize_t got = ::read(link.in.get(), frame.at, frame.left);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) {
        if (progressed) link.reply();
        return false;
      }
      if (got <= 0) {
        link.give_up(got == 0 ? "its connection has ended" : "its connection is broken: " + text_of_errno());
        return false;
      }
      frame.at += got;
      frame.left -= static_cast<std::size_t>(got);
      progressed = true;
      if (frame.left > 0) continue;
    }
    switch (frame.part) {
      case Part::kHead:
        if (frame.head.magic == kReply) {
          frame.expect(Part::kReplied, &frame.end, 1);
          break;
        }
        if (frame.head.magic != kMagic) {
          const std::string_view bytes(reinterpret_cast<const char*>(&frame.head), sizeof frame.head);
          link.give_up("it has sent something that is no message: " + printable(bytes));
          return false;
        }
        frame.sizes.resize(frame.head.buffers);
        frame.expect(Part::kSizes, frame.sizes.data(), frame.sizes.size() * sizeof(std::uint64_t));
        break;
      case Part::kSizes:
        frame.message = spare();
        frame.expect(Part::kMessage, frame.message.extend(frame.head.size), frame.head.size);
        break;
      case Part::kMessage:
      case Part::kBuffer:
        next_buffer();
        break;
      case Part::kReplied:
        frame.expect(Part::kHead, &frame.head, sizeof frame.head);
        progressed = false;
        link.came = rank_ != 0 || (awaits && awaits(link.rank));
        break;
      default:
        frame.part = Part::kComplete;
    }
  }
  link.came = true;
  return true;
}

void StreamTransport::rest(std::int64_t at_most_ns) {
  std::vector<pollfd> watched{{notifier_.descriptor(), POLLIN, 0}};
  for (auto& each : links_) {
    if (each->came) each->reply();
    if (each->is_lost()) continue;
    watched.push_back({each->in.get(), POLLIN, 0});
    if (!each->outgoing.empty()) watched.push_back({each->out->get(), POLLOUT, 0});
  }
  const timespec time{static_cast<time_t>(at_most_ns / 1'000'000'000),
                      static_cast<long>(at_most_ns % 1'000'000'000)};
  if (::ppoll(watched.data(), watched.size(), &time, nullptr) > 0 && watched.front().revents != 0)
    notifier_.clear();
}

}  // namespace furrow::remote
