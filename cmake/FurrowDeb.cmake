# Debian packages of what is installed: `./dev deb`, or `cpack -G DEB` in the build folder. Each component is a package.
set(CPACK_PACKAGE_NAME furrow)
set(CPACK_PACKAGE_VENDOR "Furrow developers")
set(CPACK_PACKAGE_CONTACT "Furrow developers <maintainers@furrow.invalid>" CACHE STRING "Who maintains the Debian packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "run the same work over many inputs, in parallel and reproducibly")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# It adds what Debian wants beside the files: copyright, changelog, a compressed manual page.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/deb/finish.cmake)
set(CPACK_FURROW_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_COMPONENTS_ALL "")

# furrow_deb(COMPONENT PACKAGE SECTION DEPENDS LINE...)
macro(furrow_deb component package section depends)
  string(TOUPPER ${component} upper)
  list(APPEND CPACK_COMPONENTS_ALL ${component})
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}")
  string(JOIN "\n" CPACK_DEBIAN_${upper}_DESCRIPTION ${ARGN})
endmacro()

set(same "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
if(TARGET furrow)
  furrow_deb(command furrow science ""
    "The command furrow runs a program on many files, as GNU parallel does, and the"
    "workflow of a Snakefile, as Snakemake does: on all cores or on a cluster, and"
    "again only what has changed. Snakefiles need Python 3.9 or newer.")
  set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS "python3 (>= 3.9)")
endif()
if(TARGET furrow_ranks)
  furrow_deb(ranks furrow-mpi science "furrow ${same}"
    "With this package, mpirun starts the command furrow on many computers, whose"
    "ranks share its jobs.")
endif()
furrow_deb(library libfurrow-dev libdevel "libfmt-dev, libxxhash-dev, libhwloc-dev"
  "The C++ library: furrow::Pool calls a function on many inputs, in threads or"
  "processes, and gives the same answer on each machine.")
if(TARGET furrow_mpi_library)
  furrow_deb(mpi libfurrow-mpi-dev libdevel "libfurrow-dev ${same}, libopenmpi-dev"
    "The part of the C++ library that needs MPI: furrow::mpi makes a furrow::Pool"
    "whose workers are ranks.")
endif()
if(TARGET _furrow AND FURROW_PYTHON STREQUAL "/usr/bin/python3")
  execute_process(COMMAND ${FURROW_PYTHON} -c "import sys; print(sys.version_info[1])"
    OUTPUT_VARIABLE minor OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  math(EXPR next_minor "${minor} + 1")
  set(python "python3 (>= 3.${minor}), python3 (<< 3.${next_minor})")  # an extension is for one of them
  furrow_deb(python python3-furrow python "${python}"
    "The Python module: furrow.Pool takes the place of multiprocessing.Pool, takes"
    "lambdas, and loses one item where a worker dies. With it come an Executor, a"
    "backend for joblib, and functions that run the command furrow.")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS "python3-cloudpickle, python3-numpy, furrow")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/cmake/deb/postinst ${PROJECT_SOURCE_DIR}/cmake/deb/prerm)
  if(TARGET _mpi)
    furrow_deb(python_mpi python3-furrow-mpi python "${python}, python3-furrow ${same}"
      "The part of the Python module that needs MPI: with furrow.MPIPool, functions"
      "run on many computers.")
  endif()
endif()
include(CPack)
