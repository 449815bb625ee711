#include "pool/workers/worker_wire.hpp"

#include "pool/task/failure.hpp"

namespace furrow::pool {

void encode_failure(Writer& writer, const Failure& failure) {
  const std::uint64_t numbers[] = {failure.index,
                                   static_cast<std::uint64_t>(failure.kind),
                                   static_cast<std::uint64_t>(failure.attempts),
                                   static_cast<std::uint64_t>(failure.signal),
                                   static_cast<std::uint64_t>(failure.exit_status),
                                   static_cast<std::uint64_t>(failure.error_code)};
  writer.write(numbers, sizeof numbers);
  const std::string category = failure.category ? failure.category->name() : "";
  for (const std::string* each :
       {&failure.type, &failure.standard, &failure.message, &category, &failure.path1, &failure.path2})
    Codec<std::string>::encode(writer, *each);
}

Failure decode_failure(Reader& reader) {
  std::uint64_t numbers[6] = {};
  reader.read(numbers, sizeof numbers);
  Failure failure;
  failure.index = numbers[0];
  failure.kind = static_cast<FailureKind>(numbers[1]);
  failure.attempts = static_cast<int>(numbers[2]);
  failure.signal = static_cast<int>(numbers[3]);
  failure.exit_status = static_cast<int>(numbers[4]);
  failure.error_code = static_cast<int>(numbers[5]);
  std::string category;
  for (std::string* each :
       {&failure.type, &failure.standard, &failure.message, &category, &failure.path1, &failure.path2})
    *each = Codec<std::string>::decode(reader);
  if (!category.empty()) failure.category = &category_named(category);
  return failure;
}

}  // namespace furrow::pool
