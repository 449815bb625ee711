# furrow_layer(NAME LAYERS a b LIBRARIES x y): one folder of src/ as a static library.
# Every *.cpp in the folder and below belongs to it; every *_test.cpp goes into one test program, NAME_tests.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
if(FURROW_TESTS)
  include(GoogleTest)
endif()

add_library(furrow_flags INTERFACE)
target_compile_options(furrow_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wconversion -Wno-sign-conversion)
if(FURROW_WERROR)
  target_compile_options(furrow_flags INTERFACE -Werror)
endif()
target_include_directories(furrow_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
if(FURROW_SANITIZE)
  target_compile_options(furrow_flags INTERFACE -fsanitize=${FURROW_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(furrow_flags INTERFACE -fsanitize=${FURROW_SANITIZE})
endif()

# The layers of the C++ library (FurrowPackage.cmake). Their code must be position-independent, since it also goes into
# shared libraries; nobody replaces its functions there, so the compiler may inline them. Those export what has
# FURROW_API.
set(FURROW_LIBRARY_LAYERS base os channel pool)

function(furrow_layer name)
  cmake_parse_arguments(arg "" "" "LAYERS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  list(TRANSFORM arg_LAYERS PREPEND furrow_)
  if(sources)
    add_library(furrow_${name} STATIC ${sources})
    target_link_libraries(furrow_${name} PUBLIC furrow_flags ${arg_LAYERS} ${arg_LIBRARIES})
    if(name IN_LIST FURROW_LIBRARY_LAYERS)
      set_target_properties(furrow_${name} PROPERTIES
        POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
      target_compile_options(furrow_${name} PRIVATE -fno-semantic-interposition)
    endif()
  else()
    add_library(furrow_${name} INTERFACE)
    target_link_libraries(furrow_${name} INTERFACE furrow_flags ${arg_LAYERS} ${arg_LIBRARIES})
  endif()
  if(FURROW_TESTS AND tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE furrow_${name} furrow_test_flags GTest::gtest_main)
    target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)  # support/
    gtest_discover_tests(${name}_tests TEST_PREFIX ${name}. NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 60)
  endif()
endfunction()
