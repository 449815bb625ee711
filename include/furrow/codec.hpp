// How values travel between processes: Codec<T>::encode and ::decode.
//
// This header covers trivially copyable types (except pointers, views and references, and types that the compiler
// can see to contain them), std::string, and std::vector, std::pair and std::tuple of these. <furrow/serialize.hpp> adds everything that cereal can
// serialize. A program may specialise Codec for its own types. Stateless, so safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/hidden_views.hpp"

namespace FURROW_NAMESPACE {

// Where encoded bytes go.
class FURROW_API Writer {
 public:
  virtual ~Writer() = default;
  virtual void write(const void* data, std::size_t size) = 0;
  virtual void expect(std::size_t /*size*/) {}  // a hint: SIZE bytes are about to be written
};

// Where encoded bytes come from. read() throws std::runtime_error if fewer than SIZE bytes are left.
class FURROW_API Reader {
 public:
  virtual ~Reader() = default;
  virtual void read(void* data, std::size_t size) = 0;
  virtual std::uint64_t remaining() const = 0;  // bytes left of this value
};

template <class T>
struct Codec;  // void encode(Writer&, const T&); T decode(Reader&)

// A value of this type refers to memory that another process does not have.
template <class T>
inline constexpr bool is_view_v = detail::kIsView<T>;

// The bytes of such a type are its whole value: nothing in it, as far as the compiler sees, is a pointer or a
// view.
template <class T>
inline constexpr bool is_plain_v = std::is_trivially_copyable_v<T> && !detail::hides_view<T>();

template <class T>
concept Encodable = !is_view_v<T> && requires(Writer& writer, Reader& reader, const T& value) {
  Codec<T>::encode(writer, value);
  Codec<T>::decode(reader);
};

template <class T>
  requires is_plain_v<T>
struct Codec<T> {
  static void encode(Writer& writer, const T& value) { writer.write(&value, sizeof value); }
  static T decode(Reader& reader) {
    alignas(T) std::byte bytes[sizeof(T)];
    reader.read(bytes, sizeof bytes);
    return __builtin_bit_cast(T, bytes);
  }
};

namespace detail {

// Asks the kernel for huge pages if SIZE is large. The SIZE bytes at MEMORY must not have been written yet.
FURROW_API void expect_writes(void* memory, std::size_t size) noexcept;

// value.resize(size) for an empty vector. A large one gets huge pages, which saves most of the time.
template <class Vector>
void resize_fresh(Vector& value, std::size_t size) {
  constexpr std::size_t kMany = std::size_t{4} << 20;
  if (size > kMany / sizeof(typename Vector::value_type)) {
    value.reserve(size);
    expect_writes(value.data(), size * sizeof(typename Vector::value_type));
  }
  value.resize(size);
}

inline std::uint64_t decode_count(Reader& reader, std::size_t least_bytes_each) {
  std::uint64_t count = 0;
  reader.read(&count, sizeof count);
  if (least_bytes_each > 0 && count > reader.remaining() / least_bytes_each)
    throw std::runtime_error("a result from another process is incomplete");
  return count;
}

}  // namespace detail

template <>
struct Codec<std::string> {
  static void encode(Writer& writer, const std::string& value) {
    const std::uint64_t size = value.size();
    writer.write(&size, sizeof size);
    writer.write(value.data(), value.size());
  }
  static std::string decode(Reader& reader) {
    std::string value(detail::decode_count(reader, 1), '\0');
    reader.read(value.data(), value.size());
    return value;
  }
};

template <Encodable T, class Allocator>
struct Codec<std::vector<T, Allocator>> {
  static constexpr bool kBytes = is_plain_v<T> && !std::is_same_v<T, bool>;
  static void encode(Writer& writer, const std::vector<T, Allocator>& value) {
    const std::uint64_t size = value.size();
    writer.write(&size, sizeof size);
    if constexpr (kBytes) {
      writer.write(value.data(), value.size() * sizeof(T));
    } else {
      for (const T& each : value) Codec<T>::encode(writer, each);
    }
  }
  static std::vector<T, Allocator> decode(Reader& reader) {
    const std::uint64_t size = detail::decode_count(reader, kBytes ? sizeof(T) : 1);
    std::vector<T, Allocator> value;
    if constexpr (kBytes && std::is_default_constructible_v<T>) {
      detail::resize_fresh(value, size);
      reader.read(value.data(), size * sizeof(T));
    } else {
      value.reserve(size);
      for (std::uint64_t i = 0; i < size; ++i) value.push_back(Codec<T>::decode(reader));
    }
    return value;
  }
};

template <Encodable A, Encodable B>
  requires(!is_plain_v<std::pair<A, B>>)
struct Codec<std::pair<A, B>> {
  static void encode(Writer& writer, const std::pair<A, B>& value) {
    Codec<A>::encode(writer, value.first);
    Codec<B>::encode(writer, value.second);
  }
  static std::pair<A, B> decode(Reader& reader) {
    A first = Codec<A>::decode(reader);
    return {std::move(first), Codec<B>::decode(reader)};
  }
};

template <Encodable... Ts>
  requires(!is_plain_v<std::tuple<Ts...>>)
struct Codec<std::tuple<Ts...>> {
  static void encode(Writer& writer, const std::tuple<Ts...>& value) {
    std::apply([&](const Ts&... each) { (Codec<Ts>::encode(writer, each), ...); }, value);
  }
  // Braces, because they decode the elements from left to right.
  static std::tuple<Ts...> decode(Reader& reader) { return std::tuple<Ts...>{Codec<Ts>::decode(reader)...}; }
};

}  // namespace FURROW_NAMESPACE
