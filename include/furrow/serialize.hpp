// Lets results, inputs and arguments of further types travel between processes: all that cereal serializes.
//
//   #include <furrow/serialize.hpp>
//   struct Body { double mass; std::map<std::string, double> tags;
//                 template <class Archive> void serialize(Archive& archive) { archive(mass, tags); } };
//
// With this header the containers of the standard library, optional, variant, smart pointers and types with a
// cereal serialize() (or save() and load()) have a Codec. They need a default constructor. Trivially copyable
// types are still copied as plain bytes. The program and its workers are the same build, so the encoding is
// not a file format and may change.
//
// Errors: if a type's own serialize functions throw, the task fails with kLost. Thread-safety: no state is
// kept, so none is needed.
#pragma once

#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/valarray.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <type_traits>

#include "furrow/codec.hpp"
#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE::detail {

// cereal's archives over a Writer and a Reader.
class CrossingOutput : public cereal::OutputArchive<CrossingOutput, cereal::AllowEmptyClassElision> {
 public:
  explicit CrossingOutput(Writer& writer) : OutputArchive(this), writer_(writer) {}
  void saveBinary(const void* data, std::size_t size) { writer_.write(data, size); }

 private:
  Writer& writer_;
};

class CrossingInput : public cereal::InputArchive<CrossingInput, cereal::AllowEmptyClassElision> {
 public:
  explicit CrossingInput(Reader& reader) : InputArchive(this), reader_(reader) {}
  void loadBinary(void* data, std::size_t size) { reader_.read(data, size); }
  std::uint64_t remaining() const { return reader_.remaining(); }

 private:
  Reader& reader_;
};

template <class T>
  requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(CrossingOutput& archive, const T& value) {
  archive.saveBinary(&value, sizeof value);
}
template <class T>
  requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(CrossingInput& archive, T& value) {
  archive.loadBinary(&value, sizeof value);
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(CrossingOutput& archive, const cereal::BinaryData<T>& bytes) {
  archive.saveBinary(bytes.data, static_cast<std::size_t>(bytes.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(CrossingInput& archive, cereal::BinaryData<T>& bytes) {
  archive.loadBinary(bytes.data, static_cast<std::size_t>(bytes.size));
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(CrossingOutput& archive, const cereal::NameValuePair<T>& named) {
  archive(named.value);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(CrossingInput& archive, cereal::NameValuePair<T>& named) {
  archive(named.value);
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(CrossingOutput& archive, const cereal::SizeTag<T>& tag) {
  archive(tag.size);
}
// cereal resizes a container before it reads the elements, so an impossible count must be caught here.
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(CrossingInput& archive, cereal::SizeTag<T>& tag) {
  archive(tag.size);
  if (static_cast<std::uint64_t>(tag.size) / 64 > archive.remaining())
    throw std::runtime_error("a value from another process is incomplete");
}

// cereal calls any container serializable, whatever its elements are, so the elements are checked here.
template <class T>
struct ElementsCross : std::true_type {};
template <class T>
  requires requires { typename T::value_type; }
struct ElementsCross<T> : ElementsCross<std::pair<typename T::value_type, int>> {};
template <class T>
  requires requires { typename T::element_type; }
struct ElementsCross<T> : ElementsCross<std::pair<typename T::element_type, int>> {};
template <class A, class B>
struct ElementsCross<std::pair<A, B>>
    : std::bool_constant<Encodable<std::remove_cv_t<A>> && Encodable<std::remove_cv_t<B>>> {};
template <class K, class V, class B>
struct ElementsCross<std::pair<std::pair<const K, V>, B>> : ElementsCross<std::pair<K, V>> {};
template <class... Ts>
struct ElementsCross<std::tuple<Ts...>> : std::bool_constant<(Encodable<Ts> && ...)> {};
template <class... Ts>
struct ElementsCross<std::variant<Ts...>> : std::bool_constant<(Encodable<Ts> && ...)> {};

template <class T>
concept CerealCrosses =
    !is_plain_v<T> && !is_view_v<T> && std::is_default_constructible_v<T> && ElementsCross<T>::value &&
    cereal::traits::is_output_serializable<T, CrossingOutput>::value &&
    cereal::traits::is_input_serializable<T, CrossingInput>::value;

}  // namespace FURROW_NAMESPACE::detail

CEREAL_REGISTER_ARCHIVE(furrow::detail::CrossingOutput)
CEREAL_REGISTER_ARCHIVE(furrow::detail::CrossingInput)
CEREAL_SETUP_ARCHIVE_TRAITS(furrow::detail::CrossingInput, furrow::detail::CrossingOutput)

namespace FURROW_NAMESPACE {

// Where a Codec of codec.hpp fits as well, it is the more specialised one and is preferred.
template <detail::CerealCrosses T>
struct Codec<T> {
  static void encode(Writer& writer, const T& value) {
    detail::CrossingOutput archive(writer);
    archive(value);
  }
  static T decode(Reader& reader) {
    T value{};
    detail::CrossingInput archive(reader);
    archive(value);
    return value;
  }
};

}  // namespace FURROW_NAMESPACE
