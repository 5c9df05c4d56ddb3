# Precompiled upstream headers: add_terse_precompiled(target) halves the time of compiling a target's files and more.

# CMake also includes the text of the header, by an absolute path that ccache can not make relative; it is not needed
# where the precompiled form is used.
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
endif()

# Executables and libraries share the precompiled header, so their code has to be compiled alike.
set(CMAKE_CXX_COMPILE_OPTIONS_PIE ${CMAKE_CXX_COMPILE_OPTIONS_PIC})

file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/Precompiled.cpp CONTENT "// Carries the precompiled header.\n")
add_library(TersePrecompiled OBJECT ${PROJECT_BINARY_DIR}/Precompiled.cpp)
target_include_directories(TersePrecompiled PRIVATE ${PROJECT_SOURCE_DIR}/cmake)
target_precompile_headers(TersePrecompiled PRIVATE <Precompiled.h>)

# With this file beside the precompiled header, ccache hashes what it was made from instead of its bytes, which hold paths.
file(SHA256 ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h TERSE_PRECOMPILED_HASH)
file(GENERATE OUTPUT $<TARGET_PROPERTY:TersePrecompiled,BINARY_DIR>/CMakeFiles/TersePrecompiled.dir/cmake_pch.hxx.pch.sum
  CONTENT "${TERSE_PRECOMPILED_HASH} ${LLVM_PACKAGE_VERSION} ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}\n")

function(add_terse_precompiled target)
  target_precompile_headers(${target} REUSE_FROM TersePrecompiled)
endfunction()
