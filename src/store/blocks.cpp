#include "store/blocks.hpp"

#include "base/hash.hpp"

namespace furrow::store {

namespace {

struct Head {
  std::uint32_t kind;
  std::uint32_t bytes;
};

constexpr std::uint64_t kSeed = 17;

std::uint64_t check_of(std::string_view head_and_body) { return hash64(head_and_body, kSeed); }

// The bytes of the whole block at the beginning of TEXT; 0 if there is none.
std::size_t block_at(std::string_view text) {
  if (text.size() < sizeof(Head) + sizeof(std::uint64_t)) return 0;
  const std::size_t checked = sizeof(Head) + value_of<Head>(text).bytes;
  if (text.size() < checked + sizeof(std::uint64_t)) return 0;
  return value_of<std::uint64_t>(text.substr(checked)) == check_of(text.substr(0, checked))
             ? checked + sizeof(std::uint64_t)
             : 0;
}

}  // namespace

void append_block(std::string& text, std::uint32_t kind, std::string_view body) {
  const Head head{kind, static_cast<std::uint32_t>(body.size())};
  const std::size_t begin = text.size();
  text.append(bytes_of(head)).append(body);
  const std::uint64_t check = check_of(std::string_view(text).substr(begin));
  text.append(bytes_of(check));
}

BlocksRead read_blocks(std::string_view text,
                       const std::function<void(std::uint32_t kind, std::string_view body)>& take) {
  BlocksRead read;
  while (const std::size_t size = block_at(text)) {
    take(value_of<Head>(text).kind, text.substr(sizeof(Head), size - sizeof(Head) - sizeof(std::uint64_t)));
    text.remove_prefix(size);
    read.bytes += size;
  }
  for (std::size_t at = 1; !read.is_damaged && at < text.size(); ++at)
    read.is_damaged = block_at(text.substr(at)) > 0;
  return read;
}

}  // namespace furrow::store
