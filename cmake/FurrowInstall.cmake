# furrow_install(COMPONENT install-arguments...): adds something to one of the components of the installation, which are
# library, mpi, command and ranks (the command's part for MPI). `cmake --install build --component library` installs one;
# without, it installs all of these.
function(furrow_install component)
  if(FURROW_INSTALL)
    install(${ARGN} COMPONENT ${component})
  endif()
endfunction()
