# furrow_install(COMPONENT install-arguments...): adds something to one of the components of the installation, which are
# library, mpi and command. `cmake --install build --component library` installs one; without, it installs all.
function(furrow_install component)
  if(FURROW_INSTALL)
    install(${ARGN} COMPONENT ${component})
  endif()
endfunction()
