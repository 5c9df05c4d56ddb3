# Thin wrappers that keep the CMake files of Terse one line per fact.

# add_terse_library(TerseFoo a.cpp b.cpp [LINK_LIBS ...] [DEPENDS ...])
#   A static library of Terse's own code. MLIR and LLVM come from the shared libraries, once, through the tools.
function(add_terse_library name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  add_terse_precompiled(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS} MLIR LLVM)
  # Generated headers are cheap and shared; one umbrella target keeps the order right everywhere.
  add_dependencies(${name} terse-headers ${ARG_DEPENDS})
  target_include_directories(${name} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:include>)
  install(TARGETS ${name} EXPORT TerseTargets ARCHIVE DESTINATION lib)
  set_property(GLOBAL APPEND PROPERTY TERSE_LIBS ${name})
endfunction()

# add_terse_tool(terse-foo a.cpp [LINK_LIBS ...])
function(add_terse_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  add_terse_precompiled(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} MLIR LLVM)
  add_dependencies(${name} terse-headers)
  install(TARGETS ${name} EXPORT TerseTargets RUNTIME DESTINATION bin)
  set_property(GLOBAL APPEND PROPERTY TERSE_TOOLS ${name})
endfunction()

# terse_tablegen(Out.inc -gen-x ...): in the directory of LLVM_TARGET_DEFINITIONS; feeds the umbrella target.
macro(terse_tablegen out)
  mlir_tablegen(${out} ${ARGN})
endmacro()

function(add_terse_tablegen_target name)
  add_public_tablegen_target(${name})
  add_dependencies(terse-headers ${name})
endfunction()

# add_terse_unittest(TerseFooTests a.cpp [LINK_LIBS ...]): a GoogleTest binary that lit runs under check-terse.
function(add_terse_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  add_terse_precompiled(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} GTest::gtest GTest::gtest_main MLIR LLVM)
  add_dependencies(${name} terse-headers)
  add_dependencies(TerseUnitTests ${name})
endfunction()
