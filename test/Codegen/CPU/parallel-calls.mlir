// RUN: terse-opt %s -terse-parallel-calls | FileCheck %s

// The marked function hands ranges of itself to the loader, or runs everything; calls of it stay.
// CHECK: llvm.mlir.global external @terse_services_ptr
// CHECK-LABEL: llvm.func @entry
// CHECK-NEXT: llvm.call @work(%{{.*}}, %{{.*}}, %{{.*}})
// CHECK: llvm.func internal @work_part(
// CHECK: llvm.func internal @work(%[[P:.*]]: !llvm.ptr, %[[B:.*]]: i64, %[[N:.*]]: i64) attributes {passthrough = ["noinline"]}
// CHECK: llvm.cond_br
// CHECK: llvm.call @work_part(%[[P]], %[[B]], %[[N]])
// CHECK: llvm.store %[[P]]
// CHECK: %[[RANGE:.*]] = llvm.mlir.addressof @work_range
// CHECK: llvm.call %{{.*}}(%[[RANGE]], %{{.*}}, %[[N]])
// CHECK: llvm.func internal @work_range(
// CHECK: llvm.load
// CHECK: llvm.call @work_part(
llvm.func @entry(%p: !llvm.ptr, %b: i64, %n: i64) {
  llvm.call @work(%p, %b, %n) : (!llvm.ptr, i64, i64) -> ()
  llvm.return
}
llvm.func internal @work(%p: !llvm.ptr, %b: i64, %n: i64) attributes {terse_cpu.parallel} {
  llvm.store %n, %p : i64, !llvm.ptr
  llvm.return
}
