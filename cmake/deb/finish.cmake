# CPack runs this before it packs: CPACK_TEMPORARY_DIRECTORY has a folder for each component.
foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${component} upper)
  set(root ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(doc ${root}/share/doc/${package})
  file(REMOVE_RECURSE ${root}/share/doc)
  file(MAKE_DIRECTORY ${doc})

  file(READ ${CPACK_FURROW_SOURCE}/LICENSE licence)
  file(WRITE ${doc}/copyright "${licence}")
  string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
  file(WRITE ${doc}/changelog.Debian
    "${package} (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
    "  * Version ${CPACK_PACKAGE_VERSION} of Furrow; its changes are in the file changelog.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
  configure_file(${CPACK_FURROW_SOURCE}/CHANGELOG.md ${doc}/changelog COPYONLY)
  file(GLOB pages ${root}/share/man/man1/*.1)
  execute_process(COMMAND gzip -9nf ${doc}/changelog ${doc}/changelog.Debian ${pages} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
