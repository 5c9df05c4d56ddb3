// RUN: terse-opt %s -terse-lower-bf16-memory | FileCheck %s
// RUN: terse-opt %s -terse-lower-bf16-memory -terse-lower-bf16-memory | FileCheck %s

// CHECK-LABEL: llvm.func @copy
// CHECK: %[[X:.*]] = llvm.load %arg0 : !llvm.ptr -> vector<8xi16>
// CHECK: llvm.store %{{.*}}, %arg1 : vector<8xi16>, !llvm.ptr
// CHECK: llvm.intr.masked.load %arg0, %arg2, %{{.*}} : (!llvm.ptr, vector<8xi1>, vector<8xi16>) -> vector<8xi16>
// CHECK: llvm.intr.masked.store %{{.*}}, %arg1, %arg2 {{.*}} : vector<8xi16>, vector<8xi1> into !llvm.ptr
// CHECK: llvm.load %arg0 : !llvm.ptr -> i16
// CHECK: llvm.store %{{.*}}, %arg1 : i16, !llvm.ptr
// Other types stay.
// CHECK: llvm.load %arg0 : !llvm.ptr -> vector<8xf16>
llvm.func @copy(%from: !llvm.ptr, %to: !llvm.ptr, %mask: vector<8xi1>, %other: vector<8xbf16>) {
  %x = llvm.load %from : !llvm.ptr -> vector<8xbf16>
  llvm.store %x, %to : vector<8xbf16>, !llvm.ptr
  %y = llvm.intr.masked.load %from, %mask, %other {alignment = 2 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xbf16>) -> vector<8xbf16>
  llvm.intr.masked.store %y, %to, %mask {alignment = 2 : i32} : vector<8xbf16>, vector<8xi1> into !llvm.ptr
  %z = llvm.load %from : !llvm.ptr -> bf16
  llvm.store %z, %to : bf16, !llvm.ptr
  %h = llvm.load %from : !llvm.ptr -> vector<8xf16>
  llvm.store %h, %to : vector<8xf16>, !llvm.ptr
  llvm.return
}
