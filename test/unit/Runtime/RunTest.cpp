//===- RunTest.cpp - Runs artifacts through the C interface -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScaleModel.h"
#include "terse/Runtime/services.h"

#include <atomic>
#include <chrono>
#include <thread>

using namespace terse;

namespace {

class RunTest : public ::testing::Test {
protected:
  void SetUp() override {
    ScaleModel().write(folder.file("m.terse"));
    ASSERT_EQ(terse_model_load(folder.file("m.terse").c_str(), nullptr, &model), TERSE_OK)
        << terse_last_error();
  }
  void TearDown() override { terse_model_unload(model); }

  Folder folder;
  terse_model *model = nullptr;
};

TEST_F(RunTest, DescribesTheModel) {
  EXPECT_STREQ(terse_model_producer(model), "Terse 0.1.0");
  EXPECT_EQ(terse_model_arena_size(model), 4096u);
  EXPECT_EQ(terse_model_weights_size(model), 72u);
  ASSERT_EQ(terse_input_count(model), 1u);
  EXPECT_STREQ(terse_input_name(model, 0), "x");
  EXPECT_EQ(terse_input_dtype(model, 0), TERSE_F32);
  ASSERT_EQ(terse_input_rank(model, 0), 1);
  EXPECT_EQ(terse_input_shape(model, 0)[0], -1);
  EXPECT_STREQ(terse_output_name(model, 0), "y");
  EXPECT_EQ(terse_input_name(model, 1), nullptr);
  EXPECT_EQ(terse_input_shape(model, 1), nullptr);
  ASSERT_EQ(terse_weight_count(model), 2u);
  EXPECT_STREQ(terse_weight_name(model, 1), "w");
  EXPECT_EQ(terse_weight_bytes(model, 1), 8u);
}

TEST_F(RunTest, ComputesIntoNewMemory) {
  EXPECT_EQ(runScale(model, {0, 1, -2}), (std::vector<float>{1, 3, -3}));
}

TEST_F(RunTest, ComputesEmptyTensors) {
  std::vector<float> x;
  terse_tensor input = makeTensor(x), output = {};
  EXPECT_EQ(terse_run(model, &input, 1, &output, 1), TERSE_OK) << terse_last_error();
  EXPECT_EQ(output.shape[0], 0);
  terse_tensor_release(&output);
}

TEST_F(RunTest, ComputesIntoTheCallersMemory) {
  std::vector<float> x = {1, 2}, y(2);
  terse_tensor input = makeTensor(x), output = makeTensor(y);
  output.capacity = 8;
  ASSERT_EQ(terse_run(model, &input, 1, &output, 1), TERSE_OK);
  EXPECT_EQ(y, (std::vector<float>{3, 5}));
  EXPECT_EQ(output.data, y.data());
  output.capacity = 7;
  EXPECT_EQ(terse_run(model, &input, 1, &output, 1), TERSE_ERROR_ARGUMENT);
  EXPECT_STREQ(terse_last_error(), "output 'y': needs 8 bytes (got 7)");
}

TEST_F(RunTest, RefusesTensorsThatDoNotFit) {
  std::vector<float> x = {1, 2};
  terse_tensor output = {};
  auto expectError = [&](const terse_tensor &input, const char *message) {
    EXPECT_EQ(terse_run(model, &input, 1, &output, 1), TERSE_ERROR_ARGUMENT);
    EXPECT_STREQ(terse_last_error(), message);
    EXPECT_EQ(output.data, nullptr);
  };
  terse_tensor input = makeTensor(x);
  input.dtype = TERSE_I8;
  expectError(input, "input 'x': expected elements of type f32 (got i8)");
  input = makeTensor(x);
  input.rank = 2;
  expectError(input, "input 'x': expected rank 1 (got 2)");
  input = makeTensor(x);
  input.shape[0] = -3;
  expectError(input, "input 'x': dimension 0: expected -1 (got -3)");
  input.shape[0] = INT64_MAX;
  expectError(input, "input 'x': too large");
  input = makeTensor(x);
  input.data = nullptr;
  expectError(input, "input 'x': data is null");
  input = makeTensor(x);
  input.capacity = 4;
  expectError(input, "input 'x': expected 8 bytes (got 4)");
  std::vector<float> thirteen(13);
  expectError(makeTensor(thirteen), "the sizes of the inputs do not fit each other");
  EXPECT_EQ(terse_run(model, &input, 1, &output, 0), TERSE_ERROR_ARGUMENT);
}

TEST_F(RunTest, DoesNotDependOnTheThreadCount) {
  std::vector<float> x(10007);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 0.1f * i;
  std::vector<float> first = runScale(model, x);
  for (int threads : {1, 2, 3, 8}) {
    terse_model_set_threads(model, threads);
    EXPECT_EQ(runScale(model, x), first) << threads;
  }
}

TEST_F(RunTest, RunsConcurrentlyInSeparateArenas) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        std::vector<float> y = runScale(model, std::vector<float>(100 + t, float(t)));
        if (y.size() != size_t(100 + t) || y[99] != 2.f * t + 1)
          ++wrong;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(RunTest, RunsFromWithinParallelLoops) {
  struct Env {
    terse_model *model;
    std::atomic<int> right{0};
  } env{model};
  auto body = [](void *data, int64_t begin, int64_t end) {
    auto *env = static_cast<Env *>(data);
    for (int64_t i = begin; i < end; ++i)
      if (runScale(env->model, {float(i), 0}) == std::vector<float>{2.f * i + 1, 1})
        ++env->right;
  };
  terse_default_services()->parallel_for(body, &env, 64);
  EXPECT_EQ(env.right, 64);
}

TEST_F(RunTest, KeepsModelsApart) {
  // Loaded, unloaded and loaded again: no code or weights of one in another.
  terse_model *other;
  ScaleModel(10, 5).write(folder.file("other.terse"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(terse_model_load(folder.file("other.terse").c_str(), nullptr, &other), TERSE_OK);
    EXPECT_EQ(runScale(other, {1}), std::vector<float>{15});
    EXPECT_EQ(runScale(model, {1}), std::vector<float>{3});
    terse_model_unload(other);
  }
  terse_model_unload(nullptr);
}

#if defined(__x86_64__)
TEST(FrozenTest, ReadsVersion1) {
  terse_model *model;
  terse_load_options options = {};
  options.verify_weights = 1;
  ASSERT_EQ(terse_model_load(FROZEN_ARTIFACTS "/v1-scale.terse", &options, &model), TERSE_OK)
      << terse_last_error();
  EXPECT_STREQ(terse_model_target(model), "x86_64-pc-linux-gnu");
  EXPECT_EQ(runScale(model, {1, 2}), (std::vector<float>{3, 5}));
  terse_model_unload(model);

  ASSERT_EQ(terse_model_load(FROZEN_ARTIFACTS "/v2-scale.terse", &options, &model), TERSE_OK)
      << terse_last_error();
  EXPECT_STREQ(terse_model_variant(model), "plain");
  EXPECT_EQ(runScale(model, {1, 2}), (std::vector<float>{3, 5}));
  terse_model_unload(model);
}
#endif

TEST(ParallelForTest, CoversTheRangeOnce) {
  for (int threads : {0, 1, 2, 7}) {
    int32_t before = terse_set_thread_count(threads);
    for (int64_t count : {0, 1, 2, 3, 100, 1001}) {
      std::vector<std::atomic<int>> seen(count + 1);
      auto body = [](void *data, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          ++static_cast<std::atomic<int> *>(data)[i];
      };
      terse_default_services()->parallel_for(body, seen.data(), count);
      for (int64_t i = 0; i < count; ++i)
        EXPECT_EQ(seen[i], 1);
      EXPECT_EQ(seen[count], 0);
    }
    EXPECT_EQ(terse_set_thread_count(before), threads);
  }
}

// A thread that is kept busy leaves the rest of its share to the others.
TEST(ParallelForTest, SharesTheRest) {
  constexpr int64_t count = 100;
  struct Data {
    std::atomic<int64_t> done{0};
    int64_t first = 0;
    std::chrono::steady_clock::time_point stop =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
  } data;
  auto body = [](void *env, int64_t begin, int64_t end) {
    auto &data = *static_cast<Data *>(env);
    if (begin > 0) {
      data.done += end - begin;
      return;
    }
    data.first = end;
    while (data.done < count - end && std::chrono::steady_clock::now() < data.stop)
      std::this_thread::yield();
  };
  int32_t before = terse_set_thread_count(2);
  terse_default_services()->parallel_for(body, &data, count);
  terse_set_thread_count(before);
  if (data.first == count)
    GTEST_SKIP() << "no library for threads";
  EXPECT_LT(data.first, count / 2);
  EXPECT_EQ(data.done, count - data.first);
  EXPECT_LT(std::chrono::steady_clock::now(), data.stop);
}

TEST(DTypeTest, AgreesWithTheCompiler) {
  for (llvm::StringRef name :
       {"f64", "f32", "f16", "bf16", "f8E5M2", "f8E4M3FN", "f8E5M2FNUZ", "f8E4M3FNUZ", "f8E8M0FNU",
        "f6E3M2FN", "f6E2M3FN", "f4E2M1FN", "i2", "i3", "i4", "i8", "i16", "i32", "i64"}) {
    std::optional<DType> dtype = DType::parse(name);
    ASSERT_TRUE(dtype) << name.str();
    uint32_t code = getArtifactDType(*dtype);
    EXPECT_EQ(terse_dtype_name(terse_dtype(code)), name);
    EXPECT_EQ(terse_dtype_size(terse_dtype(code)), dtype->getHostBytes());
    EXPECT_EQ(parseArtifactDType(code), dtype);
  }
  EXPECT_STREQ(terse_dtype_name(terse_dtype(getArtifactDType(DType::boolean()))), "bool");
  EXPECT_STREQ(terse_dtype_name(terse_dtype(getArtifactDType(DType::ui(4)))), "u4");
  EXPECT_STREQ(terse_dtype_name(terse_dtype(getArtifactDType(DType::si(1)))), "i1");
  for (uint32_t bad : {0u, 0x2000u, 0x2009u, 0x2080u, 0x4008u, 0xffffffffu}) {
    EXPECT_EQ(terse_dtype_size(terse_dtype(bad)), 0u);
    EXPECT_FALSE(parseArtifactDType(bad));
  }
}

} // namespace
