# furrow_texts(LAYER a.css b.js ...): makes files of a layer's folder texts of the program. `texts.hpp` declares them:
# furrow::LAYER::texts::a_css.
function(furrow_texts layer)
  set(made ${CMAKE_CURRENT_BINARY_DIR}/${layer}_texts.cpp)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE files)
  string(REPLACE ";" "," listed "${files}")
  add_custom_command(OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -DLAYER=${layer} -DFILES=${listed} -DMADE=${made} -P ${PROJECT_SOURCE_DIR}/cmake/write_texts.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/write_texts.cmake VERBATIM)
  target_sources(furrow_${layer} PRIVATE ${made})
endfunction()
