# The C++ library for other projects: one archive (or one shared library with BUILD_SHARED_LIBS=ON), the headers of
# include/furrow, and the files for find_package(furrow). It needs no Python, no SQLite and no MPI.
# Included by src/, which has found the packages.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The ABI's version, which all names of the library hold, is that of the shared library too.
set(abi_header ${PROJECT_SOURCE_DIR}/include/furrow/detail/abi.hpp)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${abi_header})
file(STRINGS ${abi_header} FURROW_ABI REGEX "^#define FURROW_ABI v")
string(REGEX REPLACE ".* v([0-9]+)_([0-9]+)$" "\\1.\\2" FURROW_ABI "${FURROW_ABI}")

# The library as TARGET, of the type that BUILD_SHARED_LIBS says, or that is given after it.
function(furrow_library_of_layers target)
  add_library(${target} ${ARGN})
  foreach(layer ${FURROW_LIBRARY_LAYERS})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:furrow_${layer}>)
  endforeach()
  target_link_libraries(${target} PUBLIC Threads::Threads PRIVATE ${FURROW_FMT} PkgConfig::XXHASH PkgConfig::HWLOC)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${FURROW_ABI})
endfunction()

# furrow::mpi as TARGET, for the LIBRARY. A shared library hides what this one uses of its layers, so this one then has
# a copy of that. All exported names, and the state behind them, are those of the library, which is linked first.
function(furrow_mpi_library_of_layer target library)
  add_library(${target} ${ARGN} $<TARGET_OBJECTS:furrow_mpi_pool> $<TARGET_OBJECTS:furrow_remote>)
  target_link_libraries(${target} PUBLIC ${library} PRIVATE MPI::MPI_CXX)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL SHARED_LIBRARY)
    target_link_libraries(${target} PRIVATE furrow_pool)
  endif()
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${FURROW_ABI})
endfunction()

# The target cannot be called furrow, because that is the command.
furrow_library_of_layers(furrow_library)
add_library(furrow::furrow ALIAS furrow_library)
set_target_properties(furrow_library PROPERTIES OUTPUT_NAME furrow EXPORT_NAME furrow)
target_compile_features(furrow_library PUBLIC cxx_std_20)
target_include_directories(furrow_library PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/furrow)

# furrow::mpi, if MPI was found: find_package(furrow COMPONENTS mpi).
if(TARGET furrow_mpi_pool)
  furrow_mpi_library_of_layer(furrow_mpi_library furrow_library)
  add_library(furrow::mpi ALIAS furrow_mpi_library)
  set_target_properties(furrow_mpi_library PROPERTIES OUTPUT_NAME furrow_mpi EXPORT_NAME mpi)
  furrow_install(mpi TARGETS furrow_mpi_library EXPORT furrow_mpi)
  furrow_install(mpi EXPORT furrow_mpi NAMESPACE furrow:: FILE furrowMpiTargets.cmake DESTINATION ${package})
endif()

furrow_install(library TARGETS furrow_library EXPORT furrow)
furrow_install(library DIRECTORY ${PROJECT_SOURCE_DIR}/include/furrow DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
furrow_install(library EXPORT furrow NAMESPACE furrow:: FILE furrowTargets.cmake DESTINATION ${package})
get_target_property(FURROW_LIBRARY_TYPE furrow_library TYPE)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/furrowConfig.cmake.in furrowConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(furrowConfigVersion.cmake COMPATIBILITY SameMajorVersion)
furrow_install(library FILES ${CMAKE_CURRENT_BINARY_DIR}/furrowConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/furrowConfigVersion.cmake
  DESTINATION ${package})

# Tests run with shared libraries too, which are made of the same objects. Sanitizers have another runtime there.
if(FURROW_TESTS AND NOT FURROW_SANITIZE)
  furrow_library_of_layers(furrow_shared SHARED)
  if(TARGET furrow_mpi_pool)
    furrow_mpi_library_of_layer(furrow_mpi_shared furrow_shared SHARED)
  endif()
endif()

# For programs that are built without CMake. The file names its prefix by its own place, so that it can be moved.
file(RELATIVE_PATH FURROW_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" FURROW_PC_PREFIX ${FURROW_PC_PREFIX})
# The archive needs them; the .pc files of static libraries would ask for what only these need.
set(FURROW_PC_LIBRARIES "")
if(FURROW_LIBRARY_TYPE STREQUAL "STATIC_LIBRARY")
  string(JOIN " " FURROW_PC_LIBRARIES -lfmt ${XXHASH_LDFLAGS} ${HWLOC_LDFLAGS} "")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/furrow.pc.in furrow.pc @ONLY)
furrow_install(library FILES ${CMAKE_CURRENT_BINARY_DIR}/furrow.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
furrow_install(library FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/furrow)
