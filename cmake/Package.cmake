# The CMake package: one for the build tree, one that is installed.
include(CMakePackageConfigHelpers)

set(terse_package_dir lib/cmake/terse)

# The build tree's.
set(TERSE_CONFIG_INCLUDE_DIRS "\"${PROJECT_SOURCE_DIR}/include\" \"${PROJECT_BINARY_DIR}/include\"")
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/TerseConfig.cmake.in
  ${PROJECT_BINARY_DIR}/${terse_package_dir}/TerseConfig.cmake
  INSTALL_DESTINATION ${PROJECT_BINARY_DIR}/${terse_package_dir}
  INSTALL_PREFIX ${PROJECT_BINARY_DIR})
export(EXPORT TerseTargets FILE ${PROJECT_BINARY_DIR}/${terse_package_dir}/TerseTargets.cmake)

# The installed one.
set(TERSE_CONFIG_INCLUDE_DIRS "\"\${PACKAGE_PREFIX_DIR}/include\"")
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/TerseConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/TerseConfig.cmake
  INSTALL_DESTINATION ${terse_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/TerseConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
configure_file(${PROJECT_BINARY_DIR}/package/TerseConfigVersion.cmake
  ${PROJECT_BINARY_DIR}/${terse_package_dir}/TerseConfigVersion.cmake COPYONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/TerseConfig.cmake
  ${PROJECT_BINARY_DIR}/package/TerseConfigVersion.cmake DESTINATION ${terse_package_dir})
install(EXPORT TerseTargets DESTINATION ${terse_package_dir})

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/terse DESTINATION include
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/terse DESTINATION include
  FILES_MATCHING PATTERN "*.inc")
