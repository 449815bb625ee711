# The command and the Python module for wheels (`./dev wheel`): the same objects, linked so that they need glibc alone.
# The target `portable` makes both, below portable/ in the build folder; `cmake --install build --component portable`
# installs them. They are left out where a static library is missing.
if(NOT TARGET furrow OR NOT TARGET _furrow OR FURROW_SANITIZE)
  return()
endif()

# The notices of all that becomes part of the files go with them.
set(portable_archives "")
set(portable_packages cli11 expected fmt random123 rapidjson pybind11)
foreach(pair hwloc=hwloc yaml-cpp=yaml-cpp csv=csv sqlite3=sqlite3 xxhash=xxhash pcre2-8=pcre2 md=md)
  string(REGEX MATCH "(.+)=(.+)" pair ${pair})
  list(APPEND portable_packages ${CMAKE_MATCH_2})
  set(name ${CMAKE_MATCH_1})
  find_library(FURROW_STATIC_${name} lib${name}.a)
  mark_as_advanced(FURROW_STATIC_${name})
  if(NOT FURROW_STATIC_${name})
    message(STATUS "No lib${name}.a: the target portable is left out")
    return()
  endif()
  list(APPEND portable_archives ${FURROW_STATIC_${name}})
endforeach()
list(REMOVE_AT portable_archives 0)

set(portable_hwloc ${PROJECT_BINARY_DIR}/portable/libhwloc.a)
set(renamed "")
foreach(variable stderr stdout program_invocation_name)  # cmake/portable/hwloc.cpp says why
  list(APPEND renamed --redefine-sym ${variable}=furrow_${variable})
endforeach()
add_custom_command(OUTPUT ${portable_hwloc} VERBATIM
  COMMAND ${CMAKE_OBJCOPY} ${renamed} ${FURROW_STATIC_hwloc} ${portable_hwloc} DEPENDS ${FURROW_STATIC_hwloc})
add_custom_target(furrow_portable_hwloc DEPENDS ${portable_hwloc})

add_library(furrow_portable_libraries STATIC EXCLUDE_FROM_ALL
  ${PROJECT_SOURCE_DIR}/cmake/portable/fmt.cpp ${PROJECT_SOURCE_DIR}/cmake/portable/hwloc.cpp)
target_compile_options(furrow_portable_libraries PRIVATE -fkeep-inline-functions)
set_target_properties(furrow_portable_libraries PROPERTIES POSITION_INDEPENDENT_CODE ON)

# furrow_link_portable(TARGET LAYER...): links the objects of a target with the archives of the layers. It does not link
# with the layers as targets, since these bring their shared libraries along.
function(furrow_link_portable target)
  set(archives "")
  foreach(layer ${ARGN})
    get_target_property(type furrow_${layer} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
      list(APPEND archives $<TARGET_FILE:furrow_${layer}>)
      add_dependencies(${target} furrow_${layer})
    endif()
  endforeach()
  target_link_libraries(${target} PRIVATE -Wl,--start-group ${archives} -Wl,--end-group
    ${portable_archives} ${portable_hwloc} furrow_portable_libraries)
  add_dependencies(${target} furrow_portable_hwloc)
  target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX EXCLUDE_FROM_ALL ON)
endfunction()

add_executable(furrow_portable $<TARGET_OBJECTS:furrow>)
list(REMOVE_ITEM FURROW_LAYERS remote mpi_pool ranks)
furrow_link_portable(furrow_portable ${FURROW_LAYERS})
set_target_properties(furrow_portable PROPERTIES
  OUTPUT_NAME furrow RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/portable/bin)

add_library(furrow_portable_module MODULE $<TARGET_OBJECTS:_furrow>)
furrow_link_portable(furrow_portable_module ${FURROW_LIBRARY_LAYERS} remote)
get_target_property(suffix _furrow SUFFIX)
set_target_properties(furrow_portable_module PROPERTIES
  PREFIX "" OUTPUT_NAME _furrow SUFFIX ${suffix} LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/portable/furrow)

add_custom_target(portable DEPENDS furrow_portable furrow_portable_module)

install(TARGETS furrow_portable RUNTIME DESTINATION bin COMPONENT portable EXCLUDE_FROM_ALL)
install(TARGETS furrow_portable_module LIBRARY DESTINATION module COMPONENT portable EXCLUDE_FROM_ALL)
foreach(package ${portable_packages})
  foreach(name lib${package}-dev ${package}-dev)
    install(FILES /usr/share/doc/${name}/copyright DESTINATION share/doc/furrow/libraries RENAME ${package}
      COMPONENT portable EXCLUDE_FROM_ALL OPTIONAL)
  endforeach()
endforeach()
