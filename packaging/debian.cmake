# What Debian wants in /usr/share/doc of a package. Run by cpack when it has filled the package's folder.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()
set(doc ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share/doc/armature)
file(COPY ${CMAKE_CURRENT_LIST_DIR}/copyright DESTINATION ${doc})
# Reproducible where SOURCE_DATE_EPOCH is set: TIMESTAMP honours it.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${doc}/changelog "armature (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * Built from the source tree.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
execute_process(COMMAND gzip -9n ${doc}/changelog RESULT_VARIABLE code)
if(code)
  message(FATAL_ERROR "gzip failed")
endif()
