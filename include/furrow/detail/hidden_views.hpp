// Finds pointers and views inside of types, as far as a compiler can see: in tuples, arrays, optional, variant,
// and in the public members of plain structs. Not for direct use.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE::detail {

template <class T>
struct IsView
    : std::bool_constant<std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_reference_v<T>> {};
template <class C, class Traits>
struct IsView<std::basic_string_view<C, Traits>> : std::true_type {};
// std::span and types like it: views that own nothing. Recognised without including <span>.
template <class T>
concept SpanLike = requires(T t) {
  t.data();
  t.size();
  t.subspan(0, 0);
};
// An iterator of a class type.
template <class T>
concept IteratorLike = std::is_class_v<T> && requires(T t) {
  *t;
  ++t;
};
// std::reference_wrapper.
template <class T>
concept ReferenceLike = std::is_class_v<T> && requires(const T t) {
  typename T::type;
  { t.get() } -> std::same_as<typename T::type&>;
};

template <class T>
inline constexpr bool kIsView =
    IsView<std::remove_cv_t<T>>::value || SpanLike<T> || IteratorLike<T> || ReferenceLike<T>;

// Types refer to each other in circles (a json value is made of json values): the search ends at this depth.
inline constexpr int kViewDepth = 6;

template <class T, int Depth = kViewDepth>
constexpr bool hides_view();

// Converts to a view, or to what hides one, and to nothing else.
template <class Within, int Depth>
struct AnyView {
  template <class T>
    requires(!std::is_same_v<T, Within> && hides_view<T, Depth - 1>())
  operator T() const noexcept;
};

// Whether member number PLACE of an aggregate can be initialized with an AnyView.
template <class T, int Place, int Depth>
constexpr bool member_hides_view() {
  using View = AnyView<T, Depth>;
  if constexpr (Place == 0) return requires { T{View{}}; };
  if constexpr (Place == 1) return requires { T{{}, View{}}; };
  if constexpr (Place == 2) return requires { T{{}, {}, View{}}; };
  if constexpr (Place == 3) return requires { T{{}, {}, {}, View{}}; };
  if constexpr (Place == 4) return requires { T{{}, {}, {}, {}, View{}}; };
  if constexpr (Place == 5) return requires { T{{}, {}, {}, {}, {}, View{}}; };
  if constexpr (Place == 6) return requires { T{{}, {}, {}, {}, {}, {}, View{}}; };
  if constexpr (Place == 7) return requires { T{{}, {}, {}, {}, {}, {}, {}, View{}}; };
  if constexpr (Place == 8) return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, View{}}; };
  if constexpr (Place == 9) return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, View{}}; };
  if constexpr (Place == 10) return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, View{}}; };
  if constexpr (Place == 11) return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, View{}}; };
  return false;
}

template <class T, int Depth, int... Place>
constexpr bool members_hide_view(std::integer_sequence<int, Place...>) {
  return (member_hides_view<T, Place, Depth>() || ...);
}

template <class T>
struct PartsOf {};
template <class... Ts>
struct PartsOf<std::variant<Ts...>> {
  using Parts = std::tuple<Ts...>;
};
template <class... Ts>
struct PartsOf<std::tuple<Ts...>> {
  using Parts = std::tuple<Ts...>;
};
template <class A, class B>
struct PartsOf<std::pair<A, B>> {
  using Parts = std::tuple<A, B>;
};
template <class T, std::size_t N>
struct PartsOf<std::array<T, N>> {
  using Parts = std::tuple<T>;
};

template <class Parts, int Depth>
inline constexpr bool kPartsHideView = false;
template <class... Ts, int Depth>
inline constexpr bool kPartsHideView<std::tuple<Ts...>, Depth> = (hides_view<Ts, Depth>() || ...);

// Whether T is a view or contains one.
template <class T, int Depth>
constexpr bool hides_view() {
  using Plain = std::remove_cv_t<std::remove_all_extents_t<T>>;
  if constexpr (kIsView<Plain>)
    return true;
  else if constexpr (Depth == 0)
    return false;
  else if constexpr (requires { typename PartsOf<Plain>::Parts; })
    return kPartsHideView<typename PartsOf<Plain>::Parts, Depth - 1>;
  else if constexpr (requires { typename Plain::value_type; })  // optional, containers
    return !std::is_same_v<typename Plain::value_type, Plain> &&
           hides_view<typename Plain::value_type, Depth - 1>();
  else if constexpr (std::is_aggregate_v<Plain> && std::is_trivially_copyable_v<Plain>)
    return members_hide_view<Plain, Depth>(std::make_integer_sequence<int, 12>());
  else
    return false;
}

}  // namespace FURROW_NAMESPACE::detail
