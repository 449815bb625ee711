#include "remote/record.hpp"

#include <gtest/gtest.h>

#include <string>

namespace furrow::remote {
namespace {

struct Written {
  ChunkHead head;
  std::string inputs;
  std::vector<std::uint64_t> sizes;
};

// The one chunk in a message, decoded as a rank decodes it.
Written chunk_in(const Bytes& message) {
  Written found{};
  int chunks = 0;
  for_each_record(message, [&](RecordKind kind, pool::BytesReader record) {
    if (kind != RecordKind::kChunk) return;
    ++chunks;
    found.head = record.take<ChunkHead>();
    const std::uint64_t indices = found.head.end - found.head.begin;
    const std::size_t tail = found.head.item_size == ChunkHead::kVarious ? indices * sizeof indices : 0;
    const std::size_t size = record.remaining() - tail;
    found.inputs.assign(reinterpret_cast<const char*>(record.skip(size)), size);
    while (record.remaining() > 0) found.sizes.push_back(record.take<std::uint64_t>());
  });
  EXPECT_EQ(chunks, 1);
  return found;
}

ChunkHead head_from(std::uint64_t begin) {
  ChunkHead head{};
  head.request = 7;
  head.begin = head.end = begin;
  return head;
}

void add(ChunkWriter& chunk, const std::string& input) {
  chunk.next().write(input.data(), input.size());
  chunk.end_input();
}

TEST(ChunkWriter, WritesOneSizeIfAllInputsHaveIt) {
  RecordWriter out;
  ChunkWriter chunk(out, head_from(10));
  for (const char* each : {"aa", "bb", "cc"}) add(chunk, each);
  EXPECT_EQ(chunk.size(), 6u);
  chunk.end();
  const Written found = chunk_in(out.take());
  EXPECT_EQ(found.head.request, 7u);
  EXPECT_EQ(found.head.begin, 10u);
  EXPECT_EQ(found.head.end, 13u);
  EXPECT_EQ(found.head.item_size, 2u);
  EXPECT_EQ(found.inputs, "aabbcc");
  EXPECT_TRUE(found.sizes.empty());
}

TEST(ChunkWriter, WritesEverySizeIfInputsDiffer) {
  RecordWriter out;
  ChunkWriter chunk(out, head_from(0));
  for (const char* each : {"aa", "bb", "", "cccc", "dd"}) add(chunk, each);
  chunk.end();
  const Written found = chunk_in(out.take());
  EXPECT_EQ(found.head.item_size, ChunkHead::kVarious);
  EXPECT_EQ(found.inputs, "aabbccccdd");
  EXPECT_EQ(found.sizes, (std::vector<std::uint64_t>{2, 2, 0, 4, 2}));
}

TEST(ChunkWriter, WritesTheSizeOfEmptyInputs) {
  RecordWriter out;
  ChunkWriter chunk(out, head_from(0));
  for (int i = 0; i < 3; ++i) add(chunk, "");
  chunk.end();
  const Written found = chunk_in(out.take());
  EXPECT_EQ(found.head.end, 3u);
  EXPECT_EQ(found.head.item_size, 0u);
}

TEST(ChunkWriter, LeavesOutAnInputThatDidNotEnd) {
  RecordWriter out;
  ChunkWriter chunk(out, head_from(0));
  add(chunk, "aa");
  chunk.next().write("torn", 4);
  EXPECT_EQ(chunk.written().size(), 4u);
  chunk.end();
  out.add(RecordKind::kRecall);
  const Written found = chunk_in(out.take());
  EXPECT_EQ(found.head.end, 1u);
  EXPECT_EQ(found.inputs, "aa");
}

TEST(ChunkWriter, FollowsOtherRecordsInAMessage) {
  RecordWriter out;
  out.add_results(3, 0, 2, 4, reinterpret_cast<const std::byte*>("12345678"));
  ChunkWriter dropped(out, head_from(0));
  dropped.next().write("torn", 4);
  out.drop();
  ChunkWriter chunk(out, head_from(5));
  add(chunk, "e");
  chunk.end();
  const Bytes message = out.take();
  EXPECT_EQ(chunk_in(message).inputs, "e");
  std::vector<RecordKind> kinds;
  for_each_record(message, [&](RecordKind kind, pool::BytesReader) { kinds.push_back(kind); });
  EXPECT_EQ(kinds, (std::vector{RecordKind::kResults, RecordKind::kChunk}));
}

TEST(Record, RejectsAnIncompleteMessage) {
  RecordWriter out;
  out.add(RecordKind::kDone, DoneHead{1, 2, 3});
  Bytes message = out.take();
  message.shrink_to(message.size() - 16);
  EXPECT_THROW(for_each_record(message, [](RecordKind, pool::BytesReader) {}), std::runtime_error);
}

}  // namespace
}  // namespace furrow::remote
