# ASan and UBSan on Terse's own code. LLVM and MLIR are not instrumented, so container-overflow and vptr checks,
# which need both sides instrumented, are off. So is the one of bool: statistics of passes are constructed inside the
# library, built with NDEBUG, which leaves out a member that code without NDEBUG reads.
if(TERSE_ENABLE_SANITIZERS)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr,function,bool -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()
