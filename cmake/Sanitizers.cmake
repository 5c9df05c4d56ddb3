# ASan and UBSan on Terse's own code. LLVM and MLIR are not instrumented, so container-overflow and vptr checks,
# which need both sides instrumented, are off.
if(TERSE_ENABLE_SANITIZERS)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr,function -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()
